/// The charset of a feed: the byte order mark, the response's header, the XML declaration (RFC 7303 §3), and the bytes themselves where
/// these are wrong or say nothing.
enum FeedCharset {
    struct Decoded {
        /// UTF-8 without a byte order mark.
        var bytes: [UInt8]
        /// In IANA's words.
        var name: String
    }

    static func decode(_ bytes: [UInt8], contentType: String?) -> Decoded {
        if let wide = wide(bytes) { return wide }
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let body = isMarked ? Array(bytes[3...]) : bytes
        let sent = contentType.flatMap { MediaType(Array($0.utf8), hint: nil).parameter("charset") }.flatMap(label)
        let declared = declaration(body).flatMap(label)
        let labels = [isMarked ? Label(canonical: Charset.utf8, written: "utf-8") : nil, sent, declared].compactMap { $0 }
        let shape = Charset.utf8Shape(body)
        if shape.sequences == 0, shape.errors == 0 { return sevenBit(body, labels) }
        // What is UTF-8 to the last byte is UTF-8, whatever somebody says; only very short Chinese words could be both.
        if shape.errors == 0, labels.first.map({ isLikelyUTF8(shape, although: $0.canonical) }) ?? true {
            return Decoded(bytes: body, name: "utf-8")
        }
        let others = labels.filter { $0.canonical != Charset.utf8 && $0.canonical != Charset.ascii }
        for label in others {
            if let found = Charset.convert(body, from: label.canonical), found.errors == 0 {
                return Decoded(bytes: found.bytes, name: label.name)
            }
        }
        if shape.sequences > 0, shape.errors <= shape.sequences { return Decoded(bytes: mended(body), name: "utf-8") }
        if let guess = CharsetDetector.detect(body), let found = Charset.convert(body, from: guess), found.errors == 0 || labels.isEmpty {
            return Decoded(bytes: found.bytes, name: name(guess))
        }
        if let label = others.first, let found = Charset.convert(body, from: label.canonical) {
            return Decoded(bytes: found.bytes, name: label.name)
        }
        return Decoded(bytes: mended(body), name: "windows-1252")
    }

    private static func isLikelyUTF8(_ shape: (sequences: Int, longSequences: Int, errors: Int), although label: String) -> Bool {
        let isDouble = [Charset.gb18030, "BIG5-HKSCS", "CP932", "EUC-JP-MS", "CP949"].contains(label)
        return isDouble ? shape.longSequences >= 2 : true
    }

    /// ASCII only, unless the label names a charset that is written with seven bits.
    private static func sevenBit(_ bytes: [UInt8], _ labels: [Label]) -> Decoded {
        if let label = labels.first, [Charset.iso2022JP, Charset.hz, Charset.utf7, "ISO-2022-KR"].contains(label.canonical),
            let found = Charset.convert(bytes, from: label.canonical)
        {
            return Decoded(bytes: found.bytes, name: label.name)
        }
        return Decoded(bytes: bytes, name: labels.first?.name ?? "utf-8")
    }

    /// UTF-16 and UTF-32, by their mark or by the zeros around the first characters.
    private static func wide(_ bytes: [UInt8]) -> Decoded? {
        guard bytes.count >= 4 else { return nil }
        let head = bytes[0..<4]
        let found: (name: String, skip: Int)? =
            switch (head[0], head[1], head[2], head[3]) {
            case (0xFF, 0xFE, 0, 0): ("UTF-32LE", 4)
            case (0, 0, 0xFE, 0xFF): ("UTF-32BE", 4)
            case (0xFF, 0xFE, _, _): ("UTF-16LE", 2)
            case (0xFE, 0xFF, _, _): ("UTF-16BE", 2)
            case (0, 0, 0, 0x3C): ("UTF-32BE", 0)
            case (0x3C, 0, 0, 0): ("UTF-32LE", 0)
            case (0, 0x3C, 0, _): ("UTF-16BE", 0)
            case (0x3C, 0, _, 0): ("UTF-16LE", 0)
            default: nil
            }
        guard let found, let text = Charset.convert(Array(bytes[found.skip...]), from: found.name)?.bytes else { return nil }
        return Decoded(bytes: text, name: ASCII.lowercased(found.name))
    }

    /// Bytes that are no UTF-8 between others that are: Windows-1252, which programs paste into everything.
    private static func mended(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 64)
        bytes.withUnsafeBufferPointer { buffer in
            var i = 0
            while i < buffer.count {
                let length = Charset.utf8Length(buffer, at: i)
                if length > 0 { out.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[i..<(i + length)])) }
                if length == 0 { HTMLEntities.append(UInt32(buffer[i]), into: &out) }
                i += max(length, 1)
            }
        }
        return out
    }

    /// `<?xml … encoding="gb2312"?>`
    static func declaration(_ bytes: [UInt8]) -> String? {
        let start = Array(bytes.prefix(400))
        guard let open = ASCII.find("<?xml", in: start), let close = ASCII.find("?>", in: start, from: open),
            let at = ASCII.find("encoding", in: start, from: open, to: close)
        else { return nil }
        let value = start[(at + 8)..<close].drop { ASCII.isSpace($0) || $0 == 0x3D }
        guard let quote = value.first, quote == 0x22 || quote == 0x27 else { return nil }
        return String(decoding: value.dropFirst().prefix { $0 != quote }, as: UTF8.self)
    }

    private struct Label {
        /// The name `Charset` works with.
        var canonical: String
        var written: String
        /// A Chinese label names the subset, the text is read as the superset.
        var name: String { canonical == Charset.gb18030 ? "gb18030" : written }
    }

    /// A document that reads as bytes is not what says it is UTF-16.
    private static func label(_ written: String) -> Label? {
        guard let name = Charset.canonical(written), !name.hasPrefix("UTF-16"), !name.hasPrefix("UTF-32"), !name.hasPrefix("UCS") else {
            return nil
        }
        return Label(canonical: name, written: ASCII.lowercased(written.filter { $0 != " " && $0 != "'" && $0 != "\"" }))
    }

    private static func name(_ canonical: String) -> String {
        let known = [
            "CP1252": "windows-1252", "CP932": "shift_jis", "EUC-JP-MS": "euc-jp", "CP949": "euc-kr", "BIG5-HKSCS": "big5",
            "CP874": "tis-620", "CP1251": "windows-1251", "CP1254": "windows-1254", "CP1255": "windows-1255", "HZ": "hz-gb-2312",
        ]
        return known[canonical] ?? ASCII.lowercased(canonical)
    }
}
