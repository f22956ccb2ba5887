public import Domain
public import Store

/// Reads an item where its fall takes nobody along: in a process of its own.
public struct Trial: Sendable {
    public enum Verdict: Sendable, Hashable {
        /// It was read there, or could not be tried: it may be read here.
        case harmless
        /// That process died of it or did not come to an end; why, in a sentence.
        case fatal(String)
    }

    public var run: @Sendable (SpooledItem) async -> Verdict
    public init(run: @escaping @Sendable (SpooledItem) async -> Verdict) { self.run = run }

    /// What the other process does: reads the item as the digest would, and forgets it.
    public static func digest(_ item: SpooledItem, accounts: [Account], blobs: BlobStore) async {
        let rule = NatureRule(ownAddresses: []) { _ in
            false
        } isOurMark: { _ in
            false
        }
        let digester = Digester(
            accounts: Dictionary(accounts.map { ($0.name, $0) }, uniquingKeysWith: { $1 }), nature: rule, blobs: blobs)
        _ = try? await digester.digest(item)
    }
}
