/// Any JSON document. Numbers keep their text, because ids do not fit into a Double; members keep their order.
public indirect enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    public struct Member: Sendable, Hashable {
        public var name: String
        public var value: JSONValue
        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The first member of that name.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var array: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
    public var isNull: Bool { self == .null }

    /// Reads UTF-8 (RFC 8259); a byte order mark is skipped.
    public static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue { .null }

    /// The value as people read it: a string itself, a number's digits, lists joined by ", ", of an object its label, text, name, title or value.
    public var plain: String { "" }

    /// Compact JSON.
    public var json: String { "" }
}

public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// Both count from 1; the column counts bytes.
    public var line: Int
    public var column: Int
    public var problem: String
    public var description: String { "JSON, line \(line), column \(column): \(problem)" }
}
