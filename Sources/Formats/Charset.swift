import CGMime

/// Bytes of any charset to a String: what the label says if that works, else what the bytes look like.
enum Charset {
    /// Names `iconv` knows, except the four we decode ourselves.
    static let utf8 = "UTF-8"
    static let ascii = "US-ASCII"
    static let hz = "HZ"
    static let iso2022JP = "ISO-2022-JP"
    static let utf7 = "UTF-7"
    static let gb18030 = "GB18030"
    static let western = "CP1252"

    /// `CRLF` and lone `CR` become `LF`, U+0000 goes: databases refuse it and nobody sees it.
    static func text(_ bytes: [UInt8], label: String?, hint: String? = nil) -> String {
        string(cleaned(decode(bytes, label: label, hint: hint)))
    }

    /// UTF-8 bytes, maybe with broken sequences, to a String.
    static func string(_ utf8: [UInt8]) -> String { String(decoding: utf8, as: UTF8.self) }

    /// - Parameters:
    ///   - label: the charset the part declares.
    ///   - hint: the charset to prefer over guessing when there is no label, such as the whole mail's.
    /// - Returns: UTF-8 without a byte order mark.
    static func decode(_ bytes: [UInt8], label: String?, hint: String? = nil) -> [UInt8] {
        if bytes.isEmpty { return bytes }
        if let marked = withByteOrderMark(bytes) { return marked }
        let declared = label.flatMap(canonical)
        switch declared {
        case nil, ascii:
            return unlabelled(bytes, hint: hint.flatMap(canonical))
        case utf8:
            if isUTF8(bytes) { return bytes }
            let shape = utf8Shape(bytes)
            if shape.sequences >= shape.errors { return bytes }  // mostly right: the broken places become U+FFFD
            return unlabelled(bytes, hint: nil)
        case .some(let name):
            if looksUTF8(bytes, although: name) { return bytes }
            if let rival = CharsetDetector.rival(of: name, in: bytes), let other = convert(bytes, from: rival), other.errors == 0 {
                return other.bytes
            }
            let converted = convert(bytes, from: name)
            if let converted, converted.errors == 0 { return converted.bytes }
            if let guess = CharsetDetector.detect(bytes), let other = convert(bytes, from: guess), other.errors == 0, guess != western {
                return other.bytes
            }
            return converted?.bytes ?? unlabelled(bytes, hint: nil)
        }
    }

    private static func unlabelled(_ bytes: [UInt8], hint: String?) -> [UInt8] {
        let isASCII = bytes.allSatisfy { $0 < 0x80 }
        if isASCII, !CharsetDetector.mayBeSevenBitCharset(bytes) { return bytes }
        if !isASCII {
            let shape = utf8Shape(bytes)
            if shape.sequences >= shape.errors { return bytes }  // also with a few broken places, which become U+FFFD
        }
        if let hint, hint != utf8, hint != ascii, let converted = convert(bytes, from: hint), converted.errors == 0 {
            return converted.bytes
        }
        if let guess = CharsetDetector.detect(bytes), let converted = convert(bytes, from: guess) { return converted.bytes }
        if isASCII { return bytes }
        return convert(bytes, from: western)?.bytes ?? bytes
    }

    /// UTF-8 under a Western or Chinese label is so common, and so unlikely by chance, that the bytes win.
    private static func looksUTF8(_ bytes: [UInt8], although name: String) -> Bool {
        guard name == western || name.hasPrefix("ISO-8859") || name == gb18030 || name == "BIG5-HKSCS" || name.hasPrefix("CP125") else {
            return false
        }
        let shape = utf8Shape(bytes)
        guard shape.errors == 0 else { return false }
        return name == gb18030 || name == "BIG5-HKSCS" ? shape.longSequences >= 2 : shape.sequences >= 1
    }

    private static func withByteOrderMark(_ bytes: [UInt8]) -> [UInt8]? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes[3...]) }
        if bytes.count >= 4, bytes.starts(with: [0xFF, 0xFE]), bytes.count % 2 == 0 {
            return convert(Array(bytes[2...]), from: "UTF-16LE")?.bytes
        }
        if bytes.count >= 4, bytes.starts(with: [0xFE, 0xFF]), bytes.count % 2 == 0 {
            return convert(Array(bytes[2...]), from: "UTF-16BE")?.bytes
        }
        return nil
    }

    // MARK: labels

    /// What `iconv` calls it; nil when the label says nothing we know. Labels name the subset, senders use the superset.
    static func canonical(_ label: String) -> String? {
        let key = String(decoding: label.utf8.filter { $0 != ASCII.space && $0 != 0x22 && $0 != 0x27 }.map(ASCII.lower), as: UTF8.self)
        guard !key.isEmpty, key.utf8.count <= 40 else { return nil }
        if let known = aliases[key] { return known }
        guard key.utf8.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }), !key.hasPrefix("x-") else {
            return nil
        }
        return isKnown(key) ? key.uppercased() : nil
    }

    private static let aliases: [String: String] = {
        let table = """
            UTF-8: utf-8 utf8 unicode-1-1-utf-8 x-unicode-2-0-utf-8 utf-8mb4 cp65001 unicode
            US-ASCII: us-ascii ascii ansi_x3.4-1968 ansi_x3.4-1986 iso646-us 646 7bit 8bit default unknown-8bit x-unknown
            US-ASCII: unknown none binary
            GB18030: gb18030 gb2312 gbk gb_2312-80 gb_2312 gb2312-80 euc-cn x-gbk cp936 ms936 windows-936 chinese
            GB18030: csgb2312 x-euc-cn gb-2312 gb
            BIG5-HKSCS: big5 big5-hkscs big-5 cn-big5 csbig5 x-x-big5 cp950 windows-950 big5hkscs
            CP932: shift_jis shift-jis sjis x-sjis ms_kanji cp932 windows-31j ms932 csshiftjis
            EUC-JP-MS: euc-jp x-euc-jp eucjp cseucpkdfmtjapanese
            ISO-2022-JP: iso-2022-jp csiso2022jp iso-2022-jp-ms cp50220 cp50221 cp50222 iso-2022-jp-1
            CP949: euc-kr ks_c_5601-1987 ks_c_5601 ks_c_5601-1989 ksc5601 ksc_5601 cp949 windows-949 uhc korean euckr cseuckr x-windows-949
            CP1252: iso-8859-1 iso8859-1 iso_8859-1 iso-8859-1-windows-3.1-latin-1 latin1 latin-1 l1 windows-1252 cp1252
            CP1252: cp-1252 ansi x-ansi iso88591 8859-1
            CP1254: iso-8859-9 iso8859-9 latin5 windows-1254
            CP874: tis-620 iso-8859-11 windows-874 tis620
            ISO-8859-8: iso-8859-8-i iso-8859-8-e
            KOI8-R: koi8-r koi8r koi8 koi
            CP1251: windows-1251 cp1251 win-1251 win1251 cp-1251 x-cp1251
            UTF-7: utf-7 unicode-1-1-utf-7 utf7 x-unicode-2-0-utf-7
            HZ: hz hz-gb-2312
            UTF-16: utf-16 utf16
            MACINTOSH: macintosh x-mac-roman mac macroman
            MAC-CYRILLIC: x-mac-cyrillic mac-cyrillic maccyrillic
            """
        var out: [String: String] = [:]
        for line in table.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            for word in words.dropFirst() { out[String(word)] = String(words[0]) }
        }
        return out
    }()

    private static func isKnown(_ name: String) -> Bool { Converters.with(name) { _ in true } ?? false }

    // MARK: conversion

    /// Broken places become U+FFFD and are counted. Nil when the C library does not know the charset.
    static func convert(_ bytes: [UInt8], from name: String) -> (bytes: [UInt8], errors: Int)? {
        switch name {
        case iso2022JP:
            if let euc = ISO2022.eucJP(bytes) { return iconvert(euc, from: "EUC-JP-MS") }
        case hz:
            guard let gb = ISO2022.gbFromHZ(bytes) else { return (bytes, 0) }
            return iconvert(gb, from: gb18030)
        case western:
            return windows1252(bytes)
        default: break
        }
        return iconvert(bytes, from: name)
    }

    private static func iconvert(_ bytes: [UInt8], from name: String) -> (bytes: [UInt8], errors: Int)? {
        Converters.with(name) { iconvert(bytes, by: $0) }
    }

    private static func iconvert(_ bytes: [UInt8], by handle: iconv_t) -> (bytes: [UInt8], errors: Int) {
        var input = bytes
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 2)
        var errors = 0
        input.withUnsafeMutableBytes { source in
            var from = source.baseAddress?.assumingMemoryBound(to: CChar.self)
            var left = source.count
            withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 1) { chunk in
                while left > 0 {
                    var to = chunk.baseAddress?.assumingMemoryBound(to: CChar.self)
                    var room = chunk.count
                    let result = cgmime_iconv(handle, &from, &left, &to, &room)
                    out.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[0..<(chunk.count - room)]))
                    if result >= 0 { break }
                    if room < chunk.count, result == -2 { continue }  // the chunk was full
                    errors += 1
                    out.append(contentsOf: [0xEF, 0xBF, 0xBD])
                    from = from.map { $0 + 1 }
                    left -= 1
                }
                var to = chunk.baseAddress?.assumingMemoryBound(to: CChar.self)
                var room = chunk.count
                _ = cgmime_iconv(handle, nil, nil, &to, &room)
                out.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[0..<(chunk.count - room)]))
            }
        }
        return (out, errors)
    }

    /// The WHATWG's table: the five unassigned bytes are the control characters of the same number.
    private static func windows1252(_ bytes: [UInt8]) -> (bytes: [UInt8], errors: Int) {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 4)
        for byte in bytes {
            if byte < 0x80 {
                out.append(byte)
            } else {
                let scalar: UInt16 = byte < 0xA0 ? windows1252High[Int(byte) - 0x80] : UInt16(byte)
                if scalar >= 0x800 { out.append(UInt8(0xE0 | scalar >> 12)) }
                out.append(scalar >= 0x800 ? UInt8(0x80 | scalar >> 6 & 0x3F) : UInt8(0xC0 | scalar >> 6))
                out.append(UInt8(0x80 | scalar & 0x3F))
            }
        }
        return (out, 0)
    }

    static func windows1252(_ byte: UInt8) -> UInt32 {
        (0x80...0x9F).contains(byte) ? UInt32(windows1252High[Int(byte) - 0x80]) : UInt32(byte)
    }

    private static let windows1252High: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]
}
