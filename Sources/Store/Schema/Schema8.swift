/// Reading mailboxes in depth: where raw bytes lie, which mails are here in part only, and what a folder holds on its server.
enum Schema8 {
    static let reading = """
        ALTER TABLE spool ADD COLUMN place {text};
        ALTER TABLE spool ADD COLUMN is_cut {int} NOT NULL DEFAULT 0;
        ALTER TABLE spool ADD COLUMN wanted_at {int};
        CREATE INDEX spool_wanted ON spool (account, id) WHERE wanted_at IS NOT NULL;
        CREATE INDEX spool_cut ON spool (account, id) WHERE is_cut = 1;
        CREATE INDEX spool_passed ON spool (id) WHERE state = 'passed';
        CREATE TABLE account_folders (
            account {text} NOT NULL, folder {text} NOT NULL, server_count {int} NOT NULL, our_count {int} NOT NULL,
            late_count {int} NOT NULL, checked_at {int} NOT NULL,
            PRIMARY KEY (account, folder)) {keyed};

        """
}
