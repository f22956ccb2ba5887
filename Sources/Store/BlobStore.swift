import Crypto
import Dispatch

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files by content: what `put` returns is the SHA-256 of the bytes, and the same bytes are kept once.
public final class BlobStore: Sendable {
    private let folder: String
    private let queue = DispatchQueue(label: "hongyan.blobs")

    /// - Parameter folder: created when it is missing.
    init(folder: String) throws {
        self.folder = folder
        try Self.makeFolder(folder)
    }

    /// Durable when it returns.
    /// - Returns: SHA-256 of the bytes, lower-case hex.
    @discardableResult
    public func put(_ bytes: [UInt8]) async throws -> String {
        try await onQueue { try self.store(bytes) }
    }

    /// - Throws: `StoreError` when it is not there or no longer what was stored.
    public func get(_ hash: String) async throws -> [UInt8] {
        guard hash.utf8.count == 64, hash.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            throw StoreError(.blob, "an attachment is named by 64 hex digits; this name is something else")
        }
        return try await onQueue {
            let bytes = try Self.read(self.path(hash))
            guard Signer.hex(SHA256.hash(data: bytes)) == hash else {
                throw StoreError(.blob, "\(self.path(hash)) is damaged. Restore it from a backup.")
            }
            return bytes
        }
    }

    private func onQueue<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    private func path(_ hash: String) -> String { "\(folder)/\(hash.prefix(2))/\(hash.dropFirst(2).prefix(2))/\(hash)" }

    private func store(_ bytes: [UInt8]) throws -> String {
        let hash = Signer.hex(SHA256.hash(data: bytes))
        let path = path(hash)
        var status = stat()
        if stat(path, &status) == 0, status.st_size == bytes.count { return hash }
        let parent = "\(folder)/\(hash.prefix(2))/\(hash.dropFirst(2).prefix(2))"
        try Self.makeFolder("\(folder)/\(hash.prefix(2))")
        try Self.makeFolder(parent)
        // One process, one queue: nobody else uses this name. What a crash leaves behind is written over by the next try.
        let draft = "\(path).\(getpid()).part"
        do {
            try Self.write(bytes, draft)
            guard rename(draft, path) == 0 else { throw Self.failure("store", path) }
        } catch {
            unlink(draft)
            throw error
        }
        try Self.sync(folder: parent)
        return hash
    }

    private static func makeFolder(_ path: String) throws {
        let names = path.split(separator: "/").dropLast().joined(separator: "/")
        let parent = path.hasPrefix("/") ? "/" + names : names.isEmpty ? "." : names
        var code = mkdir(path, 0o750)
        if code != 0, errno == ENOENT, parent.utf8.count < path.utf8.count {
            try makeFolder(parent)
            code = mkdir(path, 0o750)
        }
        if code == 0 {
            try sync(folder: parent)
        } else if errno != EEXIST {
            throw StoreError.cannotOpen(path, String(cString: strerror(errno)))
        }
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw failure("write", path) }
        defer { close(file) }
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                #if canImport(Glibc)
                    let count = Glibc.write(file, buffer.baseAddress! + written, buffer.count - written)
                #else
                    let count = Darwin.write(file, buffer.baseAddress! + written, buffer.count - written)
                #endif
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure("write", path) }
                written += count
            }
        }
        guard fsync(file) == 0 else { throw failure("write", path) }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("read", path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure("read", path) }
        let size = Int(status.st_size)
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            while filled < size {
                #if canImport(Glibc)
                    let count = Glibc.read(file, buffer.baseAddress! + filled, size - filled)
                #else
                    let count = Darwin.read(file, buffer.baseAddress! + filled, size - filled)
                #endif
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw failure("read", path) }
                if count == 0 { break }
                filled += count
            }
        }
    }

    /// A new name is durable when its folder is.
    private static func sync(folder: String) throws {
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open", folder) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failure("write", folder) }
    }

    private static func failure(_ verb: String, _ path: String) -> StoreError {
        let reason = String(cString: strerror(errno))
        return StoreError(
            verb == "read" ? .blob : .unavailable,
            "cannot \(verb) \(path): \(reason). Check the disk's free space and that the daemon's user may use the folder.")
    }
}
