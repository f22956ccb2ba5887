import Domain
import Store

/// Which ticket a message belongs to. The strongest sign wins:
/// 1. our own signed Message-ID in In-Reply-To, then in References, newest first: nobody else can make one;
/// 2. a Message-ID we know in the same account, in the same order, or this message's own when an answer to it came first;
/// 3. a ticket number in the subject, only from somebody who takes part in that ticket;
/// 4. the same customer and subject within 30 days, only for a mail that is marked as a reply. A forward never joins that way.
struct Threading {
    /// A thread longer than this is followed by its newest ids.
    static let referencesMax = 100
    static let subjectJoinsWithin: Duration = .seconds(30 * 86_400)

    enum Outcome {
        case joins(Ticket, because: String)
        /// `mentions` is a closed ticket it would have joined.
        case stands(because: String, mentions: Ticket?)
    }

    let transaction: Transaction
    let signer: Signer

    func thread(_ message: Interaction, customer: ID<Customer>?) throws -> Outcome {
        var closed: (ticket: Ticket, because: String)?
        for (ticket, because) in try byIDs(message) {
            if ticket.status.afterCustomerMessage != nil || message.nature != .human { return .joins(ticket, because: because) }
            closed = closed ?? (ticket, because)
        }
        guard message.nature == .human else {
            return .stands(because: "automatic mail outside any conversation stays unfiled", mentions: nil)
        }
        var notice: String?
        for number in SubjectLine.numbers(message.subject) {
            guard let ticket = try transaction.tickets.get(number: number) else { continue }
            guard try takesPart(message, customer: customer, in: ticket) else {
                notice = "the subject names #\(number), in which \(message.author.displayName) takes no part"
                continue
            }
            let because = "the subject names #\(number) and \(message.author.displayName) takes part in it"
            if ticket.status.afterCustomerMessage != nil { return .joins(ticket, because: because) }
            closed = closed ?? (ticket, because)
        }
        if let customer, let (ticket, because) = try bySubject(message, customer: customer) { return .joins(ticket, because: because) }
        if let closed {
            return .stands(because: "#\(closed.ticket.number) is closed (\(closed.because))", mentions: closed.ticket)
        }
        return .stands(because: notice ?? "nothing it refers to is known", mentions: nil)
    }

    /// Remembers which ticket the message's id and every id it refers to belong to, so that later parts of the thread join,
    /// also when a parent comes after its answer or never.
    func remember(_ message: Interaction, ticket: ID<Ticket>?) throws {
        if let id = message.messageID, !id.isEmpty, signer.verifyMessageID(id) == nil {
            try transaction.messageIDs.record(id, account: message.account, interaction: message.id, ticket: ticket)
        }
        guard let ticket else { return }
        for id in Self.referenced(message) {
            // An id of ours leads to its ticket by itself; one of a mail without a ticket leads to this one from now on.
            if try sendTicket(id) != nil { continue }
            try transaction.messageIDs.record(id, account: message.account, interaction: nil, ticket: ticket)
        }
    }

    /// Every ticket the message's ids lead to, strongest sign first.
    private func byIDs(_ message: Interaction) throws -> [(Ticket, because: String)] {
        var found: [(Ticket, because: String)] = []
        func add(_ id: ID<Ticket>?, _ because: String) throws {
            guard let id, !found.contains(where: { $0.0.id == id }), let ticket = try transaction.tickets.get(id) else { return }
            found.append((ticket, because))
        }
        let parents = message.inReplyTo.prefix(Self.referencesMax).map { ("In-Reply-To", $0) }
        let ancestors = message.references.suffix(Self.referencesMax).reversed().map { ("References", $0) }
        for (header, id) in parents + ancestors { try add(sendTicket(id), "\(header) has our own signed id <\(id)>") }
        for (header, id) in parents + ancestors {
            try add(transaction.messageIDs.find(id, account: message.account)?.ticket, "\(header) <\(id)> is known in \(message.account)")
        }
        if let own = message.messageID {
            let known = try transaction.messageIDs.find(own, account: message.account)
            if known?.interaction != message.id { try add(known?.ticket, "an answer to its own id <\(own)> came before it") }
        }
        return found
    }

    private func sendTicket(_ messageID: String) throws -> ID<Ticket>? {
        guard let (kind, id) = signer.verifyMessageID(messageID), kind == "s" else { return nil }
        return try transaction.sends.get(ID<Send>(id))?.ticket
    }

    private func takesPart(_ message: Interaction, customer: ID<Customer>?, in ticket: Ticket) throws -> Bool {
        if let customer, ticket.customer == customer { return true }
        guard let email = message.author.email else { return false }
        return try transaction.tickets.hasParticipant(ticket.id, address: email.lowercased())
    }

    private func bySubject(_ message: Interaction, customer: ID<Customer>) throws -> (Ticket, because: String)? {
        guard message.kind == .mail, SubjectLine.mark(message.subject) == .reply else { return nil }
        let key = Tickets.subjectKey(message.subject)
        guard !key.isEmpty else { return nil }
        let when = min(message.occurredAt, transaction.now)
        let since = when - Self.subjectJoinsWithin
        guard let ticket = try transaction.tickets.recent(customer: customer, subjectKey: key, since: since) else { return nil }
        // A ticket's activity is when mail arrived here; in an old mailbox the mails' own dates can lie years apart.
        let latest = [ticket.lastInboundAt, ticket.lastOutboundAt].compactMap { $0 }.max() ?? ticket.updatedAt
        guard latest >= since, latest - Self.subjectJoinsWithin <= when else { return nil }
        return (ticket, "a reply by the same customer with the same subject within 30 days")
    }

    private static func referenced(_ message: Interaction) -> [String] {
        var all: [String] = []
        for id in message.inReplyTo.prefix(referencesMax) + message.references.suffix(referencesMax) where !id.isEmpty && !all.contains(id)
        {
            all.append(id)
        }
        return all
    }
}
