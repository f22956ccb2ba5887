import Domain

/// An interaction and its columns.
extension Interactions {
    static let columns = """
        id, account, external_id, fingerprint, kind, direction, nature, occurred_at, received_at, author_name, author_email, author_phone, \
        author_handle, author_network, recipients, subject, body, html, language, mood_score, mood_label, mood_confidence, mood_words, \
        mood_model, message_id, in_reply_to, refs, fields, permalink, customer_id, ticket_id, attachment_count, new_words, signature
        """

    private static let insertion = """
        INSERT INTO interactions (\(columns), spool_id, state, touched_at, size_bytes)
        VALUES (\(Dialect.parameters(38))) ON CONFLICT DO NOTHING
        """

    func insert(_ interaction: Interaction, spool: ID<SpooledItem>?, state: String) throws -> Added {
        let author = interaction.author
        let mood = interaction.mood
        let added = try transaction.execute(
            Self.insertion, interaction.id, interaction.account, interaction.externalID, interaction.fingerprint, interaction.kind,
            interaction.direction,
            interaction.nature, interaction.occurredAt, interaction.receivedAt, author.name, author.email, author.phone, author.handle,
            author.network, JSONText.encode(interaction.recipients), interaction.subject, interaction.body, interaction.html,
            interaction.language, mood?.score, mood?.label, mood?.confidence, mood.map { JSONText.encode($0.words) }, mood?.model,
            interaction.messageID, JSONText.encode(interaction.inReplyTo), JSONText.encode(interaction.references),
            JSONText.encode(interaction.fields), interaction.permalink, interaction.customer, interaction.ticket,
            interaction.attachments.count, interaction.newWords, interaction.signature, spool, state, transaction.now,
            interaction.body.utf8.count + (interaction.html?.utf8.count ?? 0))
        guard added > 0 else { return .duplicate(of: try first(like: interaction)) }
        try add(interaction.attachments, to: interaction.id)
        return .added
    }

    func add(_ attachments: [Attachment], to id: ID<Interaction>) throws {
        for (place, file) in attachments.enumerated() {
            try transaction.execute(
                """
                INSERT INTO attachments (interaction_id, place, name, type, size_bytes, hash, content_id, is_inline)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """, id, place, file.name, file.type, file.sizeBytes, file.hash, file.contentID, file.isInline)
        }
    }

    func interaction(_ row: Row) throws -> Interaction {
        var row = row
        var interaction = Interaction(
            id: try row.id(), account: try row.text(), externalID: try row.text(), kind: .mail, occurredAt: Timestamp(seconds: 0),
            receivedAt: Timestamp(seconds: 0), author: Interaction.Author(), body: "")
        interaction.fingerprint = try row.optionalText()
        interaction.kind = try row.name()
        interaction.direction = try row.name()
        interaction.nature = try row.name()
        interaction.occurredAt = try row.time()
        interaction.receivedAt = try row.time()
        interaction.author = Interaction.Author(
            name: try row.optionalText(), email: try row.optionalText(), phone: try row.optionalText(), handle: try row.optionalText(),
            network: try row.optionalText())
        interaction.recipients = try JSONText.decode([String].self, try row.text(), empty: [])
        interaction.subject = try row.text()
        interaction.body = try row.text()
        interaction.html = try row.optionalText()
        interaction.language = try row.optionalText()
        interaction.mood = try Self.mood(&row)
        interaction.messageID = try row.optionalText()
        interaction.inReplyTo = try JSONText.decode([String].self, try row.text(), empty: [])
        interaction.references = try JSONText.decode([String].self, try row.text(), empty: [])
        interaction.fields = try JSONText.decode([Interaction.Field].self, try row.text(), empty: [])
        interaction.permalink = try row.optionalText()
        interaction.customer = try row.optionalID()
        interaction.ticket = try row.optionalID()
        let hasAttachments = try row.integer() > 0
        interaction.newWords = try row.optionalText()
        interaction.signature = try row.optionalText()
        if hasAttachments { interaction.attachments = try attachments(of: interaction.id) }
        return interaction
    }

    private func first(like interaction: Interaction) throws -> ID<Interaction> {
        let byName = try transaction.first(
            "SELECT id FROM interactions WHERE account = $1 AND external_id = $2", interaction.account, interaction.externalID)
        let byContent =
            try byName
            ?? transaction.first(
                "SELECT id FROM interactions WHERE account = $1 AND fingerprint = $2", interaction.account, interaction.fingerprint)
        guard var row = byContent else { throw StoreError(.constraint, "interaction \(interaction.id) exists already") }
        return try row.id()
    }

    private static func mood(_ row: inout Row) throws -> Mood? {
        let score = try row.optionalReal()
        let label = try row.optionalText()
        let confidence = try row.optionalReal()
        let words = try row.optionalText()
        let model = try row.optionalText()
        guard let score, let label = label.flatMap(Mood.Label.init(rawValue:)) else { return nil }
        return Mood(
            score: score, label: label, confidence: confidence ?? 0,
            words: try JSONText.decode([Mood.Word].self, words ?? "", empty: []), model: model ?? "")
    }

    private func attachments(of id: ID<Interaction>) throws -> [Attachment] {
        try transaction.query(
            "SELECT name, type, size_bytes, hash, content_id, is_inline FROM attachments WHERE interaction_id = $1 ORDER BY place", id
        ).map { row in
            var row = row
            return Attachment(
                name: try row.text(), type: try row.text(), sizeBytes: Int(try row.integer()), hash: try row.text(),
                contentID: try row.optionalText(), isInline: try row.bool())
        }
    }
}
