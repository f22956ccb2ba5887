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
    public static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            var reader = JSONReader(buffer)
            return try reader.document()
        }
    }

    /// The value as people read it: a string itself, a number's digits, yes or no, lists joined by ", ", of an object its
    /// label, text, name, title or value, else all members as `name: value`.
    public var plain: String {
        switch self {
        case .null: return ""
        case .bool(let value): return value ? "yes" : "no"
        case .number(let text), .string(let text): return text
        case .array(let items): return items.map(\.plain).filter { !$0.isEmpty }.joined(separator: ", ")
        case .object(let members):
            for name in ["label", "labels", "text", "name", "title", "value"] {
                if let text = self[name]?.plain, !text.isEmpty { return text }
            }
            return members.map { "\($0.name): \($0.value.plain)" }.joined(separator: ", ")
        }
    }

    /// Compact JSON.
    public var json: String {
        var out: [UInt8] = []
        write(into: &out)
        return Charset.string(out)
    }

    private func write(into out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .number(let text): out += text.utf8
        case .string(let text): Self.quote(text, into: &out)
        case .array(let items):
            out.append(0x5B)
            for (index, item) in items.enumerated() {
                if index > 0 { out.append(0x2C) }
                item.write(into: &out)
            }
            out.append(0x5D)
        case .object(let members):
            out.append(0x7B)
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(0x2C) }
                Self.quote(member.name, into: &out)
                out.append(0x3A)
                member.value.write(into: &out)
            }
            out.append(0x7D)
        }
    }

    private static func quote(_ text: String, into out: inout [UInt8]) {
        out.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: out += [0x5C, byte]
            case ASCII.lf: out += "\\n".utf8
            case ASCII.cr: out += "\\r".utf8
            case ASCII.tab: out += "\\t".utf8
            case 0..<0x20: out += ((byte < 16 ? "\\u000" : "\\u00") + String(byte, radix: 16)).utf8
            default: out.append(byte)
            }
        }
        out.append(0x22)
    }
}

public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// Both count from 1; the column counts bytes.
    public var line: Int
    public var column: Int
    public var problem: String
    public var description: String { "JSON, line \(line), column \(column): \(problem)" }
}
