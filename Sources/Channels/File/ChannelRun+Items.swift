import Domain
import Formats

extension ChannelRun {
    mutating func items(
        of records: [JSONValue], _ stream: ChannelFile.Stream, _ scope: ChannelScope, since: String?
    ) async throws -> [ChannelItem] {
        let since = since.flatMap(DateText.iso8601)
        var nameless = 0
        defer { if nameless > 0 { tools.warn("\(nameless) records have no external_id; they were left out") } }
        guard !records.isEmpty else { return [] }
        for lookup in stream.lookups { try await look(up: lookup, for: records, stream, scope) }
        var found = records.compactMap { record -> ChannelItem? in
            var inner = scope.with(record: record)
            for lookup in stream.lookups {
                let key = lookup.keys.map { $0.text(inner) ?? "" } ?? ""
                inner.names[lookup.name] = lookups[place(lookup, stream), key] ?? .null
            }
            guard var item = stream.map.item(inner, stream.product, revision: stream.revision) else {
                nameless += 1
                return nil
            }
            item.externalID = StreamReading.short(item.externalID)
            if let since, item.changedAt.map({ $0 < since }) ?? false { return nil }
            return isOurs(item) ? nil : item
        }
        if stream.isGrouped { found = ChannelItem.grouped(found) }
        guard file.reply?.sentID != nil, !found.isEmpty else { return found }
        let sent = try await tools.sent(Set(found.map(\.externalID)))
        return sent.isEmpty ? found : found.filter { !sent.contains($0.externalID) }
    }

    /// A lone object under `[*]` counts as one record.
    static func records(_ path: JSONPath, _ root: JSONValue) -> [JSONValue] {
        let values = path.values(in: root, root: root)
        if path.isSingular, values.count == 1, let items = values[0].array { return items }
        if path.text.hasSuffix("[*]"), let before = try? JSONPath(String(path.text.dropLast(3))),
            let lone = before.first(in: root, root: root),
            case .object = lone
        {
            return [lone]
        }
        return values.filter { !$0.isNull }
    }

    /// Our own posts come back with everybody's.
    func isOurs(_ item: ChannelItem) -> Bool {
        guard let me = state.check["self"], !me.isEmpty else { return false }
        return item["author.id"]?.plain == me
    }

    // MARK: Look-ups

    /// A look-up that asks for each form anew knows each form's things apart.
    private func place(_ lookup: ChannelFile.Lookup, _ stream: ChannelFile.Stream) -> String {
        let usesPartition = stream.each.map { each in ChannelFile.texts(lookup.request).contains { $0.contains(each.name) } } ?? false
        return "\(stream.name)/\(lookup.name)" + (usesPartition ? "/\(partition)" : "")
    }

    private mutating func look(
        up lookup: ChannelFile.Lookup, for records: [JSONValue], _ stream: ChannelFile.Stream, _ scope: ChannelScope
    ) async throws {
        let (place, now) = (place(lookup, stream), tools.now())
        guard let keys = lookup.keys else {
            guard !lookups.knows(place, "", now) else { return }
            let answer = try await ask { run throws(ChannelCallError) in
                (try CallBuilder(lookup.request, base: run.file.base, scope), scope)
            }
            guard !answer.isIgnored else { return lookups.put(place, "", nil, until: now + lookup.cache) }
            let root = try document(answer, .json, decode: nil, body: nil)
            let value = lookup.records.map { path in
                path.isSingular ? path.first(in: root, root: root) ?? .null : .array(path.values(in: root, root: root))
            }
            return lookups.put(place, "", value ?? root, until: now + lookup.cache)
        }
        guard let recordsPath = lookup.records, let index = lookup.index else { return }
        var wanted: [String] = []
        var seen: Set<String> = []
        for record in records {
            guard let key = keys.text(scope.with(record: record)), !key.isEmpty, !lookups.knows(place, key, now) else { continue }
            if seen.insert(key).inserted { wanted.append(key) }
        }
        for from in stride(from: 0, to: wanted.count, by: lookup.batch) {
            let some = wanted[from..<min(from + lookup.batch, wanted.count)]
            var inner = scope
            inner.names["keys"] = .array(some.map { .string($0) })
            let answer = try await ask { [inner] run throws(ChannelCallError) in
                (try CallBuilder(lookup.request, base: run.file.base, inner), inner)
            }
            // What it knows nothing of is not asked again at once.
            for key in some { lookups.put(place, key, nil, until: now + min(lookup.cache, LookupCache.unknownFor)) }
            if answer.isIgnored { continue }
            let root = try document(answer, .json, decode: nil, body: nil)
            for record in Self.records(recordsPath, root) {
                if let key = index.first(in: record, root: root)?.plain { lookups.put(place, key, record, until: now + lookup.cache) }
            }
        }
    }
}

/// What look-ups found, for as long as the file says. Forgotten when the program ends.
public struct LookupCache: Sendable {
    static let entriesMax = 20_000
    static let unknownFor = Duration.seconds(600)

    private struct Entry: Sendable {
        /// Nil where the source knows nothing of the key.
        var value: JSONValue?
        var until: Timestamp
    }
    private var entries: [String: [String: Entry]] = [:]
    private var count = 0

    public init() {}

    func knows(_ place: String, _ key: String, _ now: Timestamp) -> Bool { entries[place]?[key].map { $0.until > now } ?? false }

    /// Also what has just run out: it was fresh when the page was asked for.
    subscript(place: String, key: String) -> JSONValue? { entries[place]?[key]?.value }

    mutating func put(_ place: String, _ key: String, _ value: JSONValue?, until: Timestamp) {
        if entries[place]?[key] == nil { count += 1 }
        if count > Self.entriesMax {
            entries = [:]
            count = 1
        }
        entries[place, default: [:]][key] = Entry(value: value, until: until)
    }
}

/// What a source says may still be asked until it counts anew.
public struct RateBudget: Sendable, Hashable {
    var remaining: Double
    var reset: Timestamp

    /// The last tenth is spread over the time that is left, so that others who use the same key are not shut out.
    /// - Parameter usual: how many there are in all.
    func pause(usual: Int, now: Timestamp) -> Duration {
        let few = usual > 100_000 ? 10 : max(1, Double(usual) / 10)
        guard reset > now, remaining < few else { return .zero }
        return (reset - now) / (max(0, remaining) + 1)
    }
}
