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
    /// The blob that holds the bytes of a large mail; `bytes` is empty then.
    public var blob: String?
    /// How many the bytes are, wherever they lie.
    public var sizeBytes = 0

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
    /// Waiting items among which one of an account is looked for.
    private static let lookedAtMax = 200
    /// How long an item that failed stands back for untried ones.
    static let standBackMax = Duration.seconds(60)

    let transaction: Transaction

    static let blobPrefix = "blob:"
    /// What a large mail takes of the memory of a claim: its bytes stay on disk.
    private static let blobClaimBytes = 64 << 10

    /// Known external ids are left alone.
    /// - Returns: how many were new.
    @discardableResult
    public func add(_ account: String, _ items: [RawItem]) throws -> Int {
        try add(account, items, read: 0).count
    }

    /// Adds items of which the first are read already: this transaction stores what they are, so they are done at once. Of those only
    /// mails keep their bytes, as with `done`.
    /// - Parameter read: how many.
    /// - Returns: the ids of those that were new, by their index in `items`.
    public func add(_ account: String, _ items: [RawItem], read: Int) throws -> [Int: ID<SpooledItem>] {
        // What is known already must not be written to disk again.
        var seen = transaction.files == nil ? [] : try known(account, externalIDs: items.map(\.externalID))
        let fresh = items.indices.filter { seen.insert(items[$0].externalID).inserted }
        var new: [Int: ID<SpooledItem>] = [:]
        var isWaiting = false
        for (index, place) in zip(fresh, try places(fresh.map { items[$0] })) {
            let item = items[index]
            let id: ID<SpooledItem> = transaction.newID()
            let added = try transaction.execute(
                """
                INSERT INTO spool
                    (id, account, external_id, kind, meta, size_bytes, state, attempts, received_at, touched_at, place, is_cut)
                VALUES ($1, $2, $3, $4, $5, $6, $10, $11, $7, $7, $8, $9) ON CONFLICT (account, external_id) DO NOTHING
                """, id, account, item.externalID, item.kind, JSONText.encode(item.meta), item.stored?.sizeBytes ?? item.bytes.count,
                transaction.now, place, item.isCut, index < read ? "done" : "new", index < read ? 1 : 0)
            guard added > 0 else { continue }
            if place == nil, index >= read || item.kind == .mail {
                try transaction.execute("INSERT INTO spool_bytes (spool_id, bytes) VALUES ($1, $2)", id, item.bytes)
            }
            new[index] = id
            isWaiting = isWaiting || index >= read
        }
        if isWaiting { transaction.touch(.spool) }
        return new
    }

    /// Whether an item of this account is still to be read, or is just being read. Where very much waits nobody is looked for: then the
    /// answer is yes.
    public func isAnyWaiting(of account: String) throws -> Bool {
        let untried = "\(transaction.dialect.table("spool", by: "spool_untried")) WHERE state = 'new' AND attempts = 0"
        let tried = "\(transaction.dialect.table("spool", by: "spool_tried")) WHERE state IN ('new', 'claimed') AND attempts > 0"
        for some in [untried, tried] {
            let waiting = try transaction.query("SELECT account FROM \(some) LIMIT \(Self.lookedAtMax)")
            if try waiting.count == Self.lookedAtMax
                || waiting.contains(where: { row in
                    var row = row
                    return try row.text() == account
                })
            {
                return true
            }
        }
        return false
    }

    /// Where each item's bytes lie; nil for those that go into the database: all of them on a server, and what is deleted after reading.
    func places(_ items: [RawItem]) throws -> [String?] {
        var places = items.map { item in item.stored.map { Self.blobPrefix + $0.hash } }
        guard let files = transaction.files else { return places }
        let kept = items.indices.filter { items[$0].stored == nil && items[$0].kind == .mail && !items[$0].bytes.isEmpty }
        for (index, place) in zip(kept, try files.append(kept.map { items[$0].bytes })) { places[index] = place }
        return places
    }

    /// Takes items to work on and counts the attempt; commit before the work begins. Untried ones come in a batch, an item tried before
    /// comes alone, and one whose attempts are used up is quarantined instead, with an event `message.quarantined`.
    ///
    /// - Parameter deathsMax: in hand at so many deaths of the program, an item is quarantined.
    public func claim(owner: String, lease: Duration, limit: Int, deathsMax: Int = attemptsMax) throws -> [SpooledItem] {
        let rows = try Claim(
            transaction: transaction, table: "spool", lease: lease, owner: owner, attemptsMax: deathsMax,
            sizeBytes: "CASE WHEN place LIKE '\(Self.blobPrefix)%' THEN \(Self.blobClaimBytes) ELSE size_bytes END"
        )
        .take(limit: limit, setAside: { try quarantineAfterDeaths($0, deathsMax) }, columns: Self.withBytes)
        return try rows.map(item).sorted { $0.id < $1.id }
    }

    public func done(_ id: ID<SpooledItem>, keepBytes: Bool) throws {
        try transaction.execute(
            "UPDATE spool SET state = 'done', error = NULL, lease_owner = NULL, lease_until = 0, touched_at = $2 WHERE id = $1",
            id, transaction.now)
        if !keepBytes { try forgetBytes(of: id) }
    }

    /// A blob stays: others may hold the same.
    private func forgetBytes(of id: ID<SpooledItem>) throws {
        try transaction.execute("DELETE FROM spool_bytes WHERE spool_id = $1", id)
        guard transaction.files != nil, var row = try transaction.first("SELECT place FROM spool WHERE id = $1", id),
            let place = try row.optionalText(), !place.hasPrefix(Self.blobPrefix)
        else { return }
        try transaction.execute("UPDATE spool SET place = NULL WHERE id = $1", id)
        try transaction.files?.erase(place)
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
        try transaction.query(
            "SELECT \(Self.withoutBytes) FROM spool WHERE state = 'quarantined' ORDER BY id DESC LIMIT $1", limit
        ).map(item)
    }

    public func get(_ id: ID<SpooledItem>) throws -> SpooledItem? {
        try transaction.first("SELECT \(Self.withBytes) FROM spool WHERE id = $1", id).map(item)
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
        if dropped > 0 { try forgetBytes(of: id) }
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
        counts["done"] = try count("") - counts.values.reduce(0, +) - count("WHERE state = '\(Self.passed)'")
        return counts.filter { $0.value > 0 }
    }

    /// Items still to be read.
    public func openCount() throws -> Int64 {
        try count("WHERE state = 'new' AND attempts = 0") + count("WHERE state IN ('new', 'claimed') AND attempts > 0")
    }

    public func quarantinedCount() throws -> Int64 { try count("WHERE state = 'quarantined'") }

    private func count(_ condition: String) throws -> Int64 {
        guard var row = try transaction.first("SELECT count(*) FROM spool \(condition)") else { return 0 }
        return try row.integer()
    }

    /// Writes no event, as `fail`.
    /// - Returns: false when nobody works on it any more.
    public func quarantine(_ id: ID<SpooledItem>, error: String) throws -> Bool {
        try transaction.execute(
            """
            UPDATE spool SET state = 'quarantined', error = $2, lease_owner = NULL, lease_until = 0, touched_at = $3
            WHERE id = $1 AND state IN ('new', 'claimed')
            """, id, error, transaction.now) > 0
    }

    private func quarantineAfterDeaths(_ id: Int64, _ deaths: Int) throws {
        let sql = """
            UPDATE spool SET state = 'quarantined', lease_owner = NULL, lease_until = 0, touched_at = $2,
                error = COALESCE(error || ' ', '') || $3
            WHERE id = $1 RETURNING account, external_id, error
            """
        let error = "Tried \(deaths) times and not finished: the program was stopped or died at it."
        guard var row = try transaction.first(sql, id, transaction.now, error) else { return }
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .messageQuarantined,
                data: ["account": try row.text(), "external_id": try row.text(), "error": try row.text(), "spool": "\(id)"]))
    }

    private static let columns = "id, account, external_id, kind, meta, attempts, received_at, state, error"

    static let withoutBytes = "\(columns), NULL, size_bytes, NULL"
    private static let withBytes = "\(columns), place, size_bytes, (SELECT bytes FROM spool_bytes WHERE spool_id = spool.id)"

    func item(_ row: Row) throws -> SpooledItem {
        var row = row
        var item = SpooledItem(
            id: try row.id(), account: try row.text(), externalID: try row.text(), kind: try row.name(), bytes: [],
            meta: try JSONText.decode([String: String].self, try row.text(), empty: [:]), attempts: Int(try row.integer()),
            receivedAt: try row.time(), state: try row.text(), error: try row.optionalText())
        let place = try row.optionalText()
        item.sizeBytes = Int(try row.integer())
        let bytes = try row.optionalBlob()
        if let place, place.hasPrefix(Self.blobPrefix) {
            item.blob = String(place.dropFirst(Self.blobPrefix.count))
        } else if let place {
            guard let files = transaction.files else {
                throw StoreError(.blob, "the bytes of \(item.externalID) lie in files beside another database; bring them along")
            }
            item.bytes = try files.read(place)
        } else {
            item.bytes = bytes ?? []
        }
        return item
    }
}
