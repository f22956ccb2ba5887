import Domain

/// Tells what kind of machine wrote a mail, and hands it to the reader of that kind.
struct ReportReader {
    let mail: ParsedMail
    let notice: Notice
    let original: MachineReport.Original

    private let isInner: Bool

    init(_ mail: ParsedMail, isInner: Bool = false) {
        self.isInner = isInner
        self.mail = mail
        notice = Notice(mail.text)
        original = MachineReport.Original.of(mail, notice)
    }

    func read() -> MachineReport? {
        if let complaint = complaint() { return complaint }
        if let notice = CloudNotice.read(mail.text) { return notice }
        if mail.report == .dispositionNotification, !isRefusal {
            return report(.receipt, [], "a read receipt: the mail is a disposition notification")
        }
        if let evidence = bounceEvidence() {
            let named = recipients()
            if named.isEmpty, let inner = wrapped() { return inner }
            var result = report(.bounce, named.isEmpty ? unnamed() : named, evidence)
            result.original.envelopeID = statusParts.lazy.compactMap { $0.message?["original-envelope-id"] }.first
            return result
        }
        return AutomaticMail.report(mail, notice)
    }

    /// A scanner on the way may have put the report itself into a mail of its own.
    private func wrapped() -> MachineReport? {
        guard !isInner else { return nil }
        for part in mail.attachments.prefix(Self.wrappedMax) where part.type == "message/rfc822" {
            guard let inner = try? MailParser.parse(part.bytes), let report = ReportReader(inner, isInner: true).read(),
                report.kind == .bounce
            else { continue }
            if !report.recipients.isEmpty { return report }
        }
        return nil
    }

    /// Attached mails that are looked into.
    static let wrappedMax = 3

    func report(_ kind: MachineReport.Kind, _ recipients: [MachineReport.Recipient], _ evidence: String) -> MachineReport {
        MachineReport(kind: kind, recipients: recipients, original: original, evidence: evidence)
    }

    /// RFC 5429 §2.2.1: a filter refuses by a disposition notification "deleted" with its reason in the text.
    private var isRefusal: Bool {
        guard let part = mail.attachments.first(where: { $0.type == "message/disposition-notification" }) else { return false }
        let text = Phrases.folded(Charset.text(part.bytes, label: nil))
        guard Phrases.find("automatic-action", in: text) != nil, Phrases.find("deleted", in: text) != nil else { return false }
        return Phrases.find("reject", in: Phrases.folded(notice.text)) != nil
            || Phrases.find("refused", in: Phrases.folded(notice.text)) != nil
    }

    /// Every delivery-status part, attached or typed into the text.
    var statusParts: [StatusFields] {
        let attached = mail.attachments.filter { Self.statusTypes.contains($0.type) }.map {
            StatusFields(Charset.text($0.bytes, label: nil))
        }
        if attached.contains(where: { !$0.recipients.isEmpty }) { return attached }
        let text = mail.text
        if StatusFields.isIn(text) { return attached + [StatusFields(text)] }
        return attached
    }

    static let statusTypes: Set<String> = [
        "message/delivery-status", "message/global-delivery-status", "text/delivery-status", "message/disposition-notification",
    ]

    // MARK: Is it one?

    private func bounceEvidence() -> String? {
        if mail.report == .deliveryStatus { return "a bounce: the mail is a delivery status report" }
        if mail.report == .dispositionNotification {
            return "a bounce: a filter refused the mail and says so by a disposition notification"
        }
        if mail.attachments.contains(where: { $0.type == "message/delivery-status" }) { return "a bounce: a delivery status is attached" }
        if mail.header("X-Failed-Recipients") != nil { return "a bounce: X-Failed-Recipients is set" }
        let subject = ASCII.lowercased(ASCII.trim(mail.subject))
        if AutomaticMail.absencePrefix(of: subject) != nil { return nil }
        if let daemon = Self.locals(mail).first(where: Self.daemons.contains) { return "a bounce: it is from \(daemon)" }
        let words = Phrases.folded(notice.text)
        let subjectSays = Self.isFailureSubject(subject)
        let textSays = Self.failureWords.contains { $0.matches(words) }
        if Self.isFromMachine(mail), subjectSays || textSays {
            return "a bounce: nobody can be answered, and the words are those of a mail server"
        }
        // A parcel that "could not be delivered" names no mail address.
        if Self.isFromCommonFunction(mail), textSays, !notice.mentions(senders: senders).isEmpty {
            return "a bounce: nobody can be answered, and it names an address that was not reached"
        }
        if Self.listRefusals.contains(where: { $0.matches(words) }), Self.isFromListServer(mail) {
            return "a bounce: a mailing list refuses the mail"
        }
        if isReplyOrForward(subject) { return nil }
        let isQuoting = !notice.original.isEmpty || mail.attachments.contains { MachineReport.Original.types.contains($0.type) }
        if subjectSays, textSays, isQuoting { return "a bounce: subject and words are those of a mail server, and a mail is quoted" }
        return nil
    }

    // MARK: Signs of the header

    /// Whether anything but the text speaks of a machine.
    static func mayBeReport(_ mail: ParsedMail) -> Bool {
        if mail.report != nil || mail.attachments.contains(where: { reportTypes.contains($0.type) }) { return true }
        let subject = ASCII.lowercased(ASCII.trim(mail.subject))
        if isFromMachine(mail) || isFromCommonFunction(mail) || locals(mail).contains(where: daemons.contains) || isFailureSubject(subject)
            || isFromListServer(mail)
        {
            return true
        }
        if mail.header("X-Failed-Recipients") != nil || mail.header("X-Apple-Unsubscribe") != nil { return true }
        if AutomaticMail.mayAnswer(mail, subject) || subject.hasPrefix("complaint about message from") { return true }
        return mail.contentType == "message/feedback-report" || CloudNotice.mayBeNotice(mail.text)
    }

    private static let reportTypes: Set<String> = statusTypes.union(["message/feedback-report"])

    private static func isFailureSubject(_ subject: String) -> Bool {
        let words = Phrases.folded(subject)
        return failureSubjects.contains { $0.matches(words) }
    }

    private static func isFromListServer(_ mail: ParsedMail) -> Bool { mail.header("X-MLServer") != nil || mail.header("X-ML-Name") != nil }

    private static func locals(_ mail: ParsedMail) -> [String] {
        mail.from.map { ASCII.lowercased(String($0.address.prefix { $0 != "@" })) }
    }

    /// Nobody reads an answer there: no sender at all, or a name that is a function.
    private static func isFromMachine(_ mail: ParsedMail) -> Bool {
        let locals = locals(mail)
        if locals.isEmpty || locals.allSatisfy(\.isEmpty) { return true }
        if mail.headers("Return-Path").contains(where: { ASCII.trim($0) == "<>" }) { return true }
        if locals.contains(where: { local in Self.functions.contains { ASCII.holds(local, $0) } }) { return true }
        return mail.from.contains { from in
            let name = ASCII.lowercased(from.name)
            return Self.names.contains { ASCII.holds(name, $0) }
        }
    }

    private static func isFromCommonFunction(_ mail: ParsedMail) -> Bool {
        locals(mail).contains { local in commonFunctions.contains { ASCII.holds(local, $0) } }
    }

    /// Lower-cased addresses that are no failed recipients: who wrote the mail that came back, and who reports.
    var senders: Set<String> {
        var senders = Set(mail.to.map { ASCII.lowercased($0.address) })
        for own in [original.from] + mail.from.map(\.address) { if let own { senders.insert(ASCII.lowercased(own)) } }
        return senders
    }

    private func isReplyOrForward(_ subject: String) -> Bool {
        ["re:", "fwd:", "fw:", "aw:", "wg:", "sv:", "回复", "转发", "答复", "回覆", "轉寄"].contains { subject.hasPrefix($0) }
    }

    private static let daemons: Set<String> = [
        "mailer-daemon", "mailerdaemon", "mail-daemon", "mdaemon", "maildaemon", "mail.delivery.system", "post_master",
    ]
    private static let functions = [
        "postmaster", "poostmaster", "mailer-daemon", "mailadm", "ndr", "system administrator", "mail_service", "for_smtp", "smtp_gateway",
        "imss", "sysadmin", "mail-system", "mailsystem",
    ]
    /// Names that shops and parcel services have too.
    private static let commonFunctions = ["no-reply", "noreply", "do-not-reply", "donotreply", "bounce", "delivery"]
    private static let names = [
        "mail delivery", "postmaster", "system administrator", "delivery subsystem", "mailer-daemon", "mailer daemon", "mail administrator",
        "系统管理员", "邮件系统", "ndr administrator",
    ]

    static let failureSubjects = [
        "delivery fail", "delivery status notification", "undeliver", "undelivered mail", "mail delivery fail", "returned mail",
        "failure notice", "delivery has failed", "failure delivery", "returning message to sender",
        "mail system error", "non-delivery", "nondelivery", "mail could not be delivered", "could not be delivered", "delivery report",
        "delivery notification", "mail failure", "delivery problem", "permanent delivery failure",
        "failed mail", "mail failed", "delivery warning", "message delayed", "not delivered", "mail status report", "rejected mail",
        "processing error", "error sending your mail", "error during delivery", "user unknown",
        "non remis", "unzustellbar", "nicht zugestellt", "zustellung fehlgeschlagen", "não entregue", "no se puede entregar",
        "no entregado", "non recapitabile", "mancato recapito", "kan niet worden bezorgd", "could not send message",
        "配信不能", "配信できません", "送信できません", "退信", "系统退信", "退件", "投递失败", "未送达", "无法送达", "无法投递", "无法传递", "недоставлен", "не доставлено",
        "automatically rejected", "mail error", "failed delivery",
        "delayed * hours", "delayed * days", "has not yet been delivered", "postmaster notify", "message you sent blocked",
        "warning: could not send", "wasn't delivered", "failed to deliver", "delivery failure notification",
    ].map(Phrase.init)

    static let failureWords = [
        "could not be delivered", "couldn't be delivered", "unable to deliver", "wasn't able to deliver", "was not delivered",
        "were unable to deliver", "not been delivered", "undeliverable to", "delivery has failed", "failed permanently",
        "did not reach the following", "the following address", "the following recipient", "cannot be delivered", "can not be delivered",
        "delivery failed", "was undeliverable", "could not deliver", "has been rejected", "did not receive",
        "returned because", "has been returned", "not yet delivered", "message delivery", "delivery problem", "delivery to the following",
        "automatically rejected", "unknown user", "user unknown", "not be sent", "mailbox is full",
        "mailbox exceeds", "invalid final delivery", "no such user", "was rejected", "invalid user address", "error-for:", "unable to send",
        "did not exactly match", "failed addresses follow", "could not be processed", "pas pu etre delivre",
        "n'a pas pu", "konnte nicht", "nicht zugestellt", "no se pudo entregar", "no pudo ser entregado", "não pôde ser entregue",
        "nie mogła zostać", "non è stato possibile", "配信できません", "送信できませんでした", "無法傳送", "无法发送到", "退信",
        "投递失败", "无法投递", "无法送达", "невозможно доставить", "не может быть доставлено", "errors occurred", "encountered an error",
        "failure reasons", "failed recipient", "trouble delivering", "error sending",
    ].map(Phrase.init)

    static let listRefusals = ["not a member of this mailing list", "duplicated message-id", "loop alert"].map(Phrase.init)
}
