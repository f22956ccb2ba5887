public import Domain

/// What the readers of mailboxes ask: which mails are here, which are here in part, which somebody wants whole.
extension Spool {
    /// A ledger row for what was there before the account began: known, and never read.
    static let passed = "passed"

    public func known(_ account: String, externalIDs: [String]) throws -> Set<String> { try ids(account, externalIDs, "") }

    /// Those that are stored whole, so that the source may let go of them.
    public func held(_ account: String, externalIDs: [String]) throws -> Set<String> {
        try ids(account, externalIDs, "AND is_cut = 0 AND state <> '\(Self.passed)'")
    }

    private func ids(_ account: String, _ externalIDs: [String], _ condition: String) throws -> Set<String> {
        if externalIDs.isEmpty { return [] }
        let sql = """
            SELECT external_id FROM spool WHERE account = $1 AND external_id IN (\(transaction.dialect.texts(in: "$2"))) \(condition)
            """
        return try transaction.query(sql, account, JSONText.encode(externalIDs)).reduce(into: []) { known, row in
            var row = row
            known.insert(try row.text())
        }
    }

    /// The raw item that a message was made of; nil for our own.
    public func raw(of interaction: ID<Interaction>) throws -> SpooledItem? {
        guard var row = try transaction.first("SELECT spool_id FROM interactions WHERE id = $1", interaction),
            let id: ID<SpooledItem> = try row.optionalID()
        else { return nil }
        return try get(id)
    }

    /// External ids that begin with `prefix`, in byte order, a page at a time.
    /// - Parameter after: the last of the page before; nil for the first page.
    public func ledger(_ account: String, prefix: String, after: String?, limit: Int) throws -> [String] {
        try transaction.query(
            "SELECT external_id FROM spool WHERE account = $1 AND external_id > $2 AND external_id < $3 ORDER BY external_id LIMIT $4",
            account, after ?? prefix, prefix + "\u{10FFFF}", limit
        ).map { row in
            var row = row
            return try row.text()
        }
    }

    /// Marks what is not wanted as known.
    public func pass(_ account: String, externalIDs: [String]) throws {
        for name in externalIDs {
            let id: ID<SpooledItem> = transaction.newID()
            try transaction.execute(
                """
                INSERT INTO spool (id, account, external_id, kind, meta, size_bytes, state, received_at, touched_at)
                VALUES ($1, $2, $3, 'mail', '{}', 0, '\(Self.passed)', $4, $4) ON CONFLICT (account, external_id) DO NOTHING
                """, id, account, name, transaction.now)
        }
    }

    // MARK: Mails that are here in part

    public enum Want: Sendable, Hashable { case asked, isWhole, unknown }

    /// Asks for the rest of a mail; the account's reader fetches it.
    public func want(_ account: String, externalID: String) throws -> Want {
        let asked = try transaction.execute(
            "UPDATE spool SET wanted_at = COALESCE(wanted_at, $3), touched_at = $3 WHERE account = $1 AND external_id = $2 AND is_cut = 1",
            account, externalID, transaction.now)
        if asked > 0 {
            transaction.touch(.fetches)
            return .asked
        }
        return try known(account, externalIDs: [externalID]).isEmpty ? .unknown : .isWhole
    }

    /// Oldest first.
    public func wanted(_ account: String, limit: Int) throws -> [String] {
        try transaction.query(
            "SELECT external_id FROM spool WHERE account = $1 AND wanted_at IS NOT NULL ORDER BY id LIMIT $2", account, limit
        ).map { row in
            var row = row
            return try row.text()
        }
    }

    /// Whether only a part of this mail is here.
    public func isCut(_ account: String, externalID: String) throws -> Bool {
        try transaction.first("SELECT 1 FROM spool WHERE account = $1 AND external_id = $2 AND is_cut = 1", account, externalID) != nil
    }

    /// Newest first, without their bytes.
    public func cut(limit: Int) throws -> [SpooledItem] {
        try transaction.query("SELECT \(Self.withoutBytes) FROM spool WHERE is_cut = 1 ORDER BY id DESC LIMIT $1", limit).map(item)
    }

    public func cutCount() throws -> Int64 {
        guard var row = try transaction.first("SELECT count(*) FROM spool WHERE is_cut = 1") else { return 0 }
        return try row.integer()
    }

    /// Puts a mail that is whole now in place of its part, to be read again.
    /// - Returns: false when nobody knows the mail, or it was whole already.
    @discardableResult
    public func complete(_ account: String, _ item: RawItem) throws -> Bool {
        let sql = "SELECT id, place FROM spool WHERE account = $1 AND external_id = $2 AND is_cut = 1"
        guard var row = try transaction.first(sql, account, item.externalID) else { return false }
        let id: ID<SpooledItem> = try row.id()
        if let old = try row.optionalText(), !old.hasPrefix(Self.blobPrefix) { try transaction.files?.erase(old) }
        try transaction.execute("DELETE FROM spool_bytes WHERE spool_id = $1", id)
        let place = try places([item])[0]
        try transaction.execute(
            """
            UPDATE spool SET state = 'new', attempts = 0, error = NULL, meta = $2, size_bytes = $3, place = $4, is_cut = 0,
                wanted_at = NULL, touched_at = $5
            WHERE id = $1
            """, id, JSONText.encode(item.meta), item.stored?.sizeBytes ?? item.bytes.count, place, transaction.now)
        if place == nil { try transaction.execute("INSERT INTO spool_bytes (spool_id, bytes) VALUES ($1, $2)", id, item.bytes) }
        transaction.touch(.spool)
        return true
    }

    /// Nobody can give it any more: the wish ends, the part stays.
    public func giveUp(_ account: String, externalID: String, reason: String) throws {
        try transaction.execute(
            "UPDATE spool SET wanted_at = NULL, error = $3, touched_at = $4 "
                + "WHERE account = $1 AND external_id = $2 AND wanted_at IS NOT NULL",
            account, externalID, reason, transaction.now)
    }
}
