public import Domain

/// Which conversation a Message-ID belongs to, also for messages we only know by reference.
public struct MessageIDs {
    let transaction: Transaction

    public func find(_ messageID: String, account: String) throws -> (ticket: ID<Ticket>?, interaction: ID<Interaction>?)? {
        let sql = "SELECT ticket_id, interaction_id FROM message_ids WHERE message_id = $1 AND account = $2"
        guard var row = try transaction.first(sql, messageID, account) else { return nil }
        return (try row.optionalID(), try row.optionalID())
    }

    /// A message went to another ticket: answers to it follow.
    public func move(_ messageID: String, account: String, to ticket: ID<Ticket>) throws {
        try transaction.execute(
            "UPDATE message_ids SET ticket_id = $3 WHERE message_id = $1 AND account = $2", messageID, account, ticket)
    }

    /// Fills in what is missing and never moves what is known. With neither it leaves a placeholder.
    public func record(_ messageID: String, account: String, interaction: ID<Interaction>?, ticket: ID<Ticket>?) throws {
        try transaction.execute(
            """
            INSERT INTO message_ids (message_id, account, interaction_id, ticket_id) VALUES ($1, $2, $3, $4)
            ON CONFLICT (message_id, account) DO UPDATE SET
                interaction_id = COALESCE(message_ids.interaction_id, excluded.interaction_id),
                ticket_id = COALESCE(message_ids.ticket_id, excluded.ticket_id)
            WHERE (message_ids.interaction_id IS NULL AND excluded.interaction_id IS NOT NULL)
                OR (message_ids.ticket_id IS NULL AND excluded.ticket_id IS NOT NULL)
            """, messageID, account, interaction, ticket)
    }
}
