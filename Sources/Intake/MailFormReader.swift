import Channels
import Domain
import Formats
import Rules

/// Turns the mails of form tools into what people filled in, by the operator's rules. Pure. Nothing is guessed: a mail that a rule matches
/// but does not explain stays a mail, and the reason says so.
struct MailFormReader: Sendable {
    enum Reading: Sendable {
        /// The mail is a form; the sentence names the rule.
        case form(Interaction, reason: String)
        /// It stays a mail; nil when there is nothing to say about it.
        case mail(reason: String?)
    }

    private let forms: [MailForm]
    private let nature: NatureRule

    /// What a form's labels mean, by their keys.
    private struct Rule {
        let name: String
        let parts: [String: MailForm.Part]
        let dropped: Set<String>
        /// What to look for in the mail, and whether it may be long.
        let labels: [String: Bool]
        /// The labels of the ways to reach a person, for the reason.
        let reach: [String]

        init(_ form: MailForm) {
            name = form.name
            parts = Dictionary(form.labels.map { (FormMail.key($0.text), $0.part) }, uniquingKeysWith: { first, _ in first })
            dropped = Set(form.drop.map(FormMail.key))
            labels = Dictionary(dropped.map { ($0, false) }, uniquingKeysWith: { $1 }).merging(parts.mapValues { $0 == .message }) { $1 }
            reach = form.labels.filter { $0.part == .email || $0.part == .phone }.map(\.text)
        }
    }

    init(_ forms: [MailForm], nature: NatureRule) {
        self.forms = forms
        self.nature = nature
    }

    /// - Parameter interaction: the mail as a mail.
    func read(_ mail: ParsedMail, as interaction: Interaction) -> Reading {
        if forms.isEmpty { return .mail(reason: nil) }
        switch interaction.nature {
        case .bounce, .complaint, .challenge, .outOfOffice: return .mail(reason: nil)
        // Tools call their mails automatic, and send them from an address of ours; only our own signature tells that a mail is ours.
        case .ownLoop where nature.isSigned(mail): return .mail(reason: nil)
        default: break
        }
        guard let match = match(mail) else { return .mail(reason: "no form under `mailforms` matches it") }
        let rule = Rule(match)
        switch fill(rule, mail, interaction) {
        case .success(let form):
            let person = form.author.email ?? form.author.phone ?? ""
            return .form(form, reason: "a form mail of `\(rule.name)`, filled in by \(person)")
        case .failure(let trouble): return .mail(reason: "the form `\(rule.name)` matches it, but \(trouble.text): it stays a mail")
        }
    }

    private func match(_ mail: ParsedMail) -> MailForm? {
        let senders = (mail.from.isEmpty ? mail.sender : mail.from).map(\.address)
        let subject = FoldedText(mail.subject)
        return forms.first { form in
            let patterns = form.from.map(AddressPattern.init)
            let isFrom = patterns.isEmpty || senders.contains { address in patterns.contains { $0.matches(address) } }
            return isFrom && (form.subjects.isEmpty || form.subjects.contains { subject.contains(SubjectWord($0)) })
        }
    }

    private struct Trouble: Error { var text: String }

    private func fill(_ rule: Rule, _ mail: ParsedMail, _ interaction: Interaction) -> Result<Interaction, Trouble> {
        let found = FormMail.fields(text: mail.text, html: mail.html, labels: rule.labels)
            .filter { !rule.dropped.contains(FormMail.key($0.label)) }
        guard found.contains(where: { rule.parts[FormMail.key($0.label)] != nil && !$0.value.isEmpty }) else {
            return .failure(Trouble(text: "none of its labels was found with a value"))
        }
        func values(_ part: MailForm.Part) -> [String] {
            found.filter { rule.parts[FormMail.key($0.label)] == part && !$0.value.isEmpty }.map(\.value)
        }
        func joined(_ part: MailForm.Part, by separator: String) -> String? {
            let all = values(part)
            return all.isEmpty ? nil : all.joined(separator: separator)
        }
        let addresses = values(.email).compactMap(Self.address)
        let entry = FormEntry(
            fields: found.map { Interaction.Field(name: $0.label, value: $0.value) }, name: joined(.name, by: " ").map(Self.oneLine),
            email: addresses.first, phone: values(.phone).first.map(Self.oneLine), subject: joined(.subject, by: " ").map(Self.oneLine),
            text: joined(.message, by: "\n\n"))
        let filled = entry.interaction(
            account: interaction.account, externalID: interaction.externalID, receivedAt: interaction.receivedAt)
        guard filled.author.email != nil || filled.author.phone != nil else {
            let labels = rule.reach.map { "“\($0)”" }.joined(separator: ", ")
            return .failure(Trouble(text: "it says neither an address nor a phone number under \(labels)"))
        }
        if let own = filled.author.email, nature.ownAddresses.contains(own) {
            return .failure(Trouble(text: "the address in it, \(own), is one of ours"))
        }
        var form = interaction
        form.kind = .form
        form.nature = .human
        form.author = filled.author
        form.subject = filled.subject
        form.body = filled.body
        form.fields = filled.fields
        // The tool's drawing of the same fields; its own threads are not the person's.
        form.html = nil
        form.inReplyTo = []
        form.references = []
        return .success(form)
    }

    /// The one address of a value: `ann@example.com`, `Ann <ann@example.com>`, `ann@example.com <mailto:ann@example.com>`.
    private static func address(_ value: String) -> String? {
        let all = Set(MailAddress.list(oneLine(value)).map(\.address).filter { $0.contains("@") })
        return all.count == 1 ? all.first : nil
    }

    private static func oneLine(_ value: String) -> String { value.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}

extension NatureRule {
    /// Whether a mail carries a signature or mark that only we make.
    func isSigned(_ mail: ParsedMail) -> Bool {
        mail.messageID.map(isOurMessageID) ?? false || mail.headers("X-Hongyan-Loop").contains(where: isOurMark)
    }
}
