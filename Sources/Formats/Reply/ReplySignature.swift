/// Finds what stands below the words: the author's signature, and what programs and companies add to it.
///
/// Looks only at the end of each stretch of new lines, bottom up, and never takes a message's only words.
struct ReplySignature {
    /// A signature has a dozen lines (RFC 3676 §4.3 says four; companies write more).
    static let linesMax = 16
    static let lineBytesMax = 110
    /// RFC 3676's own mark is trusted further.
    static let markedLinesMax = 60
    static let footerLinesMax = 80
    static let nameBytesMax = 60
    static let legalBytesMin = 50
    static let roundsMax = 6

    private(set) var pass: ReplyPass
    private var lines: ReplyLines { pass.lines }
    /// The first new line with text of the whole message: a signature cannot start there.
    private let first: Int

    init(_ pass: ReplyPass) {
        self.pass = pass
        let lines = pass.lines
        first = (0..<lines.count).first { pass.parts[$0] == .new && !lines[$0].isBlank } ?? lines.count
    }

    mutating func run() {
        takeHints()
        let stretches = stretches()
        for (number, stretch) in stretches.enumerated() {
            var end = trimmed(stretch)
            if let from = standard(stretch.lowerBound, end) { end = trimmed(stretch.lowerBound..<from) }
            end = footers(stretch.lowerBound, end)
            // Between two quotations people write answers, not signatures.
            guard number == 0 || number == stretches.count - 1 else { continue }
            for _ in 0..<3 {
                guard let start = signature(stretch.lowerBound, end) else { break }
                end = trimmed(stretch.lowerBound..<start)
            }
        }
        // Blank lines below a signature belong to it.
        for index in 1..<max(1, pass.forward ?? lines.count) where lines[index].isBlank && pass.parts[index] == .new {
            if pass.parts[index - 1] != .new { pass.mark(index..<(index + 1), as: pass.parts[index - 1]) }
        }
    }

    /// Runs of new lines above a forward's content.
    private func stretches() -> [Range<Int>] {
        var found: [Range<Int>] = []
        let end = pass.forward ?? lines.count
        var start: Int?
        for index in 0...end {
            let isNew = index < end && pass.parts[index] == .new
            if isNew, start == nil { start = index }
            if !isNew, let from = start {
                if (from..<index).contains(where: { !lines[$0].isBlank }) { found.append(from..<index) }
                start = nil
            }
        }
        return found
    }

    private func trimmed(_ range: Range<Int>) -> Int {
        var end = range.upperBound
        while end > range.lowerBound, lines[end - 1].isBlank { end -= 1 }
        return end
    }

    private mutating func takeHints() {
        let hinted = pass.signatureHints().filter { $0 > first }
        guard let from = hinted.first, let to = hinted.last, to - from < Self.footerLinesMax else { return }
        let wanted = Set(hinted)
        let rest = (0..<lines.count).contains { pass.parts[$0] == .new && !lines[$0].isBlank && !wanted.contains($0) }
        guard rest else { return }
        for index in hinted { pass.mark(index..<(index + 1), as: .signature) }
        pass.explain(from, "the sender's program marked it as the signature")
    }

    // MARK: What programs add

    private mutating func footers(_ start: Int, _ end: Int) -> Int {
        var end = end
        for _ in 0..<Self.roundsMax {
            guard let from = sentFrom(start, end) ?? list(start, end) ?? legal(start, end), from > first || from > start else { break }
            end = trimmed(start..<from)
        }
        // Alone in its paragraph it is an advertisement wherever it stands.
        for index in start..<max(start, end) where index > first && isAlone(index, start, end) && Self.isSentFrom(lines.folded[index]) {
            pass.mark(index..<(index + 1), as: .footer, because: "“\(lines.shown(index))” is added by the program")
        }
        return trimmed(start..<end)
    }

    private func isAlone(_ index: Int, _ start: Int, _ end: Int) -> Bool {
        (index == start || lines[index - 1].isBlank) && (index + 1 >= end || lines[index + 1].isBlank)
    }

    private mutating func sentFrom(_ start: Int, _ end: Int) -> Int? {
        guard end > start, end - 1 > first, Self.isSentFrom(lines.folded[end - 1]) else { return nil }
        pass.mark((end - 1)..<end, as: .footer, because: "“\(lines.shown(end - 1))” is added by the program")
        return end - 1
    }

    /// "Sent from my iPhone", "发自我的手机"; not "Sent from my desk, is much easier than my phone."
    static func isSentFrom(_ text: [UInt8]) -> Bool {
        guard text.count < 160 else { return false }
        let bare = text.drop { $0 == 0x2D || $0 == 0x5B || $0 == 0x28 || $0 == 0x3C || $0 == ASCII.space }
        let line = Array(bare)
        let isOpened = ReplyWords.sentFrom.opens(line)
        let isEnded = ReplyWords.sentFromEnds.ends(line[...]) || line.last == 0x2E && ReplyWords.sentFromEnds.ends(line.dropLast())
        guard isOpened || isEnded else { return false }
        let words = line.split(separator: ASCII.space)
        let head = Array(line.prefix { $0 != 0x2C })
        let isDevice = ReplyWords.devices.contains { head.holds($0) }
        if isDevice { return words.count <= 16 }
        return isOpened && line == head && words.count <= 8 && words.count >= 2 && line.last != 0x2E && line.last != 0x3A
            && line.last != 0x3F
    }

    /// A mailing list's footer below a drawn line.
    private mutating func list(_ start: Int, _ end: Int) -> Int? {
        let from = max(start, end - 14)
        guard let rule = (from..<end).last(where: { ReplyHeaders.isRuleLine(lines.folded[$0], min: 2) }), rule > first, rule + 1 < end
        else {
            return nil
        }
        guard (rule..<end).contains(where: { at in ReplyWords.listWords.contains { lines.folded[at].holds($0) } }) else { return nil }
        pass.mark(rule..<end, as: .footer, because: "a mailing list's footer")
        return rule
    }

    /// A paragraph that starts like a disclaimer, speaks of one, and has nothing but its like below it.
    private mutating func legal(_ start: Int, _ end: Int) -> Int? {
        var found: Int?
        for index in max(start, end - Self.footerLinesMax)..<max(start, end) where index > first {
            guard index == start || lines[index - 1].isBlank || ReplyHeaders.isRuleLine(lines.folded[index - 1]) else { continue }
            let bare = Array(lines.folded[index].drop { !ASCII.isLetter($0) && $0 < 0x80 })
            guard ReplyWords.legalStarts.opens(bare) else { continue }
            let isLong = (index..<end).reduce(0) { $0 + lines[$1].text.count } >= Self.legalBytesMin
            let isLegal =
                isLong && (index..<min(end, index + 12)).contains { at in ReplyWords.legalWords.contains { lines.folded[at].holds($0) } }
            if isLegal {
                found = index
                break
            }
        }
        guard var from = found else { return nil }
        let reason = "“\(lines.shown(from))” is a legal footer"
        if from - 1 > first, ReplyHeaders.isRuleLine(lines.folded[from - 1]) { from -= 1 }
        pass.mark(from..<end, as: .footer, because: reason)
        return from
    }

    // MARK: What the author signs with

    private mutating func signature(_ start: Int, _ end: Int) -> Int? {
        guard end > start else { return nil }
        let place =
            delimiter(start, end) ?? closing(start, end) ?? dashedName(start, end) ?? contact(start, end) ?? nameAboveFooter(start, end)
        guard let (from, reason) = place, from > first else { return nil }
        pass.mark(from..<end, as: .signature, because: reason)
        return from
    }

    /// The last `-- ` (RFC 3676 §4.3) and all below it.
    private mutating func standard(_ start: Int, _ end: Int) -> Int? {
        let window = max(start, end - Self.markedLinesMax)..<max(start, end)
        guard let mark = window.last(where: { lines.folded[$0] == [0x2D, 0x2D] && lines[$0].range.count == 3 }), mark > first,
            mark + 1 < end
        else { return nil }
        pass.mark(mark..<end, as: .signature, because: "“-- ” opens a signature")
        return mark
    }

    /// What people type instead of it.
    private func delimiter(_ start: Int, _ end: Int) -> (Int, String)? {
        for index in (max(start, end - Self.markedLinesMax)..<end).reversed() where index > first && index + 1 < end {
            let text = lines.folded[index]
            let isMark = text == [0x2D, 0x2D] || text == Array("—".utf8) || text == Array("–".utf8) || text == Array("——".utf8)
            guard isMark || ReplyHeaders.isRuleLine(text, min: 2), isSignatureLike((index + 1)..<end, strict: !isMark) else { continue }
            var from = index
            while from - 1 > first, from - 1 >= start, lines.folded[from - 1] == text { from -= 1 }
            return (from, "“\(lines.shown(index))” opens a signature")
        }
        return nil
    }

    /// "Best regards," and what follows.
    private func closing(_ start: Int, _ end: Int) -> (Int, String)? {
        var found: Int?
        var index = end - 1
        var texts = 0
        while index >= start, index > first, texts < Self.linesMax {
            defer { index -= 1 }
            if lines[index].isBlank { continue }
            texts += 1
            let text = lines.folded[index]
            if let kind = Self.closing(text), isFollowedByName(index, end, kind) { found = index }
            if !isSignatureLine(index) { break }
        }
        return found.map { ($0, "“\(lines.shown($0))” closes the letter") }
    }

    private enum Closing { case weak, strong, named }

    private static func closing(_ text: [UInt8]) -> Closing? {
        guard text.count <= 80 else { return nil }
        var bare = text[...]
        while let last = bare.last, [0x2C, 0x2E, 0x21, 0x3A, 0x3B, 0x7E, 0x2D, ASCII.space].contains(last) || isSymbolTail(bare) {
            bare = bare.dropLast(isSymbolTail(bare) ? 4 : 1)
        }
        for mark in ["。", "，", "！", "～"] where bare.count > 3 && bare.suffix(3).elementsEqual(mark.utf8) { bare = bare.dropLast(3) }
        let words = Array(bare)
        if ReplyWords.closings.contains(words) { return .strong }
        if ReplyWords.weakClosings.contains(words) { return .weak }
        // "Regards, Roman"
        guard let comma = words.firstIndex(of: 0x2C), words.count <= 50 else { return nil }
        let name = words[(comma + 1)...].split(separator: ASCII.space)
        guard (1...3).contains(name.count), name.allSatisfy({ $0.allSatisfy { ASCII.isLetter($0) || $0 >= 0x80 || $0 == 0x2E } }) else {
            return nil
        }
        return ReplyWords.closings.contains(Array(words[..<comma])) ? .named : nil
    }

    /// An emoji: four bytes of UTF-8.
    private static func isSymbolTail(_ text: ArraySlice<UInt8>) -> Bool { text.count >= 4 && text[text.endIndex - 4] >= 0xF0 }

    private func isFollowedByName(_ index: Int, _ end: Int, _ kind: Closing) -> Bool {
        guard let next = lines.nextText(index + 1), next < end else { return kind != .weak }
        if kind == .named { return isSignatureLike((index + 1)..<end, strict: false) }
        let isName =
            isName(next) || ReplyHeaders.isRuleLine(lines.folded[next], min: 1) || Self.closing(lines.folded[next]) != nil
            || Self.isContact(lines.folded[next])
        return isName && isSignatureLike((index + 1)..<end, strict: false)
    }

    /// "-roman", "- Roman", "—Roman" as the last line; not the last item of a list.
    private func dashedName(_ start: Int, _ end: Int) -> (Int, String)? {
        let index = end - 1
        let text = lines.bytes[lines[index].text]
        guard index > start, index > first, lines[index].range.lowerBound == lines[index].text.lowerBound else { return nil }
        let isDash = text.first == 0x2D || text.first == 0x7E
        let isLong = text.starts(with: "—".utf8) || text.starts(with: "–".utf8)
        guard isDash || isLong else { return nil }
        let rest = text.dropFirst(isLong ? 3 : 1)
        let isApart = lines[index - 1].isBlank
        guard let next = rest.first, next == ASCII.space ? isApart : ASCII.isLetter(next) || next >= 0x80 else { return nil }
        let above = (start..<index).last { !lines[$0].isBlank }
        if let above, let mark = lines.bytes[lines[above].text].first, mark == text.first || lines.folded[above].last == 0x3A { return nil }
        let words = rest.split(separator: ASCII.space)
        guard (1...3).contains(words.count), rest.count <= 40, words.allSatisfy(Self.isNameWord) else { return nil }
        return (index, "“\(lines.shown(index))” is a name behind a dash")
    }

    /// The last paragraph: a name, and two or more ways to reach it.
    private func contact(_ start: Int, _ end: Int) -> (Int, String)? {
        guard let from = paragraph(start, end), end - from >= 3, end - from <= Self.linesMax, isCapitalisedName(from) else { return nil }
        let ways = ((from + 1)..<end).count { Self.isContact(lines.folded[$0]) }
        guard ways >= 2, isSignatureLike(from..<end, strict: false) else { return nil }
        return (from, "a name and its addresses end the letter")
    }

    private func nameAboveFooter(_ start: Int, _ end: Int) -> (Int, String)? {
        guard end < lines.count, pass.parts[end] == .footer, end - 1 > start, lines[end - 2].isBlank, isCapitalisedName(end - 1) else {
            return nil
        }
        return (end - 1, "“\(lines.shown(end - 1))” is a name above what the program adds")
    }

    private func paragraph(_ start: Int, _ end: Int) -> Int? {
        var from = end - 1
        while from > start, !lines[from - 1].isBlank, end - from <= Self.linesMax { from -= 1 }
        return from > start && lines[from - 1].isBlank ? from : nil
    }

    // MARK: What lines look like

    /// - Parameter strict: a drawn line is weak evidence; there must be a name or an address below it.
    private func isSignatureLike(_ range: Range<Int>, strict: Bool) -> Bool {
        let texts = range.filter { !lines[$0].isBlank }
        guard !texts.isEmpty, texts.count <= Self.linesMax, texts.allSatisfy(isSignatureLine) else { return false }
        guard strict else { return true }
        return texts.contains { Self.isContact(lines.folded[$0]) } || (texts.count <= 3 && isName(texts[0]))
    }

    /// Short, and not a sentence.
    private func isSignatureLine(_ index: Int) -> Bool {
        let text = lines.folded[index]
        guard lines[index].text.count <= Self.lineBytesMax, let last = text.last else { return false }
        if text.ends(with: Array("。".utf8)) || text.ends(with: Array("？".utf8)) || last == 0x3F { return false }
        let words = text.count { $0 == ASCII.space } + 1
        if Self.closing(text) != nil { return true }
        return !(words >= 5 && (last == 0x2E || last == 0x21 || last == 0x3A))
    }

    /// An address, a telephone number, a web page.
    static func isContact(_ text: [UInt8]) -> Bool {
        if text.contains(0x40) || text.holds(Array("www.".utf8)) || text.holds(Array("http".utf8)) { return true }
        return text.count(where: ASCII.isDigit) >= 6
    }

    /// A few words that could be somebody's name or title.
    private func isName(_ index: Int) -> Bool {
        let text = lines.bytes[lines[index].text]
        guard (2...Self.nameBytesMax).contains(text.count) else { return false }
        let words = text.split { $0 == ASCII.space || $0 == 0x2C }
        guard (1...6).contains(words.count), words.allSatisfy(Self.isNameWord) else { return false }
        return words.count == 1 || words.contains { ($0.first.map { (0x41...0x5A).contains($0) || $0 >= 0x80 }) ?? false }
    }

    private func isCapitalisedName(_ index: Int) -> Bool {
        let text = lines.bytes[lines[index].text]
        let words = text.split { $0 == ASCII.space || $0 == 0x2C }
        guard text.count <= Self.nameBytesMax, (2...5).contains(words.count) else { return false }
        return words.allSatisfy { word in Self.isNameWord(word) && (word.first.map { (0x41...0x5A).contains($0) || $0 >= 0xC3 } ?? false) }
    }

    private static func isNameWord(_ word: ArraySlice<UInt8>) -> Bool {
        !word.isEmpty
            && word.allSatisfy { ASCII.isLetter($0) || $0 >= 0x80 || $0 == 0x2E || $0 == 0x27 || $0 == 0x2D || $0 == 0x2A || $0 == 0x26 }
    }
}
