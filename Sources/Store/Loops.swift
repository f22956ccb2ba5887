public import Domain

/// What tells a machine that answers machines by its pace, and the breakers that stop mail to it.
public struct Loops {
    let transaction: Transaction

    /// One automatic mail that went out or is going out.
    public struct Mail: Sendable, Hashable {
        public var id: ID<Send>
        public var kind: Send.Kind
        public var ticket: ID<Ticket>?
        /// When it was planned, or when it left.
        public var at: Timestamp
    }

    // MARK: Breakers

    /// The breaker that stops automatic mail to this address now.
    public func breaker(_ address: String) throws -> Breaker? {
        try transaction.first(
            "\(Self.select) WHERE address = $1 AND cleared_at IS NULL AND open_until > $2", address.lowercased(), transaction.now
        )
        .map(Self.breaker)
    }

    /// Every breaker that is open now, newest first.
    public func breakers() throws -> [Breaker] {
        try transaction.query(
            "\(Self.select) WHERE cleared_at IS NULL AND open_until > $1 ORDER BY tripped_at DESC, address LIMIT \(LoopGuard.countMax)",
            transaction.now
        ).map(Self.breaker)
    }

    /// Stops automatic mail to an address and tells readers of events.
    /// - Returns: nil when it was stopped already; nothing is changed then.
    @discardableResult
    public func trip(
        _ address: String, reason: String, for duration: Duration, customer: ID<Customer>? = nil, ticket: ID<Ticket>? = nil
    ) throws -> Breaker? {
        let address = address.lowercased()
        guard !address.isEmpty, try breaker(address) == nil else { return nil }
        let until = transaction.now + duration
        guard
            var row = try transaction.first(
                """
                INSERT INTO breakers (address, reason, tripped_at, open_until, trips, cleared_at) VALUES ($1, $2, $3, $4, 1, NULL)
                ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, tripped_at = excluded.tripped_at,
                    open_until = excluded.open_until,
                    trips = breakers.trips + 1, cleared_at = NULL
                RETURNING trips
                """, address, reason, transaction.now, until)
        else { return nil }
        let breaker = Breaker(
            address: address, reason: reason, trippedAt: transaction.now, until: until, count: Int(try row.integer()))
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .loopTripped, customer: customer, ticket: ticket,
                data: ["address": address, "reason": reason, "until": "\(until)"]))
        return breaker
    }

    /// Lets automatic mail go there again.
    /// - Returns: false when no breaker was open.
    @discardableResult
    public func clear(_ address: String) throws -> Bool {
        try transaction.execute(
            "UPDATE breakers SET cleared_at = $2 WHERE address = $1 AND cleared_at IS NULL AND open_until > $2", address.lowercased(),
            transaction.now) > 0
    }

    /// When the breaker of this address was last cleared by hand: what happened before it counts no more.
    public func clearedAt(_ address: String) throws -> Timestamp? {
        guard var row = try transaction.first("SELECT cleared_at FROM breakers WHERE address = $1", address.lowercased()) else {
            return nil
        }
        return try row.optionalTime()
    }

    // MARK: Counting

    /// The newest automatic mails to an address.
    /// - Parameter leaving: counts only what has left, and what is on its way before this row; nil counts what waits, too.
    public func automaticMail(to address: String, leaving: ID<Send>? = nil) throws -> [Mail] {
        try transaction.query(
            """
            SELECT id, kind, ticket_id, COALESCE(finished_at, created_at) FROM sends
            WHERE recipient = $1 AND kind <> 'reply' AND \(Self.counted(leaving, "$2")) ORDER BY id DESC LIMIT \(LoopGuard.countMax)
            """, address.lowercased(), leaving?.rawValue ?? 0
        ).map(Self.mail)
    }

    /// Whose automatic mail is counted.
    public enum Scope: Sendable, Hashable {
        case house
        /// A sender account as the rows name it; nil is the default one.
        case sender(String?)
    }

    /// - Parameters:
    ///   - withJourneys: whether journeys that are not marketing count, too.
    ///   - leaving: as above.
    public func automaticMail(
        of scope: Scope, withJourneys: Bool, leaving: ID<Send>?, since: Timestamp, limit: Int
    ) throws -> [Mail] {
        let kinds = withJourneys ? "kind <> 'reply' AND purpose <> 'marketing'" : "kind = 'acknowledgement'"
        // Ids grow with time, so that the newest rows are the key's end.
        func rows(_ condition: String, _ name: String?) throws -> [Row] {
            let sql = """
                SELECT id, kind, ticket_id, COALESCE(finished_at, created_at) FROM sends
                WHERE id > $1 AND \(kinds) AND \(Self.counted(leaving, "$3")) \(condition) ORDER BY id DESC LIMIT $2
                """
            let first = IDSequence.first(at: since)
            let leaving = leaving?.rawValue ?? 0
            return try name.map { try transaction.query(sql, first, limit, leaving, $0) } ?? transaction.query(sql, first, limit, leaving)
        }
        switch scope {
        case .house: return try rows("", nil).map(Self.mail)
        case .sender(let name): return try rows("AND COALESCE(sender, '') = $4", name ?? "").map(Self.mail)
        }
    }

    /// When messages of this address came in on the ticket. Old mail that is read today says nothing about today's pace.
    public func inbound(from address: String, ticket: ID<Ticket>, since: Timestamp, limit: Int) throws -> [Timestamp] {
        try transaction.query(
            """
            SELECT occurred_at FROM interactions
            WHERE ticket_id = $1 AND occurred_at > $2 AND direction = 'inbound' AND author_email = $3
            ORDER BY occurred_at DESC, id DESC LIMIT $4
            """, ticket, since, address.lowercased(), limit
        ).map { row in
            var row = row
            return try row.time()
        }
    }

    public func noteReopening(_ ticket: ID<Ticket>) throws {
        let id: ID<Ticket> = transaction.newID()
        try transaction.execute("INSERT INTO reopenings (id, ticket_id, at) VALUES ($1, $2, $3)", id, ticket, transaction.now)
    }

    public func reopenings(_ ticket: ID<Ticket>, since: Timestamp, limit: Int) throws -> [Timestamp] {
        try transaction.query(
            "SELECT at FROM reopenings WHERE ticket_id = $1 AND at > $2 ORDER BY at DESC LIMIT $3", ticket, since, limit
        ).map { row in
            var row = row
            return try row.time()
        }
    }

    /// The text is the same for every row, so that it is prepared once.
    /// - Parameter row: the parameter that holds the id of `leaving`, or 0.
    private static func counted(_ leaving: ID<Send>?, _ row: String) -> String {
        guard leaving != nil else { return "state <> 'skipped' AND id <> \(row)" }
        return "(state IN ('handed_over', 'accepted', 'uncertain') OR (state = 'claimed' AND id < \(row)))"
    }

    private static let select = "SELECT address, reason, tripped_at, open_until, trips FROM breakers"

    private static func breaker(_ row: Row) throws -> Breaker {
        var row = row
        return Breaker(
            address: try row.text(), reason: try row.text(), trippedAt: try row.time(), until: try row.time(),
            count: Int(try row.integer()))
    }

    private static func mail(_ row: Row) throws -> Mail {
        var row = row
        return Mail(id: try row.id(), kind: try row.name(), ticket: try row.optionalID(), at: try row.time())
    }
}
