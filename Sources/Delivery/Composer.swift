import Domain
import Formats
import Store

/// Turns a row of the ledger into a mail. The same row gives the same bytes.
struct Composer: Sendable {
    let layouts: Layouts
    let publicURL: String
    let replyTo: String?
    let signer: Signer
    let templates: TemplateCache
    var keyring = DKIMKeyring()

    /// RFC 5322 gives no limit; a thread longer than this is cut in the middle, first and newest kept (as RFC 5537 §3.4.4 does for news).
    static let referencesMax = 30

    struct Composed: Sendable {
        /// The envelope's sender, another one for each mail when the sender has an address for bounces (VERP). Empty for a machine's
        /// answer, whose bounce nobody should get (RFC 3834 §3.3).
        var from: String
        /// The envelope's recipient, its domain in A-labels.
        var to: String
        /// Without angle brackets.
        var messageID: String
        var bytes: [UInt8]
        /// For `ENVID` and `ORCPT` (RFC 3461 §4.2, §4.4): they come back in a delivery report.
        var envelopeID: String
        var originalRecipient: String
    }

    /// What belongs to a mail and does not stand in its row.
    struct Enclosed: Sendable {
        var files: [OutgoingMail.File] = []
        var quote: Quote?
    }

    /// Reads what the row only names, and composes.
    func compose(_ send: Send, from sender: Sender, now: Timestamp, store: Store) async throws -> Composed {
        var enclosed = Enclosed()
        var files = send.details.files
        if let id = send.details.quotes, let message = try await store.read({ try $0.interactions.get(id) }) {
            let quote = Quote(message)
            files += message.attachments.filter(quote.shows)
            enclosed.quote = quote
        }
        for file in files {
            let bytes: [UInt8]
            do { bytes = try await store.blobs.get(file.hash) } catch { throw ComposeError.file(name: file.name, problem: "\(error)") }
            enclosed.files.append(OutgoingMail.File(name: file.name, type: file.type, bytes: bytes, contentID: file.contentID))
        }
        return try compose(send, from: sender, now: now, enclosed)
    }

    /// - Throws: `ComposeError`, whose words become the reason why the row is held.
    func compose(_ send: Send, from sender: Sender, now: Timestamp, _ enclosed: Enclosed = Enclosed()) throws(ComposeError) -> Composed {
        let senders = MailAddress.list(sender.from)
        guard let from = senders.first, senders.count == 1, let domain = EmailAddress(from.address, allowsUTF8: sender.smtputf8)?.domain
        else { throw .sender("sender \(sender.name) has no usable `from`; write `Care <care@example.com>`") }
        let subject: String
        let markdown: String
        do throws(TemplateError) {
            (subject, markdown) = try texts(of: send)
        } catch { throw .template(error) }
        guard !subject.isEmpty else { throw .template(.missing(names: ["subject"])) }
        guard let recipient = EmailAddress(send.recipient, allowsUTF8: sender.smtputf8) else {
            throw .sender("\(send.recipient.debugDescription) is no address that sender \(sender.name) can write to")
        }

        let id = send.messageID ?? signer.messageID(kind: "s", id: send.id.rawValue, domain: domain)
        let headers = MailHeaders(signer: signer, publicURL: publicURL, unsubscribe: sender.unsubscribe)
        let bodies = bodies(
            of: send, subject: subject, markdown: markdown, from: from, unsubscribe: headers.unsubscribeURL(for: send), enclosed.quote)
        let to = send.details.to.isEmpty ? [send.recipient] : send.details.to
        let date = date(of: send, now: now)
        var mail = OutgoingMail(
            from: from, to: to.map { MailAddress(address: $0) }, subject: subject, messageID: id, date: date, text: bodies.text,
            html: bodies.html)
        mail.cc = send.details.cc.map { MailAddress(address: $0) }
        mail.replyTo = (send.details.replyTo ?? replyTo).flatMap { MailAddress.list($0).first }
        mail.inReplyTo = send.inReplyTo
        mail.references = Self.shortened(send.references)
        mail.extra = headers.fields(for: send, fromDomain: domain)
        mail.files = enclosed.files
        mail.allowsUTF8Addresses = sender.smtputf8
        let path = signer.returnPath(id: send.id.rawValue)
        return Composed(
            from: try envelopeSender(for: send, from: from, sender: sender, token: path), to: recipient.text, messageID: id,
            bytes: try signed(mail, by: sender, at: date), envelopeID: path, originalRecipient: recipient.text)
    }

    private func envelopeSender(for send: Send, from: MailAddress, sender: Sender, token: String) throws(ComposeError) -> String {
        if send.details.isAutomatic { return "" }
        guard let bounces = sender.bounces else {
            return EmailAddress(from.address, allowsUTF8: sender.smtputf8)?.text ?? from.address
        }
        guard let address = EmailAddress(bounces), let tagged = EmailAddress("\(address.local)+\(token)@\(address.domain)") else {
            throw .sender("sender \(sender.name) has no usable `bounces`; write bounce@example.com, with a short name before the @")
        }
        return tagged.text
    }

    private func signed(_ mail: OutgoingMail, by sender: Sender, at date: Timestamp) throws(ComposeError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(OutgoingMailError) { bytes = try mail.bytes() } catch { throw .mail(error) }
        do { return try keyring.signer(for: sender).signed(bytes, at: date) } catch {
            throw .sender("a key under `dkim` of sender \(sender.name) \(error)")
        }
    }

    /// A journey's texts are templates; an answer is what the agent typed.
    private func texts(of send: Send) throws(TemplateError) -> (subject: String, markdown: String) {
        let subject = send.subject ?? ""
        let text = send.text ?? ""
        guard send.kind.isAutomatic else { return (HeaderValue.oneLine(subject), text) }
        var missing: [String] = []
        var rendered: [String] = []
        for (template, place) in [(subject, TemplatePlace.header), (text, .markdown)] {
            do throws(TemplateError) {
                rendered.append(try templates.template(template, for: place).render(send.vars))
            } catch .missing(let names) {
                missing += names.filter { !missing.contains($0) }
                rendered.append("")
            }
        }
        guard missing.isEmpty else { throw .missing(names: missing) }
        return (HeaderValue.oneLine(rendered[0]), rendered[1])
    }

    private func bodies(
        of send: Send, subject: String, markdown: String, from: MailAddress, unsubscribe: String?, _ quote: Quote?
    ) -> (text: String, html: String) {
        let isReply = send.kind != .journey
        // Our signed name, for programs that drop References: whoever quotes it is led back to its ticket.
        let mark = send.details.isMarked ? send.messageID.map { "[\($0.prefix { $0 != "@" })]" } : nil
        let words = LayoutWords.in(send.locale)
        var data = LayoutData(
            subject: subject, body: Markdown.html(markdown, hardBreaks: send.kind == .reply),
            sentBy: from.name.isEmpty ? from.address : from.name,
            unsubscribeURL: unsubscribe, words: words)
        if let mark { data.body += "\n<p style=\"font-size: 11px\">\(mark)</p>\n" }
        if let quote { data.body = quote.below(html: data.body, words) }
        let html = layouts.render(isReply ? .replyHTML : .mailHTML, data)
        data.body = Markdown.text(markdown)
        if let mark { data.body += "\n\n" + mark }
        if let quote { data.body = quote.below(text: data.body, words) }
        return (isReply ? data.body : layouts.render(.mailText, data), html)
    }

    /// When the text was settled; a row that waited for days says today, because filters distrust old dates.
    private func date(of send: Send, now: Timestamp) -> Timestamp {
        now - send.createdAt > .seconds(86400) ? now : send.createdAt
    }

    private static func shortened(_ references: [String]) -> [String] {
        guard references.count > referencesMax, let first = references.first else { return references }
        return [first] + references.suffix(referencesMax - 1)
    }
}

enum ComposeError: Error, Hashable, CustomStringConvertible {
    case sender(String)
    case template(TemplateError)
    case mail(OutgoingMailError)
    case file(name: String, problem: String)

    var description: String {
        switch self {
        case .sender(let problem): problem
        case .template(let error): error.description
        case .mail(let error): error.description
        case .file(let name, let problem): "the file \(name.debugDescription) cannot be read: \(problem)"
        }
    }
}
