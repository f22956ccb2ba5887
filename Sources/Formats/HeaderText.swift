/// Header field values: unfolding, raw eight-bit bytes, and encoded-words (RFC 2047) in right and wrong forms.
enum HeaderText {
    /// Decodes unstructured text such as a subject; white space runs at folds become one blank, control characters go.
    static func decode(_ raw: [UInt8], hint: String?) -> String {
        Charset.string(decodeWords(utf8(raw, hint: hint)))
    }

    /// Unfolded, as UTF-8, encoded-words still in place.
    static func utf8(_ raw: [UInt8], hint: String?, keepsBlanks: Bool = false) -> [UInt8] {
        let line = keepsBlanks ? withoutLineBreaks(raw) : unfolded(raw)
        if line.allSatisfy({ $0 < 0x80 && $0 != 0x1B }) { return line }
        return Charset.decode(line, label: nil, hint: hint).filter { $0 >= 0x20 && $0 != 0x7F || $0 == ASCII.tab }
    }

    /// One line; other control characters than the escapes of old charsets are dropped.
    static func unfolded(_ raw: [UInt8]) -> [UInt8] {
        let hasWords = ASCII.find("=?", in: raw) != nil
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        raw.withUnsafeBufferPointer { raw in
            var i = 0
            while i < raw.count, ASCII.isSpace(raw[i]) { i += 1 }
            while i < raw.count {
                let start = i
                while i < raw.count, raw[i] >= 0x20 && raw[i] != 0x7F || raw[i] == 0x1B { i += 1 }
                out += UnsafeBufferPointer(rebasing: raw[start..<i])
                guard i < raw.count else { break }
                if raw[i] == ASCII.cr || raw[i] == ASCII.lf {
                    while i < raw.count, ASCII.isSpace(raw[i]) { i += 1 }
                    if hasWords, endsInsideWord(out) { continue }  // a program that folds blindly; blanks in a word are written `_`
                    while let last = out.last, last == ASCII.space { out.removeLast() }
                    if !out.isEmpty, i < raw.count { out.append(ASCII.space) }
                } else {
                    if raw[i] == ASCII.tab { out.append(ASCII.space) }
                    i += 1
                }
            }
        }
        while let last = out.last, ASCII.isSpace(last) { out.removeLast() }
        return out.first == ASCII.space ? Array(ASCII.trim(out[...])) : out
    }

    /// Whether an encoded-word has begun and not ended.
    private static func endsInsideWord(_ line: [UInt8]) -> Bool {
        var i = line.count - 2
        let far = max(0, line.count - wordLookBack)
        while i >= far, !(line[i] == 0x3D && line[i + 1] == 0x3F) { i -= 1 }
        guard i >= far else { return false }
        var marks = 0
        for k in (i + 2)..<line.count where line[k] == 0x3F {
            marks += 1
            if marks > 2 { return k + 1 == line.count }
        }
        return marks == 2
    }

    /// Longer words are no words of the standard (75 bytes) nor of any program seen.
    private static let wordLookBack = 1000

    /// One line with every blank in its place (RFC 5322 §2.2.3: only the line break goes), for values whose blanks mean something. The tab
    /// that many programs fold with stands for the blank it took the place of.
    private static func withoutLineBreaks(_ raw: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        for (i, byte) in raw.enumerated() {
            if byte == ASCII.tab {
                out.append(i > 0 && raw[i - 1] == ASCII.lf ? ASCII.space : byte)
            } else if byte >= 0x20 && byte != 0x7F || byte == 0x1B {
                out.append(byte)
            }
        }
        return out
    }

    /// A list parted by commas, such as Keywords (RFC 5322 §3.6.5). Empty items are left out.
    static func list(_ raw: [UInt8], hint: String?) -> [String] {
        let line = utf8(raw, hint: hint)
        var items: [String] = []
        var start = 0
        var i = 0
        while i <= line.count {
            if i < line.count, line[i] == 0x3D, let end = endOfWord(in: line, at: i) {
                i = end
                continue
            }
            if i == line.count || line[i] == 0x2C {
                let item = ASCII.trim(decodeWords(Array(ASCII.trim(line[start..<i])))[...])
                if !item.isEmpty { items.append(String(decoding: item, as: UTF8.self)) }
                start = i + 1
            }
            i += 1
        }
        return items
    }

    /// UTF-8 with encoded-words to UTF-8 without.
    static func decodeWords(_ line: [UInt8]) -> [UInt8] {
        guard var i = ASCII.find("=?", in: line) else { return line }
        var out = Array(line[..<i])
        out.reserveCapacity(line.count)
        var pending: Words?
        func flush() {
            guard let words = pending else { return }
            out += Charset.decode(words.decoded(), label: words.charset).map { $0 < 0x20 || $0 == 0x7F ? ASCII.space : $0 }
            pending = nil
        }
        while i < line.count {
            if line[i] == 0x3D, let word = word(in: line, at: i) {
                if pending?.charset != word.charset { flush() }
                // `[SPAM]=?…?=`: gateways put their tag before the word without the blank that RFC 2047 §5 wants between them.
                if pending == nil, out.last == 0x5D { out.append(ASCII.space) }
                if pending == nil { pending = Words(charset: word.charset) }
                pending?.append(line[word.text], isBase64: word.isBase64)
                i = word.end
                continue
            }
            if pending != nil, line[i] == ASCII.space || line[i] == ASCII.tab {  // white space between two words is not text
                var next = i
                while next < line.count, line[next] == ASCII.space || line[next] == ASCII.tab { next += 1 }
                if next < line.count, line[next] == 0x3D, word(in: line, at: next) != nil {
                    i = next
                    continue
                }
            }
            flush()
            out.append(line[i])
            i += 1
        }
        flush()
        return out
    }

    /// Adjacent words of one charset. They are decoded together, because programs split characters between them, and even the groups of
    /// four digits that base64 is made of.
    private struct Words {
        let charset: String
        private var bytes: [UInt8] = []
        private var digits: [UInt8] = []

        init(charset: String) { self.charset = charset }

        mutating func append(_ text: ArraySlice<UInt8>, isBase64: Bool) {
            guard isBase64 else {
                settle()
                HeaderText.q(text, into: &bytes)
                return
            }
            digits += text.lazy.filter { $0 != ASCII.space }
            if digits.count % 4 == 0 || digits.last == 0x3D { settle() }
        }

        private mutating func settle() {
            if digits.isEmpty { return }
            bytes += Base64.decode(digits[...])
            digits.removeAll()
        }

        consuming func decoded() -> [UInt8] {
            settle()
            return bytes
        }
    }

    /// End of the encoded-word at `start`, for parsers that must not look inside it.
    static func endOfWord(in line: [UInt8], at start: Int) -> Int? { word(in: line, at: start)?.end }

    private struct Word {
        var charset: String
        var isBase64: Bool
        var text: Range<Int>
        var end: Int
    }

    /// `=?charset*language?B or Q?text?=`. Blanks inside and a missing end are tolerated.
    private static func word(in line: [UInt8], at start: Int) -> Word? {
        guard start + 6 < line.count, line[start] == 0x3D, line[start + 1] == 0x3F else { return nil }
        var i = start + 2
        while i < line.count, line[i] != 0x3F, line[i] > 0x20, i - start < 64 { i += 1 }
        guard i + 2 < line.count, line[i] == 0x3F, line[i + 2] == 0x3F, i > start + 2 else { return nil }
        let charset = line[(start + 2)..<i].prefix { $0 != 0x2A }
        let encoding = ASCII.lower(line[i + 1])
        guard encoding == 0x62 || encoding == 0x71 else { return nil }
        let first = i + 3
        var end = first
        while end < line.count, !(line[end] == 0x3F && end + 1 < line.count && line[end + 1] == 0x3D) {
            if encoding == 0x62, line[end] != ASCII.space, !Base64.isDigit(line[end]), line[end] != 0x3D { break }
            end += 1
        }
        let isClosed = end + 1 < line.count && line[end] == 0x3F
        if !isClosed, encoding == 0x71 { return nil }
        let after = isClosed ? end + 2 : end < line.count && line[end] == 0x3F ? end + 1 : end
        return Word(
            charset: String(decoding: charset.map(ASCII.lower), as: UTF8.self), isBase64: encoding == 0x62, text: first..<end, end: after)
    }

    private static func q(_ text: ArraySlice<UInt8>, into out: inout [UInt8]) {
        var i = text.startIndex
        while i < text.endIndex {
            if text[i] == 0x3D, i + 2 < text.endIndex, let high = ASCII.hexValue(text[i + 1]), let low = ASCII.hexValue(text[i + 2]) {
                out.append(high << 4 | low)
                i += 3
            } else {
                out.append(text[i] == 0x5F ? ASCII.space : text[i])
                i += 1
            }
        }
    }
}

/// RFC 4648. Decoding skips what is no digit; each `=` ends a group, so concatenated pieces decode too.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, digit) in digits.enumerated() { table[Int(digit)] = UInt8(value) }
        return table
    }()

    static func isDigit(_ byte: UInt8) -> Bool { values[Int(byte)] != 0xFF }

    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var reader = Reader()
        return reader.read(text)
    }

    /// Decodes in pieces. What is no digit is passed over; padding ends a group.
    struct Reader: Sendable {
        private var bits: UInt32 = 0
        private var held: UInt32 = 0

        mutating func read(_ text: ArraySlice<UInt8>) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: (text.count + 3) / 4 * 3 + 3) { out, count in
                values.withUnsafeBufferPointer { values in
                    text.withUnsafeBufferPointer { count = read($0, values, into: out) }
                }
            }
        }

        private mutating func read(
            _ text: UnsafeBufferPointer<UInt8>, _ values: UnsafeBufferPointer<UInt8>, into out: UnsafeMutableBufferPointer<UInt8>
        ) -> Int {
            var count = 0
            var i = 0
            while i < text.count {
                // Four digits that stand together are three bytes.
                while held == 0, i + 4 <= text.count {
                    let (a, b, c, d) = (
                        values[Int(text[i])], values[Int(text[i + 1])], values[Int(text[i + 2])], values[Int(text[i + 3])]
                    )
                    guard a | b | c | d < 64 else { break }
                    let group = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6 | UInt32(d)
                    out[count] = UInt8(truncatingIfNeeded: group >> 16)
                    out[count + 1] = UInt8(truncatingIfNeeded: group >> 8)
                    out[count + 2] = UInt8(truncatingIfNeeded: group)
                    count += 3
                    i += 4
                }
                guard i < text.count else { break }
                let value = values[Int(text[i])]
                if value != 0xFF {
                    bits = bits << 6 | UInt32(value)
                    held += 6
                    if held >= 8 {
                        held -= 8
                        out[count] = UInt8(truncatingIfNeeded: bits >> held)
                        count += 1
                    }
                } else if text[i] == 0x3D {
                    held = 0
                }
                i += 1
            }
            return count
        }
    }

    /// - Parameter lineLength: digits per line, each line ended by CRLF; one line without an end when nil.
    static func encode(_ bytes: some Collection<UInt8>, lineLength: Int? = nil) -> [UInt8] {
        let input = Array(bytes)
        var out: [UInt8] = []
        out.reserveCapacity(input.count * 4 / 3 + 8)
        var column = 0
        var i = 0
        while i < input.count {
            let left = input.count - i
            let group = UInt32(input[i]) << 16 | (left > 1 ? UInt32(input[i + 1]) << 8 : 0) | (left > 2 ? UInt32(input[i + 2]) : 0)
            out.append(digits[Int(group >> 18)])
            out.append(digits[Int(group >> 12 & 63)])
            out.append(left > 1 ? digits[Int(group >> 6 & 63)] : 0x3D)
            out.append(left > 2 ? digits[Int(group & 63)] : 0x3D)
            i += 3
            column += 4
            if let lineLength, column >= lineLength || i >= input.count {
                out += [ASCII.cr, ASCII.lf]
                column = 0
            }
        }
        return out
    }
}
