import Channels
import Domain
import Formats
import Store

/// Turns a parsed mail into an interaction. Pure.
enum MailMapping {
    /// A `Date` further ahead than this is the sender's broken clock.
    static let aheadMax = Duration.seconds(86400)
    /// Header fields that later decisions read, in this order.
    static let headersKept = [
        "Reply-To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To", "Return-Path", "Sender",
        "Auto-Submitted", "Precedence", "List-Id", "List-Unsubscribe", "Feedback-ID", "X-Failed-Recipients", "Original-Envelope-Id",
        "Thread-Index", "Thread-Topic", threadField, "Importance", "X-Priority",
    ]
    static let headerCharactersMax = 1000
    private static let threadField = "X-GM-THRID"
    static let disguisesMax = 500

    /// - Parameter writer: who wrote it when that is not who it is from.
    static func interaction(
        _ mail: ParsedMail, item: SpooledItem, nature: Interaction.Nature, writer: MailAddress?, attachments: [Attachment]
    ) -> Interaction {
        let arrived = item.meta[MetaKey.arrivedAt].flatMap { Int64($0) }.map { Timestamp(microseconds: $0) } ?? item.receivedAt
        var result = Interaction(
            id: ID(0), account: item.account, externalID: item.externalID, kind: .mail, nature: nature,
            occurredAt: occurredAt(mail.date, arrived: arrived), receivedAt: item.receivedAt, author: author(mail, writer: writer),
            recipients: recipients(mail), subject: mail.subject, body: mail.text)
        result.html = mail.html
        result.messageID = mail.messageID
        result.inReplyTo = mail.inReplyTo
        result.references = mail.references
        result.attachments = attachments
        result.fields = fields(mail)
        // The server knows; what the mail says of itself could be anybody's.
        if let thread = item.meta[MetaKey.threadID] {
            result.fields.removeAll { $0.name == threadField }
            result.fields.append(Interaction.Field(name: threadField, value: thread))
        }
        result.fields += Set(mail.seals.map(\.stored)).sorted().map { Interaction.Field(name: Interaction.sealField, value: $0) }
        result.fields += disguises(mail)
        result.fingerprint = fingerprint(mail, item: item, attachments: attachments)
        if item.meta[MetaKey.imported] != nil { result.fields.append(Interaction.Field(name: Interaction.importedField, value: "1")) }
        if let cut = item.meta[MetaKey.cut] { result.fields.append(Interaction.Field(name: Interaction.cutField, value: cut)) }
        if let cut = item.meta[MetaKey.cut] { result.body = result.body.isEmpty ? cut : result.body + "\n\n" + cut }
        return result
    }

    private static func occurredAt(_ date: Timestamp?, arrived: Timestamp) -> Timestamp {
        guard let date, date.microseconds > 0, date < arrived + aheadMax else { return arrived }
        return date
    }

    private static func author(_ mail: ParsedMail, writer: MailAddress?) -> Interaction.Author {
        guard let first = writer ?? mail.from.first ?? mail.sender.first ?? mail.replyTo.first else { return Interaction.Author() }
        let email = first.address.lowercased()
        return Interaction.Author(name: first.name.isEmpty ? nil : first.name, email: email.isEmpty ? nil : email)
    }

    /// Each once, in the order To, Cc, Delivered-To.
    private static func recipients(_ mail: ParsedMail) -> [String] {
        let delivered = mail.headers("Delivered-To").flatMap { MailAddress.list($0) }
        var seen: Set<String> = []
        return (mail.to + mail.cc + delivered).map { $0.address.lowercased() }.filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    private static func fields(_ mail: ParsedMail) -> [Interaction.Field] {
        headersKept.flatMap { name in
            mail.headers(name).map { value in
                let isShort = value.utf8.count <= headerCharactersMax
                return Interaction.Field(name: name, value: isShort ? value : String(value.prefix(headerCharactersMax)))
            }
        }
    }

    private static func disguises(_ mail: ParsedMail) -> [Interaction.Field] {
        mail.attachments.prefix(disguisesMax).enumerated().compactMap { index, file in
            file.disguise.map { Interaction.Field(name: Interaction.detectedField, value: "\(index) \($0)") }
        }
    }

    /// The same mail delivered twice has the same; two different mails that carry one Message-ID do not.
    static func fingerprint(_ mail: ParsedMail, item: SpooledItem, attachments: [Attachment]) -> String {
        // Without id and date two mails of the same words may be two mails: only the very same bytes are one.
        guard mail.messageID != nil || mail.date != nil else { return item.blob ?? sha256(item.bytes) }
        let parts =
            [
                mail.messageID ?? "", mail.from.map(\.address).joined(separator: ","), mail.date.map { "\($0.microseconds)" } ?? "",
                mail.subject, mail.text.isEmpty ? mail.html ?? "" : mail.text,
            ] + attachments.map(\.hash)
        // Length-prefixed, so that no two different lists read the same.
        return sha256(parts.flatMap { Array("\($0.utf8.count):".utf8) + Array($0.utf8) })
    }
}
