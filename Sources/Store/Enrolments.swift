public import Domain

public struct Enrolments {
    let transaction: Transaction

    /// - Returns: false when the customer entered this journey for this occurrence before.
    @discardableResult
    public func enter(_ enrolment: Enrolment) throws -> Bool {
        try transaction.execute(
            """
            INSERT INTO enrolments (\(Self.columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            ON CONFLICT (journey, customer_id, occurrence) DO NOTHING
            """,
            enrolment.id, enrolment.journey, enrolment.version, enrolment.customer, enrolment.occurrence, enrolment.ticket, enrolment.state,
            enrolment.step, enrolment.enteredAt, enrolment.nextAt, enrolment.order) > 0
    }

    /// Active ones whose time has come, earliest first.
    public func due(limit: Int) throws -> [Enrolment] {
        try transaction.query(
            "\(Self.select) WHERE state = 'active' AND next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2",
            transaction.now, limit
        ).map(Self.enrolment)
    }

    /// Stores version, ticket, state, step and when it is next due.
    /// - Throws: `StoreError.missing` when there is no such enrolment.
    public func update(_ enrolment: Enrolment) throws {
        let updated = try transaction.execute(
            "UPDATE enrolments SET version = $2, ticket_id = $3, state = $4, step = $5, next_at = $6 WHERE id = $1",
            enrolment.id, enrolment.version, enrolment.ticket, enrolment.state, enrolment.step, enrolment.nextAt)
        if updated == 0 { throw StoreError(.missing, "there is no enrolment \(enrolment.id) to update") }
    }

    public func get(_ id: ID<Enrolment>) throws -> Enrolment? {
        try transaction.first("\(Self.select) WHERE id = $1", id).map(Self.enrolment)
    }

    /// Newest first.
    public func ofCustomer(_ id: ID<Customer>) throws -> [Enrolment] {
        try transaction.query("\(Self.select) WHERE customer_id = $1 ORDER BY id DESC", id).map(Self.enrolment)
    }

    /// When the next one is due.
    public func nextDue() throws -> Timestamp? {
        guard var row = try transaction.first("SELECT min(next_at) FROM enrolments WHERE state = 'active' AND next_at IS NOT NULL") else {
            return nil
        }
        return try row.optionalTime()
    }

    private static let columns = "id, journey, version, customer_id, occurrence, ticket_id, state, step, entered_at, next_at, order_id"
    private static let select = "SELECT \(columns) FROM enrolments"

    private static func enrolment(_ row: Row) throws -> Enrolment {
        var row = row
        return Enrolment(
            id: try row.id(), journey: try row.text(), version: try row.text(), customer: try row.id(), occurrence: try row.text(),
            ticket: try row.optionalID(), state: try row.name(), step: try row.optionalText(), enteredAt: try row.time(),
            nextAt: try row.optionalTime(), order: try row.optionalID())
    }
}
