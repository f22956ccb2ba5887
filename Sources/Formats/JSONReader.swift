/// Reads one JSON document (RFC 8259) from UTF-8 bytes. Strict, except that broken UTF-8 and lone surrogates become U+FFFD.
struct JSONReader {
    static let bytesMax = 256 << 20
    static let depthMax = 200

    private let bytes: UnsafeBufferPointer<UInt8>
    private var i = 0
    private var depth = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        if bytes.count > Self.bytesMax { throw error("the document has \(bytes.count) bytes, more than the \(Self.bytesMax) allowed") }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { i = 3 }
        skipSpace()
        if i == bytes.count { throw error("there is no value, only white space") }
        let value = try value()
        skipSpace()
        if i < bytes.count { throw error("something follows the end of the document: \(shown)") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard i < bytes.count else { throw ended() }
        switch bytes[i] {
        case 0x7B: return try object()
        case 0x5B: return try array()
        case 0x22: return .string(try string())
        case 0x2D, 0x30...0x39: return .number(try number())
        case 0x74: return try word("true", .bool(true))
        case 0x66: return try word("false", .bool(false))
        case 0x6E: return try word("null", .null)
        default: throw error("a value is missing here: \(shown)")
        }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try descend()
        defer { depth -= 1 }
        var members: [JSONValue.Member] = []
        if closes(0x7D) { return .object([]) }
        while true {
            skipSpace()
            guard i < bytes.count else { throw ended() }
            guard bytes[i] == 0x22 else { throw error("a member's name in double quotes is missing here: \(shown)") }
            let name = try string()
            skipSpace()
            guard i < bytes.count else { throw ended() }
            guard bytes[i] == 0x3A else { throw error("a colon is missing after the name \(name.debugDescription): \(shown)") }
            i += 1
            skipSpace()
            members.append(JSONValue.Member(name, try value()))
            if closes(0x7D) { return .object(members) }
            try comma("}")
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try descend()
        defer { depth -= 1 }
        var items: [JSONValue] = []
        if closes(0x5D) { return .array([]) }
        while true {
            skipSpace()
            items.append(try value())
            if closes(0x5D) { return .array(items) }
            try comma("]")
        }
    }

    private mutating func descend() throws(JSONError) {
        depth += 1
        if depth > Self.depthMax { throw error("values are nested more than \(Self.depthMax) deep") }
        i += 1
    }

    private mutating func closes(_ byte: UInt8) -> Bool {
        skipSpace()
        guard i < bytes.count, bytes[i] == byte else { return false }
        i += 1
        return true
    }

    private mutating func comma(_ end: String) throws(JSONError) {
        guard i < bytes.count else { throw ended() }
        guard bytes[i] == 0x2C else { throw error("a comma or \(end) is missing here: \(shown)") }
        i += 1
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let length = text.utf8CodeUnitCount
        guard i + length <= bytes.count else { throw ended() }
        for k in 0..<length where bytes[i + k] != text.utf8Start[k] { throw error("a value is missing here: \(shown)") }
        i += length
        return value
    }

    private mutating func number() throws(JSONError) -> String {
        let start = i
        func isDigit(_ k: Int) -> Bool { k < bytes.count && ASCII.isDigit(bytes[k]) }
        if bytes[i] == 0x2D { i += 1 }
        guard isDigit(i) else { throw i < bytes.count ? error("a digit is missing in a number: \(shown)") : ended() }
        if bytes[i] == 0x30, isDigit(i + 1) { throw error("a number begins with 0: \(shown)") }
        while isDigit(i) { i += 1 }
        if i < bytes.count, bytes[i] == 0x2E {
            i += 1
            guard isDigit(i) else { throw i < bytes.count ? error("a digit is missing after the point: \(shown)") : ended() }
            while isDigit(i) { i += 1 }
        }
        if i < bytes.count, bytes[i] | 0x20 == 0x65 {
            i += 1
            if i < bytes.count, bytes[i] == 0x2B || bytes[i] == 0x2D { i += 1 }
            guard isDigit(i) else { throw i < bytes.count ? error("a digit is missing in the exponent: \(shown)") : ended() }
            while isDigit(i) { i += 1 }
        }
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<i]), as: UTF8.self)
    }

    private mutating func string() throws(JSONError) -> String {
        i += 1
        let start = i
        while i < bytes.count, bytes[i] != 0x22, bytes[i] != 0x5C, bytes[i] >= 0x20 { i += 1 }
        if i < bytes.count, bytes[i] == 0x22 {
            i += 1
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<(i - 1)]), as: UTF8.self)
        }
        var out = Array(bytes[start..<i])
        while i < bytes.count {
            let byte = bytes[i]
            i += 1
            switch byte {
            case 0x22: return String(decoding: out, as: UTF8.self)
            case 0x5C: try escape(into: &out)
            case 0..<0x20:
                i -= 1
                throw error("a string holds a bare control character; write \\n or \\u00XX")
            default: out.append(byte)
            }
        }
        throw ended()
    }

    private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
        guard i < bytes.count else { throw ended() }
        let byte = bytes[i]
        i += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: out.append(byte)
        case 0x62: out.append(8)
        case 0x66: out.append(12)
        case 0x6E: out.append(ASCII.lf)
        case 0x72: out.append(ASCII.cr)
        case 0x74: out.append(ASCII.tab)
        case 0x75: out += Array(String(Character(try scalar())).utf8)
        default:
            i -= 1
            throw error("a backslash may not stand before \(shown)")
        }
    }

    /// Four hexadecimal digits, or eight of a surrogate pair.
    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let first = try hex()
        if (0xD800...0xDBFF).contains(first), i + 1 < bytes.count, bytes[i] == 0x5C, bytes[i + 1] == 0x75 {
            let back = i
            i += 2
            let second = try hex()
            if (0xDC00...0xDFFF).contains(second) {
                return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
            }
            i = back
        }
        return Unicode.Scalar(first) ?? "\u{FFFD}"
    }

    private mutating func hex() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard i < bytes.count else { throw ended() }
            guard let digit = ASCII.hexValue(bytes[i]) else { throw error("\\u wants four hexadecimal digits: \(shown)") }
            value = value << 4 | UInt32(digit)
            i += 1
        }
        return value
    }

    private mutating func skipSpace() {
        while i < bytes.count, bytes[i] == 0x20 || bytes[i] == 0x0A || bytes[i] == 0x0D || bytes[i] == 0x09 { i += 1 }
    }

    // MARK: errors

    private var shown: String { TextTrim.snippet(String(decoding: bytes[i..<min(i + 24, bytes.count)], as: UTF8.self), max: 16) }
    private func ended() -> JSONError { error("the document ends in the middle; fetch it again") }

    private func error(_ problem: String) -> JSONError {
        var line = 1
        var lineStart = 0
        for k in 0..<min(i, bytes.count) where bytes[k] == ASCII.lf {
            line += 1
            lineStart = k + 1
        }
        return JSONError(line: line, column: i - lineStart + 1, problem: problem)
    }
}
