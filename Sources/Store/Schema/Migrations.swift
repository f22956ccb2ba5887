/// The schema's history. A step, once released, is never changed; a new one is added.
enum Migrations {
    struct Step: Sendable {
        let version: Int64
        let name: String
        /// Statements in the words of `Dialect.schema`, each ended by a semicolon and a line break.
        let common: String
        /// What only this engine needs, run after `common`.
        let only: @Sendable (Dialect) -> String
    }

    static let steps: [Step] = [
        Step(version: 1, name: "the spine", common: Schema1.work + Schema1.people + Schema1.sending + Schema1.house, only: Schema1.only),
        Step(version: 2, name: "new words and signatures", common: Schema2.split, only: { _ in "" }),
        Step(version: 3, name: "answers", common: Schema3.answers, only: { _ in "" }),
        Step(version: 4, name: "permissions", common: Schema4.tokens, only: { _ in "" }),
        Step(version: 5, name: "moved messages and loops", common: Schema5.all, only: { _ in "" }),
        Step(version: 6, name: "queues of the ledger", common: Schema6.queues, only: Schema6.only),
        Step(version: 7, name: "what comes back", common: Schema7.returns, only: { _ in "" }),
        Step(version: 8, name: "reading mailboxes", common: Schema8.reading, only: { _ in "" }),
        Step(version: 10, name: "orders", common: Schema10.orders, only: { _ in "" }),
        Step(version: 11, name: "accounts in detail", common: Schema11.health, only: { _ in "" }),
        Step(version: 12, name: "when an order was read", common: Schema12.orders, only: { _ in "" }),
    ]

    /// Any number that nothing else in the database locks; nodes that start together migrate one after another.
    private static let lock: Int64 = 0x686F_6E67_7961_6E31

    static func prepare(_ transaction: Transaction, schema: String?) throws {
        if transaction.dialect == .postgres {
            _ = try transaction.query("SELECT pg_advisory_xact_lock($1)", lock)
            if let schema { try transaction.run("CREATE SCHEMA IF NOT EXISTS \(schema)") }
        }
        for statement in transaction.dialect.schema(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version {int} PRIMARY KEY, name {text} NOT NULL, applied_at {int} NOT NULL);\n")
        {
            try transaction.run(statement)
        }
    }

    /// The newest applied version; 0 for an empty database.
    static func version(_ transaction: Transaction) throws -> Int64 {
        guard var row = try transaction.first("SELECT COALESCE(max(version), 0) FROM schema_migrations") else { return 0 }
        return try row.integer()
    }

    /// Applies the next step.
    /// - Returns: false when there is none left.
    static func step(_ transaction: Transaction, schema: String?, steps: [Step] = steps) throws -> Bool {
        try prepare(transaction, schema: schema)
        let version = try version(transaction)
        let newest = steps.last?.version ?? 0
        if version > newest {
            throw StoreError(
                .schemaTooNew,
                "the database has schema \(version), this program knows \(newest) and older. Install the newer hongyan again, "
                    + "or restore the backup made before its upgrade.")
        }
        guard let next = steps.first(where: { $0.version > version }) else { return false }
        for text in [next.common, next.only(transaction.dialect)] {
            for statement in transaction.dialect.schema(text) { try transaction.run(statement) }
        }
        try transaction.execute(
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)", next.version, next.name, transaction.now)
        return true
    }
}
