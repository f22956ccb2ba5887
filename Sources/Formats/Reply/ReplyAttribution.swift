/// "On Monday, 3 June 2024, Ann <ann@example.org> wrote:" in any language, on one line or wrapped over several.
///
/// What makes a line one is evidence, not its words: a date, an address and a colon at the end say it in every language; with one of
/// them missing, a verb of writing must be there.
struct ReplyAttribution {
    /// Mailers wrap at 72 columns; the longest seen take this many lines.
    static let linesMax = 6
    static let bytesMax = 900
    /// Lines tried in one message; a message with more candidates is no letter.
    static let triesMax = 2000

    /// What a folded text holds.
    struct Evidence {
        var hasDate = false
        var hasTime = false
        var hasAddress = false
        /// The address stands in brackets, as mailers write it and people seldom do.
        var hasBracketed = false
        var opensBracket = false

        init(_ text: [UInt8]) {
            var brackets = 0
            var i = 0
            while i < text.count {
                let byte = text[i]
                if byte == 0x3C { brackets += 1 }
                if byte == 0x3E { brackets -= 1 }
                if byte == 0x40, i > 0, text[i - 1] > 0x20, i + 1 < text.count, text[i + 1] > 0x20 {
                    hasAddress = true
                    hasBracketed = hasBracketed || Self.isBracketed(text, at: i)
                }
                guard ASCII.isDigit(byte), i == 0 || !Self.isWord(text[i - 1]) else {
                    i += 1
                    continue
                }
                i = number(text, at: i)
            }
            opensBracket = brackets > 0
        }

        private static func isBracketed(_ text: [UInt8], at: Int) -> Bool {
            var i = at - 1
            while i > 0, text[i] > 0x20, text[i] != 0x3C, text[i] != 0x28, text[i] != 0x3A { i -= 1 }
            return text[i] == 0x3C || text[i] == 0x28 || text[i] == 0x3A
                || (text[i] == ASCII.space && i > 0 && (text[i - 1] == 0x28 || text[i - 1] == 0x3C))
        }

        private static func isWord(_ byte: UInt8) -> Bool { ASCII.isDigit(byte) || ASCII.isLetter(byte) }

        /// Reads the number at `start` and what hangs on it: `2024`, `14:30`, `04/19/2011`, `13-02-2014`.
        private mutating func number(_ text: [UInt8], at start: Int) -> Int {
            var numbers: [Int] = []
            var sizes: [Int] = []
            var marks: [UInt8] = []
            var i = start
            while i < text.count, numbers.count < 4 {
                var value = 0
                let from = i
                while i < text.count, ASCII.isDigit(text[i]) {
                    value = min(value * 10 + Int(text[i] - 0x30), 1_000_000)
                    i += 1
                }
                guard i > from else { break }
                numbers.append(value)
                sizes.append(i - from)
                guard i + 1 < text.count, [0x2E, 0x2F, 0x2D, 0x3A, 0x68].contains(text[i]), ASCII.isDigit(text[i + 1]) else { break }
                marks.append(text[i])
                i += 1
            }
            judge(numbers, sizes, marks)
            return max(i, start + 1)
        }

        private mutating func judge(_ numbers: [Int], _ sizes: [Int], _ marks: [UInt8]) {
            if zip(numbers, sizes).contains(where: { $1 == 4 && (1970...2100).contains($0) }) { hasDate = true }
            if numbers.count >= 3, !marks.contains(0x3A), sizes.allSatisfy({ $0 <= 4 }) { hasDate = true }
            if numbers.count >= 2, numbers[0] < 25, numbers[1] < 60, sizes[1] == 2, marks[0] == 0x3A || marks[0] == 0x2E || marks[0] == 0x68
            {
                hasTime = true
            }
        }
    }

    private(set) var tries = 0

    /// How many lines the attribution at `index` takes, or nil.
    mutating func length(_ lines: ReplyLines, at index: Int) -> Int? {
        let first = lines.folded[index]
        guard !first.isEmpty, first.count < ReplyFold.bytesMax, tries < Self.triesMax else { return nil }
        var joined = Self.bare(first)
        let evidence = Evidence(joined)
        let isOpened = ReplyWords.openers.opens(joined)
        let isDashed = first.count > joined.count && first.first == 0x2D
        // The date stands before the name in all of them, so the first line has it; "name <address> wrote:" has no date at all.
        guard evidence.hasDate || evidence.hasTime || (evidence.hasAddress && first.count < 200) || isDashed else { return nil }
        tries += 1
        var count = 1
        var at = index
        while true {
            if Self.isAttribution(joined, isOpened: isOpened, isDashed: isDashed, next: next(lines, after: at)) { return count }
            guard count < Self.linesMax, evidence.hasDate || evidence.hasTime, let more = follower(lines, after: at, joined) else {
                return nil
            }
            count += more.index - at
            at = more.index
            if !joined.isEmpty { joined.append(ASCII.space) }
            joined += more.text
            guard joined.count <= Self.bytesMax, count <= Self.linesMax else { return nil }
        }
    }

    /// The next line with text, when it may be a part of a wrapped attribution.
    private func follower(_ lines: ReplyLines, after index: Int, _ joined: [UInt8]) -> (index: Int, text: [UInt8])? {
        guard joined.last != 0x3A, let next = lines.nextText(index + 1, within: 2) else { return nil }
        let opensBracket = Evidence(joined).opensBracket
        if lines[next].depth > 0, !opensBracket { return nil }
        let text = lines.foldedWhole(next)
        // A blank line inside: only before the address, as Polymail does.
        if next > index + 1, text.first != 0x3C { return nil }
        // A second date is another attribution, or prose.
        if Evidence(text).hasDate { return nil }
        return (next, text)
    }

    private func next(_ lines: ReplyLines, after index: Int) -> ReplyLines.Line? {
        lines.nextText(index + 1).map { lines[$0] }
    }

    /// Without the dashes or bars some mailers put around it, and without `- ` before it.
    static func bare(_ text: [UInt8]) -> [UInt8] {
        var slice = text[...]
        while let first = slice.first, [0x2D, 0x5F, 0x3D, 0x20, 0x7C].contains(first) { slice = slice.dropFirst() }
        while let last = slice.last, [0x2D, 0x5F, 0x3D, 0x20, 0x7C].contains(last) { slice = slice.dropLast() }
        return Array(slice)
    }

    private static func isAttribution(_ joined: [UInt8], isOpened: Bool, isDashed: Bool, next: ReplyLines.Line?) -> Bool {
        let text = bare(joined)
        let evidence = Evidence(text)
        let isQuotedNext = next.map { $0.depth > 0 } ?? false
        let hasColon = text.last == 0x3A
        if hasColon, evidence.hasDate, evidence.hasBracketed { return true }
        // "2011/4/7 Ann <ann@example.org>" above a quotation.
        if !hasColon, isQuotedNext, evidence.hasDate, evidence.hasAddress, text.last == 0x3E, text.first.map(ASCII.isDigit) == true {
            return true
        }
        guard let verbEnd = verbEnd(text) else { return false }
        let isLast = verbEnd >= text.count - (hasColon ? 2 : 0)
        if isDashed, !hasColon, isLast { return true }  // "---- Ann wrote ----"
        if hasColon, evidence.hasAddress { return true }
        // Somebody's words in quotation marks follow: that is prose about a letter.
        let isDated = evidence.hasDate || (evidence.hasTime && isQuotedNext)
        guard isOpened || text.first.map(ASCII.isDigit) == true || isQuotedNext, isDated else { return false }
        return hasColon || (isLast && evidence.hasTime)
    }

    /// Where the last verb of writing ends that is a word of its own.
    private static func verbEnd(_ text: [UInt8]) -> Int? {
        var found: Int?
        for at in text.indices.reversed() {
            let isInWord = at > 0 && ASCII.isLetter(text[at - 1])
            let end = isInWord ? nil : ReplyWords.verbs.end(text, at: at) { !($0 < text.count && ASCII.isLetter(text[$0])) }
            if let end { found = max(found ?? 0, end) }
            // One that begins here or before ends no later.
            if let found, at + ReplyWords.verbBytesMax <= found { break }
        }
        return found
    }

    /// "yes On Wed, 4 Apr 2012, bob@example.com wrote:" above a quotation: where the attribution begins in the line, and where the
    /// answer before it ends.
    static func shared(_ lines: ReplyLines, at index: Int) -> (end: Int, start: Int)? {
        let line = lines[index]
        guard line.depth == 0, line.text.count < ReplyFold.bytesMax, let next = lines.nextText(index + 1, within: 3), lines[next].depth > 0,
            lines.folded[index].last == 0x3A
        else { return nil }
        let bytes = lines.bytes
        var at = line.text.lowerBound + 1
        while at + 3 < line.text.upperBound {
            let isOn = bytes[at] == 0x4F && bytes[at + 1] == 0x6E && bytes[at + 2] == ASCII.space
            if isOn, bytes[at - 1] == ASCII.space || bytes[at - 1] == 0x2D {
                let rest = ReplyFold.fold(bytes[at..<line.text.upperBound])
                if isAttribution(rest, isOpened: true, isDashed: false, next: lines[next]) {
                    var end = at
                    while end > line.text.lowerBound, bytes[end - 1] == ASCII.space || bytes[end - 1] == 0x2D { end -= 1 }
                    return end > line.text.lowerBound ? (end, at) : nil
                }
            }
            at += 1
        }
        return nil
    }
}
