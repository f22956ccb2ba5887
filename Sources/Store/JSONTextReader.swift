/// Reads lists and maps of strings (RFC 8259) without building anything in between. Every function gives nil where the text says
/// something else.
struct JSONTextReader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// A value and nothing behind it.
    mutating func whole<Value>(_ read: (inout JSONTextReader) -> Value?) -> Value? {
        guard let value = read(&self) else { return nil }
        skipSpace()
        return at == bytes.count ? value : nil
    }

    /// `[…]` and nothing behind it.
    mutating func list<Element>(_ element: (inout JSONTextReader) -> Element?) -> [Element]? {
        whole { $0.sequence(open: "[", close: "]", element) }
    }

    /// `{"name": …}` in the order of the text.
    mutating func members<Value>(_ value: (inout JSONTextReader) -> Value?) -> [(String, Value)]? {
        sequence(open: "{", close: "}") { reader in
            guard let name = reader.string(), reader.take(":"), let value = value(&reader) else { return nil }
            return (name, value)
        }
    }

    private mutating func sequence<Element>(
        open: Unicode.Scalar, close: Unicode.Scalar, _ element: (inout JSONTextReader) -> Element?
    ) -> [Element]? {
        guard take(open) else { return nil }
        if take(close) { return [] }
        var elements: [Element] = []
        repeat {
            guard let next = element(&self) else { return nil }
            elements.append(next)
        } while take(",")
        return take(close) ? elements : nil
    }

    mutating func string() -> String? {
        guard take("\"") else { return nil }
        let start = at
        while at < bytes.count, bytes[at] != 0x22, bytes[at] != 0x5C { at += 1 }
        guard at < bytes.count else { return nil }
        if bytes[at] == 0x22 {
            defer { at += 1 }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }
        var out = Array(bytes[start..<at])
        while at < bytes.count {
            switch bytes[at] {
            case 0x22:
                at += 1
                return String(decoding: out, as: UTF8.self)
            case 0x5C: guard escape(into: &out) else { return nil }
            case let byte:
                out.append(byte)
                at += 1
            }
        }
        return nil
    }

    private mutating func escape(into out: inout [UInt8]) -> Bool {
        guard at + 1 < bytes.count else { return false }
        let kind = bytes[at + 1]
        at += 2
        switch kind {
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "b"): out.append(8)
        case UInt8(ascii: "f"): out.append(12)
        case UInt8(ascii: "u"):
            guard var code = unit() else { return false }
            if (0xD800..<0xDC00).contains(code), at + 1 < bytes.count, bytes[at] == 0x5C, bytes[at + 1] == UInt8(ascii: "u") {
                at += 2
                guard let low = unit() else { return false }
                code = 0x10000 + (code - 0xD800) << 10 + (low &- 0xDC00) & 0x3FF
            }
            out += Array(String(Character(Unicode.Scalar(code) ?? "\u{FFFD}")).utf8)
        case 0x22, 0x5C, 0x2F: out.append(kind)
        default: return false
        }
        return true
    }

    /// Four hex digits.
    private mutating func unit() -> UInt32? {
        guard at + 4 <= bytes.count, let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16) else { return nil }
        at += 4
        return code
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == UInt8(ascii: scalar) else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() { while at < bytes.count, bytes[at] == 0x20 || (9...13).contains(bytes[at]) { at += 1 } }
}
