import CGMime

/// Searches that the C library does with vector instructions, for the loops that see every byte of a mail.
enum ByteScan {
    static func lineFeed(in bytes: [UInt8], from start: Int, to end: Int? = nil) -> Int? {
        bytes.withUnsafeBufferPointer { find(ASCII.lf, in: $0, from: start, to: end ?? $0.count) }
    }

    static func find(_ byte: UInt8, in buffer: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int? {
        guard start < end, let base = buffer.baseAddress, let at = memchr(base + start, Int32(byte), end - start) else { return nil }
        return UnsafeRawPointer(at) - UnsafeRawPointer(base)
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
        let length = needle.utf8CodeUnitCount
        let first = needle.utf8Start[0]
        return bytes.withUnsafeBufferPointer { buffer -> Int? in
            var i = 0
            while let at = ByteScan.find(first, in: buffer, from: i, to: buffer.count) {
                if at + length > buffer.count { return nil }
                if (1..<length).allSatisfy({ buffer[at + $0] == needle.utf8Start[$0] }) { return bytes.startIndex + at }
                i = at + 1
            }
            return nil
        }
    }
}
