public import Domain

public struct Agents {
    let transaction: Transaction

    /// - Throws: `StoreError.constraint` when the login is taken.
    @discardableResult
    public func create(login: String, name: String, passwordHash: String, locale: String) throws -> ID<Agent> {
        let id: ID<Agent> = transaction.newID()
        let created = try transaction.execute(
            """
            INSERT INTO agents (id, login, name, password_hash, locale, created_at) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (login) DO NOTHING
            """, id, login, name, passwordHash, locale, transaction.now)
        if created == 0 {
            throw StoreError(.constraint, "there is an agent \(login) already. Choose another login, or set a new password.")
        }
        return id
    }

    public func byLogin(_ login: String) throws -> (agent: Agent, passwordHash: String)? {
        guard var row = try transaction.first("SELECT \(Self.columns), password_hash FROM agents WHERE login = $1", login) else {
            return nil
        }
        return (try Self.agent(&row), try row.text())
    }

    public func get(_ id: ID<Agent>) throws -> Agent? {
        guard var row = try transaction.first("SELECT \(Self.columns) FROM agents WHERE id = $1", id) else { return nil }
        return try Self.agent(&row)
    }

    /// By login.
    public func all() throws -> [Agent] {
        try transaction.query("SELECT \(Self.columns) FROM agents ORDER BY login").map { row in
            var row = row
            return try Self.agent(&row)
        }
    }

    /// Ends the agent's sessions too.
    public func setPassword(_ id: ID<Agent>, passwordHash: String) throws {
        try transaction.execute("UPDATE agents SET password_hash = $2 WHERE id = $1", id, passwordHash)
        try transaction.execute("DELETE FROM sessions WHERE agent_id = $1", id)
    }

    public func setLocale(_ id: ID<Agent>, _ locale: String) throws {
        try transaction.execute("UPDATE agents SET locale = $2 WHERE id = $1", id, locale)
    }

    /// Forgets expired sessions on the way.
    public func startSession(agent: ID<Agent>, tokenHash: String, csrf: String, expires: Timestamp) throws {
        try transaction.execute("DELETE FROM sessions WHERE expires_at <= $1", transaction.now)
        try transaction.execute(
            "INSERT INTO sessions (token_hash, agent_id, csrf, expires_at) VALUES ($1, $2, $3, $4)", tokenHash, agent, csrf, expires)
    }

    /// Nil when there is none or it has expired.
    public func session(tokenHash: String) throws -> (agent: Agent, csrf: String)? {
        let sql = """
            SELECT agents.id, login, name, locale, csrf FROM sessions JOIN agents ON agents.id = agent_id
            WHERE token_hash = $1 AND expires_at > $2
            """
        guard var row = try transaction.first(sql, tokenHash, transaction.now) else { return nil }
        return (try Self.agent(&row), try row.text())
    }

    public func endSession(tokenHash: String) throws {
        try transaction.execute("DELETE FROM sessions WHERE token_hash = $1", tokenHash)
    }

    private static let columns = "id, login, name, locale"

    private static func agent(_ row: inout Row) throws -> Agent {
        Agent(id: try row.id(), login: try row.text(), name: try row.text(), locale: try row.text())
    }
}
