/// The ledger in queues: by sender, urgency and domain, so that neither a slow domain nor a large campaign stands before anybody else.
enum Schema6 {
    static let queues = """
        ALTER TABLE sends ADD COLUMN lane {text} NOT NULL DEFAULT '';
        ALTER TABLE sends ADD COLUMN queue {text} NOT NULL DEFAULT '';
        DROP INDEX sends_due;
        CREATE INDEX sends_waiting ON sends (due_at, id) WHERE state IN ('planned', 'deferred');
        CREATE INDEX sends_queue ON sends (lane, queue, due_at, id) WHERE state IN ('planned', 'deferred');
        CREATE INDEX sends_leased ON sends (lease_until, id) WHERE state IN ('claimed', 'handed_over');
        CREATE TABLE mta_policies (
            domain {text} PRIMARY KEY, policy_id {text} NOT NULL, body {text} NOT NULL, fetched_at {int} NOT NULL,
            expires_at {int} NOT NULL) {keyed};

        """

    /// Rows of before get the queue that `SendQueue.name` would have given them.
    @Sendable
    static func only(_ dialect: Dialect) -> String {
        let at = dialect == .sqlite ? "instr(recipient, '@')" : "strpos(recipient, '@')"
        return """
            UPDATE sends SET lane = COALESCE(sender, ''), queue =
                CASE WHEN kind = 'reply' THEN '0' WHEN purpose = 'transactional' THEN '1' WHEN purpose = 'service' THEN '2' ELSE '3' END
                || ' ' || substr(recipient, \(at) + 1);

            """
    }
}
