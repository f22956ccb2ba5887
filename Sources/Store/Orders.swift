public import Domain

/// What became of a state that a shop told.
public enum Kept<Value: Sendable & Hashable>: Sendable, Hashable {
    case new(Value)
    case changed(from: Value, to: Value)
    /// Known as it is.
    case same(Value)
    /// A newer state is here already; this one was left aside.
    case older(than: Value)
}

/// Orders, unique by (account, external id). The newest state stands; times and hints that a later state no longer tells stay.
public struct Orders {
    let transaction: Transaction

    /// Stores a state of an order. Writes no event.
    public func put(_ order: Order) throws -> Kept<Order> {
        var order = order
        order.id = transaction.newID()
        if try insert(order) { return .new(order) }
        let lock = transaction.dialect == .postgres ? " FOR UPDATE" : ""
        let sql = "\(Self.select) WHERE account = $1 AND external_id = $2\(lock)"
        guard let known = try transaction.first(sql, order.account, order.externalID).map(whole) else {
            throw StoreError(.missing, "the order \(order.externalID) of \(order.account) was deleted while it was stored")
        }
        guard order.succeeds(known) else { return .older(than: known) }
        let next = Self.merged(order, over: known)
        try update(next)
        var before = known
        (before.revisedAt, before.revisedUntil, before.revision) = (next.revisedAt, next.revisedUntil, next.revision)
        return before == next ? .same(next) : .changed(from: known, to: next)
    }

    /// Whose it is.
    public func assign(_ id: ID<Order>, to customer: ID<Customer>) throws {
        try transaction.execute("UPDATE orders SET customer_id = $2 WHERE id = $1", id, customer)
    }

    public func get(_ id: ID<Order>) throws -> Order? { try transaction.first("\(Self.select) WHERE id = $1", id).map(whole) }

    public func get(_ account: String, _ externalID: String) throws -> Order? {
        try transaction.first("\(Self.select) WHERE account = $1 AND external_id = $2", account, externalID).map(whole)
    }

    /// Newest first.
    public func ofCustomer(_ id: ID<Customer>, limit: Int) throws -> [Order] {
        try transaction.query("\(Self.select) WHERE customer_id = $1 ORDER BY placed_at DESC, id DESC LIMIT $2", id, limit).map(whole)
    }

    /// How many a customer has, paid or not, cancelled or not.
    public func counts(_ id: ID<Customer>) throws -> (all: Int64, paid: Int64, cancelled: Int64, refunded: Int64) {
        let sql = """
            SELECT count(*), COALESCE(sum(is_paid), 0), COALESCE(sum(is_cancelled), 0),
                COALESCE(sum(CASE WHEN refunded > 0 THEN 1 ELSE 0 END), 0)
            FROM (SELECT CAST(is_paid AS integer) AS is_paid, CAST(is_cancelled AS integer) AS is_cancelled, refunded
                FROM orders WHERE customer_id = $1) AS theirs
            """
        guard var row = try transaction.first(sql, id) else { return (0, 0, 0, 0) }
        return (try row.integer(), try row.integer(), try row.integer(), try row.integer())
    }

    /// What a customer bought, by currency, the most orders first.
    public func value(_ id: ID<Customer>) throws -> [CustomerValue] {
        let sql = """
            SELECT currency, count(*), CAST(sum(total) AS bigint), CAST(sum(refunded) AS bigint), min(placed_at), max(placed_at)
            FROM orders WHERE customer_id = $1 AND is_paid = 1 AND is_cancelled = 0 GROUP BY currency ORDER BY 2 DESC, 1
            """
        return try transaction.query(sql, id).map { row in
            var row = row
            return CustomerValue(
                currency: try row.name(), count: try row.integer(), total: try row.integer(), refunded: try row.integer(),
                firstAt: try row.time(), lastAt: try row.time())
        }
    }

    /// Orders of an account.
    public func count(account: String) throws -> Int64 {
        guard var row = try transaction.first("SELECT count(*) FROM orders WHERE account = $1", account) else { return 0 }
        return try row.integer()
    }

    /// The row of a customer is theirs alone until this transaction ends, so that two orders are not both the first one.
    public func hold(_ customer: ID<Customer>) throws {
        guard transaction.dialect == .postgres else { return }
        _ = try transaction.first("SELECT id FROM customers WHERE id = $1 FOR UPDATE", customer)
    }

    private static func merged(_ order: Order, over known: Order) -> Order {
        var next = order
        next.id = known.id
        next.customer = known.customer
        next.paidAt = order.paidAt ?? known.paidAt
        next.fulfilledAt = order.fulfilledAt ?? known.fulfilledAt
        next.cancelledAt = order.cancelledAt ?? known.cancelledAt
        next.refundedAt = order.refundedAt ?? known.refundedAt
        next.buyer.externalID = order.buyer.externalID ?? known.buyer.externalID
        next.buyer.email = order.buyer.email ?? known.buyer.email
        next.buyer.phone = order.buyer.phone ?? known.buyer.phone
        next.buyer.name = order.buyer.name ?? known.buyer.name
        return next
    }

    private func insert(_ order: Order) throws -> Bool {
        let added = try transaction.execute(
            """
            INSERT INTO orders (\(Self.columns), is_paid, is_cancelled, stored_at, changed_at)
            VALUES (\(Dialect.parameters(27)), $27) ON CONFLICT (account, external_id) DO NOTHING
            """,
            order.id, order.account, order.externalID, order.number, order.status, order.statusText, order.currency, order.total,
            order.refunded, order.placedAt, order.paidAt, order.fulfilledAt, order.cancelledAt, order.refundedAt, order.revisedAt,
            order.revision, order.customer, order.buyer.externalID, order.buyer.email, order.buyer.phone, order.buyer.name,
            order.permalink, JSONText.encode(order.fields), order.revisedUntil, order.isPaid, order.isCancelled, transaction.now)
        guard added > 0 else { return false }
        try add(order.lines, to: order.id)
        return true
    }

    private func update(_ order: Order) throws {
        try transaction.execute(
            """
            UPDATE orders SET number = $2, status = $3, status_text = $4, currency = $5, total = $6, refunded = $7, placed_at = $8,
                paid_at = $9, fulfilled_at = $10, cancelled_at = $11, refunded_at = $12, revised_at = $13, revision = $14,
                buyer_id = $15, buyer_email = $16, buyer_phone = $17, buyer_name = $18, permalink = $19, fields = $20, is_paid = $21,
                is_cancelled = $22, changed_at = $23, revised_until = $24
            WHERE id = $1
            """,
            order.id, order.number, order.status, order.statusText, order.currency, order.total, order.refunded, order.placedAt,
            order.paidAt, order.fulfilledAt, order.cancelledAt, order.refundedAt, order.revisedAt, order.revision,
            order.buyer.externalID, order.buyer.email, order.buyer.phone, order.buyer.name, order.permalink,
            JSONText.encode(order.fields), order.isPaid, order.isCancelled, transaction.now, order.revisedUntil)
        try transaction.execute("DELETE FROM order_lines WHERE order_id = $1", order.id)
        try add(order.lines, to: order.id)
    }

    private func add(_ lines: [Order.Line], to id: ID<Order>) throws {
        for (place, line) in lines.enumerated() {
            try transaction.execute(
                "INSERT INTO order_lines (order_id, place, sku, name, quantity_milli, price) VALUES ($1, $2, $3, $4, $5, $6)",
                id, place, line.sku, line.name, line.quantityMilli, line.price)
        }
    }

    private static let columns = """
        id, account, external_id, number, status, status_text, currency, total, refunded, placed_at, paid_at, fulfilled_at, cancelled_at,
        refunded_at, revised_at, revision, customer_id, buyer_id, buyer_email, buyer_phone, buyer_name, permalink, fields,
        revised_until
        """
    private static let select = "SELECT \(columns) FROM orders"

    private func whole(_ row: Row) throws -> Order {
        var row = row
        var order = Order(
            id: try row.id(), account: try row.text(), externalID: try row.text(), number: try row.text(), status: try row.name(),
            statusText: try row.text(), currency: try row.name(), total: try row.integer(), refunded: try row.integer(),
            placedAt: try row.time(), revisedAt: Timestamp(rawValue: 0))
        order.paidAt = try row.optionalTime()
        order.fulfilledAt = try row.optionalTime()
        order.cancelledAt = try row.optionalTime()
        order.refundedAt = try row.optionalTime()
        order.revisedAt = try row.time()
        order.revision = try row.integer()
        order.customer = try row.optionalID()
        order.buyer = Order.Buyer(
            externalID: try row.optionalText(), email: try row.optionalText(), phone: try row.optionalText(), name: try row.optionalText())
        order.permalink = try row.optionalText()
        order.fields = try JSONText.decode([Interaction.Field].self, try row.text(), empty: [])
        order.revisedUntil = try row.optionalTime()
        order.lines = try transaction.query(
            "SELECT sku, name, quantity_milli, price FROM order_lines WHERE order_id = $1 ORDER BY place", order.id
        ).map { row in
            var row = row
            return Order.Line(
                sku: try row.text(), name: try row.text(), quantityMilli: try row.integer(), price: try row.optionalInteger())
        }
        return order
    }
}
