/// Escape-switched encodings rewritten as eight-bit ones, which the C library knows better (and HZ, which it does not know at all).
enum ISO2022 {
    /// ISO-2022-JP and its Microsoft variants to EUC-JP. Nil when a sequence is broken.
    static func eucJP(_ bytes: [UInt8]) -> [UInt8]? {
        enum Mode { case ascii, kanji, kana }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var mode = Mode.ascii
        var i = 0
        while i < bytes.count {
            let byte = bytes[i]
            if byte == 0x1B, i + 2 < bytes.count {
                switch (bytes[i + 1], bytes[i + 2]) {
                case (0x24, 0x40), (0x24, 0x42): mode = .kanji
                case (0x28, 0x42), (0x28, 0x4A), (0x28, 0x48): mode = .ascii
                case (0x28, 0x49): mode = .kana
                default: return nil
                }
                i += 3
            } else if mode == .kanji, byte >= 0x21, byte <= 0x7E {
                guard i + 1 < bytes.count, bytes[i + 1] >= 0x21, bytes[i + 1] <= 0x7E else { return nil }
                out.append(byte | 0x80)
                out.append(bytes[i + 1] | 0x80)
                i += 2
            } else if mode == .kana, byte >= 0x21, byte <= 0x5F {
                out.append(0x8E)
                out.append(byte | 0x80)
                i += 1
            } else {
                if byte == ASCII.lf || byte == ASCII.cr { mode = .ascii }  // each line starts in ASCII
                out.append(byte)
                i += 1
            }
        }
        return out
    }

    /// HZ (RFC 1843) to GB 2312 in eight bits. Nil when it holds no shift or a broken one.
    static func gbFromHZ(_ bytes: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var isShifted = false
        var hasShift = false
        var i = 0
        while i < bytes.count {
            let byte = bytes[i]
            let next = i + 1 < bytes.count ? bytes[i + 1] : 0
            if byte == 0x7E, next == 0x7B || next == 0x7D {
                isShifted = next == 0x7B
                hasShift = true
                i += 2
            } else if byte == 0x7E, !isShifted, next == 0x7E || next == ASCII.lf {
                if next == 0x7E { out.append(0x7E) }
                i += 2
            } else if isShifted, byte >= 0x21, byte <= 0x7E {
                guard next >= 0x21, next <= 0x7E else { return nil }
                out.append(byte | 0x80)
                out.append(next | 0x80)
                i += 2
            } else {
                if byte == ASCII.lf { isShifted = false }
                out.append(byte)
                i += 1
            }
        }
        return hasShift ? out : nil
    }
}
