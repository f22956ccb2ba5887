import Domain
import Formats

/// Reads documents that lie in files as a channel file reads those of its source. Asks nobody: look-ups stay empty.
struct ChannelReader: Sendable {
    private let account: Account
    private let file: ChannelFile
    /// Nil: what the source pushes.
    private let stream: ChannelFile.Stream?

    /// - Parameter stream: by name; what is pushed, or the first that brings messages, when nil.
    /// - Returns: nil when the file has no such thing.
    init?(_ account: Account, channels: ChannelShelf, stream name: String? = nil) {
        guard let file = account.channel.flatMap({ channels[$0.name] }) else { return nil }
        self.account = account
        self.file = file
        if let name {
            guard let stream = file.streams.first(where: { $0.name == name && $0.product == .interaction }) else { return nil }
            self.stream = stream
        } else if file.push != nil {
            stream = nil
        } else {
            guard let first = file.streams.first(where: { $0.product == .interaction }) else { return nil }
            stream = first
        }
    }

    static func format(of name: String) -> ChannelFile.Stream.Format? {
        switch name.split(separator: ".").last?.lowercased() {
        case "json": .json
        case "jsonl", "ndjson": .jsonl
        case "csv", "tsv": .csv
        case "xml": .xml
        default: nil
        }
    }

    struct Harvest {
        var items: [RawItem] = []
        /// Why a part of it, or all, could not be read.
        var problem: String?
    }

    func read(_ bytes: [UInt8], _ format: ChannelFile.Stream.Format, now: Timestamp) -> Harvest {
        let tools = ChannelRun.Tools(
            send: { _ in throw ChannelCallError(description: "a file asks nothing") }, keep: { _ in }, now: { now })
        let run = ChannelRun(
            file, config: account.channel?.values(for: file) ?? [:], account: account.name, state: ChannelState(), tools: tools)
        let usual = stream?.format ?? file.push?.format ?? .json
        var harvest = Harvest()
        var nameless = 0
        do {
            let whole = try run.document(ChannelAnswer(status: 200, body: bytes), format, decode: nil, body: nil)
            // A line of JSON is a document of its own, unless the source itself writes lines.
            let documents = format == .jsonl && usual != .jsonl ? whole.array ?? [] : [whole]
            for document in documents { take(document, run, &harvest, &nameless) }
        } catch { harvest.problem = error.say }
        if nameless > 0 { harvest.problem = "\(nameless) of its records have no external_id, see channels/\(file.name).yaml" }
        if harvest.problem != nil, !harvest.items.isEmpty { harvest.problem? += "; the other \(harvest.items.count) are stored" }
        return harvest
    }

    private func take(_ document: JSONValue, _ run: ChannelRun, _ harvest: inout Harvest, _ nameless: inout Int) {
        guard let records = stream?.records ?? file.push?.records, let map = stream?.map ?? file.push?.map else { return }
        let conditions = stream?.conditions ?? file.push?.conditions ?? []
        var scope = run.scope()
        scope.root = document
        for record in ChannelRun.records(records, document) {
            var inner = scope.with(record: record)
            for lookup in stream?.lookups ?? [] { inner.names[lookup.name] = .null }
            guard conditions.allSatisfy({ $0.holds(inner) }) else { continue }
            guard let item = map.item(inner, .interaction, revision: stream?.revision) else {
                nameless += 1
                continue
            }
            harvest.items.append(item.raw(stream: stream?.name ?? file.push?.stream ?? ChannelRun.pushStream, channel: file.name))
        }
    }
}
