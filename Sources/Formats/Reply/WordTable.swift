/// Words that may open or end a line, found by the byte at that end: every line of every mail is asked for hundreds of them.
struct WordTable: Sendable {
    private let byFirst: [[[UInt8]]]
    private let byLast: [[[UInt8]]]

    /// - Parameter words: none is empty.
    init(_ words: [[UInt8]]) {
        byFirst = (0..<256).map { byte in words.filter { Int($0[0]) == byte } }
        byLast = (0..<256).map { byte in words.filter { Int($0[$0.count - 1]) == byte } }
    }

    /// Whether a word stands at `start` for which `isFit` holds.
    func opens(_ text: [UInt8], at start: Int = 0, where isFit: (Int) -> Bool = { _ in true }) -> Bool {
        guard start < text.count else { return false }
        return byFirst[Int(text[start])].contains { Self.stands($0, in: text, at: start) && isFit($0.count) }
    }

    /// Where the longest word ends that stands at `start` and for whose end `isFit` holds.
    func end(_ text: [UInt8], at start: Int, where isFit: (Int) -> Bool) -> Int? {
        var found: Int?
        for word in byFirst[Int(text[start])] where Self.stands(word, in: text, at: start) && isFit(start + word.count) {
            found = max(found ?? 0, start + word.count)
        }
        return found
    }

    /// Whether `text` ends with a word.
    func ends(_ text: ArraySlice<UInt8>) -> Bool {
        guard let last = text.last else { return false }
        return byLast[Int(last)].contains { $0.count <= text.count && text.suffix($0.count).elementsEqual($0) }
    }

    private static func stands(_ word: [UInt8], in text: [UInt8], at start: Int) -> Bool {
        guard start + word.count <= text.count else { return false }
        for (offset, byte) in word.enumerated() where text[start + offset] != byte { return false }
        return true
    }
}
