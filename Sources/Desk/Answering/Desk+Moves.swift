public import Domain
public import Store

public enum MoveResult: Sendable, Hashable {
    /// - Parameter number: of the ticket the messages are in now.
    case moved(ID<TicketMove>, number: Int64)
    case takenBack(number: Int64)
    case unknownTicket
    case unknownMessage
    /// From a ticket into itself.
    case sameTicket
    /// One of the two was merged into the ticket of that number.
    case isMerged(into: Int64)
    /// Everything would move: that is a merge, or nothing.
    case nothingLeft
    case tooMany
    /// There is no such move, or it was taken back.
    case unknownMove
}

// Merging, splitting, and taking both back. Each is one transaction; what moved is written down.
extension Desk {
    /// Takes a ticket into another one. Its number leads there; answers to its messages join there.
    public func merge(
        _ transaction: Transaction, ticket id: ID<Ticket>, into other: ID<Ticket>, agent: Agent
    ) throws -> MoveResult {
        guard var source = try transaction.tickets.get(id), var target = try transaction.tickets.get(other) else { return .unknownTicket }
        guard id != other else { return .sameTicket }
        for ticket in [source, target] {
            if ticket.mergedInto != nil, let number = try transaction.moves.leading(ticket.id)?.number { return .isMerged(into: number) }
        }
        let messages = try transaction.moves.messages(of: id, limit: TicketMoves.messagesMax + 1)
        guard messages.count <= TicketMoves.messagesMax else { return .tooMany }
        let moved = try transaction.moves.move(messages, from: id, to: other, withSends: false)
        let move = TicketMove(
            id: transaction.newID(), kind: .merge, from: id, to: other, agent: agent.login, at: transaction.now, messages: moved,
            statusBefore: source.status)
        try transaction.moves.record(move)
        // A matter that waits for us goes on waiting for us.
        if source.status.isOpen, !target.status.isOpen || target.status == .pending { target.status = .open }
        source.status = .closed
        source.mergedInto = other
        try settle(transaction, &source)
        try settle(transaction, &target)
        try explainMove(transaction, source, "merge", "\(agent.name) merged it into #\(target.number)")
        try explainMove(transaction, target, "merge", "\(agent.name) merged #\(source.number) into it")
        try tell(transaction, [source, target], "merged", agent, ["other": "\(source.number)"])
        return .moved(move.id, number: target.number)
    }

    /// Moves a message, and all that came after it if wished, to a new ticket or to another one. Answers to what moved follow it.
    /// - Parameter other: nil opens a new ticket in the same queue.
    public func split(
        _ transaction: Transaction, ticket id: ID<Ticket>, message: ID<Interaction>, withLater: Bool, into other: ID<Ticket>?, agent: Agent
    ) throws -> MoveResult {
        guard var source = try transaction.tickets.get(id) else { return .unknownTicket }
        guard id != other else { return .sameTicket }
        guard let first = try transaction.interactions.get(message), first.ticket == id else { return .unknownMessage }
        let all = try transaction.moves.messages(of: id, limit: TicketMoves.messagesMax + 1)
        guard all.count <= TicketMoves.messagesMax else { return .tooMany }
        guard let place = all.firstIndex(of: message) else { return .unknownMessage }
        let chosen = withLater ? Array(all[place...]) : [message]
        guard chosen.count < all.count else { return .nothingLeft }
        var target: Ticket
        if let other {
            guard let known = try transaction.tickets.get(other) else { return .unknownTicket }
            if known.mergedInto != nil, let number = try transaction.moves.leading(other)?.number { return .isMerged(into: number) }
            target = known
            if !target.status.isOpen { target.status = .open }
        } else {
            target = try ticket(for: first, from: source, transaction)
            try transaction.tickets.open(target)
        }
        let moved = try transaction.moves.move(chosen, from: id, to: target.id, withSends: true)
        try teach(transaction, moved, target.id)
        let move = TicketMove(
            id: transaction.newID(), kind: .split, from: id, to: target.id, agent: agent.login, at: transaction.now, messages: moved)
        try transaction.moves.record(move)
        try settle(transaction, &source)
        try settle(transaction, &target)
        let what = moved.count == 1 ? "a message" : "\(moved.count) messages"
        try explainMove(transaction, source, "split", "\(agent.name) moved \(what) to #\(target.number)")
        try explainMove(transaction, target, "split", "\(agent.name) moved \(what) here from #\(source.number)")
        try explainMessages(transaction, moved, "moved from #\(source.number) to #\(target.number) by \(agent.name)")
        try tell(transaction, [source, target], "split", agent, ["other": "\(target.number)"])
        return .moved(move.id, number: target.number)
    }

    /// Takes a merge of this ticket back.
    public func unmerge(_ transaction: Transaction, ticket id: ID<Ticket>, agent: Agent) throws -> MoveResult {
        guard try transaction.tickets.get(id) != nil else { return .unknownTicket }
        guard let move = try transaction.moves.merge(of: id) else { return .unknownMove }
        return try takeBack(transaction, move: move.id, agent: agent)
    }

    /// Puts messages back where they were, as far as they are still where they were put. What joined since as an answer to a merged
    /// ticket's messages goes back with them.
    public func takeBack(_ transaction: Transaction, move id: ID<TicketMove>, agent: Agent) throws -> MoveResult {
        guard let move = try transaction.moves.get(id), move.undoneAt == nil,
            var source = try transaction.tickets.get(move.from), var target = try transaction.tickets.get(move.to)
        else { return .unknownMove }
        // Its place may have been merged on since; then that merge is taken back first.
        if target.mergedInto != nil, let number = try transaction.moves.leading(target.id)?.number { return .isMerged(into: number) }
        if move.kind == .split, source.mergedInto != nil, let number = try transaction.moves.leading(source.id)?.number {
            return .isMerged(into: number)
        }
        guard try transaction.moves.markUndone(id) else { return .unknownMove }
        var messages = move.messages
        if move.kind == .merge {
            let known = Set(messages)
            messages += try transaction.moves.messages(of: target.id, knownAs: source.id).filter { !known.contains($0) }
        }
        let moved = try transaction.moves.move(messages, from: target.id, to: source.id, withSends: move.kind == .split)
        switch move.kind {
        case .merge:
            source.mergedInto = nil
            source.status = move.statusBefore ?? .open
        case .split: try teach(transaction, moved, source.id)
        }
        try settle(transaction, &source)
        try settle(transaction, &target)
        if move.kind == .split, target.messageCount == 0 {  // nothing is left of a ticket that was made for this
            target.mergedInto = source.id
            target.status = .closed
            try transaction.tickets.update(target)
        }
        let count = moved.count == 1 ? "1 message" : "\(moved.count) messages"
        try explainMove(transaction, source, move.kind.rawValue, "\(agent.name) took it back: \(count) came from #\(target.number)")
        try explainMove(transaction, target, move.kind.rawValue, "\(agent.name) took it back: \(count) went to #\(source.number)")
        if move.kind == .split { try explainMessages(transaction, moved, "moved back to #\(source.number) by \(agent.name)") }
        try tell(transaction, [source, target], "taken_back", agent, ["kind": move.kind.rawValue])
        return .takenBack(number: source.number)
    }

    private func ticket(for message: Interaction, from source: Ticket, _ transaction: Transaction) throws -> Ticket {
        let customer = try message.customer.flatMap { try transaction.customers.get($0) }
        var ticket = Ticket(
            id: transaction.newID(), number: try transaction.tickets.nextNumber(),
            subject: SubjectLine.ofTicket(subject: message.subject, body: message.body), status: .open, queue: source.queue,
            priority: source.priority, customer: customer?.id ?? source.customer, customerName: customer?.name ?? source.customerName,
            account: message.account, kind: message.direction == .inbound ? message.kind : source.kind, createdAt: transaction.now)
        ticket.assignee = source.assignee
        return ticket
    }

    /// Answers to these messages join that ticket from now on.
    private func teach(_ transaction: Transaction, _ messages: [ID<Interaction>], _ ticket: ID<Ticket>) throws {
        for id in messages {
            guard let message = try transaction.interactions.get(id), let messageID = message.messageID else { continue }
            try transaction.messageIDs.move(messageID, account: message.account, to: ticket)
        }
    }

    private func settle(_ transaction: Transaction, _ ticket: inout Ticket) throws {
        try transaction.moves.recount(&ticket)
        let words = try transaction.moves.newest(of: ticket.id)?.words ?? ""
        ticket.snippet = words.oneLine(scalarsMax: Placing.snippetScalarsMax)
        ticket.updatedAt = max(ticket.updatedAt, transaction.now)
        try transaction.tickets.update(ticket)
    }

    private func explainMove(_ transaction: Transaction, _ ticket: Ticket, _ decision: String, _ text: String) throws {
        try transaction.reasons.add(
            Reason(at: transaction.now, about: .ticket, subject: ticket.id.rawValue, decision: decision, text: text))
    }

    private func explainMessages(_ transaction: Transaction, _ messages: [ID<Interaction>], _ text: String) throws {
        for id in messages {
            try transaction.reasons.add(
                Reason(at: transaction.now, about: .interaction, subject: id.rawValue, decision: "thread", text: text))
        }
    }

    private func tell(
        _ transaction: Transaction, _ tickets: [Ticket], _ change: String, _ agent: Agent, _ data: [String: String]
    ) throws {
        for ticket in tickets {
            let facts = ["number": "\(ticket.number)", "status": ticket.status.rawValue, "change": change, "agent": agent.login]
            try transaction.events.append(
                Event(
                    at: transaction.now, kind: .ticketChanged, customer: ticket.customer, ticket: ticket.id,
                    data: facts.merging(data) { $1 }))
        }
    }
}
