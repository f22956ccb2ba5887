/// Little-endian numbers and lengths out of bytes that may lie about both: reading past the end is nil, never a trap.
struct ByteReader {
    let bytes: ArraySlice<UInt8>
    private(set) var at: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    var left: Int { bytes.endIndex - at }

    mutating func u8() -> UInt8? {
        guard left >= 1 else { return nil }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func u16() -> UInt16? {
        guard left >= 2 else { return nil }
        defer { at += 2 }
        return UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
    }

    mutating func u32() -> UInt32? {
        guard left >= 4 else { return nil }
        defer { at += 4 }
        return UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, left >= count else { return nil }
        defer { at += count }
        return bytes[at..<(at + count)]
    }

    /// What is left, at most `count`.
    mutating func takeUp(to count: Int) -> ArraySlice<UInt8> {
        let count = min(max(0, count), left)
        defer { at += count }
        return bytes[at..<(at + count)]
    }

    mutating func skip(_ count: Int) -> Bool { take(count) != nil }
}
