/// Header field values: unfolding, raw eight-bit bytes, and encoded-words (RFC 2047) in right and wrong forms.
enum HeaderText {
    /// Decodes unstructured text such as a subject; white space runs at folds become one blank, control characters go.
    static func decode(_ raw: [UInt8], hint: String?) -> String {
        Charset.string(decodeWords(utf8(raw, hint: hint)))
    }

    /// Unfolded, as UTF-8, encoded-words still in place.
    static func utf8(_ raw: [UInt8], hint: String?) -> [UInt8] {
        let line = unfolded(raw)
        if line.allSatisfy({ $0 < 0x80 && $0 != 0x1B }) { return line }
        return Charset.decode(line, label: nil, hint: hint).filter { $0 >= 0x20 && $0 != 0x7F }
    }

    /// One line; other control characters than the escapes of old charsets are dropped.
    static func unfolded(_ raw: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        var i = 0
        while i < raw.count {
            let byte = raw[i]
            if byte == ASCII.cr || byte == ASCII.lf {
                while i < raw.count, ASCII.isSpace(raw[i]) { i += 1 }
                while let last = out.last, last == ASCII.space { out.removeLast() }
                if !out.isEmpty, i < raw.count { out.append(ASCII.space) }
                continue
            }
            if byte == ASCII.tab {
                out.append(ASCII.space)
            } else if byte >= 0x20 && byte != 0x7F || byte == 0x1B {
                out.append(byte)
            }
            i += 1
        }
        return Array(ASCII.trim(out[...]))
    }

    /// UTF-8 with encoded-words to UTF-8 without.
    static func decodeWords(_ line: [UInt8]) -> [UInt8] {
        guard ASCII.find("=?", in: line) != nil else { return line }
        var out: [UInt8] = []
        var pending: (charset: String, bytes: [UInt8])?  // a character may be split over words of one charset, so they are decoded together
        func flush() {
            guard let word = pending else { return }
            out += Charset.decode(word.bytes, label: word.charset).map { $0 < 0x20 || $0 == 0x7F ? ASCII.space : $0 }
            pending = nil
        }
        var i = 0
        while i < line.count {
            if line[i] == 0x3D, let word = word(in: line, at: i) {
                if pending?.charset != word.charset { flush() }
                pending = (word.charset, (pending?.bytes ?? []) + word.bytes)
                i = word.end
                continue
            }
            if pending != nil, line[i] == ASCII.space {  // white space between two words is not text
                var next = i
                while next < line.count, line[next] == ASCII.space { next += 1 }
                if next < line.count, line[next] == 0x3D, self.word(in: line, at: next) != nil {
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

    /// End of the encoded-word at `start`, for parsers that must not look inside it.
    static func endOfWord(in line: [UInt8], at start: Int) -> Int? { word(in: line, at: start)?.end }

    /// `=?charset*language?B or Q?text?=`. Blanks inside and a missing end are tolerated.
    private static func word(in line: [UInt8], at start: Int) -> (charset: String, bytes: [UInt8], end: Int)? {
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
        let text = line[first..<end]
        let bytes = encoding == 0x62 ? Base64.decode(text) : q(text)
        let after = isClosed ? end + 2 : end < line.count && line[end] == 0x3F ? end + 1 : end
        return (ASCII.lowercased(String(decoding: charset, as: UTF8.self)), bytes, after)
    }

    private static func q(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
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
        return out
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
        [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { out, count in
            values.withUnsafeBufferPointer { values in
                var bits: UInt32 = 0
                var held = 0
                text.withUnsafeBufferPointer { text in
                    for byte in text {
                        let value = values[Int(byte)]
                        if value == 0xFF {
                            if byte == 0x3D { held = 0 }
                            continue
                        }
                        bits = bits << 6 | UInt32(value)
                        held += 6
                        if held >= 8 {
                            held -= 8
                            out[count] = UInt8(truncatingIfNeeded: bits >> UInt32(held))
                            count += 1
                        }
                    }
                }
            }
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
