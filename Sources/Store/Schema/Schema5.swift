/// Tickets that merge and split, and what stops machines that answer machines.
enum Schema5 {
    static let all = """
        ALTER TABLE tickets ADD COLUMN merged_into {int};
        CREATE INDEX tickets_merged ON tickets (merged_into) WHERE merged_into IS NOT NULL;
        CREATE INDEX tickets_subject ON tickets (subject_key, updated_at, id);
        CREATE TABLE ticket_moves (
            id {int} PRIMARY KEY, kind {text} NOT NULL, from_ticket {int} NOT NULL, to_ticket {int} NOT NULL, agent {text} NOT NULL,
            at {int} NOT NULL, messages {text} NOT NULL, status_before {text}, undone_at {int});
        CREATE INDEX ticket_moves_from ON ticket_moves (from_ticket, id);
        CREATE INDEX ticket_moves_to ON ticket_moves (to_ticket, id);
        CREATE INDEX sends_recipient ON sends (recipient, id) WHERE kind <> 'reply';
        CREATE TABLE breakers (
            address {text} PRIMARY KEY, reason {text} NOT NULL, tripped_at {int} NOT NULL, open_until {int} NOT NULL, trips {int} NOT NULL,
            cleared_at {int}) {keyed};
        CREATE TABLE reopenings (id {int} PRIMARY KEY, ticket_id {int} NOT NULL, at {int} NOT NULL);
        CREATE INDEX reopenings_ticket ON reopenings (ticket_id, at);

        """
}
