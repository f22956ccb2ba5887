public import Domain

/// What domains have said about encryption of mail to them (MTA-STS, RFC 8461), for as long as they said it holds.
public struct MailPolicies {
    public struct Entry: Sendable, Equatable {
        /// The `id` of the TXT record it belongs to.
        public var id: String
        /// As it was fetched.
        public var body: String
        public var fetchedAt: Timestamp
        public var expiresAt: Timestamp

        public init(id: String, body: String, fetchedAt: Timestamp, expiresAt: Timestamp) {
            self.id = id
            self.body = body
            self.fetchedAt = fetchedAt
            self.expiresAt = expiresAt
        }
    }

    let transaction: Transaction

    /// Nil when there is none, or its time is over.
    public func get(_ domain: String) throws -> Entry? {
        let sql = "SELECT policy_id, body, fetched_at, expires_at FROM mta_policies WHERE domain = $1 AND expires_at > $2"
        guard var row = try transaction.first(sql, domain, transaction.now) else { return nil }
        return Entry(id: try row.text(), body: try row.text(), fetchedAt: try row.time(), expiresAt: try row.time())
    }

    public func put(_ domain: String, _ entry: Entry) throws {
        try transaction.execute(
            """
            INSERT INTO mta_policies (domain, policy_id, body, fetched_at, expires_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (domain) DO UPDATE SET policy_id = excluded.policy_id, body = excluded.body, fetched_at = excluded.fetched_at,
                expires_at = excluded.expires_at
            """, domain, entry.id, entry.body, entry.fetchedAt, entry.expiresAt)
        try transaction.execute("DELETE FROM mta_policies WHERE expires_at <= $1", transaction.now)
    }
}
