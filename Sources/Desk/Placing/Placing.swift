import Domain
import Rules
import Store

/// A message and how it sounds, ready to be placed.
struct ScoredMessage: Sendable {
    var message: Interaction
    var language: String?
    var mood: Mood?
}

/// Places one message: who wrote it, which ticket it belongs to, what becomes of that ticket, and why. Everything in one transaction.
struct Placing {
    static let snippetScalarsMax = 140

    let transaction: Transaction
    let settings: DeskSettings
    let signer: Signer
    /// When it reached the inbox; differs by a microsecond within a batch, so that lists have one order.
    let arrivedAt: Timestamp

    /// What placing one message came to.
    struct Outcome {
        /// False when somebody else has placed it meanwhile (our lease had run out).
        var isPlaced: Bool
        /// Breakers that tripped by it, to be told to the log.
        var tripped: [Breaker] = []
    }

    func place(_ scored: ScoredMessage) throws -> Outcome {
        guard try transaction.interactions.isUnplaced(scored.message.id) else { return Outcome(isPlaced: false) }
        var message = scored.message
        message.language = message.language ?? scored.language
        message.mood = scored.mood
        if try unsubscribes(&message) { return Outcome(isPlaced: true) }
        guard message.nature == .human else {
            try placeAutomatic(&message)
            return Outcome(isPlaced: true)
        }
        return Outcome(isPlaced: true, tripped: try placeHuman(&message))
    }

    private var threading: Threading { Threading(transaction: transaction, signer: signer, settings: settings) }

    // MARK: People

    private func placeHuman(_ message: inout Interaction) throws -> [Breaker] {
        let identification = Identification(transaction: transaction)
        let (customer, isNew) = try identification.identify(message, at: arrivedAt)
        message.customer = customer.id
        var watch = LoopWatch(transaction: transaction, rule: settings.loops)
        let isReopened: Bool
        let ticket: Ticket
        let origin: ID<Ticket>
        switch try threading.thread(message, customer: customer.id) {
        case .joins(let found, let known, let because):
            (ticket, isReopened) = try join(found, message, because: because, &watch)
            origin = known
        case .stands(let because, let mentions):
            ticket = try open(message, customer: customer, because: because, mentions: mentions)
            isReopened = false
            origin = ticket.id
        }
        message.ticket = ticket.id
        try transaction.interactions.place(message)
        try threading.remember(message, ticket: origin)
        try identification.seen(customer, message)
        if let mood = message.mood { try explain(mood, message) }

        if isNew { try append(.customerCreated, message) }
        if ticket.messageCount == 1 {
            try append(.ticketOpened, message, ["number": "\(ticket.number)", "queue": ticket.queue, "status": ticket.status.rawValue])
        } else {
            try append(.ticketJoined, message, ["number": "\(ticket.number)", "status": ticket.status.rawValue])
            if isReopened { try append(.ticketReopened, message, ["number": "\(ticket.number)", "status": ticket.status.rawValue]) }
        }
        try watch.arrived(message, on: ticket)
        let acknowledging = Acknowledging(transaction: transaction, settings: settings, signer: signer)
        if let tripped = try acknowledging.acknowledge(message, on: ticket) { watch.tripped.append(tripped) }
        return watch.tripped
    }

    private func join(
        _ found: Ticket, _ message: Interaction, because: String, _ watch: inout LoopWatch
    ) throws -> (Ticket, isReopened: Bool) {
        var ticket = found
        let before = ticket.status
        if message.isImported {
            // Old mail that was brought in asks for nothing today.
        } else if before.isOpen {
            ticket.status = before.afterCustomerMessage ?? before
        } else if try watch.mayReopen(ticket, by: message) {
            ticket.status = .open
        }
        take(message, into: &ticket)
        try transaction.tickets.update(ticket)
        try explain(.interaction, message.id.rawValue, "thread", "joined #\(ticket.number): \(because)")
        if ticket.status != before {
            let text = "\(before.rawValue) → \(ticket.status.rawValue): \(message.author.displayName) wrote again"
            try explain(.ticket, ticket.id.rawValue, "status", text)
        }
        return (ticket, !before.isOpen && ticket.status.isOpen)
    }

    private func open(_ message: Interaction, customer: Customer, because: String, mentions: Ticket?) throws -> Ticket {
        let facts = RoutingFacts(
            account: message.account, queue: settings.queue(of: message.account),
            addresses: (message.author.email.map { [$0] } ?? []) + message.recipients, subject: message.subject)
        let decision = settings.rules.decide(facts)
        var ticket = Ticket(
            id: transaction.newID(), number: try transaction.tickets.nextNumber(),
            subject: SubjectLine.ofTicket(subject: message.subject, body: message.words), queue: decision.queue,
            priority: decision.priority,
            customer: customer.id, customerName: customer.name, account: message.account, kind: message.kind, createdAt: arrivedAt)
        var routed = decision.reason
        if let login = decision.assign {
            ticket.assignee = try transaction.agents.byLogin(login)?.agent.id
            if ticket.assignee == nil { routed += " (there is no agent `\(login)`: left unassigned)" }
        }
        if message.isImported { ticket.status = .solved }
        take(message, into: &ticket)
        try transaction.tickets.open(ticket)
        let mentioned = mentions.map { ", which mentions #\($0.number)" } ?? ""
        try explain(.interaction, message.id.rawValue, "thread", "opened #\(ticket.number)\(mentioned): \(because)")
        if let mentions { try explain(.ticket, ticket.id.rawValue, "thread", "mentions #\(mentions.number): \(because)") }
        try explain(.ticket, ticket.id.rawValue, "route", routed)
        return ticket
    }

    private func take(_ message: Interaction, into ticket: inout Ticket) {
        ticket.messageCount += 1
        ticket.snippet = message.words.oneLine(scalarsMax: Self.snippetScalarsMax)
        ticket.updatedAt = max(ticket.updatedAt, arrivedAt)
        let when = min(message.occurredAt, transaction.now)
        ticket.lastInboundAt = max(ticket.lastInboundAt ?? when, when)
        if let score = message.mood?.score {
            ticket.lastMood = score
            ticket.lowestMood = min(ticket.lowestMood ?? score, score)
        }
    }

    // MARK: Machines

    /// Automatic mail is kept where it belongs, and starts nothing: no customer, no ticket, no status, no journey, no place at the top
    /// of a list.
    private func placeAutomatic(_ message: inout Interaction) throws {
        message.mood = nil
        message.customer = try transaction.customers.find(message.author.identities)
        let kind = message.nature.rawValue
        let isCopy = message.nature == .ownLoop && message.messageID.flatMap(signer.verifyMessageID) != nil
        let outcome: Threading.Outcome =
            isCopy ? .stands(because: "a copy of what we sent", mentions: nil) : try threading.thread(message, customer: message.customer)
        var remembered: ID<Ticket>?
        switch outcome {
        case .joins(var ticket, let origin, let because):
            message.ticket = ticket.id
            remembered = origin
            ticket.messageCount += 1
            try transaction.interactions.place(message)
            let isReopened = try takeReturn(message, into: &ticket)
            try transaction.tickets.update(ticket)
            let effect = isReopened ? "which opens it again" : "which leaves the status \(ticket.status.rawValue)"
            try explain(.interaction, message.id.rawValue, "thread", "joined #\(ticket.number) as \(kind), \(effect): \(because)")
            try append(.ticketJoined, message, ["number": "\(ticket.number)", "status": ticket.status.rawValue, "nature": kind])
            if isReopened { try append(.ticketReopened, message, ["number": "\(ticket.number)", "status": ticket.status.rawValue]) }
        case .stands(let because, _):
            try transaction.interactions.place(message)
            try explain(.interaction, message.id.rawValue, "thread", "unfiled as \(kind): \(because)")
        }
        if !isCopy { try threading.remember(message, ticket: remembered) }
    }

    // MARK: What is written down

    private func explain(_ mood: Mood, _ message: Interaction) throws {
        let words = mood.words.prefix(5).map { "“\($0.text)” \($0.weight < 0 ? "−" : "+")" }.joined(separator: ", ")
        let text = "\(mood.label.rawValue) \(Self.hundredths(mood.score)) by \(mood.model)" + (words.isEmpty ? "" : ": \(words)")
        try explain(.interaction, message.id.rawValue, "mood", text)
    }

    /// −0.62
    private static func hundredths(_ score: Double) -> String {
        let rounded = Int((abs(score) * 100).rounded())
        return (score < 0 && rounded > 0 ? "−" : "") + "\(rounded / 100).\(rounded % 100 < 10 ? "0" : "")\(rounded % 100)"
    }

    private func explain(_ about: Reason.About, _ subject: Int64, _ decision: String, _ text: String) throws {
        try transaction.reasons.add(Reason(at: transaction.now, about: about, subject: subject, decision: decision, text: text))
    }

    private func append(_ kind: Event.Kind, _ message: Interaction, _ data: [String: String] = [:]) throws {
        var data = data
        if message.isImported { data[Event.imported] = "1" }
        try transaction.events.append(
            Event(
                at: transaction.now, kind: kind, customer: message.customer, ticket: message.ticket, interaction: message.id, data: data))
    }
}
