/// The first schema. Times are microseconds since 1970, ids are made by the program, lists and maps are JSON text.
enum Schema1 {
    /// From raw bytes to a placed message.
    static let work = """
        CREATE TABLE spool (
            id {int} PRIMARY KEY, account {text} NOT NULL, external_id {text} NOT NULL, kind {text} NOT NULL, meta {text} NOT NULL,
            size_bytes {int} NOT NULL, state {text} NOT NULL, attempts {int} NOT NULL DEFAULT 0,
            received_at {int} NOT NULL, touched_at {int} NOT NULL, lease_owner {text}, lease_until {int} NOT NULL DEFAULT 0, error {text},
            UNIQUE (account, external_id));
        CREATE INDEX spool_untried ON spool (id) WHERE state = 'new' AND attempts = 0;
        CREATE INDEX spool_tried ON spool (id) WHERE state IN ('new', 'claimed') AND attempts > 0;
        CREATE INDEX spool_quarantined ON spool (id) WHERE state = 'quarantined';
        CREATE INDEX spool_dropped ON spool (id) WHERE state = 'dropped';
        CREATE TABLE spool_bytes (spool_id {int} PRIMARY KEY REFERENCES spool (id) ON DELETE CASCADE, bytes {blob} NOT NULL);

        CREATE TABLE interactions (
            id {int} PRIMARY KEY, account {text} NOT NULL, external_id {text} NOT NULL, fingerprint {text},
            kind {text} NOT NULL, direction {text} NOT NULL, nature {text} NOT NULL,
            occurred_at {int} NOT NULL, received_at {int} NOT NULL,
            author_name {text}, author_email {text}, author_phone {text}, author_handle {text}, author_network {text},
            recipients {text} NOT NULL, subject {text} NOT NULL, body {text} NOT NULL, html {text}, language {text},
            mood_score DOUBLE PRECISION, mood_label {text}, mood_confidence DOUBLE PRECISION, mood_words {text}, mood_model {text},
            message_id {text}, in_reply_to {text} NOT NULL, refs {text} NOT NULL, fields {text} NOT NULL, permalink {text},
            attachment_count {int} NOT NULL, size_bytes {int} NOT NULL, customer_id {int}, ticket_id {int}, spool_id {int},
            state {text} NOT NULL, attempts {int} NOT NULL DEFAULT 0, touched_at {int} NOT NULL,
            lease_owner {text}, lease_until {int} NOT NULL DEFAULT 0,
            UNIQUE (account, external_id), UNIQUE (account, fingerprint));
        CREATE INDEX interactions_untried ON interactions (id) WHERE state = 'new' AND attempts = 0;
        CREATE INDEX interactions_tried ON interactions (id) WHERE state IN ('new', 'claimed') AND attempts > 0;
        CREATE INDEX interactions_unfiled ON interactions (id) WHERE state = 'placed' AND ticket_id IS NULL;
        CREATE INDEX interactions_ticket ON interactions (ticket_id, occurred_at, id) WHERE ticket_id IS NOT NULL;
        CREATE INDEX interactions_stuck ON interactions (id) WHERE state = 'stuck';
        CREATE TABLE attachments (
            interaction_id {int} NOT NULL REFERENCES interactions (id) ON DELETE CASCADE, place {int} NOT NULL,
            name {text} NOT NULL, type {text} NOT NULL, size_bytes {int} NOT NULL, hash {text} NOT NULL, content_id {text},
            is_inline {int} NOT NULL,
            PRIMARY KEY (interaction_id, place)) {keyed};
        CREATE TABLE message_ids (
            message_id {text} NOT NULL, account {text} NOT NULL, interaction_id {int}, ticket_id {int},
            PRIMARY KEY (message_id, account)) {keyed};

        """

    static let people = """
        CREATE TABLE customers (
            id {int} PRIMARY KEY, name {text} NOT NULL, language {text}, created_at {int} NOT NULL, last_seen_at {int} NOT NULL,
            last_mood DOUBLE PRECISION);
        CREATE INDEX customers_seen ON customers (last_seen_at, id);
        CREATE TABLE identities (
            kind {text} NOT NULL, value {text} NOT NULL, customer_id {int} NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
            place {int} NOT NULL,
            PRIMARY KEY (kind, value)) {keyed};
        CREATE INDEX identities_customer ON identities (customer_id, place);

        CREATE TABLE tickets (
            id {int} PRIMARY KEY, number {int} NOT NULL UNIQUE, subject {text} NOT NULL, subject_key {text} NOT NULL,
            status {text} NOT NULL, is_open {int} NOT NULL, queue {text} NOT NULL, priority {text} NOT NULL,
            customer_id {int} NOT NULL, customer_name {text} NOT NULL, assignee_id {int},
            account {text} NOT NULL, kind {text} NOT NULL, created_at {int} NOT NULL, updated_at {int} NOT NULL,
            last_inbound_at {int}, last_outbound_at {int}, message_count {int} NOT NULL, snippet {text} NOT NULL,
            last_mood DOUBLE PRECISION, lowest_mood DOUBLE PRECISION);
        CREATE INDEX tickets_activity ON tickets (updated_at, id);
        CREATE INDEX tickets_open ON tickets (updated_at, id) WHERE is_open = 1;
        CREATE INDEX tickets_mine ON tickets (assignee_id, updated_at, id) WHERE is_open = 1;
        CREATE INDEX tickets_queue ON tickets (queue, updated_at, id) WHERE is_open = 1;
        CREATE INDEX tickets_mood ON tickets (updated_at, id) WHERE is_open = 1 AND last_mood <= \(Tickets.lowMood);
        CREATE INDEX tickets_status ON tickets (status, updated_at, id);
        CREATE INDEX tickets_queues ON tickets (queue, is_open);
        CREATE INDEX tickets_customer ON tickets (customer_id, updated_at, id);

        CREATE TABLE agents (
            id {int} PRIMARY KEY, login {text} NOT NULL UNIQUE, name {text} NOT NULL, password_hash {text} NOT NULL, locale {text} NOT NULL,
            created_at {int} NOT NULL);
        CREATE TABLE sessions (
            token_hash {text} PRIMARY KEY, agent_id {int} NOT NULL REFERENCES agents (id) ON DELETE CASCADE, csrf {text} NOT NULL,
            expires_at {int} NOT NULL) {keyed};
        CREATE INDEX sessions_expiry ON sessions (expires_at);
        CREATE INDEX sessions_agent ON sessions (agent_id);

        """

    static let sending = """
        CREATE TABLE sends (
            id {int} PRIMARY KEY, send_key {text} NOT NULL UNIQUE, kind {text} NOT NULL, purpose {text} NOT NULL, state {text} NOT NULL,
            customer_id {int}, ticket_id {int}, enrolment_id {int}, interaction_id {int}, recipient {text} NOT NULL, sender {text},
            journey {text}, step {text}, version {text}, due_at {int} NOT NULL, attempts {int} NOT NULL, message_id {text}, subject {text},
            body {text}, vars {text} NOT NULL, topic {text}, locale {text} NOT NULL, in_reply_to {text}, refs {text} NOT NULL,
            response {text}, created_at {int} NOT NULL, finished_at {int}, first_tried_at {int}, interruptions {int} NOT NULL DEFAULT 0,
            lease_owner {text}, lease_until {int} NOT NULL DEFAULT 0);
        CREATE INDEX sends_due ON sends (state, due_at, id);
        CREATE INDEX sends_state ON sends (state, id);
        CREATE INDEX sends_customer ON sends (customer_id, id);
        CREATE INDEX sends_ticket ON sends (ticket_id, id);

        CREATE TABLE enrolments (
            id {int} PRIMARY KEY, journey {text} NOT NULL, version {text} NOT NULL, customer_id {int} NOT NULL, occurrence {text} NOT NULL,
            ticket_id {int}, state {text} NOT NULL, step {text}, entered_at {int} NOT NULL, next_at {int},
            UNIQUE (journey, customer_id, occurrence));
        CREATE INDEX enrolments_due ON enrolments (next_at, id) WHERE state = 'active' AND next_at IS NOT NULL;
        CREATE INDEX enrolments_customer ON enrolments (customer_id, id);
        CREATE TABLE subscriptions (
            customer_id {int} NOT NULL, topic {text} NOT NULL, is_subscribed {int} NOT NULL, source {text} NOT NULL,
            changed_at {int} NOT NULL,
            PRIMARY KEY (customer_id, topic)) {keyed};
        CREATE TABLE suppressions (address {text} PRIMARY KEY, reason {text} NOT NULL, added_at {int} NOT NULL) {keyed};

        """

    static let house = """
        CREATE TABLE reasons (
            id {int} PRIMARY KEY, at {int} NOT NULL, about {text} NOT NULL, subject_id {int} NOT NULL, decision {text} NOT NULL,
            words {text} NOT NULL);
        CREATE INDEX reasons_subject ON reasons (about, subject_id, id);
        CREATE TABLE events (
            position {position}, at {int} NOT NULL, kind {text} NOT NULL, customer_id {int}, ticket_id {int}, interaction_id {int},
            send_id {int}, data {text} NOT NULL);
        CREATE TABLE event_cursors (consumer {text} PRIMARY KEY, position {int} NOT NULL) {keyed};
        CREATE TABLE account_cursors (
            account {text} NOT NULL, stream {text} NOT NULL, value {text} NOT NULL, changed_at {int} NOT NULL,
            PRIMARY KEY (account, stream)) {keyed};
        CREATE TABLE account_health (
            account {text} PRIMARY KEY, state {text} NOT NULL, last_success_at {int}, last_attempt_at {int}, next_attempt_at {int},
            last_error {text}, failures {int} NOT NULL, items_stored {int} NOT NULL) {keyed};
        CREATE TABLE leases (name {text} PRIMARY KEY, lease_owner {text} NOT NULL, epoch {int} NOT NULL,
            lease_until {int} NOT NULL) {keyed};
        CREATE TABLE meta (name {text} PRIMARY KEY, value {text} NOT NULL) {keyed};
        CREATE TABLE counters (name {text} PRIMARY KEY, value {int} NOT NULL) {keyed};

        """

    /// Ticket numbers: a counted row where there is one writer; a sequence where writers would queue up behind that row until each commit.
    @Sendable
    static func only(_ dialect: Dialect) -> String {
        switch dialect {
        case .sqlite: "INSERT INTO counters (name, value) VALUES ('ticket', \(Tickets.firstNumber - 1));\n"
        case .postgres:
            """
            CREATE SEQUENCE ticket_numbers START \(Tickets.firstNumber);
            INSERT INTO counters (name, value) VALUES ('events', 0);

            """
        }
    }
}
