/// An address or a pattern of one: `billing@example.com`, `billing@*`, `*@partner.example`. Also `billing@` for any domain.
public struct AddressPattern: Sendable, Hashable {
    let parts: [[UInt8]]

    public init(_ text: String) {
        let lowered = text.lowercased()
        let whole = lowered.hasSuffix("@") ? lowered + "*" : lowered
        parts = whole.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    public func matches(_ address: String) -> Bool {
        let bytes = Array(address.lowercased().utf8)
        guard parts.count > 1 else { return bytes == parts[0] }
        let first = parts[0]
        let last = parts[parts.count - 1]
        guard bytes.count >= first.count + last.count, bytes.starts(with: first), bytes.suffix(last.count) == last[...] else {
            return false
        }
        var rest = bytes[first.count..<(bytes.count - last.count)]
        for part in parts.dropFirst().dropLast() {
            guard let start = Self.find(part, in: rest) else { return false }
            rest = rest[(start + part.count)...]
        }
        return true
    }

    private static func find(_ part: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= part.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - part.count)).first { bytes[$0..<($0 + part.count)] == part[...] }
    }
}

/// A word to look for in a subject: Latin ones match whole words, Chinese ones (written without spaces) anywhere.
public struct SubjectWord: Sendable, Hashable {
    let text: String
    let scalars: [Unicode.Scalar]

    public init(_ text: String) {
        self.text = text
        scalars = Array(text.lowercased().unicodeScalars)
    }
}

/// A text prepared for many searches: lower-cased scalars.
public struct FoldedText {
    /// More than any subject needs.
    static let scalarsMax = 1000
    let scalars: [Unicode.Scalar]

    public init(_ text: String) { scalars = Array(text.lowercased().unicodeScalars.prefix(Self.scalarsMax)) }

    public func contains(_ word: SubjectWord) -> Bool {
        let count = word.scalars.count
        guard let first = word.scalars.first, let last = word.scalars.last, scalars.count >= count else { return false }
        for start in 0...(scalars.count - count) where scalars[start] == first {
            guard scalars[start..<(start + count)].elementsEqual(word.scalars) else { continue }
            let isCutBefore = start > 0 && Self.belongTogether(scalars[start - 1], first)
            let isCutAfter = start + count < scalars.count && Self.belongTogether(last, scalars[start + count])
            if !isCutBefore, !isCutAfter { return true }
        }
        return false
    }

    /// Whether two neighbours are letters of one word. Scripts without spaces have no such words.
    private static func belongTogether(_ a: Unicode.Scalar, _ b: Unicode.Scalar) -> Bool {
        isWordPart(a) && isWordPart(b)
    }

    private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
        if isWithoutSpaces(scalar) { return false }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || scalar.properties.generalCategory == .nonspacingMark
    }

    /// Han, kana, Hangul and their neighbours.
    private static func isWithoutSpaces(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x2E80...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
        default: false
        }
    }
}
