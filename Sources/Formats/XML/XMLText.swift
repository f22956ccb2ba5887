/// The text between tags.
enum XMLText {
    /// Resolves references: XML's, the document's own, HTML's, and numbers however they are written. What is none stays as it is.
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, own: [String: [UInt8]], _ budget: inout EntityBudget, depth: Int = 0, into out: inout [UInt8]
    ) {
        var from = 0
        while let at = ByteScan.find(0x26, in: bytes, from: from) {
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[from..<at]))
            from = at + reference(bytes, at: at, own, &budget, depth, into: &out)
            if budget.isSpent { return }
        }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[from...]))
    }

    /// - Returns: how many bytes were read.
    private static func reference(
        _ bytes: UnsafeBufferPointer<UInt8>, at i: Int, _ own: [String: [UInt8]], _ budget: inout EntityBudget, _ depth: Int,
        into out: inout [UInt8]
    ) -> Int {
        let left = bytes.count - i
        if left >= 4, bytes[i + 2] == 0x74, bytes[i + 3] == 0x3B, bytes[i + 1] == 0x6C || bytes[i + 1] == 0x67 {  // &lt; &gt;
            out.append(bytes[i + 1] == 0x6C ? 0x3C : 0x3E)
            return 4
        }
        if left >= 5, bytes[i + 1] == 0x61, bytes[i + 2] == 0x6D, bytes[i + 3] == 0x70, bytes[i + 4] == 0x3B {  // &amp;
            out.append(0x26)
            return 5
        }
        if left >= 3, bytes[i + 1] == 0x23, let (scalar, end) = HTMLEntities.number(bytes, at: i + 2) {
            append(scalar, into: &out)
            return end - i
        }
        var end = i + 1
        while end < bytes.count, end - i <= 64, isNameByte(bytes[end]) { end += 1 }
        guard end > i + 1, end < bytes.count, bytes[end] == 0x3B else {
            out.append(0x26)
            return 1
        }
        let name = bytes[(i + 1)..<end]
        if !own.isEmpty, let text = own[String(decoding: name, as: UTF8.self)] {
            expand(text, own, &budget, depth, into: &out)
        } else if let text = HTMLEntities.named(name) {
            out += text
        } else {
            out.append(0x26)
            return 1
        }
        return end + 1 - i
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x3A || byte >= 0x80
    }

    private static func expand(
        _ text: [UInt8], _ own: [String: [UInt8]], _ budget: inout EntityBudget, _ depth: Int, into out: inout [UInt8]
    ) {
        budget.bytes -= text.count + 1
        if depth >= EntityBudget.depthMax || budget.bytes <= 0 { budget.isSpent = true }
        guard !budget.isSpent else { return }
        text.withUnsafeBufferPointer { decode($0, own: own, &budget, depth: depth + 1, into: &out) }
    }

    /// 128 to 159 stay as they are until the whole text is known: they are Windows-1252, or bytes of a character.
    private static func append(_ scalar: UInt32, into out: inout [UInt8]) {
        if (0x80...0x9F).contains(scalar) {
            out += [0xC2, UInt8(scalar)]
        } else if scalar < 0x20, scalar != 9, scalar != 10, scalar != 13 {
            return
        } else {
            HTMLEntities.append(scalar, into: &out)
        }
    }

    /// Puts right what went through the wrong charset: UTF-8 that somebody read as Latin-1, and Windows-1252 called Latin-1. Control
    /// characters go.
    static func mended(_ text: [UInt8], undoesTwice: Bool = true) -> [UInt8] {
        let (needsMending, mayBeTwice) = text.withUnsafeBufferPointer(look)
        guard needsMending else { return text }
        if mayBeTwice, undoesTwice, let once = decodedTwice(text) { return mended(once) }
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var i = 0
        while i < text.count {
            let byte = text[i]
            if byte == 0xC2, i + 1 < text.count, (0x80...0x9F).contains(text[i + 1]) {
                HTMLEntities.append(UInt32(text[i + 1]), into: &out)
                i += 2
                continue
            }
            if byte >= 0x20 && byte != 0x7F || byte == ASCII.lf || byte == ASCII.tab || byte == ASCII.cr { out.append(byte) }
            i += 1
        }
        return out
    }

    private static func look(_ text: UnsafeBufferPointer<UInt8>) -> (needsMending: Bool, mayBeTwice: Bool) {
        var hasControls = false
        var latin = 0
        var wide = 0
        var second = 0
        let raw = UnsafeRawBufferPointer(text)
        var i = -1
        while i + 1 < text.count {
            i += 1
            while i + 8 <= text.count {  // eight letters at a time
                let eight = raw.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                let isBelowSpace = (eight &- 0x2020_2020_2020_2020) & ~eight
                if (eight | isBelowSpace) & 0x8080_8080_8080_8080 != 0 { break }
                i += 8
            }
            guard i < text.count else { break }
            let byte = text[i]
            if byte < 0x20 {
                if byte != ASCII.lf, byte != ASCII.tab, byte != ASCII.cr { hasControls = true }
            } else if byte >= 0xC4 {
                wide += 1
            } else if byte >= 0xC2 {
                latin += 1
                if byte == 0xC2, i + 1 < text.count, text[i + 1] < 0xA0 { second += 1 }
            }
        }
        let mayBeTwice = wide == 0 && latin >= 2
        return (hasControls || second > 0 || mayBeTwice, mayBeTwice)
    }

    /// The bytes that the Latin-1 characters of a text are, when they are UTF-8.
    private static func decodedTwice(_ text: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var i = 0
        while i < text.count {
            if text[i] == 0xC2 || text[i] == 0xC3 {
                guard i + 1 < text.count else { return nil }
                out.append((text[i] & 3) << 6 | text[i + 1] & 0x3F)
                i += 2
            } else {
                out.append(text[i])
                i += 1
            }
        }
        let shape = Charset.utf8Shape(out)
        return shape.errors == 0 && shape.sequences > 0 ? out : nil
    }
}
