public import Domain
public import Store

public enum ChangeResult: Sendable, Hashable {
    case changed
    /// It was so already; nothing was written.
    case unchanged
    case unknownTicket
    case unknownAgent
    /// A note without words.
    case empty
    case tooLong
}

extension Desk {
    /// Adds a note that only agents see.
    /// - Parameter draft: as in `reply`; the same draft is noted once.
    public func note(
        _ transaction: Transaction, ticket id: ID<Ticket>, agent: Agent, draft: String, text: String
    ) throws -> ChangeResult {
        guard var ticket = try transaction.tickets.get(id) else { return .unknownTicket }
        guard !text.trimmed.isEmpty else { return .empty }
        guard text.utf8.count <= Self.textBytesMax else { return .tooLong }
        var note = Interaction(
            id: transaction.newID(), account: ticket.account, externalID: "note/\(id)/\(draft)", kind: ticket.kind, direction: .note,
            occurredAt: transaction.now, receivedAt: transaction.now, author: Interaction.Author(name: agent.name), body: text)
        note.customer = ticket.customer
        note.ticket = id
        guard case .added = try transaction.interactions.addPlaced(note) else { return .unchanged }
        ticket.messageCount += 1
        ticket.updatedAt = max(ticket.updatedAt, transaction.now)
        try transaction.tickets.update(ticket)
        try explain(transaction, ticket, "note", "\(agent.name) wrote a note")
        try appendChange(transaction, ticket, interaction: note.id, ["change": "note", "agent": agent.login])
        return .changed
    }

    public func setStatus(_ transaction: Transaction, ticket id: ID<Ticket>, agent: Agent, to status: Ticket.Status) throws -> ChangeResult
    {
        guard var ticket = try transaction.tickets.get(id) else { return .unknownTicket }
        let before = ticket.status
        guard before != status else { return .unchanged }
        ticket.status = status
        ticket.updatedAt = max(ticket.updatedAt, transaction.now)
        try transaction.tickets.update(ticket)
        try explainStatus(transaction, ticket, from: before, by: "\(agent.name) set it")
        try appendChange(transaction, ticket, ["change": "status", "from": before.rawValue, "agent": agent.login])
        return .changed
    }

    /// - Parameter assignee: nil gives it back to the queue.
    public func assign(
        _ transaction: Transaction, ticket id: ID<Ticket>, agent: Agent, to assignee: ID<Agent>?
    ) throws -> ChangeResult {
        guard var ticket = try transaction.tickets.get(id) else { return .unknownTicket }
        guard ticket.assignee != assignee else { return .unchanged }
        var name = "nobody"
        if let assignee {
            guard let taker = try transaction.agents.get(assignee) else { return .unknownAgent }
            name = taker.name
        }
        ticket.assignee = assignee
        ticket.updatedAt = max(ticket.updatedAt, transaction.now)
        try transaction.tickets.update(ticket)
        try explain(transaction, ticket, "assign", "\(agent.name) assigned it to \(name)")
        try appendChange(transaction, ticket, ["change": "assignee", "assignee": assignee.map { "\($0)" } ?? "", "agent": agent.login])
        return .changed
    }

    /// Takes back what was set apart in a message (its history, its signature): all of it counts as its author's words again. Its mood
    /// stays what it was.
    public func makeWhole(_ transaction: Transaction, message id: ID<Interaction>, agent: Agent) throws -> ChangeResult {
        guard let message = try transaction.interactions.get(id), try transaction.interactions.makeWhole(id) else { return .unchanged }
        try transaction.reasons.add(
            Reason(
                at: transaction.now, about: .interaction, subject: id.rawValue, decision: "cut",
                text: "shown whole again: \(agent.name) said it was cut wrongly"))
        guard let ticketID = message.ticket, var ticket = try transaction.tickets.get(ticketID) else { return .changed }
        if ticket.snippet == message.words.oneLine(scalarsMax: Placing.snippetScalarsMax) {
            ticket.snippet = message.body.oneLine(scalarsMax: Placing.snippetScalarsMax)
            try transaction.tickets.update(ticket)
        }
        try appendChange(transaction, ticket, interaction: id, ["change": "cut", "agent": agent.login])
        return .changed
    }

    func explainStatus(_ transaction: Transaction, _ ticket: Ticket, from before: Ticket.Status, by whom: String) throws {
        try explain(transaction, ticket, "status", "\(before.rawValue) → \(ticket.status.rawValue): \(whom)")
    }

    private func explain(_ transaction: Transaction, _ ticket: Ticket, _ decision: String, _ text: String) throws {
        try transaction.reasons.add(
            Reason(at: transaction.now, about: .ticket, subject: ticket.id.rawValue, decision: decision, text: text))
    }

    private func appendChange(
        _ transaction: Transaction, _ ticket: Ticket, interaction: ID<Interaction>? = nil, _ data: [String: String]
    ) throws {
        let facts = ["number": "\(ticket.number)", "status": ticket.status.rawValue].merging(data) { $1 }
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .ticketChanged, customer: ticket.customer, ticket: ticket.id, interaction: interaction,
                data: facts))
    }
}
