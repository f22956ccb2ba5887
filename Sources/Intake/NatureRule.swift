public import Domain
public import Formats

/// Who is speaking: a person or a machine. Pure, over the header alone (RFC 3834, RFC 2919, RFC 3464, RFC 5965 and what mailers really
/// write). Every class is stored; only what follows from it differs.
public struct NatureRule: Sendable {
    /// Lower-cased addresses people write to and we write from.
    public var ownAddresses: Set<String>
    /// Whether we signed a Message-ID.
    public var isOurMessageID: @Sendable (String) -> Bool
    /// Whether a value of `X-Hongyan-Loop` is the mark of this instance; another instance's mail is not ours.
    public var isOurMark: @Sendable (String) -> Bool

    public init(
        ownAddresses: Set<String>, isOurMessageID: @escaping @Sendable (String) -> Bool, isOurMark: @escaping @Sendable (String) -> Bool
    ) {
        self.ownAddresses = ownAddresses
        self.isOurMessageID = isOurMessageID
        self.isOurMark = isOurMark
    }

    public struct Judgement: Sendable, Hashable {
        public var nature: Interaction.Nature
        /// One sentence for people.
        public var reason: String
        /// What the machine says, when one reports.
        public var report: MachineReport?
    }

    public func judge(_ mail: ParsedMail) -> Judgement {
        let signs = Signs(mail)
        let told = MachineReport.read(mail)
        if let own = ownLoop(mail, signs) { return Judgement(nature: own.0, reason: own.1) }
        if let told, let nature = Self.nature(told) { return Judgement(nature: nature, reason: told.evidence, report: told) }
        let found =
            report(mail, signs) ?? outOfOffice(signs) ?? Self.absence(told) ?? autoReplied(signs) ?? list(signs) ?? machine(signs)
        guard let found else {
            let via = writer(mail).map { "a person wrote it through a form of ours: the answer is wanted at \($0.address)" }
            return Judgement(nature: .human, reason: via ?? "a person wrote it: nothing in the header speaks of a machine")
        }
        return Judgement(nature: found.0, reason: found.1, report: told)
    }

    private typealias Finding = (Interaction.Nature, String)

    /// What a report makes of its mail; nil where the header says it better.
    private static func nature(_ report: MachineReport) -> Interaction.Nature? {
        switch report.kind {
        case .bounce: .bounce
        case .complaint: .complaint
        case .receipt, .addressChanged: .autoReply
        case .challenge: .challenge
        case .autoReply, .outOfOffice: nil
        }
    }

    private static func absence(_ report: MachineReport?) -> Finding? {
        report.flatMap { $0.kind == .outOfOffice ? (.outOfOffice, $0.evidence) : nil }
    }

    private func ownLoop(_ mail: ParsedMail, _ signs: Signs) -> Finding? {
        if let id = mail.messageID, isOurMessageID(id) { return (.ownLoop, "our own mail came back: the Message-ID \(id) is signed by us") }
        if mail.headers("X-Hongyan-Loop").contains(where: isOurMark) {
            return (.ownLoop, "our own mail came back: X-Hongyan-Loop is our mark")
        }
        // A web form that mails in our name asks to be answered at the customer's address; our own mail is signed, see above.
        if let own = signs.from.first(where: ownAddresses.contains), writer(mail) == nil {
            return (.ownLoop, "our own mail came back: it is from \(own)")
        }
        return nil
    }

    /// Whom a mail in our name wants answered: the person who filled in a form on some site of ours.
    func writer(_ mail: ParsedMail) -> MailAddress? {
        guard mail.from.contains(where: { ownAddresses.contains($0.address.lowercased()) }) else { return nil }
        return mail.replyTo.first { !$0.address.isEmpty && !ownAddresses.contains($0.address.lowercased()) }
    }

    private func report(_ mail: ParsedMail, _ signs: Signs) -> Finding? {
        switch mail.report {
        case .feedback: return (.complaint, "a complaint: the mail is a feedback report")
        case .deliveryStatus: return (.bounce, "a bounce: the mail is a delivery status report")
        case .dispositionNotification: return (.autoReply, "a machine's notice: the mail is a receipt (disposition notification)")
        case nil: break
        }
        let contentType = signs["content-type"]
        if contentType.hasPrefix("message/feedback-report") { return (.complaint, "a complaint: Content-Type is message/feedback-report") }
        if contentType.hasPrefix("message/delivery-status") { return (.bounce, "a bounce: Content-Type is message/delivery-status") }
        if contentType.hasPrefix("multipart/report"), contentType.contains("feedback-report") {
            return (.complaint, "a complaint: Content-Type is multipart/report with a feedback report")
        }
        if contentType.hasPrefix("multipart/report"), contentType.contains("delivery-status") {
            return (.bounce, "a bounce: Content-Type is multipart/report with a delivery status")
        }
        if signs.has("x-failed-recipients") { return (.bounce, "a bounce: X-Failed-Recipients is set") }
        if let daemon = signs.from.first(where: { Self.local($0) == "mailer-daemon" }) {
            return (.bounce, "a bounce: it is from \(daemon)")
        }
        let fromPostmaster = signs.from.isEmpty || signs.from.contains { Self.local($0) == "postmaster" }
        if fromPostmaster || signs.hasNullReturnPath, let prefix = Self.bounceSubjects.first(where: signs.subject.hasPrefix) {
            return (.bounce, "a bounce: the subject begins with “\(prefix)” and nobody can be answered")
        }
        return nil
    }

    private func outOfOffice(_ signs: Signs) -> Finding? {
        // An own word for absence, which no human mail begins with: the colon tells it from a person writing about automatic replies.
        if let prefix = AutomaticMail.absencePrefix(of: signs.subject) {
            return (.outOfOffice, "out of office: the subject begins with “\(prefix)”")
        }
        let automatic = signs["auto-submitted"].hasPrefix("auto-")
        if signs["auto-submitted"].hasPrefix("auto-replied"), signs["auto-submitted"].contains("owner-email=") {
            return (.outOfOffice, "out of office: Auto-Submitted names the owner of a vacation rule")
        }
        if signs.has("x-ms-exchange-inbox-rules-loop"), signs["x-auto-response-suppress"].contains("all") {
            return (.outOfOffice, "out of office: X-MS-Exchange-Inbox-Rules-Loop is set and answers are suppressed")
        }
        if automatic, let word = AutomaticMail.absenceWord(in: signs.subject) {
            return (.outOfOffice, "out of office: Auto-Submitted is \(signs["auto-submitted"]) and the subject says “\(word)”")
        }
        return nil
    }

    private func autoReplied(_ signs: Signs) -> Finding? {
        if signs["auto-submitted"].hasPrefix("auto-replied") { return (.autoReply, "an automatic reply: Auto-Submitted is auto-replied") }
        for name in ["precedence", "x-precedence"] where signs[name] == "auto_reply" {
            return (.autoReply, "an automatic reply: \(Signs.spelling(name)) is auto_reply")
        }
        for name in AutomaticMail.replyHeaders where signs.has(name) && signs[name] != "no" && signs[name] != "false" {
            return (.autoReply, "an automatic reply: \(Signs.spelling(name)) is set")
        }
        return nil
    }

    private func list(_ signs: Signs) -> Finding? {
        // A support address that is itself a group or list puts list headers on every customer's mail.
        if signs.has("list-id") || signs.has("list-post"), ownAddresses.contains(where: { isOwnList($0, signs) }) { return nil }
        for name in ["list-id", "list-unsubscribe", "list-post"] where signs.has(name) {
            return (.list, "a mailing: \(Signs.spelling(name)) is set")
        }
        for name in ["precedence", "x-precedence"] where ["list", "bulk", "junk"].contains(signs[name]) {
            return (.list, "a mailing: \(Signs.spelling(name)) is \(signs[name])")
        }
        return nil
    }

    private func isOwnList(_ address: String, _ signs: Signs) -> Bool {
        let parts = address.split(separator: "@")
        guard parts.count == 2 else { return false }
        return ASCII.holds(signs["list-id"], "<\(parts[0]).\(parts[1])>") || ASCII.holds(signs["list-post"], "mailto:\(address)>")
    }

    private func machine(_ signs: Signs) -> Finding? {
        let submitted = signs["auto-submitted"]
        if !submitted.isEmpty, submitted != "no", !submitted.hasPrefix("no "), !submitted.hasPrefix("no;"), !submitted.hasPrefix("no(") {
            return (.autoReply, "a machine wrote it: Auto-Submitted is \(submitted)")
        }
        let suppress = signs["x-auto-response-suppress"]
        if !suppress.isEmpty, suppress != "none" { return (.autoReply, "a machine wrote it: X-Auto-Response-Suppress is \(suppress)") }
        for name in Self.machineHeaders where signs.has(name) && signs[name] != "no" && signs[name] != "false" {
            return (.autoReply, "a machine wrote it: \(Signs.spelling(name)) is set")
        }
        if ["yes", "true"].contains(signs["x-loop"]) { return (.autoReply, "a machine wrote it: X-Loop is \(signs["x-loop"])") }
        if signs.all("delivered-to").contains("autoresponder") { return (.autoReply, "a machine wrote it: Delivered-To is autoresponder") }
        if signs.hasNullReturnPath { return (.autoReply, "a machine wrote it: Return-Path is empty") }
        if signs.from.contains(where: { Self.local($0) == "postmaster" }) {
            return (.autoReply, "a machine wrote it: it is from a postmaster")
        }
        return nil
    }

    private static func local(_ address: String) -> String { String(address.prefix { $0 != "@" }) }

    private static let machineHeaders = ["x-autogenerated", "x-auto-generated", "x-fc-machinegenerated", "x-amazon-mail-relay-type"]
    private static let bounceSubjects = [
        "delivery failure", "delivery status notification", "undeliverable", "undelivered mail", "mail delivery failed", "returned mail",
        "failure notice", "delivery has failed", "退信", "系统退信", "邮件投递失败",
    ]
}

/// The header as the rule reads it: names and values lower-cased and trimmed.
private struct Signs {
    private let mail: ParsedMail
    let subject: String
    /// Lower-cased addresses.
    let from: [String]

    init(_ mail: ParsedMail) {
        self.mail = mail
        subject = Self.plain(mail.subject)
        from = mail.from.map { Self.plain($0.address) }
    }

    /// The first value; empty when there is none.
    subscript(name: String) -> String { mail.header(name).map(Self.plain) ?? "" }
    func all(_ name: String) -> [String] { mail.headers(name).map(Self.plain) }
    func has(_ name: String) -> Bool { mail.header(name) != nil }
    var hasNullReturnPath: Bool { all("return-path").contains("<>") }

    private static func plain(_ text: String) -> String {
        ASCII.trim(text.utf8.allSatisfy { $0 < 0x80 } ? ASCII.lowercased(text) : text.lowercased())
    }

    /// `auto-submitted` → `Auto-Submitted`.
    static func spelling(_ name: String) -> String {
        name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "-")
    }
}
