import Crypto
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files by content: what `put` returns is the SHA-256 of the bytes, and the same bytes are kept once.
public final class BlobStore: Sendable {
    private let folder: String
    private let queue = DispatchQueue(label: "hongyan.blobs")
    private let drafts = Counter()
    /// Folders that are there for certain; making one costs a round to the disk.
    private let made = Mutex<Set<String>>([])

    /// - Parameter folder: created when it is missing.
    init(folder: String) throws {
        self.folder = folder
        try FileCalls.makeFolder(folder)
        sweepDrafts()
    }

    /// Durable when it returns.
    /// - Returns: SHA-256 of the bytes, lower-case hex.
    @discardableResult
    public func put(_ bytes: [UInt8]) async throws -> String {
        try await onQueue { try self.store(bytes) }
    }

    /// - Throws: `StoreError` when it is not there or no longer what was stored.
    public func get(_ hash: String) async throws -> [UInt8] {
        try Self.check(hash)
        return try await onQueue {
            let bytes = try self.read(hash, from: 0, count: nil)
            guard Signer.hex(SHA256.hash(data: bytes)) == hash else {
                throw StoreError(.blob, "\(self.path(hash)) is damaged. Restore it from a backup.")
            }
            return bytes
        }
    }

    /// A piece of it; empty past its end. Not compared with the hash, for that takes the whole.
    public func read(_ hash: String, from offset: Int, count: Int) async throws -> [UInt8] {
        try Self.check(hash)
        return try await onQueue { try self.read(hash, from: offset, count: count) }
    }

    /// Takes bytes whose hash is known only at their end, piece by piece.
    public func writer() async throws -> BlobWriter {
        try await onQueue {
            try FileCalls.makeFolder("\(self.folder)/incoming")
            return try BlobWriter(store: self, path: "\(self.folder)/incoming/\(getpid())-\(self.drafts.next())")
        }
    }

    private static func check(_ hash: String) throws {
        guard hash.utf8.count == 64, hash.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            throw StoreError(.blob, "an attachment is named by 64 hex digits; this name is something else")
        }
    }

    private func read(_ hash: String, from offset: Int, count: Int?) throws -> [UInt8] {
        let path = path(hash)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileCalls.failure("read", path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileCalls.failure("read", path) }
        let left = max(0, Int(status.st_size) - offset)
        return try FileCalls.read(file, at: offset, count: min(count ?? left, left), path: path)
    }

    func onQueue<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    private func path(_ hash: String) -> String { "\(folder)/\(hash.prefix(2))/\(hash)" }

    private func store(_ bytes: [UInt8]) throws -> String {
        let hash = Signer.hex(SHA256.hash(data: bytes))
        let path = path(hash)
        var status = stat()
        if stat(path, &status) == 0, status.st_size == bytes.count { return hash }
        let parent = try place(hash)
        // One process, one queue: nobody else uses this name. What a crash leaves behind is written over by the next try.
        let draft = "\(path).\(getpid()).part"
        do {
            try Self.write(bytes, draft)
            guard rename(draft, path) == 0 else { throw FileCalls.failure("store", path) }
        } catch {
            unlink(draft)
            throw error
        }
        try FileCalls.sync(folder: parent)
        return hash
    }

    /// The folder a blob lies in, made when it is missing.
    private func place(_ hash: String) throws -> String {
        let parent = "\(folder)/\(hash.prefix(2))"
        if !made.withLock({ $0.contains(parent) }) {
            try FileCalls.makeFolder(parent)
            _ = made.withLock { $0.insert(parent) }
        }
        return parent
    }

    /// Gives a finished draft its name.
    func adopt(_ draft: String, hash: String) throws {
        let parent = try place(hash)
        guard rename(draft, path(hash)) == 0 else { throw FileCalls.failure("store", path(hash)) }
        try FileCalls.sync(folder: parent)
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw FileCalls.failure("write", path) }
        defer { close(file) }
        try FileCalls.write(bytes, to: file, path: path)
        guard fsync(file) == 0 else { throw FileCalls.failure("write", path) }
    }

    /// Drafts of processes that are no more; theirs begin again from the start.
    private func sweepDrafts() {
        guard let list = opendir("\(folder)/incoming") else { return }
        defer { closedir(list) }
        while let entry = readdir(list) {
            // Read where it lies: the last entry's record ends with its name, and a copy of the whole field would reach beyond it.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                UnsafeRawPointer(pointer).withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            guard let process = name.split(separator: "-").first.flatMap({ pid_t($0) }), process > 0 else { continue }
            if kill(process, 0) != 0, errno == ESRCH { unlink("\(folder)/incoming/\(name)") }
        }
    }
}
