public import Domain

// What was pushed to an account: kept beside its cursors, for it is one value that belongs to the account.
extension Accounts {
    static let hookStream = "hook counts"

    public func hooks(_ account: String) throws -> HookCounts? {
        guard let text = try cursor(account, Self.hookStream) else { return nil }
        return try JSONText.decode(HookCounts.self, text, empty: HookCounts())
    }

    /// By account.
    public func allHooks() throws -> [String: HookCounts] {
        var all: [String: HookCounts] = [:]
        for var row in try transaction.query("SELECT account, value FROM account_cursors WHERE stream = $1", Self.hookStream) {
            all[try row.text()] = try JSONText.decode(HookCounts.self, try row.text(), empty: HookCounts())
        }
        return all
    }

    /// - Returns: the sum.
    @discardableResult
    public func add(_ counts: HookCounts, toHooksOf account: String) throws -> HookCounts {
        var sum = try hooks(account) ?? HookCounts()
        sum.add(counts)
        try setCursor(account, Self.hookStream, try JSONText.encode(sum, empty: HookCounts()))
        return sum
    }
}
