public import Domain

/// Customers as shops know them, unique by (account, external id); the newest state stands.
public struct CustomerRecords {
    let transaction: Transaction

    /// Stores a state of a record. Writes no event.
    public func put(_ record: CustomerRecord) throws -> Kept<CustomerRecord> {
        if try insert(record) { return .new(record) }
        let lock = transaction.dialect == .postgres ? " FOR UPDATE" : ""
        let sql = "\(Self.select) WHERE account = $1 AND external_id = $2\(lock)"
        guard let known = try transaction.first(sql, record.account, record.externalID).map(Self.record) else {
            throw StoreError(.missing, "the customer \(record.externalID) of \(record.account) was deleted while it was stored")
        }
        guard (record.revisedAt, record.revision) >= (known.revisedAt, known.revision) else { return .older(than: known) }
        var next = record
        next.customer = known.customer
        next.consent = record.consent ?? known.consent
        next.createdAt = record.createdAt ?? known.createdAt
        try update(next)
        var before = known
        (before.revisedAt, before.revision) = (next.revisedAt, next.revision)
        return before == next ? .same(next) : .changed(from: known, to: next)
    }

    /// Whose it is.
    public func assign(_ account: String, _ externalID: String, to customer: ID<Customer>) throws {
        try transaction.execute(
            "UPDATE customer_records SET customer_id = $3 WHERE account = $1 AND external_id = $2", account, externalID, customer)
    }

    public func get(_ account: String, _ externalID: String) throws -> CustomerRecord? {
        try transaction.first("\(Self.select) WHERE account = $1 AND external_id = $2", account, externalID).map(Self.record)
    }

    public func ofCustomer(_ id: ID<Customer>, limit: Int) throws -> [CustomerRecord] {
        try transaction.query("\(Self.select) WHERE customer_id = $1 ORDER BY account, external_id LIMIT $2", id, limit)
            .map(Self.record)
    }

    private func insert(_ record: CustomerRecord) throws -> Bool {
        try transaction.execute(
            """
            INSERT INTO customer_records (\(Self.columns), changed_at) VALUES (\(Dialect.parameters(15)))
            ON CONFLICT (account, external_id) DO NOTHING
            """,
            record.account, record.externalID, record.customer, record.name, JSONText.encode(record.emails),
            JSONText.encode(record.phones), record.locale, record.consent?.isGiven, record.consent?.at, JSONText.encode(record.tags),
            record.createdAt, record.revisedAt, record.revision, JSONText.encode(record.fields), transaction.now) > 0
    }

    private func update(_ record: CustomerRecord) throws {
        try transaction.execute(
            """
            UPDATE customer_records SET name = $3, emails = $4, phones = $5, locale = $6, has_consent = $7, consent_at = $8, tags = $9,
                created_at = $10, revised_at = $11, revision = $12, fields = $13, changed_at = $14
            WHERE account = $1 AND external_id = $2
            """,
            record.account, record.externalID, record.name, JSONText.encode(record.emails), JSONText.encode(record.phones),
            record.locale, record.consent?.isGiven, record.consent?.at, JSONText.encode(record.tags), record.createdAt, record.revisedAt,
            record.revision, JSONText.encode(record.fields), transaction.now)
    }

    private static let columns = """
        account, external_id, customer_id, name, emails, phones, locale, has_consent, consent_at, tags, created_at, revised_at, revision,
        fields
        """
    private static let select = "SELECT \(columns) FROM customer_records"

    private static func record(_ row: Row) throws -> CustomerRecord {
        var row = row
        var record = CustomerRecord(account: try row.text(), externalID: try row.text(), revisedAt: Timestamp(rawValue: 0))
        record.customer = try row.optionalID()
        record.name = try row.text()
        record.emails = try JSONText.decode([String].self, try row.text(), empty: [])
        record.phones = try JSONText.decode([String].self, try row.text(), empty: [])
        record.locale = try row.optionalText()
        let isGiven = try row.optionalInteger().map { $0 != 0 }
        let at = try row.optionalTime()
        record.consent = isGiven.map { CustomerRecord.Consent(isGiven: $0, at: at) }
        record.tags = try JSONText.decode([String].self, try row.text(), empty: [])
        record.createdAt = try row.optionalTime()
        record.revisedAt = try row.time()
        record.revision = try row.integer()
        record.fields = try JSONText.decode([Interaction.Field].self, try row.text(), empty: [])
        return record
    }
}
