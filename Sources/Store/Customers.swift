public import Domain

public struct Customers {
    let transaction: Transaction

    /// The owner of the first identity that has one.
    public func find(_ identities: [Identity]) throws -> ID<Customer>? {
        for identity in identities {
            if var row = try transaction.first(
                "SELECT customer_id FROM identities WHERE kind = $1 AND value = $2", identity.kind, identity.value)
            {
                return try row.id()
            }
        }
        return nil
    }

    /// Stores a customer and the identities nobody else has.
    public func create(_ customer: Customer) throws {
        try transaction.execute(
            "INSERT INTO customers (id, name, language, created_at, last_seen_at, last_mood) VALUES ($1, $2, $3, $4, $5, $6)",
            customer.id, customer.name, customer.language, customer.createdAt, customer.lastSeenAt, customer.lastMood)
        for (place, identity) in customer.identities.enumerated() { try add(identity, to: customer.id, place: Int64(place)) }
    }

    /// Gives a customer one more identity, unless somebody has it.
    /// - Returns: whether it is this customer's now.
    @discardableResult
    public func link(_ id: ID<Customer>, _ identity: Identity) throws -> Bool {
        guard var row = try transaction.first("SELECT COALESCE(max(place), -1) + 1 FROM identities WHERE customer_id = $1", id) else {
            return false
        }
        try add(identity, to: id, place: try row.integer())
        return try find([identity]) == id
    }

    public func get(_ id: ID<Customer>) throws -> Customer? {
        guard var customer = try transaction.first("\(Self.select) WHERE id = $1", id).map(Self.customer) else { return nil }
        customer.identities = try transaction.query("SELECT kind, value FROM identities WHERE customer_id = $1 ORDER BY place", id)
            .map(Self.identity)
        return customer
    }

    /// Moves `lastSeenAt` forward, never back; takes the mood if there is one, and name and language where they were missing.
    public func seen(_ id: ID<Customer>, at: Timestamp, mood: Double?, name: String?, language: String?) throws {
        // A mood older than the last one seen comes from an import; it says nothing about today.
        try transaction.execute(
            """
            UPDATE customers SET
                last_mood = CASE WHEN $2 >= last_seen_at OR last_mood IS NULL THEN COALESCE($3, last_mood) ELSE last_mood END,
                last_seen_at = CASE WHEN $2 > last_seen_at THEN $2 ELSE last_seen_at END,
                name = CASE WHEN name = '' THEN COALESCE($4, '') ELSE name END,
                language = COALESCE(language, $5)
            WHERE id = $1
            """, id, at, mood, name, language)
    }

    /// Somebody knew them earlier than we did.
    public func known(_ id: ID<Customer>, since: Timestamp) throws {
        try transaction.execute("UPDATE customers SET created_at = $2 WHERE id = $1 AND created_at > $2", id, since)
    }

    public func rename(_ id: ID<Customer>, to name: String) throws {
        try transaction.execute("UPDATE customers SET name = $2 WHERE id = $1", id, name)
    }

    /// Takes back a customer that was made in this transaction, with its identities.
    public func forget(_ id: ID<Customer>) throws {
        try transaction.execute("DELETE FROM identities WHERE customer_id = $1", id)
        try transaction.execute("DELETE FROM customers WHERE id = $1", id)
    }

    public func count() throws -> Int64 {
        guard var row = try transaction.first("SELECT count(*) FROM customers") else { return 0 }
        return try row.integer()
    }

    /// Last seen first.
    public func list(limit: Int) throws -> [Customer] {
        let customers = try transaction.query("\(Self.select) ORDER BY last_seen_at DESC, id DESC LIMIT $1", limit).map(Self.customer)
        let sql = """
            SELECT customer_id, kind, value FROM identities
            WHERE customer_id IN (\(transaction.dialect.integers(in: "$1"))) ORDER BY customer_id, place
            """
        var identities: [ID<Customer>: [Identity]] = [:]
        for var row in try transaction.query(sql, JSONText.encode(customers.map(\.id.rawValue))) {
            identities[try row.id(), default: []].append(try Self.identity(&row))
        }
        return customers.map { customer in
            var customer = customer
            customer.identities = identities[customer.id] ?? []
            return customer
        }
    }

    private func add(_ identity: Identity, to id: ID<Customer>, place: Int64) throws {
        try transaction.execute(
            "INSERT INTO identities (kind, value, customer_id, place) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, value) DO NOTHING",
            identity.kind, identity.value, id, place)
    }

    private static let select = "SELECT id, name, language, created_at, last_seen_at, last_mood FROM customers"

    private static func customer(_ row: Row) throws -> Customer {
        var row = row
        return Customer(
            id: try row.id(), name: try row.text(), language: try row.optionalText(), createdAt: try row.time(), lastSeenAt: try row.time(),
            lastMood: try row.optionalReal())
    }

    private static func identity(_ row: Row) throws -> Identity {
        var row = row
        return try identity(&row)
    }

    private static func identity(_ row: inout Row) throws -> Identity { Identity(kind: try row.name(), value: try row.text()) }
}
