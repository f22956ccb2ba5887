import Domain

extension Tickets {
    /// Marks of answers and forwards in the languages people write to us in, lower-cased.
    private static let marks: Set<String> = [
        "re", "fw", "fwd", "aw", "wg", "sv", "vs", "tr", "rv", "ynt", "回复", "答复", "转发", "回覆", "轉寄",
    ]
    /// Longer beginnings are no mark.
    private static let markMax = 8

    /// A subject without reply and forward marks (`Re:`, `AW[2]:`, `回复：`, repeated), white space folded, lower-cased: to tell whether two
    /// are about the same.
    public static func subjectKey(_ subject: String) -> String {
        var rest = subject.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")[...]
        while let colon = rest.prefix(markMax).firstIndex(where: { $0 == ":" || $0 == "：" }), isMark(rest[..<colon]) {
            rest = rest[rest.index(after: colon)...].drop(while: \.isWhitespace)
        }
        return String(rest)
    }

    /// `re`, `re[2]`, `re (3)`, `re^4`.
    private static func isMark(_ text: Substring) -> Bool {
        var text = text
        while let last = text.last, last.isNumber || "[]()^ *".contains(last) { text.removeLast() }
        return marks.contains(String(text))
    }
}
