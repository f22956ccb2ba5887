public import Domain

/// A raw item in the spool.
public struct SpooledItem: Sendable, Hashable {
    public var id: ID<SpooledItem>
    public var account: String
    public var externalID: String
    public var kind: Interaction.Kind
    public var bytes: [UInt8]
    public var meta: [String: String]
    /// Tries begun, this one included.
    public var attempts: Int
    public var receivedAt: Timestamp
    /// `new`, `claimed`, `done`, `quarantined` or `dropped`.
    public var state: String
    public var error: String?

    public init(
        id: ID<SpooledItem>, account: String, externalID: String, kind: Interaction.Kind, bytes: [UInt8], meta: [String: String],
        attempts: Int, receivedAt: Timestamp, state: String, error: String?
    ) {
        self.id = id
        self.account = account
        self.externalID = externalID
        self.kind = kind
        self.bytes = bytes
        self.meta = meta
        self.attempts = attempts
        self.receivedAt = receivedAt
        self.state = state
        self.error = error
    }
}

/// Bytes as they came, kept until they are understood.
public struct Spool {
    /// Tries before an item is quarantined.
    public static let attemptsMax = 3
    /// How long an item that failed stands back for untried ones.
    static let standBackMax = Duration.seconds(60)

    let transaction: Transaction

    /// Known external ids are left alone.
    /// - Returns: how many were new.
    @discardableResult
    public func add(_ account: String, _ items: [RawItem]) throws -> Int {
        var new = 0
        for item in items {
            let id: ID<SpooledItem> = transaction.newID()
            let added = try transaction.execute(
                """
                INSERT INTO spool (id, account, external_id, kind, meta, size_bytes, state, received_at, touched_at)
                VALUES ($1, $2, $3, $4, $5, $6, 'new', $7, $7) ON CONFLICT (account, external_id) DO NOTHING
                """, id, account, item.externalID, item.kind, JSONText.encode(item.meta), item.bytes.count, transaction.now)
            guard added > 0 else { continue }
            try transaction.execute("INSERT INTO spool_bytes (spool_id, bytes) VALUES ($1, $2)", id, item.bytes)
            new += 1
        }
        if new > 0 { transaction.touch(.spool) }
        return new
    }

    public func known(_ account: String, externalIDs: [String]) throws -> Set<String> {
        let sql = "SELECT external_id FROM spool WHERE account = $1 AND external_id IN (\(transaction.dialect.texts(in: "$2")))"
        return try transaction.query(sql, account, JSONText.encode(externalIDs)).reduce(into: []) { known, row in
            var row = row
            known.insert(try row.text())
        }
    }

    /// Takes items to work on and counts the attempt; commit before the work begins. Untried ones come in a batch, an item tried before
    /// comes alone, and one whose attempts are used up is quarantined instead, with an event `message.quarantined`.
    public func claim(owner: String, lease: Duration, limit: Int) throws -> [SpooledItem] {
        let rows = try Claim(
            transaction: transaction, table: "spool", lease: lease, owner: owner, attemptsMax: Self.attemptsMax, sizeBytes: "size_bytes"
        )
        .take(limit: limit, setAside: quarantine, columns: "\(Self.columns), (SELECT bytes FROM spool_bytes WHERE spool_id = spool.id)")
        return try rows.map(Self.item).sorted { $0.id < $1.id }
    }

    public func done(_ id: ID<SpooledItem>, keepBytes: Bool) throws {
        try transaction.execute(
            "UPDATE spool SET state = 'done', error = NULL, lease_owner = NULL, lease_until = 0, touched_at = $2 WHERE id = $1",
            id, transaction.now)
        if !keepBytes { try transaction.execute("DELETE FROM spool_bytes WHERE spool_id = $1", id) }
    }

    /// Writes no event; the caller knows more about what failed.
    /// - Returns: true when the item is now quarantined, false when it will be tried again.
    @discardableResult
    public func fail(_ id: ID<SpooledItem>, error: String) throws -> Bool {
        let sql = """
            UPDATE spool SET state = CASE WHEN attempts >= \(Self.attemptsMax) THEN 'quarantined' ELSE 'new' END, error = $2,
                lease_owner = NULL, lease_until = 0, touched_at = $3
            WHERE id = $1 AND state IN ('new', 'claimed') RETURNING state
            """
        guard var row = try transaction.first(sql, id, error, transaction.now) else { return false }
        let isQuarantined = try row.text() == "quarantined"
        if !isQuarantined { transaction.touch(.spool) }
        return isQuarantined
    }

    /// Newest first, without their bytes.
    public func quarantined(limit: Int) throws -> [SpooledItem] {
        try transaction.query("SELECT \(Self.columns), NULL FROM spool WHERE state = 'quarantined' ORDER BY id DESC LIMIT $1", limit)
            .map(Self.item)
    }

    public func get(_ id: ID<SpooledItem>) throws -> SpooledItem? {
        try transaction.first(
            "SELECT \(Self.columns), (SELECT bytes FROM spool_bytes WHERE spool_id = spool.id) FROM spool WHERE id = $1", id
        ).map(Self.item)
    }

    /// Gives a quarantined item three new tries.
    /// - Returns: false when it is not in quarantine.
    @discardableResult
    public func replay(_ id: ID<SpooledItem>) throws -> Bool {
        transaction.touch(.spool)
        return try transaction.execute(
            "UPDATE spool SET state = 'new', attempts = 0, error = NULL, touched_at = $2 WHERE id = $1 AND state = 'quarantined'",
            id, transaction.now) > 0
    }

    /// Gives up a quarantined item and its bytes; its external id stays known.
    /// - Returns: false when it is not in quarantine.
    @discardableResult
    public func drop(_ id: ID<SpooledItem>) throws -> Bool {
        let dropped = try transaction.execute(
            "UPDATE spool SET state = 'dropped', touched_at = $2 WHERE id = $1 AND state = 'quarantined'", id, transaction.now)
        if dropped > 0 { try transaction.execute("DELETE FROM spool_bytes WHERE spool_id = $1", id) }
        return dropped > 0
    }

    /// Items by state; states without items are left out.
    public func counts() throws -> [String: Int64] {
        // Each but the last is read from a small index; finished items may be millions.
        var counts: [String: Int64] = [
            "new": try count("WHERE state = 'new' AND attempts = 0"), "quarantined": try quarantinedCount(),
            "dropped": try count("WHERE state = 'dropped'"),
        ]
        let tried = "SELECT state, count(*) FROM spool WHERE state IN ('new', 'claimed') AND attempts > 0 GROUP BY state"
        for var row in try transaction.query(tried) { counts[try row.text(), default: 0] += try row.integer() }
        counts["done"] = try count("") - counts.values.reduce(0, +)
        return counts.filter { $0.value > 0 }
    }

    public func quarantinedCount() throws -> Int64 { try count("WHERE state = 'quarantined'") }

    private func count(_ condition: String) throws -> Int64 {
        guard var row = try transaction.first("SELECT count(*) FROM spool \(condition)") else { return 0 }
        return try row.integer()
    }

    private func quarantine(_ id: Int64) throws {
        let sql = """
            UPDATE spool SET state = 'quarantined', lease_owner = NULL, lease_until = 0, touched_at = $2,
                error = COALESCE(error || ' ', '') || $3
            WHERE id = $1 RETURNING account, external_id, error
            """
        let error = "Tried \(Self.attemptsMax) times and not finished: the program was stopped or died at it."
        guard var row = try transaction.first(sql, id, transaction.now, error) else { return }
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .messageQuarantined,
                data: ["account": try row.text(), "external_id": try row.text(), "error": try row.text(), "spool": "\(id)"]))
    }

    private static let columns = "id, account, external_id, kind, meta, attempts, received_at, state, error"

    private static func item(_ row: Row) throws -> SpooledItem {
        var row = row
        return SpooledItem(
            id: try row.id(), account: try row.text(), externalID: try row.text(), kind: try row.name(), bytes: [],
            meta: try JSONText.decode([String: String].self, try row.text(), empty: [:]), attempts: Int(try row.integer()),
            receivedAt: try row.time(), state: try row.text(), error: try row.optionalText()
        ).with(bytes: try row.optionalBlob() ?? [])
    }
}

extension SpooledItem {
    fileprivate func with(bytes: [UInt8]) -> SpooledItem {
        var item = self
        item.bytes = bytes
        return item
    }
}
