public import Domain

/// What came back for sends: at most one bounce, delay, delivery notice and complaint each; the newest words count.
public struct SendReturns {
    /// Sends asked about at once.
    static let listedMax = 1000

    let transaction: Transaction

    /// Stores it and tells readers of events.
    public func add(_ back: SendReturn) throws {
        try transaction.execute(
            """
            INSERT INTO send_returns (\(Self.columns)) VALUES (\(Dialect.parameters(7)))
            ON CONFLICT (send_id, kind) DO UPDATE SET at = excluded.at, reason = excluded.reason, status = excluded.status,
                words = excluded.words, interaction_id = excluded.interaction_id
            """, back.send, back.kind, back.at, back.reason, back.status, back.words, back.interaction)
        let send = try transaction.sends.get(back.send)
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .sendReturned, customer: send?.customer, ticket: send?.ticket, interaction: send?.interaction,
                send: back.send, data: ["kind": back.kind.rawValue, "reason": back.reason.rawValue, "key": send?.key ?? ""]))
    }

    /// Oldest first.
    public func of(_ send: ID<Send>) throws -> [SendReturn] {
        try transaction.query("\(Self.select) WHERE send_id = $1 ORDER BY at, kind", send).map(Self.back)
    }

    /// What one incoming message told.
    public func told(by interaction: ID<Interaction>) throws -> [SendReturn] {
        try transaction.query("\(Self.select) WHERE interaction_id = $1 ORDER BY send_id, kind LIMIT \(Self.listedMax)", interaction)
            .map(Self.back)
    }

    /// What came back for the sends of a ticket or of a customer.
    public func ofTicket(_ ticket: ID<Ticket>, customer: ID<Customer>?) throws -> [ID<Send>: [SendReturn]] {
        let sql = """
            \(Self.select) WHERE send_id IN (SELECT id FROM sends WHERE ticket_id = $1 OR customer_id = $2) ORDER BY at, kind
            LIMIT \(Self.listedMax)
            """
        return Dictionary(grouping: try transaction.query(sql, ticket, customer).map(Self.back), by: \.send)
    }

    public func counts() throws -> [SendReturn.Kind: Int64] {
        try transaction.query("SELECT kind, count(*) FROM send_returns GROUP BY kind").reduce(into: [:]) { counts, row in
            var row = row
            counts[try row.name()] = try row.integer()
        }
    }

    private static let columns = "send_id, kind, at, reason, status, words, interaction_id"
    private static let select = "SELECT \(columns) FROM send_returns"

    private static func back(_ row: Row) throws -> SendReturn {
        var row = row
        return SendReturn(
            send: try row.id(), kind: try row.name(), at: try row.time(),
            reason: try row.optionalText().flatMap(BounceReason.init) ?? .undefined,
            status: try row.optionalText(), words: try row.text(), interaction: try row.optionalID())
    }
}

extension Sends {
    /// The last mail that a server took, or may have taken, for this address in a span of time: what a bounce without a mark may be about.
    public func last(to address: String, after: Timestamp, before: Timestamp) throws -> Send? {
        let sql = """
            \(Self.select) WHERE recipient = $1 AND state IN ('accepted', 'uncertain', 'handed_over')
                AND COALESCE(finished_at, due_at) > $2 AND COALESCE(finished_at, due_at) <= $3
            ORDER BY id DESC LIMIT 1
            """
        return try transaction.first(sql, address.lowercased(), after, before).map(Self.send)
    }
}
