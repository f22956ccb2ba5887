/// Permissions to log in (OAuth 2). What is secret in them is sealed before it gets here.
enum Schema4 {
    static let tokens = """
        CREATE TABLE oauth_tokens (
            account {text} PRIMARY KEY, sealed {blob}, issued_at {int} NOT NULL, expires_at {int} NOT NULL, refresh_expires_at {int},
            refresh_life {int}, problem {text}, changed_at {int} NOT NULL) {keyed};

        """
}
