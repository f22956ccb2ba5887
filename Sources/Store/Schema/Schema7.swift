/// What comes back: the state of addresses, and the bounces and complaints of sends.
enum Schema7 {
    static let returns = """
        CREATE TABLE address_states (
            address {text} PRIMARY KEY, condition {text} NOT NULL, reason {text}, status {text}, words {text} NOT NULL,
            since {int} NOT NULL, changed_at {int} NOT NULL, paused_until {int}, failures {int} NOT NULL, send_id {int},
            complained_at {int}, complaint {text}) {keyed};
        CREATE TABLE send_returns (
            send_id {int} NOT NULL, kind {text} NOT NULL, at {int} NOT NULL, reason {text} NOT NULL, status {text}, words {text} NOT NULL,
            interaction_id {int}, PRIMARY KEY (send_id, kind)) {keyed};
        CREATE INDEX send_returns_interaction ON send_returns (interaction_id);
        CREATE INDEX sends_address ON sends (recipient, id);

        """
}
