import CGMime

/// Searches that the C library does with vector instructions, for the loops that see every byte of a mail.
public enum ByteScan {
    /// - Parameter end: the scan ends before it; the end of `bytes` when nil.
    public static func lineFeed(in bytes: [UInt8], from start: Int, to end: Int? = nil) -> Int? {
        bytes.withUnsafeBufferPointer { find(ASCII.lf, in: $0, from: start, to: end ?? $0.count) }
    }

    static func find(_ byte: UInt8, in buffer: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int? {
        guard start < end, let base = buffer.baseAddress, let at = memchr(base + start, Int32(byte), end - start) else { return nil }
        return UnsafeRawPointer(at) - UnsafeRawPointer(base)
    }

    /// Position of `needle` at or after `start`; nil for an empty needle.
    static func find(_ needle: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int? {
        guard !needle.isEmpty, start >= 0, end - needle.count >= start, let base = text.baseAddress, let word = needle.baseAddress,
            let at = memmem(base + start, end - start, word, needle.count)
        else { return nil }
        return UnsafeRawPointer(at) - base
    }

    static func find(_ needle: [UInt8], in text: [UInt8], from start: Int = 0) -> Int? {
        text.withUnsafeBytes { text in needle.withUnsafeBytes { find($0, in: text, from: start, to: text.count) } }
    }

    static func find(_ byte: UInt8, in buffer: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        find(byte, in: buffer, from: start, to: buffer.count)
    }

    static func find(_ needle: StaticString, in buffer: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        find(needle.bytes, in: UnsafeRawBufferPointer(buffer), from: start, to: buffer.count)
    }

    /// Whether every byte is below 0x80; eight at a time.
    static func isASCII(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.withContiguousStorageIfAvailable { buffer in
            let raw = UnsafeRawBufferPointer(buffer)
            var i = 0
            while i + 8 <= raw.count {
                if raw.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { return false }
                i += 8
            }
            while i < raw.count {
                if raw[i] >= 0x80 { return false }
                i += 1
            }
            return true
        } ?? bytes.allSatisfy { $0 < 0x80 }
    }
}

extension ASCII {
    /// Position of `needle` in a slice, counted as the slice counts.
    static func find(_ needle: StaticString, in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { text in
            ByteScan.find(needle.bytes, in: text, from: 0, to: text.count).map { $0 + bytes.startIndex }
        }
    }

    /// Position of `needle` at or after `start`.
    static func find(_ needle: StaticString, in bytes: [UInt8], from start: Int = 0, to end: Int? = nil) -> Int? {
        bytes.withUnsafeBytes { ByteScan.find(needle.bytes, in: $0, from: start, to: min(end ?? $0.count, $0.count)) }
    }

    /// Whether a text holds a word, byte for byte: where a mail is asked for a hundred words, characters are too dear.
    public static func holds(_ text: String, _ word: String) -> Bool {
        var (text, word) = (text, word)
        return text.withUTF8 { text in
            word.withUTF8 { word in
                ByteScan.find(UnsafeRawBufferPointer(word), in: UnsafeRawBufferPointer(text), from: 0, to: text.count) != nil
            }
        }
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}
