/// Words to look for in a server's text. `*` stands for anything between, up to `gapMax` bytes.
struct Phrase: Sendable {
    static let gapMax = 160
    private let parts: [[UInt8]]

    /// - Parameter text: as `Phrases.folded` would leave it.
    init(_ text: String) {
        parts = text.split(separator: "*").map { Array($0.utf8) }
    }

    func matches(_ text: [UInt8]) -> Bool {
        guard let first = parts.first else { return false }
        var from = 0
        while let at = Phrases.find(first, in: text, from: from) {
            if rest(after: at + first.count, text) { return true }
            guard parts.count > 1 else { return true }
            from = at + 1
        }
        return false
    }

    private func rest(after start: Int, _ text: [UInt8]) -> Bool {
        var from = start
        for part in parts.dropFirst() {
            guard let at = Phrases.find(part, in: text, from: from), at - from <= Self.gapMax else { return false }
            from = at + part.count
        }
        return true
    }
}

enum Phrases {
    /// A server's words for comparing: ASCII letters small, white space runs one blank, the `550-5.1.1` at each line of a long reply gone.
    static func folded(_ text: String, max: Int = ServerWords.bytesMax) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(min(max, text.utf8.count))
        for word in text.utf8.prefix(max).split(whereSeparator: ASCII.isSpace) {
            if isContinuation(word) { continue }
            if !out.isEmpty { out.append(ASCII.space) }
            for byte in word { out.append(ASCII.lower(byte)) }
        }
        return out
    }

    /// `550-5.7.26` or `550-`.
    private static func isContinuation(_ word: Substring.UTF8View) -> Bool {
        guard word.count >= 4, word.prefix(3).allSatisfy(ASCII.isDigit), word.dropFirst(3).first == 0x2D else { return false }
        let rest = word.dropFirst(4)
        return rest.isEmpty || ServerWords.status(rest) != nil
    }

    static func find(_ needle: String, in text: [UInt8], from start: Int = 0) -> Int? { find(Array(needle.utf8), in: text, from: start) }

    static func find(_ needle: [UInt8], in text: [UInt8], from start: Int = 0) -> Int? { ByteScan.find(needle, in: text, from: start) }
}
