/// Character references of HTML (WHATWG HTML §13.2.5.72–80).
enum HTMLEntities {
    /// The longest name has 31 letters.
    static let nameBytesMax = 32
    private static let digitsMax = 10

    struct Named {
        var utf8: [UInt8]
        /// Known without a semicolon too.
        var isOld: Bool
    }

    private static let named: [UInt64: Named] = {
        var out: [UInt64: Named] = [:]
        out.reserveCapacity(2200)
        for word in table.utf8.split(whereSeparator: { ASCII.isSpace($0) }) {
            guard let equals = word.firstIndex(of: 0x3D), let first = word.first else { continue }
            let isOld = first == 0x21
            let scalars = word[word.index(after: equals)...].split(separator: 0x2B).compactMap { hex in
                UInt32(String(decoding: hex, as: UTF8.self), radix: 16).flatMap(Unicode.Scalar.init)
            }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            out[hash(word[..<equals].dropFirst(isOld ? 1 : 0))] = Named(utf8: Array(text.utf8), isOld: isOld)
        }
        return out
    }()

    /// FNV-1a.
    private static func hash(_ name: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }

    static func named(_ name: some Sequence<UInt8>) -> [UInt8]? { named[hash(name)]?.utf8 }

    /// Text with its references resolved; U+0000 goes.
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>, isAttribute: Bool, into out: inout [UInt8]) {
        var from = 0
        var i = 0
        while i < bytes.count {
            let byte = bytes[i]
            guard byte == 0x26 || byte == 0 else {
                i += 1
                continue
            }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[from..<i]))
            i += byte == 0 ? 1 : reference(bytes, at: i, isAttribute: isAttribute, into: &out)
            from = i
        }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[from..<bytes.count]))
    }

    /// Writes what stands for the reference at `i`, an ampersand where there is none.
    /// - Returns: how many bytes were read.
    private static func reference(_ bytes: UnsafeBufferPointer<UInt8>, at i: Int, isAttribute: Bool, into out: inout [UInt8]) -> Int {
        if i + 1 < bytes.count, bytes[i + 1] == 0x23, let (scalar, end) = number(bytes, at: i + 2) {
            append(scalar, into: &out)
            return end - i
        }
        var end = i + 1
        let limit = min(bytes.count, i + 1 + nameBytesMax)
        while end < limit, ASCII.isLetter(bytes[end]) || ASCII.isDigit(bytes[end]) { end += 1 }
        if end > i + 1 {
            if end < bytes.count, bytes[end] == 0x3B, let found = named[hash(bytes[(i + 1)..<end])] {
                out += found.utf8
                return end + 1 - i
            }
            // Without a semicolon only the old names count, also at the front of a longer word, but not in an address's query.
            var length = min(end - i - 1, 6)
            while length >= 2 {
                if let found = named[hash(bytes[(i + 1)..<(i + 1 + length)])], found.isOld {
                    let next = i + 1 + length
                    let isWord = next < bytes.count && (bytes[next] == 0x3D || ASCII.isLetter(bytes[next]) || ASCII.isDigit(bytes[next]))
                    if isAttribute, isWord { break }
                    out += found.utf8
                    return next - i
                }
                length -= 1
            }
        }
        out.append(0x26)
        return 1
    }

    /// The number behind `&#`, and where reading goes on.
    static func number(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> (scalar: UInt32, end: Int)? {
        var i = start
        let isHex = i < bytes.count && bytes[i] | 0x20 == 0x78
        if isHex { i += 1 }
        let first = i
        var value: UInt32 = 0
        while i < bytes.count, let digit = ASCII.hexValue(bytes[i]), isHex || digit < 10 {
            value = min(value &* (isHex ? 16 : 10) &+ UInt32(digit), 0x11_0000)
            i += 1
        }
        guard i > first else { return nil }
        if i < bytes.count, bytes[i] == 0x3B { i += 1 }
        return (value, i)
    }

    /// Numbers 128 to 159 mean Windows-1252; what is no character becomes U+FFFD.
    static func append(_ scalar: UInt32, into out: inout [UInt8]) {
        let mapped: UInt32 = (0x80...0x9F).contains(scalar) ? Charset.windows1252(UInt8(scalar)) : scalar
        guard mapped != 0, let valid = Unicode.Scalar(mapped) else {
            out += [0xEF, 0xBF, 0xBD]
            return
        }
        out += UTF8.encode(valid).map { Array($0) } ?? []
    }
}
