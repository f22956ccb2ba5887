/// What stands before the words of a subject: marks of answers and forwards in the languages people write to us in, and the tags of
/// gateways. One table, so that nobody takes for an answer what somebody else takes for a forward.
public enum SubjectMarks {
    public enum Mark: Sendable, Equatable { case none, reply, forward }

    /// As mail programs write them, lower-cased.
    private static let replies: Set<String> = [
        "re", "aw", "antw", "antwort", "antwoord", "sv", "svar", "odp", "odpověď", "odg", "ynt", "cvp", "res", "rif", "r", "resp", "bls",
        "vá", "válasz", "vast", "ats", "atb", "απ", "σχετ", "отв", "ответ", "відп", "відповідь", "отг", "השב", "תגובה", "رد",
        "trả lời", "ตอบ", "ตอบกลับ", "回复", "回覆", "回復", "答复", "答覆", "回信", "返信", "返", "회신", "답장",
    ]
    /// `VS` is a reply in Finnish and a forward in Danish and Norwegian, `RV` a forward in Spanish: joining less is the safer error.
    private static let forwards: Set<String> = [
        "fwd", "fw", "wg", "tr", "rv", "vs", "vb", "vl", "pd", "enc", "i", "ilt", "doorst", "továbbítás", "tov", "trs", "posr", "prsl",
        "πρθ", "пересл", "перенапр", "пер", "הועבר", "إعادة توجيه", "chuyển tiếp", "ส่งต่อ", "转发", "轉寄", "轉發", "転送", "전달",
    ]
    /// What gateways put before everything else.
    private static let tags = [
        "[external]", "[ext]", "[extern]", "[spam]", "[suspected spam]", "***spam***", "{spam?}", "[外部邮件]", "【外部邮件】", "[外部]",
    ]
    /// Longer beginnings are no mark.
    private static let markMax = 20
    /// Marks taken from one subject; the rest is kept as words.
    private static let marksMax = 50

    /// The outermost mark: `Fwd: Re: Lamp` is a forward.
    public static func outermost(_ subject: String) -> Mark {
        let rest = withoutTag(folded(String(subject.prefix(markMax * 4)))[...])
        return mark(at: rest)?.mark ?? .none
    }

    /// A subject without marks (`Re:`, `AW[2]:`, `回复：`, repeated), gateways' tags and our own ticket token, white space folded,
    /// lower-cased: to tell whether two are about the same.
    public static func key(_ subject: String) -> String {
        var rest = folded(subject)[...]
        for _ in 0..<marksMax {
            rest = withoutTag(rest)
            guard let found = mark(at: rest) else { break }
            rest = found.rest
        }
        return withoutTokens(String(rest))
    }

    private static func folded(_ text: String) -> String {
        text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func withoutTag(_ text: Substring) -> Substring {
        guard let tag = tags.first(where: text.hasPrefix) else { return text }
        return text.dropFirst(tag.count).drop(while: \.isWhitespace)
    }

    private static func mark(at text: Substring) -> (mark: Mark, rest: Substring)? {
        guard let colon = text.prefix(markMax).firstIndex(where: { $0 == ":" || $0 == "：" }) else { return nil }
        let name = withoutCount(text[..<colon])
        let mark: Mark = replies.contains(name) ? .reply : forwards.contains(name) ? .forward : .none
        guard mark != .none else { return nil }
        return (mark, text[text.index(after: colon)...].drop(while: \.isWhitespace))
    }

    /// Mail programs count: `re[2]`, `aw (3)`, `re^4`, `re*5`.
    private static func withoutCount(_ text: Substring) -> String {
        let word = text.prefix { !"[(^*".contains($0) }
        let count = text[word.endIndex...].filter { !"[]()^* ".contains($0) }
        guard count.allSatisfy({ ("0"..."9").contains($0) }) else { return String(text) }
        return word.split(separator: " ").joined(separator: " ")
    }

    /// Without `[#1042]`, which our own answers carry.
    private static func withoutTokens(_ text: String) -> String {
        guard text.contains("[#") else { return text }
        var rest = text[...]
        var kept = ""
        while let open = rest.firstRange(of: "[#") {
            let digits = rest[open.upperBound...].prefix { ("0"..."9").contains($0) }
            kept += rest[..<open.lowerBound]
            if (1...15).contains(digits.count), rest[digits.endIndex...].first == "]" {
                rest = rest[rest.index(after: digits.endIndex)...]
            } else {
                kept += "[#"
                rest = rest[open.upperBound...]
            }
        }
        return (kept + rest).split(separator: " ").joined(separator: " ")
    }
}
