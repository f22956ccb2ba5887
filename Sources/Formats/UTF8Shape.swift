extension Charset {
    /// How the bytes read as UTF-8: sequences that are right (those of three and more bytes also apart), and places that are wrong.
    static func utf8Shape(_ bytes: [UInt8]) -> (sequences: Int, longSequences: Int, errors: Int) {
        var sequences = 0
        var longSequences = 0
        var errors = 0
        bytes.withUnsafeBufferPointer { buffer in
            var i = 0
            while i < buffer.count {
                if buffer[i] < 0x80 {
                    i += 1
                    while i + 8 <= buffer.count, isASCII(buffer, at: i) { i += 8 }
                    continue
                }
                let length = utf8Length(buffer, at: i)
                if length == 0 {
                    errors += 1
                    i += 1
                } else {
                    sequences += 1
                    if length > 2 { longSequences += 1 }
                    i += length
                }
            }
        }
        return (sequences, longSequences, errors)
    }

    /// Whether eight bytes from `i` on are ASCII.
    @inline(__always)
    private static func isASCII(_ buffer: UnsafeBufferPointer<UInt8>, at i: Int) -> Bool {
        UnsafeRawBufferPointer(buffer).loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
    }

    static func isUTF8(_ bytes: [UInt8]) -> Bool { utf8Shape(bytes).errors == 0 }

    /// Length of the sequence at `i` (RFC 3629: no surrogates, nothing overlong), 0 when it is broken.
    @inline(__always)
    static func utf8Length(_ b: UnsafeBufferPointer<UInt8>, at i: Int) -> Int {
        func tail(_ k: Int) -> Bool { i + k < b.count && b[i + k] & 0xC0 == 0x80 }
        let lead = b[i]
        switch lead {
        case 0..<0x80: return 1
        case 0xC2...0xDF: return tail(1) ? 2 : 0
        case 0xE0...0xEF:
            guard tail(1), tail(2) else { return 0 }
            if lead == 0xE0, b[i + 1] < 0xA0 { return 0 }
            if lead == 0xED, b[i + 1] > 0x9F { return 0 }
            return 3
        case 0xF0...0xF4:
            guard tail(1), tail(2), tail(3) else { return 0 }
            if lead == 0xF0, b[i + 1] < 0x90 { return 0 }
            if lead == 0xF4, b[i + 1] > 0x8F { return 0 }
            return 4
        default: return 0
        }
    }

    /// `CRLF` and lone `CR` become `LF`; U+0000 goes.
    static func cleaned(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 == ASCII.cr || $0 == 0 }) else { return bytes }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        bytes.withUnsafeBufferPointer { buffer in
            var i = 0
            while i < buffer.count {
                let byte = buffer[i]
                i += 1
                if byte == ASCII.cr {
                    out.append(ASCII.lf)
                    if i < buffer.count, buffer[i] == ASCII.lf { i += 1 }
                } else if byte != 0 {
                    out.append(byte)
                }
            }
        }
        return out
    }
}
