/// What a subject line says beside its words: whether it answers or forwards, and which ticket it names.
enum SubjectLine {
    enum Mark: Sendable, Equatable { case none, reply, forward }

    /// Longest first would not matter: a mark must be followed by a colon or by `[2]:`.
    private static let replyMarks: Set<String> = [
        "re", "aw", "antw", "sv", "odp", "ynt", "res", "回复", "回覆", "答复", "答覆",
    ]
    /// `VS` is a reply in Finnish and a forward in Danish and Norwegian; joining less is the safer error.
    private static let forwardMarks: Set<String> = [
        "fwd", "fw", "wg", "tr", "rv", "vs", "vb", "vl", "pd", "enc", "i", "ilt", "转发", "轉寄", "轉發",
    ]
    private static let markLengthMax = 8

    /// The outermost mark.
    static func mark(_ subject: String) -> Mark {
        let scalars = subject.unicodeScalars.drop { $0.properties.isWhitespace }
        let head = scalars.prefix(markLengthMax + 6)
        guard let colon = head.firstIndex(where: { $0 == ":" || $0 == "：" }) else { return .none }
        var word = head[..<colon]
        // Outlook counts: `Re[2]:`, `AW (3):`
        if let bracket = word.firstIndex(where: { $0 == "[" || $0 == "(" }) {
            guard word[bracket...].dropFirst().dropLast().allSatisfy({ ("0"..."9").contains($0) }) else { return .none }
            word = word[..<bracket]
        }
        let name = String(String.UnicodeScalarView(word)).trimmed.lowercased()
        if replyMarks.contains(name) { return .reply }
        return forwardMarks.contains(name) ? .forward : .none
    }

    /// Ticket numbers it names: `[#1042]`, `#1042`. At most three; more is a list, not a reply.
    static func numbers(_ subject: String) -> [Int64] {
        var found: [Int64] = []
        var rest = subject.utf8[...]
        while found.count < 3, let hash = rest.firstIndex(of: UInt8(ascii: "#")) {
            rest = rest[rest.index(after: hash)...]
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            if (1...15).contains(digits.count), let number = Int64(String(Substring(digits))) { found.append(number) }
            rest = rest[digits.endIndex...]
        }
        return found
    }

    /// The subject of an answer: `Re: Broken lamp [#1042]`.
    static func answer(to subject: String, number: Int64) -> String {
        let token = "[#\(number)]"
        var bare = subject.oneLine(scalarsMax: subjectScalarsMax)
        while let range = bare.firstRange(of: token) { bare.removeSubrange(range) }
        bare = bare.trimmed
        if bare.isEmpty { return "Re: \(token)" }
        return (mark(bare) == .reply ? bare : "Re: \(bare)") + " \(token)"
    }

    static let subjectScalarsMax = 200

    /// A ticket's subject: the message's own, or its first words.
    static func ofTicket(subject: String, body: String) -> String {
        let own = subject.oneLine(scalarsMax: subjectScalarsMax)
        if !own.isEmpty { return own }
        let words = body.oneLine(scalarsMax: 60)
        return words.isEmpty ? "(no subject)" : words
    }
}

extension String {
    var trimmed: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }

    /// White space folded to single spaces, control characters left out, cut with an ellipsis.
    func oneLine(scalarsMax: Int) -> String {
        var out = String.UnicodeScalarView()
        var count = 0
        var isGap = false
        for scalar in unicodeScalars {
            // Unicode's tables are slow to ask, and most characters need no asking.
            let isPlain = (0x21..<0x7F).contains(scalar.value) || (0x4E00..<0xA000).contains(scalar.value)
            if !isPlain {
                if scalar.properties.isWhitespace {
                    isGap = true
                    continue
                }
                if scalar.properties.generalCategory == .control { continue }
            }
            guard count < scalarsMax else {
                out.append("…")
                break
            }
            if isGap, count > 0 {
                out.append(" ")
                count += 1
            }
            isGap = false
            out.append(scalar)
            count += 1
        }
        return String(out)
    }
}
