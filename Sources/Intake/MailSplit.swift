import Domain
import Formats

/// Tells a mail's new words from the history and the signature that came with them. Pure.
enum MailSplit {
    /// Reasons kept: what cut first says most.
    static let reasonsMax = 4

    /// - Parameter interaction: as `MailMapping` made it; a note may stand below the mail's text.
    /// - Returns: what cut, in one sentence; nil when the message stays whole.
    static func apply(_ mail: ParsedMail, to interaction: inout Interaction) -> String? {
        switch interaction.nature {
        case .bounce, .complaint: return nil  // a machine's report is about the copy it carries
        case .human, .autoReply, .outOfOffice, .challenge, .list, .ownLoop: break
        }
        let split = ReplySplitter.split(
            text: mail.text, html: mail.html, isForward: ReplySplitter.isForwardSubject(mail.subject))
        guard !split.isWhole else { return nil }
        let bodyStartsWithText = interaction.body.utf8.starts(with: mail.text.utf8)
        let note = bodyStartsWithText ? String(decoding: interaction.body.utf8.dropFirst(mail.text.utf8.count), as: UTF8.self) : ""
        interaction.newWords = split.newWords + note
        interaction.signature = split.signature.isEmpty ? nil : split.signature
        return sentence(split)
    }

    private static func sentence(_ split: SplitText) -> String {
        func count(_ text: String) -> Int { text.utf8.split(separator: 0x0A).count }
        var parts: [String] = []
        let (quoted, signature) = (count(split.quoted), count(split.signature))
        if quoted > 0 { parts.append("\(quoted) quoted \(quoted == 1 ? "line" : "lines")") }
        if signature > 0 { parts.append("\(signature) \(signature == 1 ? "line" : "lines") of signature") }
        var because = split.reasons.prefix(reasonsMax).joined(separator: "; ")
        if split.reasons.count > reasonsMax { because += "; and \(split.reasons.count - reasonsMax) more" }
        return "set apart \(parts.joined(separator: " and ")): \(because)"
    }
}
