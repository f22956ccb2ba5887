/// A domain name as we ask for it: lower case, ASCII, without the final dot (RFC 1035 §2.3.1, §3.1).
struct DNSName: Sendable, Hashable, CustomStringConvertible {
    static let labelBytesMax = 63
    /// In text; 255 in a message.
    static let bytesMax = 253

    let description: String

    /// Names outside ASCII become their `xn--` form (IDNA). Nil when no such name can exist.
    init?(_ text: String) {
        var name = text.hasSuffix(".") ? String(text.dropLast()) : text
        if !name.utf8.allSatisfy({ $0 < 0x80 }) {
            // U+3002 is a full stop too, where people write Chinese or Japanese (RFC 3490 §3.1).
            let parts = name.lowercased().split(omittingEmptySubsequences: false) { $0 == "." || $0 == "\u{3002}" }
            let encoded = parts.map { Punycode.label($0) }
            guard !encoded.contains(nil) else { return nil }
            name = encoded.compactMap(\.self).joined(separator: ".")
        }
        name = name.lowercased()
        guard !name.isEmpty, name.utf8.count <= Self.bytesMax else { return nil }
        for label in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...Self.labelBytesMax).contains(label.count), label.allSatisfy(Self.isPlain) else {
                return nil
            }
        }
        description = name
    }

    /// Letters, digits, `-`, and the `_` of service names such as `_dmarc` (RFC 8552).
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "/")  // classless reverse zones (RFC 2317)
    }

    /// The name in a question, its letters in random case: whoever answers must repeat it as it is, which makes forging harder.
    func wire(randomCase: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        var random = SystemRandomNumberGenerator()
        var bits: UInt64 = 0
        for label in description.utf8.split(separator: UInt8(ascii: ".")) {
            bytes.append(UInt8(label.count))
            for byte in label {
                if bits <= 1 { bits = random.next() | 1 << 63 }
                let isUpper = randomCase && bits & 1 == 1 && (0x61...0x7a).contains(byte)
                bits >>= 1
                bytes.append(isUpper ? byte & 0xdf : byte)
            }
        }
        return bytes + [0]
    }
}
