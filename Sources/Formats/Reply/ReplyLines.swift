/// A message cut into lines, each with its quotation marks counted and its text folded for comparison.
struct ReplyLines {
    /// More lines than this is no letter; such a message is left whole.
    static let countMax = 100_000

    struct Line {
        /// In `bytes`, without the line end.
        var range: Range<Int>
        /// How many `>` stand before the text.
        var depth: Int
        /// The text behind the marks, without blanks at both ends; empty for a blank line.
        var text: Range<Int>
        /// Whether the line before is the first part of the same line: an attribution that shares its line with the answer.
        var isRest = false
        var isBlank: Bool { text.isEmpty }
    }

    let bytes: [UInt8]
    private(set) var lines: [Line] = []
    /// What `ReplyFold` makes of each line's text, marks excluded.
    private(set) var folded: [[UInt8]] = []

    /// Nil when there are too many lines.
    init?(_ text: String) {
        bytes = Array(text.utf8)
        var start = 0
        while start <= bytes.count {
            let end = bytes[start...].firstIndex(of: ASCII.lf) ?? bytes.count
            guard lines.count < Self.countMax else { return nil }
            let isCR = end > start && bytes[end - 1] == ASCII.cr
            append(start..<(isCR ? end - 1 : end))
            start = end + 1
        }
    }

    var count: Int { lines.count }
    subscript(_ index: Int) -> Line { lines[index] }

    private mutating func append(_ range: Range<Int>) {
        let line = Self.line(range, bytes)
        lines.append(line)
        folded.append(ReplyFold.fold(bytes[line.text]))
    }

    private static func line(_ range: Range<Int>, _ bytes: [UInt8]) -> Line {
        var at = range.lowerBound
        var depth = 0
        while at < range.upperBound {
            if bytes[at] == 0x3E {
                depth += 1
            } else if bytes[at] != ASCII.space && bytes[at] != ASCII.tab {
                break
            }
            at += 1
        }
        var text = at..<range.upperBound
        while !text.isEmpty, isBlank(bytes, before: text.upperBound) { text = text.lowerBound..<(text.upperBound - 1) }
        while !text.isEmpty, let length = blankLength(bytes, at: text.lowerBound, before: text.upperBound) {
            text = (text.lowerBound + length)..<text.upperBound
        }
        return Line(range: range, depth: depth, text: text)
    }

    private static func isBlank(_ bytes: [UInt8], before end: Int) -> Bool { ASCII.isSpace(bytes[end - 1]) }

    /// Of a blank, a no-break space, a zero-width space or an ideographic space.
    private static func blankLength(_ bytes: [UInt8], at: Int, before end: Int) -> Int? {
        switch bytes[at] {
        case ASCII.space, ASCII.tab: return 1
        case 0xC2 where at + 1 < end && bytes[at + 1] == 0xA0: return 2
        case 0xE2 where at + 2 < end && bytes[at + 1] == 0x80 && (bytes[at + 2] == 0x8B || bytes[at + 2] == 0x8E): return 3
        case 0xE3 where at + 2 < end && bytes[at + 1] == 0x80 && bytes[at + 2] == 0x80: return 3
        case 0xEF where at + 2 < end && bytes[at + 1] == 0xBB && bytes[at + 2] == 0xBF: return 3
        default: return nil
        }
    }

    /// The next line with text at or after `index`, looking at most `max` lines ahead.
    func nextText(_ index: Int, within max: Int = 12) -> Int? {
        var at = index
        while at < min(count, index + max) {
            if !lines[at].isBlank { return at }
            at += 1
        }
        return nil
    }

    /// The whole line folded, marks included: for a header that was wrapped before a `>` of its own.
    func foldedWhole(_ index: Int) -> [UInt8] { ReplyFold.fold(bytes[lines[index].range].drop { ASCII.isSpace($0) }) }

    /// Cuts a line in two at a byte of its text.
    mutating func cut(_ index: Int, at place: Int) {
        let whole = lines[index]
        lines[index] = Self.line(whole.range.lowerBound..<place, bytes)
        lines[index].isRest = whole.isRest
        folded[index] = ReplyFold.fold(bytes[lines[index].text])
        var rest = Self.line(place..<whole.range.upperBound, bytes)
        rest.isRest = true
        lines.insert(rest, at: index + 1)
        folded.insert(ReplyFold.fold(bytes[rest.text]), at: index + 1)
    }

    /// The line's text as written, for a reason; at most 60 characters.
    func shown(_ index: Int) -> String {
        let text = Charset.string(Array(bytes[lines[index].text].prefix(400)))
        return text.count > 60 ? String(text.prefix(59)) + "…" : text
    }
}

extension [UInt8] {
    func holds(_ needle: [UInt8]) -> Bool { place(of: needle) != nil }

    /// The first place of `needle` at or after `from`.
    func place(of needle: [UInt8], from start: Int = 0) -> Int? { ByteScan.find(needle, in: self, from: start) }

    func ends(with needle: [UInt8]) -> Bool { count >= needle.count && suffix(needle.count).elementsEqual(needle) }
}
