import Domain
import Formats

/// An account that reads what others drop into a directory: mail as `.eml`, anything else through a channel file's `records` and `map`.
struct SpoolSource: Source {
    static let stream = "spool"
    static let batchCount = 200
    static let batchBytes = 8 << 20
    /// Items of one file stored in one transaction.
    static let itemsMax = 500
    static let channelBytesMax = 64 << 20

    let account: Account
    /// Nil when only mail is dropped.
    let reader: ChannelReader?
    let warn: @Sendable (String) -> Void

    func poll(into keeper: Keeper) async throws {
        let folder = SpoolFolder(path: FolderSource.path(account.url))
        let visit = SpoolVisit(folder: folder, account: account, reader: reader, keeper: keeper, warn: warn)
        try await visit.run()
    }
}

/// One look into a spool directory.
struct SpoolVisit {
    let folder: SpoolFolder
    let account: Account
    let reader: ChannelReader?
    let keeper: Keeper
    let warn: @Sendable (String) -> Void

    /// What was read of a file, and what becomes of the file once it is stored.
    private struct Reading: Sendable {
        var name: String
        var items: [RawItem] = []
        /// Why it goes to `failed/`; nil when all of it is stored.
        var reason: String?
    }

    func run() async throws {
        let folder = folder
        var trouble: (any Error)?
        var waiting: [Reading] = []
        var bytes = 0
        for name in try await FileThread.attempt({ try folder.names() }) {
            do {
                guard let reading = try await read(name) else { continue }
                waiting.append(reading)
                bytes += reading.items.reduce(0) { $0 + $1.bytes.count }
            } catch { trouble = trouble ?? error }
            if waiting.count >= SpoolSource.batchCount || bytes >= SpoolSource.batchBytes {
                try await store(waiting)
                (waiting, bytes) = ([], 0)
            }
        }
        try await store(waiting)
        // Said only now, so that one file nobody may read does not keep the others out.
        if let trouble { throw trouble }
    }

    /// First all is committed, then the files move.
    private func store(_ readings: [Reading]) async throws {
        let items = readings.flatMap(\.items)
        for start in stride(from: 0, to: items.count, by: SpoolSource.itemsMax) {
            let some = Array(items[start..<min(start + SpoolSource.itemsMax, items.count)])
            try await keeper.store(Batch(items: some, stream: SpoolSource.stream, cursor: nil))
        }
        let folder = folder
        for reading in readings {
            if let reason = reading.reason {
                warn("\(folder.path)/\(reading.name) goes to failed/: \(reason)")
                try await FileThread.attempt { try folder.fail(reading.name, reason: reason) }
            } else {
                try await FileThread.attempt { try folder.finish(reading.name) }
            }
        }
    }

    /// Nil when it is not its time yet.
    private func read(_ name: String) async throws -> Reading? {
        let folder = folder
        let isMail = name.lowercased().hasSuffix(".eml")
        let max = isMail ? account.sizeBytesMax : min(account.sizeBytesMax, SpoolSource.channelBytesMax)
        switch try await FileThread.attempt({ try folder.read(name, max: max) }) {
        case .nothing: return nil
        case .tooLarge(let size):
            return Reading(
                name: name, reason: "it has \(size) bytes, more than the \(max) that `size_max` allows; raise it and move the file back")
        case .file(let bytes, let changedAt):
            var reading = isMail ? mail(name, bytes, changedAt) : records(name, bytes)
            let isYoung = abs(keeper.now().seconds - changedAt / 1_000_000) < SpoolFolder.patienceSeconds
            if reading.reason != nil, isYoung { return nil }
            if bytes.isEmpty { reading.reason = "it is empty" }
            return reading
        }
    }

    /// The same bytes are the same mail, whatever the file is called.
    private func mail(_ name: String, _ bytes: [UInt8], _ changedAt: Int64) -> Reading {
        guard Self.looksLikeMail(bytes) else {
            return Reading(name: name, reason: "it does not begin with a header field, so it is no mail; look at its first lines")
        }
        let meta = [MetaKey.folder: SpoolSource.stream, MetaKey.arrivedAt: "\(changedAt)"]
        return Reading(name: name, items: [RawItem(externalID: "mail/\(sha256(bytes))", kind: .mail, bytes: bytes, meta: meta)])
    }

    /// `Name: …`, or the `From ` line that some programs write before it.
    static func looksLikeMail(_ bytes: [UInt8]) -> Bool {
        var line = bytes.prefix { $0 != 0x0A }
        if line.starts(with: Array("From ".utf8)) || line.starts(with: Array(">From ".utf8)) {
            line = bytes[line.endIndex...].dropFirst().prefix { $0 != 0x0A }
        }
        guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex else { return false }
        return line[..<colon].allSatisfy { (0x21...0x7E).contains($0) }
    }

    private func records(_ name: String, _ bytes: [UInt8]) -> Reading {
        guard let reader else {
            return Reading(
                name: name, reason: "the account names no `channel`, so only .eml files are read; name one and move the file back")
        }
        guard let format = ChannelReader.format(of: name) else {
            let known = "eml, json, jsonl, csv and xml"
            return Reading(name: name, reason: "its ending says nothing; files end in \(known)")
        }
        let harvest = reader.read(bytes, format, now: keeper.now())
        return Reading(name: name, items: harvest.items, reason: harvest.problem)
    }
}
