import Crypto
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Numbers for names.
final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}

/// One blob in the making. Calls follow one after another.
public final class BlobWriter: @unchecked Sendable {  // its state is touched on the blob store's queue alone
    private let store: BlobStore
    private let path: String
    private var file: Int32
    private var hash = SHA256()
    private var sizeBytes = 0

    init(store: BlobStore, path: String) throws {
        self.store = store
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw FileCalls.failure("write", path) }
    }

    deinit { discard() }

    public func write(_ bytes: [UInt8]) async throws {
        try await store.onQueue {
            guard self.file >= 0 else { throw StoreError(.blob, "a blob that is finished or given up takes no more bytes") }
            try FileCalls.write(bytes, to: self.file, path: self.path)
            bytes.withUnsafeBytes { self.hash.update(bufferPointer: $0) }
            self.sizeBytes += bytes.count
        }
    }

    /// Durable when it returns.
    public func finish() async throws -> (hash: String, sizeBytes: Int) {
        try await store.onQueue {
            guard self.file >= 0 else { throw StoreError(.blob, "a blob is finished once") }
            guard fsync(self.file) == 0 else { throw FileCalls.failure("write", self.path) }
            close(self.file)
            self.file = -1
            let hash = Signer.hex(self.hash.finalize())
            try self.store.adopt(self.path, hash: hash)
            return (hash, self.sizeBytes)
        }
    }

    /// Leaves nothing behind; harmless after `finish`.
    public func abandon() async { try? await store.onQueue { self.discard() } }

    private func discard() {
        guard file >= 0 else { return }
        close(file)
        file = -1
        unlink(path)
    }
}
