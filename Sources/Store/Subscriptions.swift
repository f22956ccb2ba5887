public import Domain

public struct Subscriptions {
    /// Stands for every topic; a row for one topic says more than this one.
    private static let everything = "*"

    let transaction: Transaction

    /// True until the customer unsubscribed from this topic or from everything.
    public func isSubscribed(_ customer: ID<Customer>, topic: String) throws -> Bool {
        let sql = """
            SELECT is_subscribed FROM subscriptions WHERE customer_id = $1 AND topic IN ($2, '\(Self.everything)')
            ORDER BY CASE WHEN topic = '\(Self.everything)' THEN 1 ELSE 0 END LIMIT 1
            """
        guard var row = try transaction.first(sql, customer, topic) else { return true }
        return try row.bool()
    }

    /// - Parameters:
    ///   - topic: nil is everything.
    ///   - source: how we know: `link`, `one-click`, `agent`, `complaint`.
    public func unsubscribe(_ customer: ID<Customer>, topic: String?, source: String) throws {
        try set(customer, topic: topic, isSubscribed: false, source: source)
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .customerUnsubscribed, customer: customer,
                data: ["topic": topic ?? Self.everything, "source": source]))
    }

    public func resubscribe(_ customer: ID<Customer>, topic: String?, source: String) throws {
        try set(customer, topic: topic, isSubscribed: true, source: source)
    }

    /// How we know that they unsubscribed from everything; nil when they did not.
    public func source(_ customer: ID<Customer>) throws -> String? {
        let sql = "SELECT source FROM subscriptions WHERE customer_id = $1 AND topic = '\(Self.everything)' AND is_subscribed = 0"
        guard var row = try transaction.first(sql, customer) else { return nil }
        return try row.text()
    }

    /// No marketing mail goes to this address any more, whoever has it.
    public func suppress(address: String, reason: String) throws {
        try transaction.execute(
            "INSERT INTO suppressions (address, reason, added_at) VALUES ($1, $2, $3) ON CONFLICT (address) DO NOTHING",
            address.lowercased(), reason, transaction.now)
    }

    /// Why nothing goes there; nil when it is free. Knows what came back from the address too.
    public func suppression(address: String, purpose: Send.Purpose = .service) throws -> String? {
        if var row = try transaction.first("SELECT reason FROM suppressions WHERE address = $1", address.lowercased()) {
            return try row.text()
        }
        return try transaction.addresses.get(address)?.refusal(purpose, at: transaction.now)
    }

    /// - Returns: false when it was not suppressed.
    @discardableResult
    public func allow(address: String) throws -> Bool {
        try transaction.execute("DELETE FROM suppressions WHERE address = $1", address.lowercased()) > 0
    }

    private func set(_ customer: ID<Customer>, topic: String?, isSubscribed: Bool, source: String) throws {
        if topic == nil { try transaction.execute("DELETE FROM subscriptions WHERE customer_id = $1", customer) }
        try transaction.execute(
            """
            INSERT INTO subscriptions (customer_id, topic, is_subscribed, source, changed_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (customer_id, topic) DO UPDATE SET is_subscribed = excluded.is_subscribed, source = excluded.source,
                changed_at = excluded.changed_at
            """, customer, topic ?? Self.everything, isSubscribed, source, transaction.now)
    }
}
