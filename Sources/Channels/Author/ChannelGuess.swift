import Domain
public import Formats

/// What an example answer seems to hold: where its records are, which member of a record is what, how pages go on. Guesses by names and by
/// the shape of values; every guess says why and shows what it sees. Pure.
public struct ChannelGuess: Sendable {
    public static let recordsMax = 50
    static let depthMax = 4
    static let leavesMax = 400

    /// One answer to a question, best first among others.
    public struct Choice: Sendable, Hashable {
        /// As it is written into the file.
        public var value: String
        public var english: String
        public var chinese: String
        /// Two or three values, shortened.
        public var seen: String
        var score: Int

        init(value: String, english: String, chinese: String, seen: String, score: Int) {
            (self.value, self.english, self.chinese, self.seen, self.score) = (value, english, chinese, seen, score)
        }

        /// What a person wrote instead.
        public init(own value: String) { self.init(value: value, english: "", chinese: "", seen: "", score: 0) }
    }

    public struct RecordList: Sendable, Hashable {
        public var path: String
        public var count: Int
        public var members: [String]
        var score: Int
    }

    /// A scalar of the records, under the path that leads to it.
    struct Leaf: Sendable {
        var steps: [String]
        /// Of each record that has one.
        var values: [String]
        var isNumber = true
        /// The last name, in lower-case letters and digits only.
        var name: String
        /// All names, likewise, parted by dots.
        var trail: String
    }

    let root: JSONValue
    public let format: ChannelFile.Stream.Format
    public private(set) var records: [JSONValue] = []
    private(set) var leaves: [Leaf] = []

    // MARK: Reading an example

    /// - Throws: with words about what was expected.
    public init(_ bytes: [UInt8]) throws(ChannelCallError) {
        let start = String(decoding: bytes.prefix(400), as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        guard let first = start.first else {
            throw ChannelCallError(description: "the example is empty; give an answer with at least one record")
        }
        if start.lowercased().hasPrefix("<!doctype html") || start.lowercased().hasPrefix("<html") {
            throw ChannelCallError(description: "the example is a web page, not data; look in the source's documentation for its API")
        }
        if first == "<" {
            guard let tree = XMLTree.read(bytes) else {
                throw ChannelCallError(description: "the example begins like XML, but cannot be read as such")
            }
            (root, format) = (tree, .xml)
        } else if first == "{" || first == "[" {
            do { (root, format) = (try JSONValue.parse(bytes), .json) } catch {
                let lines = bytes.split(separator: 0x0A).filter { !$0.allSatisfy { $0 <= 0x20 } }
                let values = lines.compactMap { try? JSONValue.parse(Array($0)) }
                guard values.count == lines.count, values.count > 1 else { throw ChannelCallError(description: "\(error)") }
                (root, format) = (.array(values), .jsonl)
            }
        } else {
            guard let rows = try? CSV.parse(bytes), let row = rows.first, row.fields.count > 1 else {
                throw ChannelCallError(description: "the example is neither JSON, XML nor CSV with a header row and at least one record")
            }
            (root, format) = (.array(rows.map { .object($0.fields.map { .init($0.name, .string($0.value)) }) }), .csv)
        }
    }

    /// Lists of records in the answer, the likeliest first.
    public var lists: [RecordList] {
        var found: [RecordList] = []
        walk(root, "$", depth: 0, into: &found)
        return found.sorted { ($0.score, $1.path.count) > ($1.score, $0.path.count) }
    }

    private static let listNames: Set<String> = [
        "items", "results", "data", "records", "entries", "entry", "list", "comments", "reviews", "messages", "posts", "responses",
        "submissions",
        "tickets", "conversations", "notifications", "statuses", "item", "result", "rows", "feedback", "threads", "questions", "mentions",
    ]

    private func walk(_ value: JSONValue, _ path: String, depth: Int, into found: inout [RecordList]) {
        guard depth <= Self.depthMax else { return }
        switch value {
        case .object(let members):
            for member in members { walk(member.value, path + Self.step(member.name), depth: depth + 1, into: &found) }
        case .array(let items):
            let objects = items.compactMap { item -> [JSONValue.Member]? in if case .object(let members) = item { members } else { nil } }
            if objects.count == items.count, let first = objects.first {
                let last = path.split(whereSeparator: { ".[]'$".contains($0) }).last.map { $0.lowercased() } ?? ""
                let isNamed = Self.listNames.contains(last) || path == "$"
                let names = first.map(\.name).filter { $0 != "@" }
                let score =
                    min(items.count, 20) * 2 + min(names.count, 10) * 2 + (isNamed ? 15 : 0) - depth * 4
                    - (format == .xml && items.count == 1 ? 30 : 0)
                found.append(RecordList(path: path + "[*]", count: items.count, members: Array(names.prefix(8)), score: score))
            }
            // In XML every child is a list.
            if items.count == 1 || format == .xml, let first = items.first { walk(first, path + "[0]", depth: depth + 1, into: &found) }
        default: break
        }
    }

    /// `.name`, or `['any name']`.
    static func step(_ name: String) -> String {
        let isPlain =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
                    || byte >= 0x80
            }
        return isPlain ? ".\(name)" : "['\(name.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))']"
    }

    // MARK: The records of a list

    /// Looks at the records that stand at a path.
    public mutating func take(_ path: String) throws(ChannelCallError) {
        let read: JSONPath
        do { read = try JSONPath(path) } catch { throw ChannelCallError(description: "\(error)") }
        records = Array(ChannelRun.records(read, root).prefix(Self.recordsMax))
        guard !records.isEmpty else { throw ChannelCallError(description: "nothing stands at \(path) in the example") }
        var order: [String] = []
        var found: [String: Leaf] = [:]
        for record in records { flatten(record, [], &found, &order) }
        leaves = order.compactMap { found[$0] }
    }

    private func flatten(_ value: JSONValue, _ steps: [String], _ found: inout [String: Leaf], _ order: inout [String]) {
        guard steps.count <= Self.depthMax * 2, order.count < Self.leavesMax else { return }
        switch value {
        case .object(let members): for member in members { flatten(member.value, steps + [member.name], &found, &order) }
        case .array(let items): if let first = items.first { flatten(first, steps + ["[0]"], &found, &order) }
        case .null: break
        case .bool: break
        case .string(let text): put(text, isNumber: false, steps, &found, &order)
        case .number(let text): put(text, isNumber: true, steps, &found, &order)
        }
    }

    private func put(_ text: String, isNumber: Bool, _ steps: [String], _ found: inout [String: Leaf], _ order: inout [String]) {
        guard !text.isEmpty, !steps.isEmpty else { return }
        let key = steps.joined(separator: "\u{0}")
        if found[key] == nil {
            let names = steps.filter { $0 != "[0]" && $0 != "#text" }.map(Self.bare)
            found[key] = Leaf(steps: steps, values: [], name: names.last ?? "", trail: names.joined(separator: "."))
            order.append(key)
        }
        found[key]?.values.append(text)
        if !isNumber { found[key]?.isNumber = false }
    }

    static func bare(_ name: String) -> String {
        String(
            name.lowercased().unicodeScalars.filter { $0.value >= 0x80 || $0.properties.isAlphabetic || $0.properties.numericType != nil })
    }

    /// Names that expressions see before the record's own members.
    private static let taken: Set<String> = ["config", "session", "check", "cursor", "now", "item", "reply", "keys", "account"]

    /// The path of a leaf, as an expression of the file.
    static func expression(_ steps: [String]) -> String {
        if let first = steps.first, taken.contains(first), !steps.contains("[0]") {
            return ([". | get('\(first)')"] + steps.dropFirst().map { "get('\($0)')" }).joined(separator: " | ")
        }
        let text = steps.map { $0 == "[0]" ? $0 : step($0) }.joined()
        if text.hasPrefix(".") { return String(text.dropFirst()) }
        return "@" + text
    }
}
