/// A line as the rules compare it: lower case, one blank between words, ASCII punctuation where full-width stood, no marks of direction
/// and no bold marks. Bytes of UTF-8, so that a visitor's text costs one pass and no Unicode tables.
enum ReplyFold {
    /// Longer lines are prose; no header, attribution or signature is recognised beyond this.
    static let bytesMax = 600

    static func fold(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        let end = bytes.startIndex + min(bytes.count, bytesMax)
        out.reserveCapacity(end - bytes.startIndex)
        var i = bytes.startIndex
        while i < end {
            let byte = bytes[i]
            if byte < 0x80 {
                ascii(byte, &out)
                i += 1
                continue
            }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
            guard i + length <= end else { break }
            if length == 2 {
                pair(byte, bytes[i + 1], &out)
            } else if length == 3 {
                triple(byte, bytes[i + 1], bytes[i + 2], &out)
            } else {
                for byte in bytes[i..<(i + length)] { out.append(byte) }
            }
            i += length
        }
        while out.last == ASCII.space { out.removeLast() }
        return out
    }

    private static func ascii(_ byte: UInt8, _ out: inout [UInt8]) {
        switch byte {
        case 0x2A: break  // "*From:*": bold in plain text
        case ..<0x21, 0x7F: blank(&out)
        default: out.append(ASCII.lower(byte))
        }
    }

    private static func blank(_ out: inout [UInt8]) {
        if let last = out.last, last != ASCII.space { out.append(ASCII.space) }
    }

    private static func put(_ a: UInt8, _ b: UInt8, _ out: inout [UInt8]) {
        out.append(a)
        out.append(b)
    }

    private static func pair(_ a: UInt8, _ b: UInt8, _ out: inout [UInt8]) {
        switch (a, b) {
        case (0xC2, 0xA0): blank(&out)
        case (0xC2, 0xAD): break
        case (0xC3, 0x80...0x9E) where b != 0x97: put(a, b + 0x20, &out)
        case (0xC4, 0xB0): out.append(0x69)  // İ
        case (0xC4, 0x80...0xB7), (0xC5, 0x8A...0xB7): put(a, b | 1, &out)
        case (0xC4, 0xB9...0xBE), (0xC5, 0x81...0x88), (0xC5, 0xB9...0xBE): put(a, b & 1 == 1 ? b + 1 : b, &out)
        case (0xC8, 0x98...0x9B): put(a, b | 1, &out)  // Romanian
        case (0xCE, 0x91...0x9F): put(0xCE, b + 0x20, &out)
        case (0xCE, 0xA0...0xA9): put(0xCF, b - 0x20, &out)
        case (0xCE, 0x86): put(0xCE, 0xAC, &out)
        case (0xCE, 0x88...0x8A): put(0xCE, b + 0x25, &out)
        case (0xD0, 0x80...0x8F): put(0xD1, b + 0x10, &out)
        case (0xD0, 0x90...0x9F): put(0xD0, b + 0x20, &out)
        case (0xD0, 0xA0...0xAF): put(0xD1, b - 0x20, &out)
        case (0xD8, 0x9C): break  // mark of direction
        default: put(a, b, &out)
        }
    }

    private static func triple(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ out: inout [UInt8]) {
        switch (a, b, c) {
        case (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xAF), (0xE3, 0x80, 0x80): blank(&out)
        case (0xE2, 0x80, 0x8B...0x8F), (0xE2, 0x80, 0xAA...0xAE), (0xE2, 0x81, 0xA0...0xA9), (0xEF, 0xBB, 0xBF): break
        case (0xE2, 0x80, 0x98...0x99): out.append(0x27)
        case (0xE2, 0x80, 0x9C...0x9D): out.append(0x22)
        case (0xEF, 0xBC, 0x9A), (0xEF, 0xB8, 0xB0): out.append(0x3A)  // ： ︰
        case (0xEF, 0xBC, 0x8C): out.append(0x2C)
        case (0xEF, 0xBC, 0x81): out.append(0x21)
        case (0xEF, 0xBC, 0x88): out.append(0x28)
        case (0xEF, 0xBC, 0x89): out.append(0x29)
        default:
            put(a, b, &out)
            out.append(c)
        }
    }
}
