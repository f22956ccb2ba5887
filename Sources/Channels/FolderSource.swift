import Domain
import FoundationEssentials
import Glibc

/// A directory of `.eml` files, each one mail. Writers put a file there under a name that starts with a dot or ends in `.tmp`, and rename
/// it when it is whole. Files are never changed or removed; what was read is remembered by name.
struct FolderSource: Source {
    static let stream = "folder"
    static let namesMax = 200_000
    /// Names looked up at once.
    static let sliceCount = 500
    static let batchCount = 200
    static let batchBytes = 8 << 20
    /// Read from a mail over the limit.
    static let headerBytes = MailCut.windowBytes
    /// Read at once of a mail that is wanted whole.
    static let pieceBytes = 1 << 20

    let account: Account

    func poll(into keeper: Keeper) async throws {
        let path = Self.path(account.url)
        let written = try await keeper.cursor(Self.stream)
        var since = written.flatMap { Int64($0) }
        if since == nil, account.start == .latest {
            since = keeper.now().microseconds
            try await keeper.store(Batch(items: [], stream: Self.stream, cursor: since.map { String($0) }))
        }
        var trouble: SourceError?
        let names = try await FileThread.attempt { try Self.names(in: path) }
        for start in stride(from: 0, to: names.count, by: Self.sliceCount) {
            let slice = Array(names[start..<min(start + Self.sliceCount, names.count)])
            let known = try await keeper.known(slice)
            var fresh = slice.filter { !known.contains($0) }[...]
            while !fresh.isEmpty {
                let read = await FileThread.run { [fresh, since] in self.read(fresh, in: path, since: since) }
                fresh = read.rest
                trouble = trouble ?? read.trouble
                if !read.items.isEmpty { try await keeper.store(Batch(items: read.items, stream: Self.stream, cursor: nil)) }
            }
        }
        // Said only now, so that one file nobody may read does not keep the others out.
        if let trouble { throw trouble }
    }

    func fetchWanted(into keeper: Keeper) async throws {
        for name in try await keeper.ledger.wanted() {
            let path = Self.path(account.url) + "/" + name
            guard Self.isMail(name), !name.contains("/") else {
                try await keeper.ledger.giveUp(name, "it is no file of this folder")
                continue
            }
            let sink = try await keeper.ledger.sink()
            do {
                var offset = 0
                while let piece = try await FileThread.attempt({ [offset] in try Self.piece(path, at: offset) }), !piece.isEmpty {
                    try await sink.write(piece)
                    offset += piece.count
                }
                guard offset > 0 else {
                    await sink.abandon()
                    try await keeper.ledger.giveUp(name, "\(path) is no longer there")
                    continue
                }
                var item = RawItem(
                    externalID: name, kind: .mail, bytes: [], meta: [MetaKey.folder: Self.stream, MetaKey.whole: "1"])
                item.stored = try await sink.finish()
                try await keeper.ledger.complete(item)
            } catch {
                await sink.abandon()
                throw error
            }
        }
    }

    /// Nil when the file is gone.
    private static func piece(_ path: String, at offset: Int) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SourceError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { Glibc.close(descriptor) }
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0, let bytes = bytes(descriptor, max: pieceBytes) else {
            throw SourceError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        return bytes
    }

    static func path(_ url: String) -> String { url.hasPrefix("file://") ? String(url.dropFirst(7)) : url }

    /// In byte order, which is the same everywhere.
    static func names(in path: String) throws -> [String] {
        let all: [String]
        do { all = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw SourceError.unreadable(path: path, reason: reason(error))
        }
        guard all.count <= namesMax else { throw SourceError.tooManyFiles(path: path, max: namesMax) }
        return all.filter(isMail).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    static func isMail(_ name: String) -> Bool { !name.hasPrefix(".") && name.lowercased().hasSuffix(".eml") }

    private struct Slice {
        var items: [RawItem] = []
        var rest: ArraySlice<String>
        var trouble: SourceError?
    }

    /// Reads files until the batch is full. A file that vanished meanwhile is passed over.
    private func read(_ names: ArraySlice<String>, in path: String, since: Int64?) -> Slice {
        var slice = Slice(rest: names)
        var bytes = 0
        while let name = slice.rest.first, slice.items.count < Self.batchCount, bytes < Self.batchBytes {
            slice.rest = slice.rest.dropFirst()
            do {
                guard let item = try read(name, path: path + "/" + name, since: since) else { continue }
                slice.items.append(item)
                bytes += item.bytes.count
            } catch {
                slice.trouble = slice.trouble ?? error
            }
        }
        return slice
    }

    private func read(_ name: String, path: String, since: Int64?) throws(SourceError) -> RawItem? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let changed = Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1000
        if let since, changed < since { return nil }
        var meta = [MetaKey.folder: Self.stream, MetaKey.arrivedAt: String(changed)]
        let size = Int(status.st_size)
        let isCut = size > account.sizeBytesMax
        guard let bytes = Self.bytes(descriptor, max: isCut ? Self.headerBytes : size) else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        if isCut { meta[MetaKey.cut] = MailCut.sentence(sizeBytes: size, max: account.sizeBytesMax, place: path) }
        var item = RawItem(externalID: name, kind: .mail, bytes: isCut ? MailCut.firstPart(bytes) : bytes, meta: meta)
        item.isCut = isCut
        return item
    }

    /// Nil when the file cannot be read.
    static func bytes(_ descriptor: Int32, max: Int) -> [UInt8]? {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            while count < max {
                let got = Glibc.read(descriptor, buffer.baseAddress! + count, max - count)
                if got > 0 {
                    count += got
                } else if got == 0 || errno != EINTR {
                    failed = got < 0
                    break
                }
            }
        }
        return failed ? nil : bytes
    }

    static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        switch error.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "it does not exist"
        case .fileReadNoPermission: return "permission denied"
        default: return "file error \(error.code.rawValue)"
        }
    }
}
