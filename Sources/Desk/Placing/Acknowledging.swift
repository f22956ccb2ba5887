import Domain
import Store

/// Tells a person that their message has arrived (RFC 3834: what a machine may answer, and to whom). Only people get one; at most one on a
/// ticket and one to a person in the time the operator set.
struct Acknowledging {
    /// A mail that is older when it is read comes from an import or a long standstill.
    static let oldestMax: Duration = .seconds(86_400)

    let transaction: Transaction
    let settings: DeskSettings
    let signer: Signer

    /// - Returns: the breaker that tripped because this would have been one too many.
    func acknowledge(_ message: Interaction, on ticket: Ticket) throws -> Breaker? {
        guard let wish = settings.acknowledgement(of: ticket), let text = settings.replyTexts[wish.template] else { return nil }
        guard wish.occasion == .message || ticket.messageCount == 1 else { return nil }
        guard let recipient = message.author.email?.lowercased() else { return nil }
        if let why = try objection(message, recipient: recipient, ticket: ticket, wish) {
            try explain(message, "not acknowledged: \(why)")
            return nil
        }
        let send = send(message, ticket: ticket, recipient: recipient, text)
        guard try transaction.sends.plan(send) else { return nil }
        guard let refusal = try transaction.loops.refusal(of: send, by: settings.loops, isLeaving: false) else {
            try explain(message, "acknowledged to \(recipient) with \(wish.template)")
            return nil
        }
        try transaction.sends.skip(send.id, reason: refusal.reason)
        try explain(message, "not acknowledged: \(refusal.reason)")
        return try transaction.loops.apply(refusal, send, by: settings.loops)
    }

    private func objection(
        _ message: Interaction, recipient: String, ticket: Ticket, _ wish: Acknowledgement
    ) throws -> String? {
        if settings.isOwn(recipient) { return "\(recipient) is our own address" }
        if let role = Self.machineRole(recipient) { return "\(role) is a machine's or a list's address" }
        if message.isImported { return "it was brought in from elsewhere" }
        if transaction.now - message.occurredAt > Self.oldestMax { return "it is older than a day" }
        let ours = settings.addresses[message.account] ?? []
        let isToUs = message.recipients.contains { ours.contains($0) || ours.contains(DeskSettings.withoutDetail($0)) }
        if message.kind == .mail, !ours.isEmpty, !isToUs { return "it was not addressed to us (RFC 3834 §2)" }
        if let why = try transaction.subscriptions.suppression(address: recipient) { return "\(recipient) is suppressed: \(why)" }
        let before = try transaction.loops.automaticMail(to: recipient).filter { $0.kind == .acknowledgement }
        if let last = before.map(\.at).max(), transaction.now - last < wish.every { return "\(recipient) got one at \(last)" }
        return nil
    }

    private func send(_ message: Interaction, ticket: Ticket, recipient: String, _ reply: ReplyText) -> Send {
        let id: ID<Send> = transaction.newID()
        let (text, locale) = reply.text(for: message.language)
        var send = Send(
            id: id, key: "acknowledgement/\(ticket.id)/\(message.id)", kind: .acknowledgement, purpose: .transactional,
            recipient: recipient, dueAt: transaction.now, createdAt: transaction.now)
        send.customer = message.customer
        send.ticket = ticket.id
        send.sender = settings.senders[ticket.account]
        send.messageID = signer.messageID(kind: "s", id: id.rawValue, domain: settings.domain(of: ticket.account))
        // The subject is the customer's: a value, never a template.
        send.subject = "{{subject}}"
        send.text = text
        send.vars = [
            "ticket": "#\(ticket.number)", "queue": ticket.queue,
            "subject": SubjectLine.answer(to: message.subject.isEmpty ? ticket.subject : message.subject, number: ticket.number),
        ]
        send.locale = locale
        send.details.isAutomatic = true
        send.details.replyTo = settings.plusAddresses[ticket.account].flatMap { signer.address($0, kind: "s", id: id.rawValue) }
        send.inReplyTo = message.messageID
        send.references = Desk.references(to: message)
        return send
    }

    /// Addresses that no machine answers (RFC 3834 §2; RFC 2142): `owner-…`, `…-request`, `mailer-daemon`.
    private static func machineRole(_ address: String) -> String? {
        let local = String(address.prefix { $0 != "@" })
        let isRole =
            [
                "mailer-daemon", "postmaster", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "bounce", "bounces",
                "listserv",
                "majordomo",
            ].contains(local) || local.hasPrefix("owner-") || local.hasSuffix("-request") || local.hasSuffix("-owner")
            || local.hasPrefix("bounce+") || local.hasPrefix("bounces+")
        return isRole ? address : nil
    }

    private func explain(_ message: Interaction, _ text: String) throws {
        try transaction.reasons.add(
            Reason(at: transaction.now, about: .interaction, subject: message.id.rawValue, decision: "acknowledge", text: text))
    }
}
