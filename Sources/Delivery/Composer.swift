import Domain
import Formats
import Store

/// Turns a row of the ledger into a mail. Pure: the same row gives the same bytes.
struct Composer: Sendable {
    let layouts: Layouts
    let publicURL: String
    let replyTo: String?
    let signer: Signer
    let templates: TemplateCache

    /// RFC 5322 gives no limit; a thread longer than this is cut in the middle, first and newest kept (as RFC 5537 §3.4.4 does for news).
    static let referencesMax = 30

    struct Composed: Sendable {
        var from: String
        var to: String
        /// Without angle brackets.
        var messageID: String
        var bytes: [UInt8]
    }

    /// - Throws: `ComposeError`, whose words become the reason why the row is held.
    func compose(_ send: Send, from sender: Sender, now: Timestamp) throws(ComposeError) -> Composed {
        let senders = MailAddress.list(sender.from)
        guard let from = senders.first, senders.count == 1, let domain = EmailAddress(from.address)?.domain else {
            throw .sender("sender \(sender.name) has no usable `from`; write `Care <care@example.com>`")
        }
        let subject: String
        let markdown: String
        do throws(TemplateError) {
            (subject, markdown) = try texts(of: send)
        } catch { throw .template(error) }
        guard !subject.isEmpty else { throw .template(.missing(names: ["subject"])) }

        let id = send.messageID ?? signer.messageID(kind: "s", id: send.id.rawValue, domain: domain)
        let headers = MailHeaders(signer: signer, publicURL: publicURL)
        let bodies = bodies(of: send, subject: subject, markdown: markdown, from: from, unsubscribe: headers.unsubscribeURL(for: send))
        var mail = OutgoingMail(
            from: from, to: [MailAddress(address: send.recipient)], subject: subject, messageID: id, date: date(of: send, now: now),
            text: bodies.text, html: bodies.html)
        mail.replyTo = replyTo.flatMap { MailAddress.list($0).first }
        mail.inReplyTo = send.inReplyTo
        mail.references = Self.shortened(send.references)
        mail.extra = headers.fields(for: send, fromDomain: domain)
        do throws(OutgoingMailError) {
            return Composed(from: from.address, to: send.recipient, messageID: id, bytes: try mail.bytes())
        } catch { throw .mail(error) }
    }

    /// A journey's texts are templates; an answer is what the agent typed.
    private func texts(of send: Send) throws(TemplateError) -> (subject: String, markdown: String) {
        let subject = send.subject ?? ""
        let text = send.text ?? ""
        guard send.kind == .journey else { return (HeaderValue.oneLine(subject), text) }
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
        of send: Send, subject: String, markdown: String, from: MailAddress, unsubscribe: String?
    ) -> (text: String, html: String) {
        let isReply = send.kind == .reply
        var data = LayoutData(
            subject: subject, body: Markdown.html(markdown, hardBreaks: isReply), sentBy: from.name.isEmpty ? from.address : from.name,
            unsubscribeURL: unsubscribe, words: .in(send.locale))
        let html = layouts.render(isReply ? .replyHTML : .mailHTML, data)
        data.body = Markdown.text(markdown)
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

    var description: String {
        switch self {
        case .sender(let problem): problem
        case .template(let error): error.description
        case .mail(let error): error.description
        }
    }
}
