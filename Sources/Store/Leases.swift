import Domain

/// Who may do a thing that only one node may do at a time.
public struct Leases {
    let transaction: Transaction

    /// - Returns: the epoch, which grows each time the lease is newly taken; nil while another owner holds it.
    public func take(_ name: String, owner: String, for duration: Duration) throws -> Int64? {
        let sql = """
            INSERT INTO leases (name, lease_owner, epoch, lease_until) VALUES ($1, $2, 1, $3)
            ON CONFLICT (name) DO UPDATE SET lease_owner = excluded.lease_owner, lease_until = excluded.lease_until,
                epoch = leases.epoch + CASE WHEN leases.lease_owner = excluded.lease_owner AND leases.lease_until > $4 THEN 0 ELSE 1 END
            WHERE leases.lease_owner = excluded.lease_owner OR leases.lease_until <= $4
            RETURNING epoch
            """
        guard var row = try transaction.first(sql, name, owner, transaction.now + duration, transaction.now) else { return nil }
        return try row.integer()
    }

    /// - Returns: false when it was lost.
    @discardableResult
    public func renew(_ name: String, owner: String, for duration: Duration) throws -> Bool {
        try transaction.execute(
            "UPDATE leases SET lease_until = $3 WHERE name = $1 AND lease_owner = $2 AND lease_until > $4",
            name, owner, transaction.now + duration, transaction.now) > 0
    }

    public func release(_ name: String, owner: String) throws {
        try transaction.execute("UPDATE leases SET lease_until = 0 WHERE name = $1 AND lease_owner = $2", name, owner)
    }
}
