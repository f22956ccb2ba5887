import Domain
import FoundationEssentials

/// Lists and maps in a column. The empty ones, which most are, cost nothing.
enum JSONText {
    static func encode(_ texts: [String]) throws -> String {
        if texts.isEmpty { return "[]" }
        return "[" + texts.map(quoted).joined(separator: ",") + "]"
    }

    /// Keys in order, so that the same map is the same text.
    static func encode(_ map: [String: String]) throws -> String {
        if map.isEmpty { return "{}" }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(map.reduce(2) { $0 + $1.key.utf8.count + $1.value.utf8.count + 6 })
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
            quote(key, into: &bytes)
            bytes.append(UInt8(ascii: ":"))
            quote(value, into: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    static func encode<Value: Encodable>(_ list: [Value]) throws -> String {
        if list.isEmpty { return "[]" }
        return String(decoding: try JSONEncoder().encode(list), as: UTF8.self)
    }

    /// `{}` for the empty value.
    static func encode<Value: Encodable & Equatable>(_ value: Value, empty: Value) throws -> String {
        value == empty ? "{}" : String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    static func encode(_ integers: [Int64]) -> String { "[" + integers.map(String.init).joined(separator: ",") + "]" }

    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String, empty: Value) throws -> Value {
        if text == "[]" || text == "{}" || text.isEmpty { return empty }
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StoreError(.corrupt, "a column that holds JSON does not hold a \(type)")
        }
    }

    // The shapes that every message has are read by hand: JSONDecoder costs more than all the rest of reading a row.

    static func decode(_ type: [String].Type, _ text: String, empty: [String]) throws -> [String] {
        if text == "[]" || text.isEmpty { return empty }
        var reader = JSONTextReader(text)
        guard let list = reader.list({ $0.string() }) else { throw broken(type) }
        return list
    }

    static func decode(_ type: [String: String].Type, _ text: String, empty: [String: String]) throws -> [String: String] {
        if text == "{}" || text.isEmpty { return empty }
        var reader = JSONTextReader(text)
        guard let members = reader.whole({ $0.members { $0.string() } }) else { throw broken(type) }
        return Dictionary(members, uniquingKeysWith: { $1 })
    }

    static func decode(_ type: [Interaction.Field].Type, _ text: String, empty: [Interaction.Field]) throws -> [Interaction.Field] {
        if text == "[]" || text.isEmpty { return empty }
        var reader = JSONTextReader(text)
        let list = reader.list { reader -> Interaction.Field? in
            guard let members = reader.members({ $0.string() }) else { return nil }
            guard let name = members.last(where: { $0.0 == "name" })?.1, let value = members.last(where: { $0.0 == "value" })?.1 else {
                return nil
            }
            return Interaction.Field(name: name, value: value)
        }
        guard let list else { throw broken(type) }
        return list
    }

    static func encode(_ fields: [Interaction.Field]) -> String {
        if fields.isEmpty { return "[]" }
        return "[" + fields.map { "{\"name\":\(quoted($0.name)),\"value\":\(quoted($0.value))}" }.joined(separator: ",") + "]"
    }

    /// `[{"text":"late","weight":-0.4}]`
    static func encode(_ words: [Mood.Word]) -> String {
        if words.isEmpty { return "[]" }
        return "[" + words.map { "{\"text\":\(quoted($0.text)),\"weight\":\($0.weight.isFinite ? $0.weight : 0)}" }.joined(separator: ",")
            + "]"
    }

    private static func broken(_ type: Any.Type) -> StoreError {
        StoreError(.corrupt, "a column that holds JSON does not hold a \(type)")
    }

    static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 2)
        quote(text, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// RFC 8259 §7.
    private static func quote(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0: bytes += Array("\u{FFFD}".utf8)  // a NUL, as everywhere in the store
            case 1..<32: bytes += Array("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
