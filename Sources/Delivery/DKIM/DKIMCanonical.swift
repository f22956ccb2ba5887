/// The relaxed canonical forms (RFC 6376 §3.4.2, §3.4.4): what a signature covers, whatever white space a relay changes.
enum DKIMCanonical {
    /// One header field of a message, found by its place in the bytes.
    struct Field: Sendable, Hashable {
        /// Lower-cased.
        var name: String
        /// With its folds, without the last CRLF.
        var bytes: [UInt8]
    }

    /// The fields of a header whose lines end in CRLF, in order, and the body after the empty line.
    static func split(_ mail: [UInt8]) -> (fields: [Field], body: ArraySlice<UInt8>) {
        var fields: [Field] = []
        var start = 0
        while start < mail.count {
            var end = lineEnd(mail, from: start)
            if end == start { return (fields, mail[min(start + 2, mail.count)...]) }
            // A line that begins with white space goes on with the field before it.
            while end + 2 < mail.count, mail[end + 2] == 0x20 || mail[end + 2] == 0x09 { end = lineEnd(mail, from: end + 2) }
            let field = mail[start..<end]
            let name = field.prefix { $0 != 0x3A }.filter { $0 != 0x20 && $0 != 0x09 }.map(lower)
            fields.append(Field(name: String(decoding: name, as: UTF8.self), bytes: Array(field)))
            start = end + 2
        }
        return (fields, mail[mail.endIndex...])
    }

    /// Name in small letters, no white space around the colon, one blank for each run of white space, folds undone. Without a line end.
    static func header(_ field: [UInt8]) -> [UInt8] {
        let colon = field.firstIndex(of: 0x3A) ?? field.endIndex
        var out = field[..<colon].filter { !isSpace($0) && $0 != 0x0D && $0 != 0x0A }.map(lower)
        out.append(0x3A)
        var isGap = false
        let begin = out.count
        for byte in field[min(colon + 1, field.endIndex)...] {
            if byte == 0x0D || byte == 0x0A { continue }
            if isSpace(byte) {
                isGap = true
                continue
            }
            if isGap, out.count > begin { out.append(0x20) }
            isGap = false
            out.append(byte)
        }
        return out
    }

    /// White space at a line's end and empty lines at the body's end do not count; other runs of it are one blank. A body that is not
    /// empty ends in CRLF.
    static func body(_ body: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(body.count + 2)
        var emptyLines = 0
        var hasText = false
        var isGap = false
        var index = body.startIndex
        while index < body.endIndex {
            let byte = body[index]
            if byte == 0x0D, index + 1 < body.endIndex, body[index + 1] == 0x0A {
                emptyLines += 1
                hasText = false
                isGap = false
                index += 2
                continue
            }
            index += 1
            if isSpace(byte) {
                isGap = true
                continue
            }
            if !hasText {
                for _ in 0..<emptyLines { out += [0x0D, 0x0A] }
                emptyLines = 0
                hasText = true
            }
            if isGap { out.append(0x20) }
            isGap = false
            out.append(byte)
        }
        return out.isEmpty ? [] : out + [0x0D, 0x0A]
    }

    private static func lineEnd(_ mail: [UInt8], from start: Int) -> Int {
        var at = start
        while at < mail.count {
            if mail[at] == 0x0D, at + 1 < mail.count, mail[at + 1] == 0x0A { return at }
            at += 1
        }
        return mail.count
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
