/// The scalar that starts at `index` and its length in bytes. Malformed bytes read as U+FFFD of length 1, so a walk always ends.
@inline(__always)
func decodeScalar(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(bytes[index])
    if first < 0x80 { return (first, 1) }
    let left = bytes.count - index
    func tail(_ offset: Int) -> UInt32? {
        guard offset < left, bytes[index + offset] & 0xC0 == 0x80 else { return nil }
        return UInt32(bytes[index + offset] & 0x3F)
    }
    if first & 0xE0 == 0xC0, let a = tail(1) { return ((first & 0x1F) << 6 | a, 2) }
    if first & 0xF0 == 0xE0, let a = tail(1), let b = tail(2) { return ((first & 0x0F) << 12 | a << 6 | b, 3) }
    if first & 0xF8 == 0xF0, let a = tail(1), let b = tail(2), let c = tail(3) {
        return ((first & 0x07) << 18 | a << 12 | b << 6 | c, 4)
    }
    return (0xFFFD, 1)
}

/// What a scalar is to the readers of this target.
enum Script: Sendable { case latin, han, kana, hangul, cyrillic, arabic, thai, devanagari, greek, hebrew, digit, symbol, other }

/// Coarse on purpose: Unicode blocks, not properties (a property lookup costs more than scoring the word).
@inline(__always)
func script(of scalar: UInt32) -> Script {
    switch scalar {
    case 0x30...0x39: .digit
    case 0x41...0x5A, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x24F, 0x1E00...0x1EFF: .latin
    case 0x370...0x3FF, 0x1F00...0x1FFF: .greek
    case 0x400...0x52F: .cyrillic
    case 0x590...0x5FF: .hebrew
    case 0x600...0x6FF, 0x750...0x77F, 0xFB50...0xFDFF, 0xFE70...0xFEFC: .arabic
    case 0x900...0x97F: .devanagari
    case 0xE00...0xE7F: .thai
    case 0x3040...0x30FA, 0x30FC...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9D: .kana
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF: .han
    case 0x1100...0x11FF, 0x3130...0x318F, 0xAC00...0xD7AF: .hangul
    case 0x2190...0x23FF, 0x25A0...0x27BF, 0x2B00...0x2BFF, 0x1F000...0x1F3FA, 0x1F400...0x1FAFF: .symbol
    default: .other
    }
}

/// Lower case and width, for the alphabets of the languages told apart here. Everything else stays as it is.
@inline(__always)
func fold(_ scalar: UInt32) -> UInt32 {
    switch scalar {
    case 0x41...0x5A: scalar + 0x20
    case 0x2018, 0x2019, 0x02BC, 0xFF07: 0x27  // typographic apostrophes: don’t is don't
    case 0xC0...0xD6, 0xD8...0xDE: scalar + 0x20
    case 0x100...0x12F, 0x132...0x137, 0x14A...0x177: scalar | 1
    case 0x139...0x148, 0x179...0x17E: scalar + (scalar & 1)
    case 0x1E00...0x1E95, 0x1EA0...0x1EFF: scalar | 1
    case 0x391...0x3A9: scalar + 0x20
    case 0x400...0x40F: scalar + 0x50
    case 0x410...0x42F: scalar + 0x20
    case 0x3000: 0x20
    case 0xFF01...0xFF5E: fold(scalar - 0xFEE0)  // full-width forms, common in Chinese text
    default: scalar
    }
}

/// FNV-1a, one step.
@inline(__always)
func fnv(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
let fnvStart: UInt64 = 0xCBF2_9CE4_8422_2325

/// FNV-1a of a whole value, byte by byte from the lowest.
@inline(__always)
func fnv(_ hash: UInt64, scalar: UInt32) -> UInt64 {
    scalar < 0x80
        ? fnv(hash, UInt8(truncatingIfNeeded: scalar))
        : fnv(
            fnv(fnv(hash, UInt8(truncatingIfNeeded: scalar)), UInt8(truncatingIfNeeded: scalar >> 8)),
            UInt8(truncatingIfNeeded: scalar >> 16))
}

/// Spreads all bits over all bits (the finaliser of MurmurHash3), so that the top bits can choose a bucket.
@inline(__always)
func mix(_ value: UInt64) -> UInt64 {
    var x = value
    x ^= x >> 33
    x &*= 0xFF51_AFD7_ED55_8CCD
    x ^= x >> 33
    x &*= 0xC4CE_B9FE_1A85_EC53
    x ^= x >> 33
    return x
}
