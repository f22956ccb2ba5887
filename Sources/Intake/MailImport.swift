import Channels
import Dispatch
import Domain
import Formats
import FoundationEssentials
import Glibc
public import Store

/// Brings old mail into the spool: Maildir folders, mbox files, `.eml` files. A mail is known by its bytes, so doing it again, after an
/// interruption or by mistake, stores nothing twice; a mail that the account's own mailbox brought is recognised when it is digested.
public struct MailImport: Sendable {
    static let batchCount = 200
    static let batchBytes = 4 << 20
    /// A larger file of one mail goes from file to file.
    static let streamedBytesMin = 2 << 20
    static let pieceBytes = 1 << 20
    static let depthMax = 20

    public struct Progress: Sendable {
        public var files = 0
        public var mails = 0
        public var new = 0
        public var bytes = 0
        /// What could not be read, at most `troublesMax` sentences.
        public var troubles: [String] = []
        public var troubleCount = 0

        static let troublesMax = 20

        mutating func trouble(_ text: String) {
            troubleCount += 1
            if troubles.count < Self.troublesMax { troubles.append(text) }
        }
    }

    private let store: Store
    private let account: String

    public init(store: Store, account: String) {
        self.store = store
        self.account = account
    }

    /// - Parameter tell: called after each batch.
    /// - Throws: only the store's trouble; what cannot be read is in the result.
    public func run(_ paths: [String], tell: @Sendable (Progress) -> Void) async throws -> Progress {
        var progress = Progress()
        var open = Open()
        for path in paths { try await visit(path, depth: 0, &open, &progress, tell) }
        try await store(&open, &progress, tell)
        return progress
    }

    /// What waits to be stored.
    private struct Open {
        var items: [RawItem] = []
        var bytes = 0
    }

    private func visit(
        _ path: String, depth: Int, _ open: inout Open, _ progress: inout Progress, _ tell: @Sendable (Progress) -> Void
    ) async throws {
        var status = stat()
        guard stat(path, &status) == 0 else { return progress.trouble("cannot read \(path): \(String(cString: strerror(errno)))") }
        if status.st_mode & S_IFMT == S_IFDIR {
            guard depth < Self.depthMax else { return progress.trouble("\(path) lies more than \(Self.depthMax) folders deep") }
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
                return progress.trouble("cannot read the folder \(path); check that this user may read it")
            }
            let isMaildir = names.contains("cur") || names.contains("new")
            for name in names.sorted() {
                // In a Maildir `tmp` holds mails that are not yet whole, and other files are the server's own.
                if isMaildir, name != "cur", name != "new", !name.hasPrefix(".") { continue }
                if !isMaildir, name.hasPrefix("."), !name.hasPrefix(".maildir"), !Self.isFolder(path + "/" + name) { continue }
                try await visit(path + "/" + name, depth: depth + 1, &open, &progress, tell)
            }
        } else if status.st_mode & S_IFMT == S_IFREG {
            let isInMaildir = path.split(separator: "/").dropLast().last.map { $0 == "cur" || $0 == "new" } ?? false
            // Of a folder that is no Maildir only what looks like mail; what was named is read whatever it is called.
            let name = path.split(separator: "/").last.map(String.init) ?? path
            guard
                depth == 0 || isInMaildir || name.lowercased().hasSuffix(".eml") || name.lowercased().hasSuffix(".mbox")
                    || !name.contains(".")
            else { return }
            progress.files += 1
            try await read(path, status, isInMaildir: isInMaildir, &open, &progress, tell)
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private func read(
        _ path: String, _ status: stat, isInMaildir: Bool, _ open: inout Open, _ progress: inout Progress,
        _ tell: @Sendable (Progress) -> Void
    ) async throws {
        let arrived = Int64(status.st_mtim.tv_sec) * 1_000_000
        guard let file = FileReader(path) else { return progress.trouble("cannot read \(path): \(String(cString: strerror(errno)))") }
        guard var piece = await file.next(Self.pieceBytes) else { return progress.trouble("cannot read \(path)") }
        if !isInMaildir, piece.starts(with: Array("From ".utf8)) {
            var reader = MBoxReader()
            while !piece.isEmpty {
                for mail in reader.feed(piece[...]) { try await add(mail, path, arrived: nil, &open, &progress, tell) }
                guard let next = await file.next(Self.pieceBytes) else { return progress.trouble("\(path) could be read only in part") }
                piece = next
            }
            for mail in reader.finish() { try await add(mail, path, arrived: nil, &open, &progress, tell) }
        } else if Int(status.st_size) > Self.streamedBytesMin {
            try await addStreamed(file, first: piece, path, arrived: arrived, &open, &progress, tell)
        } else if !piece.isEmpty {
            while let more = await file.next(Self.pieceBytes), !more.isEmpty { piece += more }
            try await add(piece, path, arrived: arrived, &open, &progress, tell)
        }
    }

    private func meta(_ path: String, arrived: Int64?) -> [String: String] {
        var meta = [MetaKey.folder: path, MetaKey.imported: "1"]
        meta[MetaKey.arrivedAt] = arrived.map { "\($0)" }
        return meta
    }

    private func add(
        _ bytes: [UInt8], _ path: String, arrived: Int64?, _ open: inout Open, _ progress: inout Progress,
        _ tell: @Sendable (Progress) -> Void
    ) async throws {
        guard !bytes.isEmpty else { return }
        let item = RawItem(externalID: "import/" + sha256(bytes), kind: .mail, bytes: bytes, meta: meta(path, arrived: arrived))
        try await add(item, sizeBytes: bytes.count, &open, &progress, tell)
    }

    private func addStreamed(
        _ file: FileReader, first: [UInt8], _ path: String, arrived: Int64, _ open: inout Open, _ progress: inout Progress,
        _ tell: @Sendable (Progress) -> Void
    ) async throws {
        let writer = try await store.blobs.writer()
        var piece = first
        while !piece.isEmpty {
            try await writer.write(piece)
            guard let next = await file.next(Self.pieceBytes) else {
                await writer.abandon()
                return progress.trouble("\(path) could be read only in part")
            }
            piece = next
        }
        let blob = try await writer.finish()
        var item = RawItem(externalID: "import/" + blob.hash, kind: .mail, bytes: [], meta: meta(path, arrived: arrived))
        item.stored = StoredBytes(hash: blob.hash, sizeBytes: blob.sizeBytes)
        try await add(item, sizeBytes: blob.sizeBytes, &open, &progress, tell)
    }

    private func add(
        _ item: RawItem, sizeBytes: Int, _ open: inout Open, _ progress: inout Progress, _ tell: @Sendable (Progress) -> Void
    ) async throws {
        progress.mails += 1
        progress.bytes += sizeBytes
        open.items.append(item)
        open.bytes += item.bytes.count
        if open.items.count >= Self.batchCount || open.bytes >= Self.batchBytes { try await store(&open, &progress, tell) }
    }

    private func store(_ open: inout Open, _ progress: inout Progress, _ tell: @Sendable (Progress) -> Void) async throws {
        if !open.items.isEmpty {
            let (account, items) = (account, open.items)
            progress.new += try await store.write { try $0.spool.add(account, items) }
            open = Open()
        }
        tell(progress)
    }
}

/// Reads a file piece by piece on a thread of its own.
private final class FileReader: @unchecked Sendable {  // its state is touched on its queue alone, after init
    private let queue = DispatchQueue(label: "hongyan.import")
    private let file: Int32

    init?(_ path: String) {
        file = open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 { return nil }
    }

    deinit { close(file) }

    /// Empty at the end, nil when it cannot be read.
    func next(_ count: Int) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                var failed = false
                let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                    while filled < count {
                        let got = Glibc.read(file, buffer.baseAddress! + filled, count - filled)
                        if got < 0, errno == EINTR { continue }
                        if got < 0 { failed = true }
                        if got <= 0 { break }
                        filled += got
                    }
                }
                continuation.resume(returning: failed ? nil : bytes)
            }
        }
    }
}
