public import Domain

/// Messages that changed their ticket. What is written down here can be taken back.
public struct TicketMoves {
    /// Merges followed in a row; more would be a circle.
    static let mergesMax = 16
    /// Moves listed for one ticket.
    static let listedMax = 100
    /// Messages that move at once.
    public static let messagesMax = 2000

    let transaction: Transaction

    /// The ticket that this one's number leads to: itself, or the one it was merged into.
    public func leading(_ id: ID<Ticket>) throws -> Ticket? {
        var ticket = try transaction.tickets.get(id)
        for _ in 0..<Self.mergesMax {
            guard let next = ticket?.mergedInto else { return ticket }
            ticket = try transaction.tickets.get(next)
        }
        throw StoreError(.corrupt, "the merges of ticket \(id) lead in a circle")
    }

    public func record(_ move: TicketMove) throws {
        try transaction.execute(
            """
            INSERT INTO ticket_moves (id, kind, from_ticket, to_ticket, agent, at, messages, status_before, undone_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """, move.id, move.kind, move.from, move.to, move.agent, move.at, JSONText.encode(move.messages.map(\.rawValue)),
            move.statusBefore, move.undoneAt)
    }

    public func get(_ id: ID<TicketMove>) throws -> TicketMove? {
        try transaction.first("\(Self.select) WHERE id = $1", id).map(Self.move)
    }

    /// Those that were not taken back, from or to this ticket; newest first.
    public func of(_ ticket: ID<Ticket>) throws -> [TicketMove] {
        let rows =
            try transaction.query(
                "\(Self.select) WHERE from_ticket = $1 AND undone_at IS NULL ORDER BY id DESC LIMIT \(Self.listedMax)", ticket)
            + transaction.query(
                "\(Self.select) WHERE to_ticket = $1 AND undone_at IS NULL ORDER BY id DESC LIMIT \(Self.listedMax)", ticket)
        return try rows.map(Self.move).sorted { $0.id > $1.id }
    }

    /// The merge that took this ticket in.
    public func merge(of ticket: ID<Ticket>) throws -> TicketMove? {
        try of(ticket).first { $0.kind == .merge && $0.from == ticket }
    }

    /// - Returns: false when it was taken back already.
    public func markUndone(_ id: ID<TicketMove>) throws -> Bool {
        try transaction.execute("UPDATE ticket_moves SET undone_at = $2 WHERE id = $1 AND undone_at IS NULL", id, transaction.now) > 0
    }

    /// Ids of a ticket's messages, oldest first, notes and answers included.
    /// - Parameter limit: one more than is allowed tells that there are too many.
    public func messages(of ticket: ID<Ticket>, limit: Int) throws -> [ID<Interaction>] {
        try transaction.query(
            "SELECT id FROM interactions WHERE ticket_id = $1 ORDER BY occurred_at, id LIMIT $2", ticket, limit
        ).map(Self.id)
    }

    /// Messages of `ticket` whose ids are known as the other ticket's: they came as answers to what was merged into it.
    public func messages(of ticket: ID<Ticket>, knownAs other: ID<Ticket>) throws -> [ID<Interaction>] {
        try transaction.query(
            """
            SELECT i.id FROM interactions i JOIN message_ids m ON m.message_id = i.message_id AND m.account = i.account
            WHERE i.ticket_id = $1 AND m.ticket_id = $2 ORDER BY i.occurred_at, i.id
            """, ticket, other
        ).map(Self.id)
    }

    /// Puts those of the messages that stand in `from` into `to`.
    /// - Parameter withSends: whether their rows of the ledger go along, so that answers to them do too. A merged ticket leads there.
    /// - Returns: those that moved.
    public func move(
        _ messages: [ID<Interaction>], from: ID<Ticket>, to: ID<Ticket>, withSends: Bool
    ) throws -> [ID<Interaction>] {
        let list = JSONText.encode(messages.map(\.rawValue))
        let some = transaction.dialect.integers(in: "$3")
        let moved = try transaction.query(
            "UPDATE interactions SET ticket_id = $1 WHERE ticket_id = $2 AND id IN (\(some)) RETURNING id", to, from, list
        ).map(Self.id)
        if withSends {
            try transaction.execute(
                "UPDATE sends SET ticket_id = $1 WHERE ticket_id = $2 AND interaction_id IN (\(some))", to, from, list)
        }
        let isMoved = Set(moved)
        return messages.filter(isMoved.contains)
    }

    /// Counts and moods of a ticket whose messages changed, from its messages.
    public func recount(_ ticket: inout Ticket) throws {
        let human = "direction = 'inbound' AND nature = 'human'"
        guard
            var row = try transaction.first(
                """
                SELECT count(*), max(CASE WHEN \(human) THEN occurred_at END), max(CASE WHEN direction = 'outbound' THEN occurred_at END),
                    min(CASE WHEN \(human) THEN mood_score END)
                FROM interactions WHERE ticket_id = $1
                """, ticket.id)
        else { return }
        ticket.messageCount = Int(try row.integer())
        ticket.lastInboundAt = try row.optionalTime()
        ticket.lastOutboundAt = try row.optionalTime()
        ticket.lowestMood = try row.optionalReal()
        let newest = "WHERE ticket_id = $1 AND \(human) AND mood_score IS NOT NULL ORDER BY occurred_at DESC, id DESC LIMIT 1"
        var mood = try transaction.first("SELECT mood_score FROM interactions \(newest)", ticket.id)
        ticket.lastMood = try mood?.optionalReal()
    }

    /// The newest message that a person wrote, theirs or ours.
    public func newest(of ticket: ID<Ticket>) throws -> Interaction? {
        let found = try transaction.first(
            """
            SELECT id FROM interactions WHERE ticket_id = $1 AND direction <> 'note' AND nature = 'human'
            ORDER BY occurred_at DESC, id DESC LIMIT 1
            """, ticket)
        return try found.map(Self.id).flatMap { try transaction.interactions.get($0) }
    }

    private static let select = "SELECT id, kind, from_ticket, to_ticket, agent, at, messages, status_before, undone_at FROM ticket_moves"

    private static func move(_ row: Row) throws -> TicketMove {
        var row = row
        var move = TicketMove(
            id: try row.id(), kind: try row.name(), from: try row.id(), to: try row.id(), agent: try row.text(), at: try row.time(),
            messages: try JSONText.decode([Int64].self, try row.text(), empty: []).map { ID($0) })
        move.statusBefore = try row.optionalText().flatMap(Ticket.Status.init(rawValue:))
        move.undoneAt = try row.optionalTime()
        return move
    }

    private static func id(_ row: Row) throws -> ID<Interaction> {
        var row = row
        return try row.id()
    }
}
