import Domain

/// What a subject line says beside its words: whether it answers or forwards, and which ticket it names.
enum SubjectLine {
    typealias Mark = SubjectMarks.Mark

    /// The outermost mark.
    static func mark(_ subject: String) -> Mark { SubjectMarks.outermost(subject) }

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

    /// The subject of an answer: `Re: Broken lamp [#1042]`. A mark that the customer's program wrote stays, once (`AW: Re: x` → `AW: x`);
    /// without one it is `回复：` for Chinese and RFC 5322's `Re:` for everybody else.
    static func answer(to subject: String, number: Int64, language: String? = nil) -> String {
        let token = "[#\(number)]"
        var bare = subject.oneLine(scalarsMax: subjectScalarsMax)
        while let range = bare.firstRange(of: token) { bare.removeSubrange(range) }
        bare = bare.trimmed
        var own: Substring?
        for _ in 0..<marksMax {
            guard mark(bare) == .reply, let colon = bare.firstIndex(where: { $0 == ":" || $0 == "：" }) else { break }
            own = own ?? bare[...colon]
            bare = String(bare[bare.index(after: colon)...]).trimmed
        }
        let start = own.map { $0.last == ":" ? "\($0) " : String($0) } ?? (language?.hasPrefix("zh") == true ? "回复：" : "Re: ")
        return bare.isEmpty ? "\(start)\(token)" : "\(start)\(bare) \(token)"
    }

    /// Marks taken from one subject.
    private static let marksMax = 20

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
