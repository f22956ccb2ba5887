public import Domain

/// What happened, in an order that readers can follow. On SQLite a position is counted up. On PostgreSQL it is the number of the
/// transaction with room for its events: every event below the oldest running transaction is there to be seen, so none can appear behind
/// a reader's back.
public struct Events {
    /// Events of one transaction on PostgreSQL: 2 to this power.
    static let bitsPerTransaction: Int64 = 16

    let transaction: Transaction

    /// The position is given by the database; the one in `event` is ignored.
    public func append(_ event: Event) throws {
        if transaction.eventFacts.data != event.data { transaction.eventFacts = (event.data, try JSONText.encode(event.data)) }
        let data = transaction.eventFacts.text
        switch transaction.dialect {
        case .sqlite:
            try transaction.execute(
                """
                INSERT INTO events (at, kind, customer_id, ticket_id, interaction_id, send_id, data) VALUES ($1, $2, $3, $4, $5, $6, $7)
                """,
                event.at, event.kind, event.customer, event.ticket, event.interaction, event.send, data)
        case .postgres:
            guard transaction.eventCount < 1 << Self.bitsPerTransaction else {
                throw StoreError(.statement, "a transaction may append \(1 << Self.bitsPerTransaction) events; use several transactions")
            }
            try transaction.execute(
                """
                INSERT INTO events (position, at, kind, customer_id, ticket_id, interaction_id, send_id, data)
                SELECT value + CAST(CAST(pg_current_xact_id() AS text) AS bigint) * \(1 << Self.bitsPerTransaction) + CAST($8 AS bigint),
                    $1, $2, $3, $4, $5, $6, $7 FROM counters WHERE name = 'events'
                """,
                event.at, event.kind, event.customer, event.ticket, event.interaction, event.send, data, transaction.eventCount)
            transaction.eventCount += 1
        }
        transaction.touch(.events)
    }

    /// In order of position. On PostgreSQL it stops at the oldest running transaction, so that a late commit is never skipped.
    public func read(after: Int64, limit: Int) throws -> [Event] {
        let sql = """
            SELECT position, at, kind, customer_id, ticket_id, interaction_id, send_id, data FROM events
            WHERE position > $1 \(horizon) ORDER BY position LIMIT $2
            """
        return try transaction.query(sql, after, limit).map { row in
            var row = row
            return Event(
                position: try row.integer(), at: try row.time(), kind: try row.name(), customer: try row.optionalID(),
                ticket: try row.optionalID(), interaction: try row.optionalID(), send: try row.optionalID(),
                data: try JSONText.decode([String: String].self, try row.text(), empty: [:]))
        }
    }

    /// The position of the newest event a reader may see; 0 when there is none.
    public func lastPosition() throws -> Int64 {
        let sql = "SELECT position FROM events WHERE position > 0 \(horizon) ORDER BY position DESC LIMIT 1"
        guard var row = try transaction.first(sql) else { return 0 }
        return try row.integer()
    }

    /// The last position this reader has handled; 0 at first.
    public func cursor(_ consumer: String) throws -> Int64 {
        guard var row = try transaction.first("SELECT position FROM event_cursors WHERE consumer = $1", consumer) else { return 0 }
        return try row.integer()
    }

    public func setCursor(_ consumer: String, _ position: Int64) throws {
        try transaction.execute(
            """
            INSERT INTO event_cursors (consumer, position) VALUES ($1, $2)
            ON CONFLICT (consumer) DO UPDATE SET position = excluded.position
            """, consumer, position)
    }

    /// A database restored into another PostgreSQL cluster meets smaller transaction numbers there; the base makes up for that.
    func keepPositionsGrowing() throws {
        guard transaction.dialect == .postgres else { return }
        try transaction.execute(
            """
            UPDATE counters SET value = (SELECT max(position) FROM events)
            WHERE name = 'events' AND (SELECT COALESCE(max(position), 0) FROM events)
                >= value + (CAST(CAST(pg_current_xact_id() AS text) AS bigint) + 1) * \(1 << Self.bitsPerTransaction)
            """)
    }

    private var horizon: String {
        switch transaction.dialect {
        case .sqlite: ""
        case .postgres:
            """
            AND position < (SELECT value FROM counters WHERE name = 'events')
                + CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) * \(1 << Self.bitsPerTransaction)
            """
        }
    }
}
