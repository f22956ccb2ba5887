/// A value in a YAML file and the place where it stands. Each reading function returns what was asked for or throws at that place.
public struct YAMLNode: Sendable {
    indirect enum Content: Sendable {
        case empty
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case mapping([YAMLMapping.Entry])
    }

    let content: Content
    public let file: String
    public let line: Int
    public let column: Int
    /// The key it stands under; empty for the document.
    public let name: String

    /// An error at this place; `problem` says what is wrong and what to do.
    public func error(_ problem: String) -> RuleError { RuleError(file: file, line: line, column: column, problem: problem) }

    /// Nothing was written: `key:`, `key: ~` or an empty document.
    public var isEmpty: Bool { if case .empty = content { true } else { false } }
    /// Written without quotation marks.
    public var isPlain: Bool { if case .scalar(_, let isPlain) = content { isPlain } else { false } }
    public var isMapping: Bool { if case .mapping = content { true } else { false } }
    public var isList: Bool { if case .list = content { true } else { false } }

    /// A mapping of known keys. An unknown one is an error that names the nearest known one.
    public func mapping(keys: [String]) throws(RuleError) -> YAMLMapping {
        let mapping = try namedEntries()
        for entry in mapping.entries where !keys.contains(entry.key) {
            throw entry.keyNode.error(Self.unknown(entry.key, "is not a key here", of: keys))
        }
        return mapping
    }

    /// A mapping whose keys are names the operator chose (accounts, senders).
    public func namedEntries() throws(RuleError) -> YAMLMapping {
        switch content {
        case .mapping(let entries): return YAMLMapping(node: self, entries: entries)
        case .empty: return YAMLMapping(node: self, entries: [])
        case .scalar, .list: throw error("\(subject) must be a mapping; write `key: value` lines")
        }
    }

    /// Any text, not empty. Numbers and `true` are text too when text is asked for.
    public func string() throws(RuleError) -> String {
        switch content {
        case .scalar(let text, _) where !text.isEmpty: return text
        case .scalar, .empty: throw error("\(subject) is empty; write a text")
        case .list, .mapping: throw error("\(subject) must be a text, not a \(isList ? "list" : "mapping")")
        }
    }

    /// A list of texts; one text alone is a list of one.
    public func strings() throws(RuleError) -> [String] {
        guard case .list(let items) = content else { return [try string()] }
        var all: [String] = []
        for item in items { all.append(try item.string()) }
        return all
    }

    public func list() throws(RuleError) -> [YAMLNode] {
        switch content {
        case .list(let items): return items
        case .empty: return []
        case .scalar, .mapping: throw error("\(subject) must be a list; write `- item` lines or [a, b]")
        }
    }

    public func bool() throws(RuleError) -> Bool {
        switch try string() {
        case "true": return true
        case "false": return false
        case let other: throw error("\(subject) is `\(other)`; write true or false")
        }
    }

    public func int(in range: ClosedRange<Int> = Int.min...Int.max) throws(RuleError) -> Int {
        let text = try string()
        let wanted = range == Int.min...Int.max ? "a whole number" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let value = Int(text), range.contains(value) else { throw error("\(subject) is `\(text)`; write \(wanted)") }
        return value
    }

    /// `250ms`, `30s`, `5m`, `2h`, `3d`, `1w`; `0` needs no unit.
    public func duration(in range: ClosedRange<Duration> = .zero ... .seconds(3650 * 86_400)) throws(RuleError) -> Duration {
        let text = try string()
        guard let value = Self.duration(text) else {
            throw error("\(subject) is `\(text)`; write a number and a unit: 30s, 5m, 2h or 3d")
        }
        guard range.contains(value) else {
            throw error("\(subject) is `\(text)`; write \(Self.words(range.lowerBound)) to \(Self.words(range.upperBound))")
        }
        return value
    }

    /// `512`, `64KB`, `50MB`, `2GB` (powers of 1024).
    public func sizeBytes(in range: ClosedRange<Int> = 0...Int.max) throws(RuleError) -> Int {
        let text = try string()
        let units = [("GB", 30), ("MB", 20), ("KB", 10), ("B", 0)]
        let unit = units.first { text.uppercased().hasSuffix($0.0) }
        let digits = unit.map { text.dropLast($0.0.count) } ?? text[...]
        guard let count = Int(digits), count >= 0, count <= Int.max >> (unit?.1 ?? 0), range.contains(count << (unit?.1 ?? 0)) else {
            let wanted =
                range == 0...Int.max
                ? "a size such as 64KB or 50MB" : "a size from \(Self.size(range.lowerBound)) to \(Self.size(range.upperBound))"
            throw error("\(subject) is `\(text)`; write \(wanted)")
        }
        return count << (unit?.1 ?? 0)
    }

    /// One of the names of an enumeration.
    public func oneOf<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) throws(RuleError) -> Choice where Choice.RawValue == String {
        let text = try string()
        guard let choice = Choice(rawValue: text) else {
            throw error(Self.unknown(text, "is not a value of \(subject)", of: Choice.allCases.map(\.rawValue)))
        }
        return choice
    }

    /// One of names that are known only now (accounts, queues).
    public func oneOf(_ names: [String], what: String) throws(RuleError) -> String {
        let text = try string()
        guard names.contains(text) else { throw error(Self.unknown(text, "is not \(what)", of: names)) }
        return text
    }

    private var subject: String { name.isEmpty ? "this" : "`\(name)`" }

    static func unknown(_ written: String, _ problem: String, of names: [String]) -> String {
        if let nearest = Spelling.nearest(to: written, of: names) { return "`\(written)` \(problem); did you mean `\(nearest)`?" }
        return "`\(written)` \(problem); " + (names.isEmpty ? "remove it" : "use \(Spelling.choice(names))")
    }

    /// What `duration()` reads, where it stands as a key.
    public static func duration(of text: String) -> Duration? { duration(text) }

    static func duration(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard digits.count <= 9, let count = Int64(digits) else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return .milliseconds(count)
        case "s": return .seconds(count)
        case "m": return .seconds(count * 60)
        case "h": return .seconds(count * 3600)
        case "d": return .seconds(count * 86_400)
        case "w": return .seconds(count * 604_800)
        default: return nil
        }
    }

    /// As one would write it: `90s`, `5m`, `2h`, `3d`.
    static func words(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
        if seconds != 0, seconds % 86_400 == 0 { return "\(seconds / 86_400)d" }
        if seconds != 0, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        return seconds != 0 && seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }

    static func size(_ bytes: Int) -> String {
        for (unit, shift) in [("GB", 30), ("MB", 20), ("KB", 10)] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }
}

/// The keys and values of one mapping, in the order they were written.
public struct YAMLMapping: Sendable {
    public struct Entry: Sendable {
        public let key: String
        /// Where the key stands.
        public let keyNode: YAMLNode
        public let value: YAMLNode
    }

    public let node: YAMLNode
    public let entries: [Entry]

    /// The value of a key; nil when it was not written.
    public subscript(key: String) -> YAMLNode? { entries.first { $0.key == key }?.value }

    /// The value of a key that must be there.
    public func required(_ key: String) throws(RuleError) -> YAMLNode {
        guard let value = self[key] else {
            throw node.error("`\(key)` is missing" + (node.name.isEmpty ? "; add it" : " in `\(node.name)`; add it"))
        }
        return value
    }
}
