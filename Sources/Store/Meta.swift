/// Small facts about the instance.
public struct Meta {
    static let secretName = "instance_secret"

    let transaction: Transaction

    public func get(_ key: String) throws -> String? {
        guard var row = try transaction.first("SELECT value FROM meta WHERE name = $1", key) else { return nil }
        return try row.text()
    }

    public func set(_ key: String, _ value: String) throws {
        try transaction.execute(
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", key, value)
    }

    /// The greatest id in the database; 0 when it is empty.
    func lastID() throws -> Int64 {
        try ["spool", "interactions", "customers", "tickets", "agents", "reasons", "sends", "enrolments", "ticket_moves", "reopenings"].map
        { table in
            guard var row = try transaction.first("SELECT COALESCE(max(id), 0) FROM \(table)") else { return 0 }
            return try row.integer()
        }.max() ?? 0
    }

    /// Made once for the life of the database: 32 random bytes.
    func instanceSecret() throws -> [UInt8] {
        if try get(Self.secretName) == nil {
            var random = SystemRandomNumberGenerator()
            try set(Self.secretName, Signer.hex((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }))
        }
        return Array((try get(Self.secretName) ?? "").utf8)
    }
}
