import Domain
public import Formats
import Synchronization

/// A recorded conversation with a source, and what must come of it. Replayed without any network.
public struct ChannelSample: Sendable {
    public var name: String
    let root: JSONValue

    public init(name: String, bytes: [UInt8]) throws(JSONError) {
        self.name = name
        root = try JSONValue.parse(bytes)
    }

    public var about: String { root["about"]?.plain ?? "" }

    /// - Returns: what differs, a sentence each; empty when all is as expected.
    public func replay(_ file: ChannelFile) async -> [String] {
        let board = Board(exchanges: root["exchanges"]?.array ?? [])
        let now = root["now"].flatMap { DateText.iso8601($0.plain) } ?? Timestamp(seconds: 1_795_000_000)
        let tools = ChannelRun.Tools(
            send: { try board.answer($0) }, keep: { board.keep($0) }, now: { now }, pause: { _ in }, warn: { board.warn($0) })
        var config: [String: JSONValue] = [:]
        if case .object(let members)? = root["config"] { for member in members { config[member.name] = member.value } }
        var problems: [String] = []
        for input in file.inputs where input.isRequired && config[input.name] == nil {
            problems.append("config.\(input.name) is missing in the sample")
        }
        var run = ChannelRun(file, config: config, account: "sample", state: state(file), tools: tools)
        var trouble: ChannelTrouble?
        var sentID: String?
        do {
            if let reply = root["reply"] {
                sentID = try await run.answer(
                    reply["item"] ?? .object([]), text: reply["text"]?.plain ?? "", id: reply["id"]?.plain ?? "r1")
            } else if let push = root["push"] {
                let items = try run.take(push: Self.push(push))
                board.keep(ChannelBatch(stream: "push", items: items, state: run.state))
            } else {
                let name = root["stream"]?.plain
                guard let stream = file.streams.first(where: { name == nil || $0.name == name }) else {
                    return ["there is no stream \(name ?? "")"]
                }
                run.watch.pagesMax = root["pages"].flatMap { Int($0.plain) }
                run.watch.partitionsMax = root["partitions"].flatMap { Int($0.plain) }
                try await run.poll(stream, start: root["start"]?.plain == "latest" ? .latest : .all)
            }
        } catch let error as ChannelTrouble {
            trouble = error
        } catch {
            problems.append("\(error)")
        }
        problems += board.problems + compare(board, trouble, sentID, run.state, file)
        return problems
    }

    static func push(_ value: JSONValue) -> ChannelPushed {
        func pairs(_ name: String) -> [(name: String, value: String)] {
            guard case .object(let members)? = value[name] else { return [] }
            return members.map { ($0.name, $0.value.plain) }
        }
        let body = value["body"].map { $0.string ?? $0.json } ?? ""
        return ChannelPushed(headers: pairs("headers"), query: pairs("query"), body: Array(body.utf8))
    }

    private func state(_ file: ChannelFile) -> ChannelState {
        var state = ChannelState()
        guard let given = root["state"] else { return state }
        func texts(_ name: String) -> [String: String] {
            guard case .object(let members)? = given[name] else { return [:] }
            return Dictionary(members.map { ($0.name, $0.value.plain) }, uniquingKeysWith: { $1 })
        }
        state.session = texts("session")
        state.check = texts("check")
        let stream = file.streams.first { $0.name == root["stream"]?.plain } ?? file.streams.first
        guard let stream else { return state }
        func mark(_ value: JSONValue) -> ChannelState.Mark {
            var mark = ChannelState.Mark()
            if stream.cursor.kind == .seen { mark.seen = (value.array ?? [value]).map(\.plain) } else { mark.cursor = value.plain }
            return mark
        }
        if let seen = given["seen"]?.array {
            state.cursors[key(stream, file)] = .init(); state.cursors[key(stream, file)]?.seen = seen.map(\.plain)
        }
        switch given["cursor"] {
        case .object(let members)?: for member in members { state.cursors["\(stream.name)/\(member.name)"] = mark(member.value) }
        case let value?: state.cursors[key(stream, file)] = mark(value)
        case nil: break
        }
        if let etag = given["etag"]?.plain { state.cursors[key(stream, file), default: .init()].etag = etag }
        return state
    }

    /// Of the only partition: a sample of a channel that goes over a list names one.
    private func key(_ stream: ChannelFile.Stream, _ file: ChannelFile) -> String {
        guard let each = stream.each else { return stream.name }
        guard let name = each.list?.text.split(separator: ".").last, let list = root["config"]?[String(name)] else { return stream.name }
        return "\(stream.name)/\((list.array?.first ?? list).plain)"
    }

    // MARK: Comparing

    private func compare(_ board: Board, _ trouble: ChannelTrouble?, _ sentID: String?, _ state: ChannelState, _ file: ChannelFile)
        -> [String]
    {
        var problems: [String] = []
        let expect = root["expect"] ?? .object([])
        if let error = expect["error"] {
            if let trouble {
                if let wanted = error["do"]?.plain, wanted != trouble.remedy.rawValue {
                    problems.append("the trouble's remedy is \(trouble.remedy.rawValue), not \(wanted): \(trouble.say)")
                }
                if let wait = error["wait"].flatMap({ Double($0.plain) }), trouble.wait != .milliseconds(Int64(wait * 1000)) {
                    problems.append("the wait is \(trouble.wait.map { "\($0)" } ?? "not said"), not \(wait) s")
                }
                if let say = error["say"]?.plain, !trouble.say.contains(say) { problems.append("“\(trouble.say)” does not say “\(say)”") }
            } else {
                problems.append("an error was expected and none came")
            }
        } else if let trouble {
            problems.append("it ended with \(trouble.remedy.rawValue): \(trouble.say)")
        }
        let items = board.items
        if let wanted = expect["interactions"]?.array ?? expect["orders"]?.array ?? expect["customers"]?.array ?? expect["items"]?.array {
            if items.count != wanted.count {
                problems.append("\(items.count) items came, \(wanted.count) were expected: \(items.map(\.externalID))")
            }
            for (index, (item, want)) in zip(items, wanted).enumerated() { problems += Self.differences(item.value, want, at: index) }
        }
        if let cursor = expect["cursor"], cursor != .null { problems += compare(cursor, state, file) }
        if let wanted = expect["sent_id"]?.plain, wanted != sentID { problems.append("sent_id is \(sentID ?? "nothing"), not \(wanted)") }
        return problems
    }

    private func compare(_ cursor: JSONValue, _ state: ChannelState, _ file: ChannelFile) -> [String] {
        guard let stream = file.streams.first(where: { root["stream"] == nil || $0.name == root["stream"]?.plain }) else { return [] }
        func same(_ key: String, _ value: JSONValue) -> [String] {
            let found = state.cursors[key]?.cursor
            if found == value.plain { return [] }
            if let a = found.flatMap(DateText.iso8601), let b = DateText.iso8601(value.plain), a == b { return [] }
            return ["the cursor of \(key) is \(found ?? "not there"), not \(value.plain)"]
        }
        if case .object(let members) = cursor { return members.flatMap { same("\(stream.name)/\($0.name)", $0.value) } }
        return same(key(stream, file), cursor)
    }

    private static func differences(_ found: JSONValue, _ wanted: JSONValue, at index: Int) -> [String] {
        let (a, b) = (flat(ChannelRun.nested(found)), flat(ChannelRun.nested(wanted)))
        var problems: [String] = []
        for name in Set(a.keys).union(b.keys).sorted() where !isSame(a[name], b[name]) {
            problems.append(
                "item \(index + 1), \(name): \(a[name].map { "“\($0)”" } ?? "nothing"), expected \(b[name].map { "“\($0)”" } ?? "nothing")")
        }
        return problems
    }

    private static func isSame(_ a: String?, _ b: String?) -> Bool {
        if a == b { return true }
        guard let a, let b else { return false }
        if let x = DateText.iso8601(a), let y = DateText.iso8601(b), a.count >= 10 { return x == y }
        return false
    }

    /// `author.name` → text, for every leaf.
    private static func flat(_ value: JSONValue, _ prefix: String = "") -> [String: String] {
        switch value {
        case .object(let members):
            members.reduce(into: [:]) { all, member in
                all.merge(flat(member.value, prefix.isEmpty ? member.name : "\(prefix).\(member.name)")) { $1 }
            }
        case .array(let items):
            items.enumerated().reduce(into: [:]) { all, item in all.merge(flat(item.element, "\(prefix)[\(item.offset)]")) { $1 } }
        case .null: [:]
        default: [prefix: value.string ?? value.json]
        }
    }
}

/// Gives the recorded answers in their order and writes down what differs.
private final class Board: Sendable {
    private struct Notes {
        var next = 0
        var problems: [String] = []
        var items: [ChannelItem] = []
        var warnings: [String] = []
    }

    private let exchanges: [JSONValue]
    private let notes = Mutex(Notes())

    init(exchanges: [JSONValue]) { self.exchanges = exchanges }

    var items: [ChannelItem] { notes.withLock { $0.items } }
    var problems: [String] {
        notes.withLock { notes in
            notes.problems
                + (notes.next < exchanges.count
                    ? ["\(exchanges.count - notes.next) of \(exchanges.count) recorded requests were not made"] : [])
        }
    }

    func keep(_ batch: ChannelBatch) { notes.withLock { $0.items += batch.items } }
    func warn(_ text: String) { notes.withLock { $0.warnings.append(text) } }

    func answer(_ call: ChannelCall) throws -> ChannelAnswer {
        let index = notes.withLock { notes in
            defer { notes.next += 1 }
            return notes.next
        }
        guard exchanges.indices.contains(index) else {
            throw ChannelCallError(description: "a request too many: \(call.method) \(ChannelSample.readable(call.url))")
        }
        let (request, response) = (exchanges[index]["request"] ?? .object([]), exchanges[index]["response"] ?? .object([]))
        let found = differences(call, request).map { "request \(index + 1), \($0)" }
        notes.withLock { $0.problems += found }
        var headers: [(name: String, value: String)] = []
        if case .object(let members)? = response["headers"] { headers = members.map { ($0.name, $0.value.plain) } }
        let body = response["json"].map { Array($0.json.utf8) } ?? Array((response["text"]?.plain ?? "").utf8)
        return ChannelAnswer(status: response["status"].flatMap { Int($0.plain) } ?? 200, headers: headers, body: body)
    }

    private func differences(_ call: ChannelCall, _ wanted: JSONValue) -> [String] {
        var problems: [String] = []
        if let method = wanted["method"]?.plain, method != call.method { problems.append("method: \(call.method), expected \(method)") }
        if let url = wanted["url"]?.plain, ChannelSample.readable(url) != ChannelSample.readable(call.url) {
            problems.append("url: \(ChannelSample.readable(call.url)), expected \(ChannelSample.readable(url))")
        }
        if case .object(let members)? = wanted["headers"] {
            for member in members {
                let value = call.headers.first { $0.name.lowercased() == member.name.lowercased() }?.value
                if value != member.value.plain {
                    problems.append("header \(member.name): \(value ?? "not there"), expected \(member.value.plain)")
                }
            }
        }
        let body = call.body.map { String(decoding: $0, as: UTF8.self) } ?? ""
        if let json = wanted["json"] {
            let sent = try? JSONValue.parse(Array(body.utf8))
            if sent.map(Self.sorted) != Self.sorted(json) { problems.append("json: \(body), expected \(json.json)") }
        }
        if case .object(let members)? = wanted["form"] {
            let sent = body.split(separator: "&").map { ChannelSample.readable(String($0).replacing("+", with: " ")) }.sorted()
            let expected = members.flatMap { member in (member.value.array ?? [member.value]).map { "\(member.name)=\($0.plain)" } }
                .sorted()
            if sent != expected { problems.append("form: \(sent), expected \(expected)") }
        }
        if let text = wanted["body"]?.plain, text != body { problems.append("body: \(body), expected \(text)") }
        return problems
    }

    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members): .object(members.map { .init($0.name, sorted($0.value)) }.sorted { $0.name < $1.name })
        case .array(let items): .array(items.map(sorted))
        default: value
        }
    }
}

extension ChannelSample {
    /// Percent-decoded.
    static func readable(_ url: String) -> String {
        var out: [UInt8] = []
        let bytes = Array(url.utf8)
        var i = 0
        while i < bytes.count {
            if bytes[i] == 0x25, i + 2 < bytes.count, let byte = UInt8(String(decoding: bytes[(i + 1)...(i + 2)], as: UTF8.self), radix: 16)
            {
                out.append(byte)
                i += 3
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
