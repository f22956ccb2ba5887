/// How accounts are doing in detail, and what an operator asks of them.
enum Schema11 {
    static let health = """
        ALTER TABLE account_health ADD COLUMN detail {text} NOT NULL DEFAULT '{}';
        CREATE TABLE account_orders (
            account {text} PRIMARY KEY, is_on_hold {int} NOT NULL DEFAULT 0, asked_by {text}, changed_at {int} NOT NULL, poll_at {int}
            ) {keyed};

        """
}
