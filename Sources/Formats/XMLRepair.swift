import CXML

/// What must be put right before libxml2 sees a feed: charset, forbidden control characters, bare ampersands, HTML's entities.
enum XMLRepair {
    /// - Parameter contentType: the response's, for its charset.
    /// - Returns: UTF-8 that begins with `<` where possible.
    static func utf8(_ bytes: [UInt8], contentType: String?) -> [UInt8] {
        var text = decoded(bytes, contentType: contentType)
        if let start = text.firstIndex(of: 0x3C), start > 0 { text.removeFirst(start) }
        return repaired(text)
    }

    private static func decoded(_ bytes: [UInt8], contentType: String?) -> [UInt8] {
        if bytes.count >= 4, bytes[0] == 0x3C, bytes[1] == 0 { return Charset.convert(bytes, from: "UTF-16LE")?.bytes ?? bytes }
        if bytes.count >= 4, bytes[0] == 0, bytes[1] == 0x3C { return Charset.convert(bytes, from: "UTF-16BE")?.bytes ?? bytes }
        let declared = declaration(bytes)
        let sent = contentType.map { MediaType(Array($0.utf8), hint: nil) }?.parameter("charset")
        return Charset.decode(bytes, label: declared ?? sent, hint: sent)
    }

    /// `<?xml … encoding="gb2312"?>`
    static func declaration(_ bytes: [UInt8]) -> String? {
        let start = Array(bytes.prefix(300))
        guard let open = ASCII.find("<?xml", in: start), let close = ASCII.find("?>", in: start, from: open),
            let at = ASCII.find("encoding", in: start, from: open, to: close)
        else { return nil }
        let value = start[(at + 8)..<close].drop { $0 == ASCII.space || $0 == 0x3D }
        guard let quote = value.first, quote == 0x22 || quote == 0x27 else { return nil }
        return String(decoding: value.dropFirst().prefix { $0 != quote }, as: UTF8.self)
    }

    private static func repaired(_ text: [UInt8]) -> [UInt8] {
        let hasOwnEntities = ASCII.find("<!ENTITY", in: text, to: min(text.count, 64 << 10)) != nil
        var out: [UInt8] = []
        out.reserveCapacity(text.count + text.count / 16)
        var i = 0
        while i < text.count {
            let byte = text[i]
            if byte == 0x3C, let end = skipped(text, at: i) {
                out += text[i..<end].lazy.filter { isAllowed($0) }
                i = end
            } else if byte == 0x26 {
                i = ampersand(text, at: i, keepsNames: hasOwnEntities, into: &out)
            } else {
                if isAllowed(byte) { out.append(byte) }
                i += 1
            }
        }
        return out
    }

    private static func isAllowed(_ byte: UInt8) -> Bool { byte >= 0x20 || byte == ASCII.lf || byte == ASCII.tab || byte == ASCII.cr }

    /// End of a CDATA section, comment or DOCTYPE, which stay as they are.
    private static func skipped(_ text: [UInt8], at i: Int) -> Int? {
        guard i + 3 < text.count, text[i + 1] == 0x21 else { return nil }
        if text[i...].starts(with: "<![CDATA[".utf8) { return ASCII.find("]]>", in: text, from: i).map { $0 + 3 } ?? text.count }
        if text[i...].starts(with: "<!--".utf8) { return ASCII.find("-->", in: text, from: i).map { $0 + 3 } ?? text.count }
        guard text[i...].starts(with: "<!DOCTYPE".utf8) else { return nil }
        var k = i
        while k < text.count, text[k] != 0x3E, text[k] != 0x5B { k += 1 }
        guard k < text.count, text[k] == 0x5B else { return min(k + 1, text.count) }
        return ASCII.find("]>", in: text, from: k).map { $0 + 2 } ?? text.count
    }

    /// Writes a reference that XML knows, a number for an entity of HTML, or `&amp;`. Returns the position behind what it read.
    private static func ampersand(_ text: [UInt8], at i: Int, keepsNames: Bool, into out: inout [UInt8]) -> Int {
        var end = i + 1
        while end < text.count, end - i < 40,
            ASCII.isLetter(text[end]) || ASCII.isDigit(text[end]) || text[end] == 0x23 || text[end] == 0x5F
        { end += 1 }
        guard end < text.count, text[end] == 0x3B, end > i + 1 else {
            out += "&amp;".utf8
            return i + 1
        }
        let name = text[(i + 1)..<end]
        if name.first == 0x23 {
            guard isCharacterReference(name.dropFirst()) else {
                out += "&amp;".utf8
                return i + 1
            }
        } else if !keepsNames, !["amp", "lt", "gt", "quot", "apos"].contains(String(decoding: name, as: UTF8.self)) {
            let entity = (Array(name) + [0]).withUnsafeBufferPointer { htmlEntityLookup($0.baseAddress) }
            if let entity { out += "&#\(entity.pointee.value);".utf8 } else { out += "&amp;".utf8 + Array(name) + [0x3B] }
            return end + 1
        }
        out += text[i...end].map { name.first == 0x23 && $0 == 0x58 ? 0x78 : $0 }  // XML knows no `&#X41;`
        return end + 1
    }

    /// Of a character XML allows.
    private static func isCharacterReference(_ digits: ArraySlice<UInt8>) -> Bool {
        let isHex = digits.first == 0x78 || digits.first == 0x58
        guard let value = UInt32(String(decoding: isHex ? digits.dropFirst() : digits, as: UTF8.self), radix: isHex ? 16 : 10) else {
            return false
        }
        return value >= 0x20 && Unicode.Scalar(value) != nil && value != 0xFFFE && value != 0xFFFF || value == 9 || value == 10
            || value == 13
    }
}
