/// Purchases: orders with their lines, and customers as shops know them.
enum Schema10 {
    static let orders = """
        CREATE TABLE orders (
            id {int} PRIMARY KEY, account {text} NOT NULL, external_id {text} NOT NULL, number {text} NOT NULL, status {text} NOT NULL,
            status_text {text} NOT NULL, currency {text} NOT NULL, total {int} NOT NULL, refunded {int} NOT NULL, is_paid {int} NOT NULL,
            is_cancelled {int} NOT NULL, placed_at {int} NOT NULL, paid_at {int}, fulfilled_at {int}, cancelled_at {int}, refunded_at {int},
            revised_at {int} NOT NULL, revision {int} NOT NULL, customer_id {int}, buyer_id {text}, buyer_email {text}, buyer_phone {text},
            buyer_name {text}, permalink {text}, fields {text} NOT NULL, stored_at {int} NOT NULL, changed_at {int} NOT NULL,
            UNIQUE (account, external_id));
        CREATE INDEX orders_customer ON orders (customer_id, placed_at, id) WHERE customer_id IS NOT NULL;
        CREATE TABLE order_lines (
            order_id {int} NOT NULL REFERENCES orders (id) ON DELETE CASCADE, place {int} NOT NULL, sku {text} NOT NULL,
            name {text} NOT NULL, quantity_milli {int} NOT NULL, price {int},
            PRIMARY KEY (order_id, place)) {keyed};
        CREATE TABLE customer_records (
            account {text} NOT NULL, external_id {text} NOT NULL, customer_id {int}, name {text} NOT NULL, emails {text} NOT NULL,
            phones {text} NOT NULL, locale {text}, has_consent {int}, consent_at {int}, tags {text} NOT NULL, created_at {int},
            revised_at {int} NOT NULL, revision {int} NOT NULL, fields {text} NOT NULL, changed_at {int} NOT NULL,
            PRIMARY KEY (account, external_id)) {keyed};
        CREATE INDEX customer_records_customer ON customer_records (customer_id) WHERE customer_id IS NOT NULL;
        ALTER TABLE enrolments ADD COLUMN order_id {int};

        """
}
