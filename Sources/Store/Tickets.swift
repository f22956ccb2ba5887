public import Domain

public struct Tickets {
    /// The first ticket's number.
    public static let firstNumber: Int64 = 1001
    /// A last mood at or below this counts as low.
    public static let lowMood = -0.3

    let transaction: Transaction

    /// Numbers only grow. On PostgreSQL a transaction that was taken back leaves a gap.
    public func nextNumber() throws -> Int64 {
        let sql =
            switch transaction.dialect {
            case .sqlite: "UPDATE counters SET value = value + 1 WHERE name = 'ticket' RETURNING value"
            case .postgres: "SELECT nextval('ticket_numbers')"
            }
        guard var row = try transaction.first(sql) else { throw StoreError(.corrupt, "the counter of the ticket numbers is missing") }
        return try row.integer()
    }

    public func open(_ ticket: Ticket) throws {
        try transaction.execute(
            Self.insertion, ticket.id, ticket.number, ticket.subject, ticket.status, ticket.queue, ticket.priority, ticket.customer,
            ticket.customerName,
            ticket.assignee, ticket.account, ticket.kind, ticket.createdAt, ticket.updatedAt, ticket.lastInboundAt, ticket.lastOutboundAt,
            ticket.messageCount, ticket.snippet, ticket.lastMood, ticket.lowestMood, ticket.mergedInto,
            Self.subjectKey(ticket.subject), ticket.status.isOpen)
    }

    /// Stores everything but number, account, kind and creation.
    /// - Throws: `StoreError.missing` when there is no such ticket.
    public func update(_ ticket: Ticket) throws {
        let updated = try transaction.execute(
            """
            UPDATE tickets SET subject = $2, status = $3, queue = $4, priority = $5, customer_id = $6, customer_name = $7, assignee_id = $8,
                updated_at = $9, last_inbound_at = $10, last_outbound_at = $11, message_count = $12, snippet = $13, last_mood = $14,
                lowest_mood = $15, subject_key = $16,
                is_open = $17, merged_into = $18
            WHERE id = $1
            """,
            ticket.id, ticket.subject, ticket.status, ticket.queue, ticket.priority, ticket.customer, ticket.customerName, ticket.assignee,
            ticket.updatedAt, ticket.lastInboundAt, ticket.lastOutboundAt, ticket.messageCount, ticket.snippet, ticket.lastMood,
            ticket.lowestMood, Self.subjectKey(ticket.subject),
            ticket.status.isOpen, ticket.mergedInto)
        if updated == 0 { throw StoreError(.missing, "there is no ticket \(ticket.id) to update") }
    }

    public func get(_ id: ID<Ticket>) throws -> Ticket? { try transaction.first("\(Self.select) WHERE id = $1", id).map(Self.ticket) }

    public func get(number: Int64) throws -> Ticket? {
        try transaction.first("\(Self.select) WHERE number = $1", number).map(Self.ticket)
    }

    /// The customer's newest ticket about this subject that was active since then and is not closed.
    public func recent(customer: ID<Customer>, subjectKey: String, since: Timestamp) throws -> Ticket? {
        try transaction.first(
            """
            \(Self.select) WHERE customer_id = $1 AND subject_key = $2 AND updated_at >= $3 AND status <> 'closed'
            ORDER BY updated_at DESC, id DESC LIMIT 1
            """, customer, subjectKey, since
        ).map(Self.ticket)
    }

    /// The newest tickets about this subject that were active since then, are not closed and have not gone into another one.
    public func recent(subjectKey: String, since: Timestamp, limit: Int) throws -> [Ticket] {
        try transaction.query(
            """
            \(Self.select) WHERE subject_key = $1 AND updated_at >= $2 AND status <> 'closed' AND merged_into IS NULL
            ORDER BY updated_at DESC, id DESC LIMIT $3
            """, subjectKey, since, limit
        ).map(Self.ticket)
    }

    /// When the customer's newest tickets were opened.
    public func opened(by customer: ID<Customer>, since: Timestamp, limit: Int) throws -> [Timestamp] {
        try transaction.query(
            """
            SELECT created_at FROM tickets WHERE customer_id = $1 AND updated_at > $2 AND created_at > $2
            ORDER BY updated_at DESC, id DESC LIMIT $3
            """, customer, since, limit
        ).map { row in
            var row = row
            return try row.time()
        }
    }

    /// Whether somebody at this domain wrote or got a message of the ticket.
    public func hasParticipant(_ id: ID<Ticket>, domain: String) throws -> Bool {
        let pattern = "%@\(Self.literal(domain.lowercased()))"
        return try transaction.first(
            """
            SELECT 1 FROM interactions
            WHERE ticket_id = $1 AND (author_email LIKE $2 ESCAPE '!' OR recipients LIKE $3 ESCAPE '!') LIMIT 1
            """, id, pattern, pattern + "\"%") != nil
    }

    /// Whether a message of the ticket came from or went to this address.
    public func hasParticipant(_ id: ID<Ticket>, address: String) throws -> Bool {
        let address = address.lowercased()
        return try transaction.first(
            """
            SELECT 1 FROM interactions WHERE ticket_id = $1 AND (author_email = $2 OR recipients LIKE $3 ESCAPE '!') LIMIT 1
            """, id, address, "%\(Self.literal(JSONText.quoted(address)))%") != nil
    }

    public func count() throws -> Int64 { try count("SELECT count(*) FROM tickets") }

    func count(_ sql: String, _ parameter: ID<Agent>? = nil) throws -> Int64 {
        let row = try parameter.map { try transaction.first(sql, $0) } ?? transaction.first(sql)
        guard var row else { return 0 }
        return try row.integer()
    }

    /// For LIKE … ESCAPE '!'.
    static func literal(_ text: String) -> String {
        String(text.flatMap { "!%_".contains($0) ? ["!", $0] : [$0] })
    }

    static let columns = """
        id, number, subject, status, queue, priority, customer_id, customer_name, assignee_id, account, kind, created_at, updated_at, \
        last_inbound_at, last_outbound_at, message_count, snippet, last_mood, lowest_mood, merged_into
        """
    private static let insertion = "INSERT INTO tickets (\(columns), subject_key, is_open) VALUES (\(Dialect.parameters(22)))"
    static let select = "SELECT \(columns) FROM tickets"

    static func ticket(_ row: Row) throws -> Ticket {
        var row = row
        var ticket = Ticket(
            id: try row.id(), number: try row.integer(), subject: try row.text(), status: try row.name(), queue: try row.text(),
            priority: try row.name(), customer: try row.id(), customerName: try row.text(), account: "", kind: .mail,
            createdAt: Timestamp(seconds: 0))
        ticket.assignee = try row.optionalID()
        ticket.account = try row.text()
        ticket.kind = try row.name()
        ticket.createdAt = try row.time()
        ticket.updatedAt = try row.time()
        ticket.lastInboundAt = try row.optionalTime()
        ticket.lastOutboundAt = try row.optionalTime()
        ticket.messageCount = Int(try row.integer())
        ticket.snippet = try row.text()
        ticket.lastMood = try row.optionalReal()
        ticket.lowestMood = try row.optionalReal()
        ticket.mergedInto = try row.optionalID()
        return ticket
    }
}
