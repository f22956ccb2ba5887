/// Whether a text is one mailbox that may be written as it stands: RFC 5322 §3.4 without its obsolete forms, with the lengths of RFC 5321
/// §4.5.3.1 and the letters of all scripts (RFC 6531). Comments may stand around the whole, not beside the `@` (§3.4.1 advises against it).
enum MailboxSyntax {
    static let localBytesMax = 64
    static let domainBytesMax = 255
    static let labelBytesMax = 63

    /// `local@domain`, or a name before `<local@domain>`.
    static func isMailbox(_ text: [UInt8]) -> Bool {
        guard var rest = withoutComments(text[...]) else { return false }
        if isAddress(rest) { return true }
        guard rest.last == 0x3E, let open = openingBracket(rest) else { return false }
        let address = rest[(open + 1)..<(rest.endIndex - 1)]
        rest = rest[..<open]
        return isAddress(address) && isPhrase(rest)
    }

    /// `local@domain` alone.
    static func isAddress(_ text: ArraySlice<UInt8>) -> Bool {
        guard let at = text.lastIndex(of: 0x40) else { return false }
        return isLocal(text[..<at]) && isDomain(text[(at + 1)...])
    }

    /// Atom characters, and all beyond ASCII.
    static func isAtom(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x21, 0x7F, 0x22, 0x28, 0x29, 0x2C, 0x2E, 0x3A, 0x3B, 0x3C, 0x3E, 0x40, 0x5B, 0x5C, 0x5D: false
        default: true
        }
    }

    static func isDotAtom(_ text: ArraySlice<UInt8>) -> Bool {
        var before: UInt8 = 0x2E
        for byte in text {
            if byte == 0x2E {
                if before == 0x2E { return false }
            } else if !isAtom(byte) {
                return false
            }
            before = byte
        }
        return before != 0x2E
    }

    private static func isLocal(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count <= localBytesMax else { return false }
        return isDotAtom(text) || isQuoted(text)
    }

    private static func isQuoted(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count >= 2, text.first == 0x22, text.last == 0x22 else { return false }
        var i = text.startIndex + 1
        let end = text.endIndex - 1
        while i < end {
            switch text[i] {
            case 0x5C:
                guard i + 1 < end, text[i + 1] >= 0x20, text[i + 1] != 0x7F else { return false }
                i += 1
            case 0x22, 0..<0x20, 0x7F: return false
            default: break
            }
            i += 1
        }
        return true
    }

    private static func isDomain(_ text: ArraySlice<UInt8>) -> Bool {
        guard !text.isEmpty, text.count <= domainBytesMax else { return false }
        if text.first == 0x5B {
            return text.count > 2 && text.last == 0x5D
                && text.dropFirst().dropLast().allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x5B && $0 != 0x5C && $0 != 0x5D }
        }
        guard isDotAtom(text) else { return false }
        return text.split(separator: 0x2E).allSatisfy { label in
            guard label.count <= labelBytesMax else { return false }
            return !ASCII.equalsIgnoringCase(label.prefix(4), "xn--".utf8) || isPunycode(label.dropFirst(4))
        }
    }

    /// Words: atoms and quoted strings. Dots are common in names (`Joe Q. Public`), and RFC 5322 §4.1 expects them.
    private static func isPhrase(_ text: ArraySlice<UInt8>) -> Bool {
        var i = text.startIndex
        while i < text.endIndex {
            if text[i] == 0x22 {
                var end = i + 1
                while end < text.endIndex, text[end] != 0x22 { end += text[end] == 0x5C ? 2 : 1 }
                guard end < text.endIndex, isQuoted(text[i...end]) else { return false }
                i = end
            } else if !isAtom(text[i]), text[i] != 0x2E, !ASCII.isSpace(text[i]) {
                return false
            }
            i += 1
        }
        return true
    }

    /// The `<` of the address, behind any quoted string.
    private static func openingBracket(_ text: ArraySlice<UInt8>) -> Int? {
        var i = text.startIndex
        while i < text.endIndex {
            if text[i] == 0x3C { return i }
            if text[i] == 0x22 {
                i += 1
                while i < text.endIndex, text[i] != 0x22 { i += text[i] == 0x5C ? 2 : 1 }
            }
            i += 1
        }
        return nil
    }

    /// Without blanks and comments at both ends; nil when a comment does not end.
    private static func withoutComments(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = ASCII.trim(text)
        while rest.first == 0x28 {
            guard let end = endOfComment(rest, at: rest.startIndex) else { return nil }
            rest = ASCII.trim(rest[end...])
        }
        while rest.last == 0x29 {
            guard let open = lastComment(rest) else { return nil }
            rest = ASCII.trim(rest[..<open])
        }
        return rest
    }

    /// Where the comment begins that ends the text.
    private static func lastComment(_ text: ArraySlice<UInt8>) -> Int? {
        var i = text.startIndex
        while i < text.endIndex {
            if text[i] == 0x22 {
                i += 1
                while i < text.endIndex, text[i] != 0x22 { i += text[i] == 0x5C ? 2 : 1 }
            } else if text[i] == 0x28 {
                guard let end = endOfComment(text, at: i) else { return nil }
                if end == text.endIndex { return i }
                i = end - 1
            }
            i += 1
        }
        return nil
    }

    private static func endOfComment(_ text: ArraySlice<UInt8>, at start: Int) -> Int? {
        var depth = 0
        var i = start
        while i < text.endIndex {
            switch text[i] {
            case 0x5C: i += 1
            case 0x28: depth += 1
            case 0x29:
                depth -= 1
                if depth == 0 { return i + 1 }
            default: break
            }
            i += 1
        }
        return nil
    }

    /// Whether the rest of an `xn--` label decodes (RFC 3492 §6.2) to a label that would be written so: in lower case (RFC 5891 §5.4).
    static func isPunycode(_ text: ArraySlice<UInt8>) -> Bool {
        let delimiter = text.lastIndex(of: 0x2D)
        var decoded = delimiter.map { text[..<$0].map { Unicode.Scalar(ASCII.lower($0)) } } ?? []
        var i = delimiter.map { $0 + 1 } ?? text.startIndex
        guard i < text.endIndex else { return false }
        var (value, position, bias) = (128, 0, 72)
        while i < text.endIndex {
            let before = position
            guard let delta = punycodeDelta(text, &i, bias) else { return false }
            position += delta
            bias = punycodeBias(position - before, length: decoded.count + 1, isFirst: before == 0)
            value += position / (decoded.count + 1)
            position %= decoded.count + 1
            guard value <= 0x10FFFF, let scalar = Unicode.Scalar(UInt32(value)) else { return false }
            decoded.insert(scalar, at: position)
            position += 1
        }
        let label = String(String.UnicodeScalarView(decoded))
        return label.lowercased() == label
    }

    private static func punycodeDelta(_ text: ArraySlice<UInt8>, _ i: inout Int, _ bias: Int) -> Int? {
        var (delta, weight, k) = (0, 1, 36)
        while i < text.endIndex, let digit = punycodeDigit(text[i]) {
            i += 1
            delta += digit * weight
            guard delta < 1 << 40, weight < 1 << 40 else { return nil }
            let threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias
            if digit < threshold { return delta }
            weight *= 36 - threshold
            k += 36
        }
        return nil
    }

    private static func punycodeBias(_ step: Int, length: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? step / 700 : step / 2
        delta += delta / length
        var k = 0
        while delta > 455 {
            delta /= 35
            k += 36
        }
        return k + 36 * delta / (delta + 38)
    }

    private static func punycodeDigit(_ byte: UInt8) -> Int? {
        if ASCII.isDigit(byte) { return Int(byte) - 0x30 + 26 }
        return ASCII.isLetter(byte) ? Int(byte | 0x20) - 0x61 : nil
    }
}
