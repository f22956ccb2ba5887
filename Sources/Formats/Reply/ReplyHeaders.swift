/// The header of the mail below, as programs copy it into the text, and the lines that announce it.
enum ReplyHeaders {
    /// A block has a handful of fields, some wrapped; nothing below this belongs to it.
    static let linesMax = 24
    /// Lines that belong to the field above: a long list of recipients.
    static let wrappedMax = 3
    static let evidenceMin = 4
    static let colonsMax = 12

    // MARK: "From: … Sent: … To: … Subject: …"

    /// How many lines the block at `index` takes, or nil.
    static func length(_ lines: ReplyLines, at index: Int) -> Int? {
        let depth = lines[index].depth
        guard let first = labels(lines.folded[index]).first, first.label != .other, first.start == 0 else { return nil }
        var seen: Set<ReplyWords.Label> = []
        var points = 0
        var end = index
        var wrapped = 0
        var at = index
        while at < min(lines.count, index + linesMax) {
            let line = lines[at]
            if line.isBlank || line.depth != depth { break }
            let found = labels(lines.folded[at])
            if found.first?.start == 0 {
                wrapped = 0
                end = at
            } else {
                wrapped += 1
                if wrapped > wrappedMax { break }
            }
            for one in found where one.label != .other && seen.insert(one.label).inserted { points += one.isMailOnly ? 2 : 1 }
            at += 1
        }
        if (index..<at).contains(where: { hasAddress(lines.folded[$0]) }) { points += 2 }
        guard seen.count >= 2, points >= evidenceMin, seen.contains(.from) || seen.contains(.to) || seen.contains(.sent) else { return nil }
        return end - index + 1
    }

    private static func hasAddress(_ text: [UInt8]) -> Bool {
        guard let at = text.firstIndex(of: 0x40) else { return false }
        return at > 0 && at + 1 < text.count && text[at - 1] > 0x20 && text[at + 1] > 0x20
    }

    /// The labels of a folded line, each with the place where it starts: "From: ann@example.org Date: Thu, 24 Mar" has two.
    private static func labels(_ text: [UInt8]) -> [(label: ReplyWords.Label, start: Int, isMailOnly: Bool)] {
        var found: [(label: ReplyWords.Label, start: Int, isMailOnly: Bool)] = []
        var colons = 0
        for (at, byte) in text.enumerated() where byte == 0x3A {
            colons += 1
            if colons > colonsMax { break }
            var end = at
            if end > 0, text[end - 1] == ASCII.space { end -= 1 }
            guard end > 0, let start = labelStart(text, end: end, isFirst: found.isEmpty) else {
                if found.isEmpty { break }
                continue
            }
            let word = Array(text[start..<end])
            guard let label = ReplyWords.labels[word] else { continue }
            found.append((label, start, ReplyWords.mailOnlyLabels.contains(word)))
        }
        return found
    }

    /// The first label must open the line; a later one stands behind a blank. Labels have at most three words.
    private static func labelStart(_ text: [UInt8], end: Int, isFirst: Bool) -> Int? {
        if isFirst {
            let start = text.first == 0x7C ? 1 : 0  // "| From: … |"
            return end - start <= ReplyWords.labelBytesMax && ReplyWords.labels[Array(text[start..<end])] != nil ? start : nil
        }
        var start = end
        for _ in 0..<3 {
            var at = start - 1
            while at > 0, text[at - 1] != ASCII.space { at -= 1 }
            guard at > 0, end - at <= ReplyWords.labelBytesMax else { return nil }
            start = at
            if ReplyWords.labels[Array(text[start..<end])] != nil { return start }
            start -= 1
        }
        return nil
    }

    // MARK: Announcements

    /// "-----Original Message-----", "------------------ 原始邮件 ------------------".
    static func isSeparator(_ text: [UInt8]) -> Bool {
        guard let title = title(text) else { return false }
        return ReplyWords.originalTitles.contains { title.elementsEqual($0) || title.elementsEqual($0 + [0x3A]) }
            || (ends(text) && ReplyWords.originalTitles.contains { title.starts(with: $0) && title.count <= $0.count + 60 })
    }

    /// "---------- Forwarded message ---------", "Begin forwarded message:".
    static func isForward(_ text: [UInt8]) -> Bool {
        if ReplyWords.forwardLines.contains(where: { text == $0 }) { return true }
        guard let title = title(text) else { return false }
        return ReplyWords.forwardTitles.contains { title.starts(with: $0) && title.count <= $0.count + 60 }
    }

    /// What stands between the dashes of such a line.
    private static func title(_ text: [UInt8]) -> ArraySlice<UInt8>? {
        guard text.count >= 4, text.count < 200, isRule(text[0]), isRule(text[1]) else { return nil }
        var slice = text.drop { isRule($0) || $0 == ASCII.space }
        while let last = slice.last, isRule(last) || last == ASCII.space { slice.removeLast() }
        return slice.isEmpty ? nil : slice
    }

    private static func ends(_ text: [UInt8]) -> Bool { text.last.map(isRule) ?? false }
    private static func isRule(_ byte: UInt8) -> Bool { byte == 0x2D || byte == 0x5F || byte == 0x3D }

    /// A line that only draws: at least `min` of `-`, `_`, `=`, `—`, `─`, all the same.
    static func isRuleLine(_ text: [UInt8], min: Int = 3) -> Bool {
        guard let first = text.first else { return false }
        if isRule(first) || first == 0x7E { return text.count >= min && text.allSatisfy { $0 == first || $0 == ASCII.space } }
        guard first == 0xE2, text.count % 3 == 0, text.count / 3 >= min else { return false }
        let isDash = text[1] == 0x80 && (text[2] == 0x93 || text[2] == 0x94 || text[2] == 0x95)
        guard isDash || (text[1] == 0x94 && (text[2] == 0x80 || text[2] == 0x81)) else { return false }
        return (0..<text.count).allSatisfy { text[$0] == text[$0 % 3] }
    }

    /// A subject whose outermost mark says that the mail is a forward (`Fwd: …`, `转发：…`).
    static func isForwardSubject(_ subject: String) -> Bool {
        let start = ReplyFold.fold(Array(subject.utf8.prefix(60))[...])
        guard let colon = start.firstIndex(of: 0x3A) else { return false }
        let mark = start[..<colon]
        return ReplyWords.forwardMarks.contains(Array(mark.last == ASCII.space ? mark.dropLast() : mark))
    }
}
