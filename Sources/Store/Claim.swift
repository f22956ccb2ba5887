import Domain

/// Taking work out of a table so that everything is taken once and nothing for ever. Spool and interactions share it; both tables have the
/// columns `state`, `attempts`, `lease_owner`, `lease_until` and `touched_at`, and partial indexes for what is asked here.
struct Claim {
    /// Set aside in one go.
    static let setAsideMax = 100
    /// Rows claimed together take no more memory than this; one that is larger comes alone.
    static let batchBytesMax = 8 << 20

    let transaction: Transaction
    let table: String
    let lease: Duration
    let owner: String
    let attemptsMax: Int
    /// A column that says how much memory a row takes.
    let sizeBytes: String

    /// Counts the attempt before the work begins, so that work that kills the process counts as tried. An item tried before comes alone:
    /// if it is the one that kills, it takes no other along. One whose worker died keeps its place in the order, for an answer must not be
    /// placed before what it answers; one that failed with an error stands back for the others, but not longer than `Spool.standBackMax`.
    /// - Parameters:
    ///   - setAside: what to do with an item whose attempts are used up.
    ///   - columns: of the rows given back, in no particular order.
    func take(limit: Int, setAside: (Int64) throws -> Void, columns: String) throws -> [Row] {
        for var row in try candidates("attempts >= \(attemptsMax)", limit: Self.setAsideMax) {
            try setAside(try row.integer())
        }
        let died = "state = 'claimed' AND attempts < \(attemptsMax)"
        if let row = try candidates(died, limit: 1).first { return try claim(row, columns) }
        let failed = "state = 'new' AND attempts < \(attemptsMax)"
        let longAgo = transaction.now - Spool.standBackMax
        if let row = try candidates(failed, limit: 1, before: longAgo).first { return try claim(row, columns) }
        let untried = try claimUntried(limit: limit, columns)
        if !untried.isEmpty { return untried }
        guard let row = try candidates(failed, limit: 1).first else { return [] }
        return try claim(row, columns)
    }

    private func claimUntried(limit: Int, _ columns: String) throws -> [Row] {
        let untried = try transaction.query(
            """
            SELECT id, \(sizeBytes) FROM \(table) WHERE state = 'new' AND attempts = 0
            ORDER BY id LIMIT $1 \(transaction.dialect.skipLocked)
            """, limit)
        var picked: [Int64] = []
        var bytes: Int64 = 0
        for var row in untried {
            let id = try row.integer()
            bytes += try row.integer()
            if bytes > Self.batchBytesMax, !picked.isEmpty { break }
            picked.append(id)
        }
        if picked.isEmpty { return [] }
        return try transaction.query(
            """
            UPDATE \(table) SET state = 'claimed', attempts = 1, lease_owner = $1, lease_until = $2, touched_at = $3
            WHERE id IN (\(transaction.dialect.integers(in: "$4"))) AND state = 'new' RETURNING \(columns)
            """, owner, transaction.now + lease, transaction.now, JSONText.encode(picked))
    }

    /// Ids of items tried before that nobody works on, in their order.
    private func candidates(_ condition: String, limit: Int, before: Timestamp? = nil) throws -> [Row] {
        try transaction.query(
            """
            SELECT id FROM \(table) WHERE state IN ('new', 'claimed') AND attempts > 0 AND \(condition)
                AND lease_until <= $1 AND touched_at <= $2
            ORDER BY id LIMIT $3 \(transaction.dialect.skipLocked)
            """, transaction.now, before ?? transaction.now, limit)
    }

    private func claim(_ row: Row, _ columns: String) throws -> [Row] {
        var row = row
        let id = try row.integer()
        return try transaction.query(
            """
            UPDATE \(table) SET state = 'claimed', attempts = attempts + 1, lease_owner = $2, lease_until = $3, touched_at = $4
            WHERE id = $1 RETURNING \(columns)
            """, id, owner, transaction.now + lease, transaction.now)
    }
}
