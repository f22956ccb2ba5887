import Domain
import Store

/// Which ticket a message belongs to. The strongest sign wins:
/// 1. our own signed name in an address it was sent to (plus addressing, VERP);
/// 2. our own signed Message-ID in In-Reply-To, then in References, newest first: nobody else can make one;
/// 3. our own name in what a bounce or a complaint says about the message it is about;
/// 4. a Message-ID we know in the same account, in the same order, or this message's own when an answer to it came first;
/// 5. an id that is mentioned but was never seen, from people who have to do with the ticket it leads to;
/// 6. the conversation's id of their mail program (Gmail, Outlook), from the same people;
/// 7. our own signed name in the text, for programs that drop References;
/// 8. a ticket number in the subject, from somebody who takes part in that ticket;
/// 9. a participant's answer with the same subject within some days.
///
/// A forward joins by 1 to 4 and by 7 and 8, where it still has the token; its subject alone or an id nobody has seen means nothing.
struct Threading {
    /// A thread longer than this is followed by its newest ids.
    static let referencesMax = 100
    /// Recipients that are looked for among a ticket's writers.
    static let acquaintancesMax = 10
    /// Tickets with the same subject that are looked at.
    static let sameSubjectMax = 20

    enum Outcome {
        /// `origin` is what its ids lead to: another ticket when that one was merged into this one.
        case joins(Ticket, origin: ID<Ticket>, because: String)
        /// `mentions` is a ticket it would have joined.
        case stands(because: String, mentions: Ticket?)
    }

    /// A ticket that a sign leads to.
    struct Clue {
        var ticket: Ticket
        var origin: ID<Ticket>
        var because: String
    }

    let transaction: Transaction
    let signer: Signer
    let settings: DeskSettings

    func thread(_ message: Interaction, customer: ID<Customer>?) throws -> Outcome {
        var search = Search(message: message, customer: customer)
        for look in message.nature == .human ? Self.humanSigns : Self.automaticSigns {
            for clue in try look(self)(&search) where search.isNew(clue) {
                guard message.nature == .human, !takesMessages(clue.ticket) else {
                    return .joins(clue.ticket, origin: clue.origin, because: clue.because)
                }
                search.refuse(clue.ticket, "#\(clue.ticket.number) is closed (\(clue.because))")
            }
        }
        guard message.nature == .human else {
            return .stands(because: "automatic mail outside any conversation stays unfiled", mentions: nil)
        }
        return .stands(because: search.refused?.because ?? "nothing it refers to is known", mentions: search.refused?.ticket)
    }

    /// What is known while one message's place is looked for.
    struct Search {
        let message: Interaction
        let customer: ID<Customer>?
        private var seen: Set<ID<Ticket>> = []
        /// The strongest sign that led to a ticket it may not join.
        private(set) var refused: (ticket: Ticket, because: String)?

        init(message: Interaction, customer: ID<Customer>?) {
            self.message = message
            self.customer = customer
        }

        var isForward: Bool { SubjectLine.mark(message.subject) == .forward }

        mutating func isNew(_ clue: Clue) -> Bool { seen.insert(clue.ticket.id).inserted }

        mutating func refuse(_ ticket: Ticket, _ because: String) {
            if refused == nil { refused = (ticket, because) }
        }
    }

    private typealias Sign = @Sendable (Threading) -> (inout Search) throws -> [Clue]

    private static let humanSigns: [Sign] = [
        { $0.byAddress }, { $0.byOwnIDs }, { $0.byKnownIDs }, { $0.byUnseenIDs }, { $0.byConversation }, { $0.byText }, { $0.byNumber },
        { $0.bySubject },
    ]
    /// Machines copy subjects; only what they cannot make up counts.
    private static let automaticSigns: [Sign] = [
        { $0.byAddress }, { $0.byOwnIDs }, { $0.byReport }, { $0.byKnownIDs }, { $0.byUnseenIDs }, { $0.byConversation }, { $0.byText },
    ]

    /// Whether an answer of a person joins it as it is, or opens it again.
    func takesMessages(_ ticket: Ticket) -> Bool {
        if ticket.status.afterCustomerMessage != nil { return true }
        return switch settings.closedPolicy(of: ticket) {
        case .reopen: true
        case .new: false
        case .newAfter(let quiet): transaction.now - ticket.updatedAt < quiet
        }
    }

    /// The ticket a clue leads to, merges followed.
    func clue(_ origin: ID<Ticket>?, _ because: String) throws -> Clue? {
        guard let origin, let ticket = try transaction.moves.leading(origin) else { return nil }
        guard ticket.id != origin, let number = try transaction.tickets.get(origin)?.number else {
            return Clue(ticket: ticket, origin: origin, because: because)
        }
        return Clue(ticket: ticket, origin: origin, because: "\(because); #\(number) was merged into it")
    }

    /// The ticket of a row of the ledger whose name we have signed.
    func sendTicket(_ mark: (kind: Character, id: Int64)?) throws -> ID<Ticket>? {
        guard let mark, mark.kind == "s" else { return nil }
        return try transaction.sends.get(ID<Send>(mark.id))?.ticket
    }

    // MARK: Who takes part

    func takesPart(_ search: Search, in ticket: Ticket) throws -> Bool {
        if let customer = search.customer, ticket.customer == customer { return true }
        guard let email = search.message.author.email?.lowercased() else { return false }
        if try transaction.tickets.hasParticipant(ticket.id, address: email) { return true }
        guard let domain = MailDomain.of(email), settings.trustedDomains.contains(domain) else { return false }
        return try transaction.tickets.hasParticipant(ticket.id, domain: domain)
    }

    /// Whether the writer takes part, writes to somebody who does, or works in the same house as somebody who does. Answers to one mail
    /// that went to many strangers have nothing else in common.
    func knowsSomebody(_ search: Search, in ticket: Ticket) throws -> Bool {
        if try takesPart(search, in: ticket) { return true }
        let others = search.message.recipients.lazy.filter { !settings.isOwn($0) }
        for address in others.prefix(Self.acquaintancesMax) {
            if try transaction.tickets.hasParticipant(ticket.id, address: address) { return true }
        }
        guard let domain = search.message.author.email.flatMap(MailDomain.of), !MailDomain.isShared(domain),
            !settings.ownDomains.contains(domain)
        else { return false }
        return try transaction.tickets.hasParticipant(ticket.id, domain: domain)
    }

    // MARK: What is remembered

    /// Remembers which ticket the message's id and every id it refers to belong to, so that later parts of the thread join,
    /// also when a parent comes after its answer or never.
    func remember(_ message: Interaction, ticket: ID<Ticket>?) throws {
        if let id = message.messageID, !id.isEmpty, signer.verifyMessageID(id) == nil {
            try transaction.messageIDs.record(id, account: message.account, interaction: message.id, ticket: ticket)
        }
        guard let ticket else { return }
        for id in Self.referenced(message) {
            // An id of ours leads to its ticket by itself; one of a mail without a ticket leads to this one from now on.
            if try sendTicket(signer.verifyMessageID(id)) != nil { continue }
            try transaction.messageIDs.record(id, account: message.account, interaction: nil, ticket: ticket)
        }
        if let conversation = ConversationID(message) {
            try transaction.messageIDs.record(conversation.key, account: message.account, interaction: nil, ticket: ticket)
        }
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
