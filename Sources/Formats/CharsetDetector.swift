/// Guesses the charset of bytes that are not UTF-8, from which byte pairs are frequent in which language. Looks at the first bytes only.
enum CharsetDetector {
    static let sampleBytesMax = 16 << 10

    /// The name `Charset.convert` takes; nil when nothing fits better than Western.
    static func detect(_ bytes: [UInt8]) -> String? {
        let sample = bytes.count > sampleBytesMax ? Array(bytes[..<sampleBytesMax]) : bytes
        if let sevenBit = sevenBitCharset(sample) { return sevenBit }
        let shape = Shape(sample)
        if shape.high == 0 { return nil }
        if let cyrillic = cyrillic(sample, shape) { return cyrillic }
        let candidates = [
            ("EUC-JP-MS", eucJP(sample)), ("CP932", shiftJIS(sample)), ("CP949", eucKR(sample)), (Charset.gb18030, gb(sample)),
            ("BIG5-HKSCS", big5(sample)),
        ]
        var best: (name: String, score: Double)?
        for (name, score) in candidates where score > (best?.score ?? 0.45) { best = (name, score) }
        return best?.name ?? Charset.western
    }

    /// Whether ASCII-only bytes hold the shift sequences of a seven-bit charset.
    static func mayBeSevenBitCharset(_ bytes: [UInt8]) -> Bool {
        bytes.contains(0x1B) || ASCII.find("~{", in: bytes) != nil || hasUTF7Run(bytes)
    }

    private static func sevenBitCharset(_ bytes: [UInt8]) -> String? {
        if bytes.contains(0x1B) {
            if ASCII.find("\u{1B}$B", in: bytes) != nil || ASCII.find("\u{1B}$@", in: bytes) != nil
                || ASCII.find("\u{1B}(I", in: bytes) != nil
            {
                return Charset.iso2022JP
            }
            if ASCII.find("\u{1B}$)C", in: bytes) != nil { return "ISO-2022-KR" }
            if ASCII.find("\u{1B}$)A", in: bytes) != nil { return "ISO-2022-CN" }
        }
        guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        if ASCII.find("~{", in: bytes) != nil, ASCII.find("~}", in: bytes) != nil, let gb = ISO2022.gbFromHZ(bytes),
            Charset.convert(gb, from: Charset.gb18030)?.errors == 0
        {
            return Charset.hz
        }
        return isUTF7(bytes) ? Charset.utf7 : nil
    }

    /// `+` with the digits of at least two characters behind it, then `-`.
    private static func hasUTF7Run(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            var i = 0
            while i < buffer.count {
                guard buffer[i] == 0x2B else {
                    i += 1
                    continue
                }
                var end = i + 1
                while end < buffer.count, Base64.isDigit(buffer[end]) { end += 1 }
                if end - i > 5, end < buffer.count, buffer[end] == 0x2D { return true }
                i = end
            }
            return false
        }
    }

    /// Only when decoding succeeds and gives East Asian characters: a `+` alone is a phone number.
    private static func isUTF7(_ bytes: [UInt8]) -> Bool {
        guard hasUTF7Run(bytes), let out = Charset.convert(bytes, from: Charset.utf7), out.errors == 0 else { return false }
        var wide = 0
        for scalar in Charset.string(out.bytes).unicodeScalars where scalar.value >= 0x80 {
            switch scalar.value {
            case 0x3000...0x30FF, 0x4E00...0x9FFF, 0xAC00...0xD7A3, 0xFF00...0xFFEF: wide += 1
            default: return false
            }
        }
        return wide >= 2
    }

    /// Simplified and traditional Chinese under each other's label decode without an error into characters that nobody writes.
    /// - Returns: the other charset where it fits far better.
    static func rival(of name: String, in bytes: [UInt8]) -> String? {
        guard name == Charset.gb18030 || name == "BIG5-HKSCS" else { return nil }
        let sample = bytes.count > sampleBytesMax ? Array(bytes[..<sampleBytesMax]) : bytes
        guard Shape(sample).high >= 12 else { return nil }
        let (simplified, traditional) = (gb(sample), big5(sample))
        let (own, other) = name == Charset.gb18030 ? (simplified, traditional) : (traditional, simplified)
        guard other >= 0.85, other - own >= 0.2 else { return nil }
        return name == Charset.gb18030 ? "BIG5-HKSCS" : Charset.gb18030
    }

    private struct Shape {
        var high = 0
        var letters = 0
        /// High bytes in runs of three and more: words, not single accents.
        var inRuns = 0

        init(_ bytes: [UInt8]) {
            var run = 0
            for byte in bytes {
                if byte >= 0x80 {
                    high += 1
                    run += 1
                    if run == 3 { inRuns += 3 } else if run > 3 { inRuns += 1 }
                } else {
                    run = 0
                    if ASCII.isLetter(byte) { letters += 1 }
                }
            }
        }
    }

    /// Scores the pairs of a two-byte charset: 1 for a frequent pair, 0 for a rare one; below 0 when a pair cannot be.
    private static func score(_ bytes: [UInt8], pair: (UInt8, UInt8) -> Double?) -> Double {
        var total = 0.0
        var pairs = 0
        var i = 0
        while i < bytes.count {
            guard bytes[i] >= 0x80 else {
                i += 1
                continue
            }
            guard i + 1 < bytes.count else { break }  // the sample may end inside a pair
            guard let points = pair(bytes[i], bytes[i + 1]) else { return -1 }
            total += points
            pairs += 1
            i += 2
        }
        return pairs == 0 ? -1 : total / Double(pairs)
    }

    private static func gb(_ bytes: [UInt8]) -> Double {
        score(bytes) { lead, trail in
            guard lead >= 0x81, lead <= 0xFE else { return nil }
            if trail >= 0x30, trail <= 0x39 { return 0.3 }  // half of a four-byte character
            guard trail >= 0x40, trail != 0x7F, trail != 0xFF else { return nil }
            if trail < 0xA1 { return 0.1 }
            switch lead {
            case 0xB0...0xD7: return 1
            case 0xA1, 0xA3: return 0.9
            case 0xA4, 0xA5: return 0.3
            case 0xD8...0xF7: return 0.4
            default: return 0.1
            }
        }
    }

    private static func big5(_ bytes: [UInt8]) -> Double {
        score(bytes) { lead, trail in
            guard lead >= 0x81, lead <= 0xFE, (trail >= 0x40 && trail <= 0x7E) || (trail >= 0xA1 && trail <= 0xFE) else { return nil }
            switch lead {
            case 0xA4...0xC6: return 1.02  // all frequent characters are here, and GB's are spread wider
            case 0xA1...0xA3: return 0.9
            case 0xC9...0xF9: return 0.2
            default: return 0
            }
        }
    }

    private static func shiftJIS(_ bytes: [UInt8]) -> Double {
        var kana = 0.0
        var total = 0.0
        var i = 0
        while i < bytes.count {
            let lead = bytes[i]
            if lead < 0x80 {
                i += 1
                continue
            }
            if lead >= 0xA1, lead <= 0xDF {  // half-width katakana: rare outside old systems
                total += 1
                i += 1
                continue
            }
            guard i + 1 < bytes.count else { break }
            let trail = bytes[i + 1]
            guard lead != 0x80, lead != 0xA0, lead <= 0xFC, trail >= 0x40, trail != 0x7F, trail <= 0xFC else { return -1 }
            total += 1
            if (lead == 0x82 && trail >= 0x9F) || (lead == 0x83 && trail <= 0x96) || lead == 0x81 {
                kana += 1
            } else if lead <= 0x9F {
                kana += 0.5
            }
            i += 2
        }
        return total == 0 ? -1 : kana / total * 1.1
    }

    private static func eucJP(_ bytes: [UInt8]) -> Double {
        var kana = 0
        var pairs = 0
        let base = score(bytes) { lead, trail in
            guard trail >= 0xA1, trail <= 0xFE, lead >= 0xA1 || lead == 0x8E || lead == 0x8F else { return nil }
            pairs += 1
            if lead == 0xA4 || lead == 0xA5 { kana += 1 }
            return lead == 0xA4 || lead == 0xA5 || lead == 0xA1 || (lead >= 0xB0 && lead <= 0xCF) ? 1 : 0.3
        }
        // Japanese cannot be written without kana; Chinese text in GB has next to none.
        return kana * 5 >= pairs ? base * 1.2 : min(base, 0.2)
    }

    private static func eucKR(_ bytes: [UInt8]) -> Double {
        var hangul = 0
        var pairs = 0
        let base = score(bytes) { lead, trail in
            guard lead >= 0x81, lead <= 0xFD, trail >= 0x41, trail != 0xFF else { return nil }
            pairs += 1
            if lead >= 0xB0, lead <= 0xC8, trail >= 0xA1 { hangul += 1 }
            return lead >= 0xB0 && lead <= 0xC8 && trail >= 0xA1 ? 1 : lead == 0xA1 || lead == 0xA3 ? 0.9 : 0.2
        }
        // Hangul ends at C8; a third of all Chinese characters lies above.
        return pairs >= 4 && hangul * 100 >= pairs * 93 ? base * 1.15 : min(base, 0.3)
    }

    private static func cyrillic(_ bytes: [UInt8], _ shape: Shape) -> String? {
        guard shape.high >= 4, shape.high * 2 > shape.letters, shape.inRuns * 10 >= shape.high * 6 else { return nil }
        guard gb(bytes) < 0, big5(bytes) < 0, shiftJIS(bytes) < 0.3 else { return nil }
        // о е а и н т с р в л
        let koi: Set<UInt8> = [0xCF, 0xC5, 0xC1, 0xC9, 0xCE, 0xD4, 0xD3, 0xD2, 0xD7, 0xCC]
        let windows: Set<UInt8> = [0xEE, 0xE5, 0xE0, 0xE8, 0xED, 0xF2, 0xF1, 0xF0, 0xE2, 0xEB]
        var koiHits = 0
        var windowsHits = 0
        for byte in bytes where byte >= 0x80 {
            if koi.contains(byte) { koiHits += 1 }
            if windows.contains(byte) { windowsHits += 1 }
        }
        guard max(koiHits, windowsHits) * 3 >= shape.high else { return nil }
        return koiHits > windowsHits ? "KOI8-R" : "CP1251"
    }
}
