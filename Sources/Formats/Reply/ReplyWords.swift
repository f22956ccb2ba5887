/// The words by which mail programs and people mark what is not new: one table a kind, folded as `ReplyFold` folds a line.
///
/// Collected from what Gmail, Outlook, Apple Mail, Thunderbird, Yahoo, Zimbra, Lotus, QQ, 163, Foxmail and their phone versions write in
/// the languages they are sold in. A new language is a new line in `ReplyWords+Tables.swift`.
enum ReplyWords {
    /// Which field of a quoted header a label names.
    enum Label: String, Sendable { case from, sent, date, to, cc, subject, other }

    /// `On `, `Le `, `在`: what stands before the date of "On … wrote:".
    static let openers = WordTable(needles(openerTable))
    /// `wrote`, `a écrit`, `写道`.
    static let verbs = WordTable(needles(verbTable))
    static let verbBytesMax = needles(verbTable).map(\.count).max() ?? 0
    /// `original message`, between dashes.
    static let originalTitles = needles(originalTitleTable)
    /// `forwarded message`, between dashes or at the end of "Begin …:".
    static let forwardTitles = needles(forwardTitleTable)
    /// Whole lines that open a forward without dashes: `begin forwarded message:`.
    static let forwardLines = needles(forwardLineTable)
    /// `fwd`, `转发`: the mark before a forward's subject.
    static let forwardMarks = Set(needles(forwardMarkTable))
    static let labels: [[UInt8]: Label] = {
        var all: [[UInt8]: Label] = [:]
        for line in lines(labelTable) {
            let pair = line.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, let label = Label(rawValue: String(pair[0])) else { continue }
            for word in pair[1].split(separator: "|") { all[Array(word.utf8)] = label }
        }
        return all
    }()
    /// Labels that only a mail's header has, and that no form or letter would use: they count double as evidence.
    static let mailOnlyLabels = Set(needles(mailOnlyLabelTable))
    static let labelBytesMax = labels.keys.map(\.count).max() ?? 0

    /// `best regards`: may end a message without a name.
    static let closings = Set(needles(closingTable))
    /// `thanks`: a closing only when a name follows.
    static let weakClosings = Set(needles(weakClosingTable))
    /// `sent from`, `发自`: how a program advertises itself.
    static let sentFrom = WordTable(needles(sentFromTable))
    /// `iphone`, `outlook`: what such a line names.
    static let devices = needles(deviceTable)
    /// `から送信`: how such a line ends where the verb comes last.
    static let sentFromEnds = WordTable(needles(sentFromEndTable))
    /// How a legal footer begins.
    static let legalStarts = WordTable(needles(legalStartTable))
    /// What it speaks of; one of these must be in it.
    static let legalWords = needles(legalWordTable)
    /// What the footer of a mailing list says.
    static let listWords = needles(listWordTable)

    private static func lines(_ table: String) -> [Substring] { table.split(separator: "\n").filter { !$0.isEmpty } }

    /// Entries are parted by line ends or `|`; a blank at an end counts.
    private static func needles(_ table: String) -> [[UInt8]] {
        lines(table).flatMap { $0.split(separator: "|") }.map { Array($0.utf8) }.filter { !$0.isEmpty }
    }
}
