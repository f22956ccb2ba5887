import Domain
import Store

/// Everything one look at the inbox reads, in one snapshot.
struct InboxData: Sendable {
    static let ticketsMax = 50
    static let messagesMax = 200
    static let unfiledMax = 100
    static let quarantinedShown = 1000

    var view: InboxView
    var counts = TicketCounts()
    var queues: [Queue] = []
    var quarantined: Int64 = 0
    var failing = 0
    var tickets: [Ticket] = []
    var unfiled: [Interaction] = []
    var hasMore = false
    var agents: [Agent] = []
    var conversation: Conversation?
    /// The number of the ticket that took in the one that was asked for.
    var leading: Int64?
    var breakers = 0
    /// The newest event this look has seen; live updates go on from here.
    var position: Int64 = 0

    struct Queue: Sendable {
        var name: String
        var open: Int64
    }

    static func read(_ transaction: Transaction, _ query: InboxQuery, agent: ID<Agent>, ticket number: Int64?) throws -> InboxData {
        let counts = try transaction.tickets.counts(agent: agent)
        let view = query.view ?? (counts.mine > 0 ? .mine : .open)
        var data = InboxData(view: view)
        data.position = try transaction.events.lastPosition()
        data.counts = counts
        data.queues = try transaction.tickets.queues().map { Queue(name: $0.name, open: $0.open) }
        data.quarantined = try transaction.spool.counts()["quarantined"] ?? 0
        data.failing = try transaction.accounts.allHealth().filter { $0.state == .failing || $0.state == .stopped }.count
        data.agents = try transaction.agents.all()
        data.breakers = try transaction.loops.breakers().count
        if let search = query.search {
            data.tickets = try transaction.tickets.search(search, limit: ticketsMax)
        } else if let tickets = view.tickets(of: agent) {
            data.tickets = try transaction.tickets.list(tickets, limit: ticketsMax + 1, before: query.before)
            data.hasMore = data.tickets.count > ticketsMax
            data.tickets = Array(data.tickets.prefix(ticketsMax))
        } else {
            data.unfiled = try transaction.interactions.unfiled(limit: unfiledMax)
        }
        if let number { data.conversation = try Conversation.read(transaction, number: number) }
        if let merged = data.conversation?.ticket, merged.mergedInto != nil {
            data.leading = try transaction.moves.leading(merged.id)?.number
        }
        return data
    }
}

/// One ticket with all that its page shows.
struct Conversation: Sendable {
    static let otherTicketsMax = 6
    static let moodsMax = 60
    static let sendsMax = 12
    /// Reasons are read for the newest messages only.
    static let reasonedMax = 60

    var ticket: Ticket
    var messages: [Interaction]
    var reasons: [Int64: [Reason]]
    var ticketReasons: [Reason]
    var customer: Customer?
    var others: [Ticket]
    var moods: [MoodPoint]
    var sends: [SendLine]
    var enrolments: [Enrolment]
    /// The send behind each outgoing message.
    var sendOfMessage: [ID<Interaction>: Send]
    var moves: [MoveLine]

    struct MoveLine: Sendable {
        var move: TicketMove
        /// The other ticket's number.
        var other: Int64
    }
    /// What came back for the sends of this ticket and customer.
    var returns: [ID<Send>: [SendReturn]]
    /// What is known about the address an answer goes to.
    var address: AddressState?
    /// Nil when no shop knows them.
    var purchases: Purchases?

    struct MoodPoint: Sendable, Equatable {
        var at: Timestamp
        var score: Double
    }

    struct SendLine: Sendable {
        var send: Send
        /// The last thing that was decided about it.
        var reason: String?
    }

    static func read(_ transaction: Transaction, number: Int64) throws -> Conversation? {
        guard let ticket = try transaction.tickets.get(number: number) else { return nil }
        let messages = try transaction.interactions.ofTicket(ticket.id, limit: InboxData.messagesMax)
        var reasons: [Int64: [Reason]] = [:]
        for message in messages.suffix(reasonedMax) {
            reasons[message.id.rawValue] = try transaction.reasons.about(.interaction, message.id.rawValue)
        }
        let others = try transaction.tickets.list(.customer(ticket.customer), limit: otherTicketsMax)
        var moods = points(messages)
        for other in others where other.id != ticket.id {
            moods += points(try transaction.interactions.ofTicket(other.id, limit: moodsMax))
        }
        let sends = try transaction.sends.ofCustomer(ticket.customer)
        let lines = try sends.prefix(sendsMax).map { send in
            SendLine(send: send, reason: try transaction.reasons.about(.send, send.id.rawValue).last?.text ?? send.response)
        }
        let known = try transaction.moves.of(ticket.id)
        let merged = known.filter { $0.kind == .merge && $0.to == ticket.id }.map(\.from)
        let shown = try sends + ([ticket.id] + merged).flatMap { try transaction.sends.ofTicket($0) }
        let pairs = shown.compactMap { send in send.interaction.map { ($0, send) } }
        let moves = try known.map { move in
            MoveLine(move: move, other: try transaction.tickets.get(move.from == ticket.id ? move.to : move.from)?.number ?? 0)
        }
        let customer = try transaction.customers.get(ticket.customer)
        return Conversation(
            ticket: ticket, messages: messages, reasons: reasons, ticketReasons: try transaction.reasons.about(.ticket, ticket.id.rawValue),
            customer: customer, others: others.filter { $0.id != ticket.id },
            moods: Array(moods.sorted { $0.at < $1.at }.suffix(moodsMax)), sends: lines,
            enrolments: try transaction.enrolments.ofCustomer(ticket.customer), sendOfMessage: Dictionary(pairs) { first, _ in first },
            moves: moves,
            returns: try transaction.returns.ofTicket(ticket.id, customer: ticket.customer),
            address: try customer?.email.flatMap { try transaction.addresses.get($0) },
            purchases: try Purchases.read(transaction, ticket.customer))
    }

    private static func points(_ messages: [Interaction]) -> [MoodPoint] {
        messages.compactMap { message in
            guard message.direction == .inbound, let mood = message.mood else { return nil }
            return MoodPoint(at: message.occurredAt, score: mood.score)
        }
    }
}
