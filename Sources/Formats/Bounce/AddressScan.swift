/// Finds mail addresses in a machine's text. A grammar for what stands in bounces, not for what may be sent (RFC 5321 §4.1.2).
struct AddressScan {
    struct Found: Hashable {
        var address: String
        /// Bytes of the line that it covers, brackets or quotes included.
        var range: Range<Int>
        var isBracketed: Bool
    }

    static let lineBytesMax = 8192
    static let addressBytesMax = 320

    /// Every address of a line, from left to right.
    static func all(_ line: String) -> [Found] {
        let bytes = Array(line.utf8.prefix(lineBytesMax))
        var found: [Found] = []
        var from = 0
        while let at = bytes[from...].firstIndex(of: 0x40) {
            from = at + 1
            let start = localStart(bytes, at)
            var end = at + 1
            while end < bytes.count, isDomain(bytes[end]) { end += 1 }
            while end > at + 1, bytes[end - 1] == 0x2E || bytes[end - 1] == 0x2D { end -= 1 }
            guard start < at, end > at + 1, end - start <= addressBytesMax,
                bytes[(at + 1)..<end].contains(where: { ASCII.isLetter($0) || $0 >= 0x80 })
            else {
                continue
            }
            let local = bytes[start..<at]
            if local.first != 0x22, hasEmptyAtom(local) { continue }
            let before = start > 0 ? bytes[start - 1] : 0
            let after = end < bytes.count ? bytes[end] : 0
            let isBracketed = before == 0x3C && after == 0x3E
            let isQuoted = (before == 0x22 && after == 0x22) || (before == 0x27 && after == 0x27) || (before == 0x5B && after == 0x5D)
            let hasDot = bytes[(at + 1)..<end].contains(0x2E)
            guard hasDot || isBracketed else { continue }
            let outer = isBracketed || isQuoted ? (start - 1)..<(end + 1) : start..<end
            found.append(Found(address: String(decoding: bytes[start..<end], as: UTF8.self), range: outer, isBracketed: isBracketed))
            from = end
        }
        return found
    }

    /// The address of a field that should hold nothing else.
    static func bare(_ text: String) -> String? {
        if let first = all(text).first { return first.address }
        let word = ASCII.trim(text.filter { $0 != "<" && $0 != ">" })
        guard word.utf8.count <= addressBytesMax, let at = word.utf8.firstIndex(of: 0x40), at > word.utf8.startIndex,
            !word.utf8.contains(where: ASCII.isSpace), !hasEmptyAtom(Array(word.utf8[..<at])[...])
        else { return nil }
        return word
    }

    private static func localStart(_ bytes: [UInt8], _ at: Int) -> Int {
        if at > 0, bytes[at - 1] == 0x22, let quote = bytes[..<(at - 1)].lastIndex(of: 0x22) { return quote }
        var start = at
        while start > 0, isLocal(bytes[start - 1]) { start -= 1 }
        // A quotation mark or an equals sign of the text around it.
        while start < at, bytes[start] == 0x27 || bytes[start] == 0x60 || bytes[start] == 0x2E { start += 1 }
        // `smtp=ana@…`, `mailto:ana@…`; an encoded word (`=?utf-8?…`) is part of the address.
        if let sign = bytes[start..<at].firstIndex(of: 0x3D), sign > start, bytes[sign + 1] != 0x3F,
            bytes[start..<sign].allSatisfy(ASCII.isLetter)
        {
            start = sign + 1
        }
        return start
    }

    /// `a..b`, which no server would have taken: somebody shortened it.
    private static func hasEmptyAtom(_ local: ArraySlice<UInt8>) -> Bool {
        if local.last == 0x2E { return true }
        return zip(local, local.dropFirst()).contains { $0 == 0x2E && $1 == 0x2E }
    }

    private static func isLocal(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "!#$%&'*+-/=?^_`{|}~.".utf8.contains(byte)
    }

    private static func isDomain(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2E || byte == 0x2D || byte == 0x5F || byte >= 0x80
    }
}
