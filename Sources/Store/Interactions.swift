public import Domain

public enum Added: Sendable, Hashable {
    case added
    case duplicate(of: ID<Interaction>)
}

/// Messages in their common shape, unique by (account, external id) and by (account, fingerprint).
public struct Interactions {
    /// Tries before a message that cannot be placed is set aside as `stuck`. Placing parses nothing, so whoever dies at it was most likely
    /// stopped from outside; many tries keep the innocent from being set aside.
    public static let attemptsMax = 10

    let transaction: Transaction

    /// Stores a digested message that still has to be placed. Writes no event.
    @discardableResult
    public func add(_ interaction: Interaction, spool: ID<SpooledItem>?) throws -> Added {
        let added = try insert(interaction, spool: spool, state: "new")
        if added == .added { transaction.touch(.interactions) }
        return added
    }

    /// Inbound messages not yet placed, oldest first. Attempts count as in `Spool.claim`; used-up ones become `stuck`.
    public func claimNew(owner: String, lease: Duration, limit: Int) throws -> [Interaction] {
        let rows = try Claim(
            transaction: transaction, table: "interactions", lease: lease, owner: owner, attemptsMax: Self.attemptsMax,
            sizeBytes: "size_bytes"
        )
        .take(limit: limit, setAside: setAside, columns: Self.columns)
        return try rows.map(interaction).sorted { $0.id < $1.id }
    }

    /// Stores where it belongs: customer, ticket, nature, mood and language.
    /// - Throws: `StoreError.superseded` when it is placed already; the work of this transaction must not happen again.
    public func place(_ interaction: Interaction) throws {
        let mood = interaction.mood
        let placed = try transaction.execute(
            """
            UPDATE interactions SET state = 'placed', lease_owner = NULL, lease_until = 0, touched_at = $2, customer_id = $3,
                ticket_id = $4, nature = $5, language = $6,
                mood_score = $7, mood_label = $8, mood_confidence = $9, mood_words = $10, mood_model = $11
            WHERE id = $1 AND state <> 'placed'
            """,
            interaction.id, transaction.now, interaction.customer, interaction.ticket, interaction.nature, interaction.language,
            mood?.score, mood?.label, mood?.confidence, mood.map { JSONText.encode($0.words) }, mood?.model)
        guard placed == 0 else { return }
        guard try get(interaction.id) != nil else { throw StoreError(.missing, "there is no interaction \(interaction.id) to place") }
        throw StoreError(.superseded, "interaction \(interaction.id) is placed already; somebody else took it over")
    }

    /// Adds a row that needs no placing: an answer of ours or a note.
    @discardableResult
    public func addPlaced(_ interaction: Interaction) throws -> Added { try insert(interaction, spool: nil, state: "placed") }

    /// Takes back the split of a message: its new words are all of it again.
    /// - Returns: false when nothing was split off.
    public func makeWhole(_ id: ID<Interaction>) throws -> Bool {
        try transaction.execute(
            "UPDATE interactions SET new_words = NULL, signature = NULL WHERE id = $1 AND (new_words IS NOT NULL OR signature IS NOT NULL)",
            id) > 0
    }

    /// Puts the words and files of a mail that is whole now in place of its part; whom it belongs to stays.
    /// - Returns: nil when there is no such message.
    public func complete(_ whole: Interaction) throws -> ID<Interaction>? {
        let sql = """
            UPDATE interactions SET subject = $3, body = $4, html = $5, fields = $6, attachment_count = $7, size_bytes = $8,
                touched_at = $9,
                new_words = $10, signature = $11
            WHERE account = $1 AND external_id = $2 RETURNING id
            """
        guard
            var row = try transaction.first(
                sql, whole.account, whole.externalID, whole.subject, whole.body, whole.html, JSONText.encode(whole.fields),
                whole.attachments.count, whole.body.utf8.count + (whole.html?.utf8.count ?? 0), transaction.now, whole.newWords,
                whole.signature)
        else { return nil }
        let id: ID<Interaction> = try row.id()
        try transaction.execute("DELETE FROM attachments WHERE interaction_id = $1", id)
        try add(whole.attachments, to: id)
        return id
    }

    public func get(_ id: ID<Interaction>) throws -> Interaction? {
        try transaction.first("SELECT \(Self.columns) FROM interactions WHERE id = $1", id).map(interaction)
    }

    /// Whether it is there and belongs to nobody yet.
    public func isUnplaced(_ id: ID<Interaction>) throws -> Bool {
        try transaction.first("SELECT 1 FROM interactions WHERE id = $1 AND customer_id IS NULL AND ticket_id IS NULL", id) != nil
    }

    /// Oldest first; the newest `limit` of them.
    public func ofTicket(_ id: ID<Ticket>, limit: Int) throws -> [Interaction] {
        try transaction.query(
            "SELECT \(Self.columns) FROM interactions WHERE ticket_id = $1 ORDER BY occurred_at DESC, id DESC LIMIT $2", id, limit
        ).map(interaction).reversed()
    }

    /// Placed without a ticket, newest first.
    public func unfiled(limit: Int) throws -> [Interaction] {
        try transaction.query(
            "SELECT \(Self.columns) FROM interactions WHERE state = 'placed' AND ticket_id IS NULL ORDER BY id DESC LIMIT $1", limit
        ).map(interaction)
    }

    public func count() throws -> Int64 { try count("SELECT count(*) FROM interactions") }

    /// Waiting for their place, those that cannot find it included.
    public func unplacedCount() throws -> Int64 {
        try count("SELECT count(*) FROM interactions WHERE state = 'new' AND attempts = 0")
            + count("SELECT count(*) FROM interactions WHERE state IN ('new', 'claimed') AND attempts > 0")
            + count("SELECT count(*) FROM interactions WHERE state = 'stuck'")
    }

    /// Whether a message waits for its place, or somebody is just looking for it.
    public func areAnyWaiting() throws -> Bool {
        try transaction.first("SELECT 1 FROM interactions WHERE state = 'new' AND attempts = 0 LIMIT 1") != nil
            || transaction.first("SELECT 1 FROM interactions WHERE state IN ('new', 'claimed') AND attempts > 0 LIMIT 1") != nil
    }

    private func count(_ sql: String) throws -> Int64 {
        guard var row = try transaction.first(sql) else { return 0 }
        return try row.integer()
    }

    private func setAside(_ id: Int64) throws {
        try transaction.execute(
            "UPDATE interactions SET state = 'stuck', lease_owner = NULL, lease_until = 0, touched_at = $2 WHERE id = $1", id,
            transaction.now)
        try transaction.reasons.add(
            Reason(
                at: transaction.now, about: .interaction, subject: id, decision: "stuck",
                text: "Tried \(Self.attemptsMax) times to find its place and never finished; it is kept as it is."))
    }
}
