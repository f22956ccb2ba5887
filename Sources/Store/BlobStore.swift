/// Files by content: what `put` returns is the SHA-256 of the bytes, and the same bytes are kept once.
public final class BlobStore: Sendable {
    init() {}

    /// Durable when it returns.
    /// - Returns: SHA-256 of the bytes, lower-case hex.
    @discardableResult
    public func put(_ bytes: [UInt8]) async throws -> String { throw StoreError.notBuilt }

    public func get(_ hash: String) async throws -> [UInt8] { throw StoreError.notBuilt }
}
