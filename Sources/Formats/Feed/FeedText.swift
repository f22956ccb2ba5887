/// Small texts of feeds, as bytes.
enum FeedText {
    /// White space runs become one blank.
    static func oneLine(_ text: [UInt8]) -> String {
        let isSimple = text.withUnsafeBufferPointer { text in
            guard let first = text.first, let last = text.last else { return true }
            if ASCII.isSpace(first) || ASCII.isSpace(last) { return false }
            var before: UInt8 = 0
            for byte in text {
                if byte <= ASCII.space, byte != ASCII.space || before == ASCII.space { return false }
                before = byte
            }
            return true
        }
        return isSimple ? Charset.string(text) : TextTrim.oneLine(Charset.string(text))
    }

    /// A byte that HTML writes otherwise.
    static func hasSpecial(_ text: [UInt8]) -> Bool {
        text.contains { $0 == 0x26 || $0 == 0x3C || $0 == 0x3E || $0 == 0x22 || $0 == 0x27 || $0 == 0x60 }
    }

    /// A tag or an entity; `a < b & c` has neither.
    static func hasMarkup(_ text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { bytes in
            var at = ByteScan.find(0x3C, in: bytes, from: 0)
            var mayBeComment = at != nil
            while let i = at, i + 1 < bytes.count {
                if ASCII.isLetter(bytes[i + 1]) || bytes[i + 1] == 0x2F { return true }
                if bytes[i + 1] == 0x21, mayBeComment {
                    if ByteScan.find("-->", in: bytes, from: i) != nil { return true }
                    mayBeComment = false  // nor is there one behind
                }
                at = ByteScan.find(0x3C, in: bytes, from: i + 1)
            }
            at = ByteScan.find(0x26, in: bytes, from: 0)
            while let i = at, i + 1 < bytes.count {
                if ASCII.isLetter(bytes[i + 1]) || bytes[i + 1] == 0x23, bytes[(i + 1)...].prefix(12).contains(0x3B) { return true }
                at = ByteScan.find(0x26, in: bytes, from: i + 1)
            }
            return false
        }
    }

    /// `ann@example.com (Ann)`, `Ann <ann@example.com>`, `Ann`.
    static func author(_ bytes: [UInt8]) -> FeedAuthor? {
        let text = FeedText.oneLine(bytes)
        if text.isEmpty { return nil }
        guard let email = email(in: Array(text.utf8)) else {
            let words = hasMarkup(bytes) ? bytes.withUnsafeBufferPointer { HTMLText.words($0) } : text
            return words.isEmpty ? nil : FeedAuthor(name: words)
        }
        let utf8 = Array(text.utf8)
        var rest = Array(utf8[..<email.lowerBound]) + [ASCII.space] + Array(utf8[email.upperBound...])
        if let mailto = ASCII.find("mailto:", in: rest) { rest.removeSubrange(mailto..<(mailto + 7)) }
        let name = rest.map { [0x28, 0x29, 0x3C, 0x3E, 0x5B, 0x5D, 0x22].contains($0) ? ASCII.space : $0 }
        let address = String(decoding: utf8[email], as: UTF8.self)
        return FeedAuthor(name: TextTrim.oneLine(Charset.string(name)).orElse(address), email: address)
    }

    private static func email(in text: [UInt8]) -> Range<Int>? {
        var from = 0
        while let at = text[from...].firstIndex(of: 0x40) {
            var start = at
            while start > 0, isLocal(text[start - 1]) { start -= 1 }
            var end = at + 1
            while end < text.count, ASCII.isLetter(text[end]) || ASCII.isDigit(text[end]) || text[end] == 0x2D || text[end] == 0x2E {
                end += 1
            }
            while end > at + 1, text[end - 1] == 0x2E { end -= 1 }
            if start < at, text[(at + 1)..<end].contains(0x2E) { return start..<end }
            from = at + 1
        }
        return nil
    }

    private static func isLocal(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x25, 0x26, 0x27, 0x2B, 0x2D, 0x2E, 0x3D, 0x5F: true
        default: ASCII.isLetter(byte) || ASCII.isDigit(byte)
        }
    }
}
