public import Domain

/// Where each account stopped reading, and how it is doing.
public struct Accounts {
    let transaction: Transaction

    /// - Parameter stream: a folder, a page, whatever the account reads separately.
    public func cursor(_ account: String, _ stream: String) throws -> String? {
        guard var row = try transaction.first("SELECT value FROM account_cursors WHERE account = $1 AND stream = $2", account, stream)
        else {
            return nil
        }
        return try row.text()
    }

    public func setCursor(_ account: String, _ stream: String, _ value: String) throws {
        try transaction.execute(
            """
            INSERT INTO account_cursors (account, stream, value, changed_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account, stream) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
            """, account, stream, value, transaction.now)
    }

    public func health(_ account: String) throws -> AccountHealth? {
        try transaction.first("\(Self.select) WHERE account = $1", account).map(Self.health)
    }

    public func allHealth() throws -> [AccountHealth] {
        try transaction.query("\(Self.select) ORDER BY account").map(Self.health)
    }

    public func save(_ health: AccountHealth) throws {
        try transaction.execute(
            """
            INSERT INTO account_health
                (account, state, last_success_at, last_attempt_at, next_attempt_at, last_error, failures, items_stored, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (account) DO UPDATE SET state = excluded.state, last_success_at = excluded.last_success_at,
                last_attempt_at = excluded.last_attempt_at, next_attempt_at = excluded.next_attempt_at, last_error = excluded.last_error,
                failures = excluded.failures, items_stored = excluded.items_stored, detail = excluded.detail
            """,
            health.account, health.state, health.lastSuccessAt, health.lastAttemptAt, health.nextAttemptAt, health.lastError,
            health.failuresInARow, health.itemsStored, JSONText.encode(health.detail, empty: AccountDetail()))
    }

    /// Counts stored items; all else of the account's health is written after the poll.
    public func count(_ added: Int, in health: AccountHealth) throws {
        let known = try transaction.execute(
            "UPDATE account_health SET items_stored = items_stored + $2 WHERE account = $1", health.account, added)
        guard known == 0 else { return }
        var health = health
        health.itemsStored += Int64(added)
        try save(health)
    }

    /// What a comparison with the server found; `late` is added to what was found before.
    public func save(_ count: FolderCount) throws {
        try transaction.execute(
            """
            INSERT INTO account_folders (account, folder, server_count, our_count, late_count, checked_at) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (account, folder) DO UPDATE SET server_count = excluded.server_count, our_count = excluded.our_count,
                late_count = account_folders.late_count + excluded.late_count, checked_at = excluded.checked_at
            """, count.account, count.folder, count.server, count.ours, count.late, count.checkedAt)
    }

    public func folderCount(_ account: String, _ folder: String) throws -> FolderCount? {
        try transaction.first("\(Self.selectFolders) WHERE account = $1 AND folder = $2", account, folder).map(Self.folder)
    }

    /// By account and folder.
    public func folderCounts() throws -> [FolderCount] {
        try transaction.query("\(Self.selectFolders) ORDER BY account, folder").map(Self.folder)
    }

    private static let selectFolders = """
        SELECT account, folder, server_count, our_count, late_count, checked_at FROM account_folders
        """

    private static func folder(_ row: Row) throws -> FolderCount {
        var row = row
        return FolderCount(
            account: try row.text(), folder: try row.text(), server: Int(try row.integer()), ours: Int(try row.integer()),
            late: Int(try row.integer()), checkedAt: try row.time())
    }

    private static let select = """
        SELECT account, state, last_success_at, last_attempt_at, next_attempt_at, last_error, failures, items_stored, detail
        FROM account_health
        """

    private static func health(_ row: Row) throws -> AccountHealth {
        var row = row
        var health = AccountHealth(account: try row.text(), state: try row.name())
        health.lastSuccessAt = try row.optionalTime()
        health.lastAttemptAt = try row.optionalTime()
        health.nextAttemptAt = try row.optionalTime()
        health.lastError = try row.optionalText()
        health.failuresInARow = Int(try row.integer())
        health.itemsStored = try row.integer()
        health.detail = try JSONText.decode(AccountDetail.self, try row.text(), empty: AccountDetail())
        return health
    }

    // MARK: What operators ask

    /// Stops polling an account until it is resumed; takes effect in every node within seconds.
    public func hold(_ account: String, _ isOnHold: Bool, by whom: String) throws {
        try transaction.execute(
            """
            INSERT INTO account_orders (account, is_on_hold, asked_by, changed_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account) DO UPDATE SET is_on_hold = excluded.is_on_hold, asked_by = excluded.asked_by,
                changed_at = excluded.changed_at
            """, account, isOnHold ? 1 : 0, whom, transaction.now)
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .accountChanged,
                data: ["account": account, "change": isOnHold ? "on_hold" : "resumed", "by": whom]))
        transaction.touch(.accounts)
    }

    /// Asks for a poll now.
    public func askPoll(_ account: String) throws {
        try transaction.execute(
            """
            INSERT INTO account_orders (account, changed_at, poll_at) VALUES ($1, $2, $2)
            ON CONFLICT (account) DO UPDATE SET poll_at = excluded.poll_at
            """, account, transaction.now)
        transaction.touch(.accounts)
    }

    /// What was asked and still stands, by account.
    public func orders() throws -> [String: AccountOrder] {
        var orders: [String: AccountOrder] = [:]
        for var row in try transaction.query("SELECT account, is_on_hold, asked_by, poll_at FROM account_orders") {
            let account = try row.text()
            orders[account] = AccountOrder(
                isOnHold: try row.integer() != 0, askedBy: try row.optionalText(), pollAt: try row.optionalTime())
        }
        return orders
    }
}

/// What somebody asked of an account.
public struct AccountOrder: Sendable, Hashable {
    public var isOnHold: Bool
    public var askedBy: String?
    /// When a poll was asked for the last time.
    public var pollAt: Timestamp?

    public init(isOnHold: Bool, askedBy: String? = nil, pollAt: Timestamp? = nil) {
        self.isOnHold = isOnHold
        self.askedBy = askedBy
        self.pollAt = pollAt
    }
}
