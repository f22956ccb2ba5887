/// One walk over the lines of a message, top to bottom: which are history, and what says so.
///
/// Marks (`>`) quote their own line. A header, a separator or an attribution quotes all that follows, unless marked lines follow: then
/// those are the quotation and what stands between and below them is the answer. A forward's content is the message.
struct ReplyPass {
    enum Part: Sendable { case new, quoted, signature, footer }

    /// What the HTML around a line says about it.
    enum Hint: Sendable { case none, quoted, soft, authored, signature }

    /// A quotation grows one level at a time; a run that is deeper everywhere was never quoted (`>>> print()`).
    static let depthMax = 2
    /// A quoted line this long was probably wrapped by the mailer that quoted it.
    static let wrapColumns = 66

    private(set) var lines: ReplyLines
    private(set) var parts: [Part]
    private(set) var reasons: [String] = []
    /// The first line of a forward's content.
    private(set) var forward: Int?
    private let hints: [Hint]
    private let isForward: Bool
    private var attribution = ReplyAttribution()
    /// Runs of indented HTML that nothing introduces.
    private var softRuns: [Range<Int>] = []
    private var isLastQuoted = false
    private var hasQuoted = false

    init(_ lines: ReplyLines, hints: [Hint] = [], isForward: Bool = false) {
        self.lines = lines
        self.hints = hints
        self.isForward = isForward
        parts = [Part](repeating: .new, count: lines.count)
    }

    mutating func run() {
        var index = 0
        while index < lines.count {
            guard let next = step(index) else { break }
            index = next
        }
        takeSoftRun()
        joinBlanks()
        // If nothing new would remain, nothing was quoted.
        if !hasNew {
            parts = [Part](repeating: .new, count: lines.count)
            reasons = []
        }
    }

    private var hasNew: Bool { (0..<lines.count).contains { parts[$0] == .new && !lines[$0].isBlank } }

    private func hint(_ index: Int) -> Hint { index < hints.count ? hints[index] : .none }

    /// - Returns: the line to go on with, nil when the rest is settled.
    private mutating func step(_ index: Int) -> Int? {
        let line = lines[index]
        if line.isBlank && line.depth == 0 { return index + 1 }
        let text = lines.folded[index]
        let isHinted = hint(index) == .quoted
        if !(isHinted && isLastQuoted), line.depth == 0 || isHinted, ReplyHeaders.isForward(text) { return forwarded(index) }
        if isHinted { return takeHinted(index) }
        isLastQuoted = false
        if line.depth > 0 { return takeMarked(index) }
        if text.isEmpty { return index + 1 }
        if ReplyHeaders.isSeparator(text) {
            return isForward ? forwarded(index) : take(index, 1, "“\(lines.shown(index))” opens the message below")
        }
        if let count = ReplyHeaders.length(lines, at: index) {
            return isForward ? forwarded(index) : take(index, count, "the copied header “\(lines.shown(index))” opens the message below")
        }
        if hints.isEmpty, !ReplyWords.openers.opens(text), let place = ReplyAttribution.shared(lines, at: index) {
            split(index, place)
            return take(index + 1, 1, "“\(lines.shown(index + 1))” opens what is quoted")
        }
        if let count = attribution.length(lines, at: index) {
            return take(index, count, "“\(lines.shown(index))” opens what is quoted")
        }
        return index + 1
    }

    private mutating func forwarded(_ index: Int) -> Int? {
        forward = index
        return nil
    }

    private mutating func split(_ index: Int, _ place: (end: Int, start: Int)) {
        lines.cut(index, at: place.end)
        parts.insert(.new, at: index)
    }

    /// Quotes `count` lines from `index`, the rule drawn above them, and the rest when no marked lines follow.
    private mutating func take(_ index: Int, _ count: Int, _ reason: String) -> Int? {
        reasons.append("line \(index + 1): \(reason)")
        var start = index
        if let above = (max(0, index - 3)..<index).last(where: { !lines[$0].isBlank }), ReplyHeaders.isRuleLine(lines.folded[above]),
            parts[above] == .new
        {
            start = above
        }
        let end = min(index + count, lines.count)
        for at in start..<end { parts[at] = .quoted }
        isLastQuoted = true
        hasQuoted = true
        guard let next = lines.nextText(end) else { return end }
        if lines[next].depth > 0 || hint(next) == .quoted || hint(next) == .soft { return end }
        for at in end..<lines.count { parts[at] = .quoted }
        return nil
    }

    private mutating func takeHinted(_ index: Int) -> Int {
        if !isLastQuoted { reasons.append("line \(index + 1): the sender's program marked it as quoted") }
        isLastQuoted = true
        hasQuoted = true
        parts[index] = .quoted
        return index + 1
    }

    /// A run of lines that start with `>`.
    private mutating func takeMarked(_ index: Int) -> Int {
        var end = index
        while end < lines.count, lines[end].depth > 0, hint(end) != .quoted { end += 1 }
        let above = (max(0, index - 3)..<index).last { !lines[$0].isBlank }
        let isIntroduced = above.map { parts[$0] == .quoted } ?? false
        let depths = (index..<end).map { lines[$0].depth }
        if hint(index) == .soft || hint(index) == .authored, !isIntroduced, !opensWithAttribution(index) {
            if hint(index) == .soft { softRuns.append(index..<end) }
            return end
        }
        if !hasQuoted, hint(index) == .none, (depths.min() ?? 0) > Self.depthMax { return end }
        if !isIntroduced { reasons.append("line \(index + 1): “>” marks quoted lines") }
        end = withWrapped(index, end)
        hasQuoted = true
        for at in index..<end { parts[at] = .quoted }
        return end
    }

    private mutating func opensWithAttribution(_ index: Int) -> Bool {
        attribution.length(lines, at: index) != nil || ReplyHeaders.length(lines, at: index) != nil
    }

    /// A long quoted line that was wrapped has lost the mark of its second half; so has a link that was taken apart.
    private func withWrapped(_ start: Int, _ end: Int) -> Int {
        var end = end
        while end + 1 < lines.count, hint(end) == .none, lines[end].depth == 0, !lines[end].isBlank, lines[end + 1].depth > 0 {
            let before = lines[end - 1]
            let text = lines.bytes[lines[end].text]
            let isWrapped = before.range.count >= Self.wrapColumns && text.first.map(Self.continues) == true
            let isLink = text.last == 0x3E || Self.opensLink(lines.folded[end - 1])
            guard isWrapped || isLink else { return end }
            end += 1
            while end < lines.count, lines[end].depth > 0 { end += 1 }
        }
        return end
    }

    private static func continues(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || ASCII.isDigit(byte) || byte >= 0x80 }

    private static func opensLink(_ text: [UInt8]) -> Bool {
        for (open, close) in [(UInt8(0x28), UInt8(0x29)), (0x3C, 0x3E)] {
            if let at = text.lastIndex(of: open), !text[at...].contains(close), text[at...].dropFirst().starts(with: Array("http".utf8)) {
                return true
            }
        }
        return false
    }

    /// Some programs put the history into a bare `<blockquote>`: the last one, when nothing else is quoted.
    private mutating func takeSoftRun() {
        guard let run = softRuns.last, !parts.contains(.quoted) else { return }
        reasons.append("line \(run.lowerBound + 1): the last indented block, with nothing else quoted, is the history")
        for at in run { parts[at] = .quoted }
    }

    /// Blank lines below a quotation belong to it.
    private mutating func joinBlanks() {
        for index in lines.folded.indices.dropFirst() where lines[index].isBlank && lines[index].depth == 0 {
            if parts[index - 1] == .quoted, forward.map({ index < $0 }) ?? true { parts[index] = .quoted }
        }
    }

    mutating func mark(_ range: Range<Int>, as part: Part, because reason: String) {
        mark(range, as: part)
        explain(range.lowerBound, reason)
    }

    mutating func mark(_ range: Range<Int>, as part: Part) {
        for index in range { parts[index] = part }
    }

    mutating func explain(_ index: Int, _ reason: String) { reasons.append("line \(index + 1): \(reason)") }

    /// Hinted lines that still count as new.
    func signatureHints() -> [Int] { (0..<lines.count).filter { hint($0) == .signature && parts[$0] == .new } }
}
