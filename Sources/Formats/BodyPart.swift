/// One part of a mail: its own header, an empty line, its body.
struct BodyPart {
    static let plainLineMax = 78

    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Parts in a row (RFC 2046 §5.1.1).
    /// - Parameter multipart: the subtype, with parameters of its own.
    init(multipart: String, _ parts: [BodyPart], boundary: String) {
        var out = Array("Content-Type: multipart/\(multipart);\r\n boundary=\"\(boundary)\"\r\n\r\n".utf8)
        out.reserveCapacity(parts.reduce(256) { $0 + $1.bytes.count + 64 })
        for part in parts {
            out += "--\(boundary)\r\n".utf8
            out += part.bytes
            out += "\r\n".utf8  // this line end belongs to the boundary, the one before it to the text
        }
        out += "--\(boundary)--\r\n".utf8
        bytes = out
    }

    /// Text in the transfer encoding that suits it.

    init(_ text: String, type: String) {
        var body = Self.withCRLF(text)
        if !body.isEmpty, body.last != ASCII.lf { body += [ASCII.cr, ASCII.lf] }
        let encoding: String
        let high = body.reduce(0) { $0 + ($1 >= 0x80 ? 1 : 0) }
        if high == 0, Self.isPlain(body) {
            encoding = "7bit"
        } else if high * 6 > body.count {
            encoding = "base64"
            body = Base64.encode(body, lineLength: 76)
        } else {
            encoding = "quoted-printable"
            body = QuotedPrintable.encode(body)
        }
        bytes = Array("Content-Type: \(type); charset=utf-8\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n".utf8) + body
    }

    func contains(_ line: [UInt8]) -> Bool {
        bytes.split(separator: ASCII.lf).contains { $0.starts(with: line) }
    }

    private static func withCRLF(_ text: String) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count + text.utf8.count / 32)
        for byte in Charset.cleaned(Array(text.utf8)) {
            if byte == ASCII.lf { out.append(ASCII.cr) }
            out.append(byte)
        }
        return out
    }

    /// Short lines, none that a mailbox file or a trimming server would change.
    private static func isPlain(_ body: [UInt8]) -> Bool {
        for line in body.split(separator: ASCII.lf) {
            let text = line.last == ASCII.cr ? line.dropLast() : line
            if text.count > plainLineMax || text.last == ASCII.space || text.last == ASCII.tab || text.starts(with: "From ".utf8) {
                return false
            }
            if text.contains(where: { $0 < 0x20 && $0 != ASCII.tab }) { return false }
        }
        return true
    }
}

/// RFC 2045 §6.7.
enum QuotedPrintable {
    private static let digits = Array("0123456789ABCDEF".utf8)
    static let lineMax = 76

    static func escape(_ byte: UInt8) -> [UInt8] { [0x3D, digits[Int(byte >> 4)], digits[Int(byte & 15)]] }

    /// `body` has CRLF line ends.
    static func encode(_ body: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(body.count * 5 / 4)
        var column = 0
        var i = 0
        while i < body.count {
            let byte = body[i]
            if byte == ASCII.cr, i + 1 < body.count, body[i + 1] == ASCII.lf {
                out += [ASCII.cr, ASCII.lf]
                column = 0
                i += 2
                continue
            }
            let isLineEnd = i + 1 >= body.count || body[i + 1] == ASCII.cr
            let isFrom = column == 0 && body[i...].starts(with: "From ".utf8)
            let isBare = byte >= 0x21 && byte <= 0x7E && byte != 0x3D || (byte == ASCII.space || byte == ASCII.tab) && !isLineEnd
            let piece = isBare && !isFrom && !(byte == 0x2E && column == 0) ? [byte] : escape(byte)
            if column + piece.count > lineMax - 1 {
                out += [0x3D, ASCII.cr, ASCII.lf]
                column = 0
            }
            out += piece
            column += piece.count
            i += 1
        }
        return out
    }
}

/// FNV-1a in two lanes: equal on every machine and in every version. For names and ids, not against an attacker.
enum StableHash {
    static func hex(_ text: String) -> String {
        var a: UInt64 = 0xcbf2_9ce4_8422_2325
        var b: UInt64 = 0x8422_2325_cbf2_9ce4
        for byte in text.utf8 {
            a = (a ^ UInt64(byte)) &* 0x100_0000_01b3
            b = (b ^ UInt64(byte &+ 0x5A)) &* 0x100_0000_01b3
        }
        func padded(_ value: UInt64) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return padded(a) + padded(b)
    }
}
