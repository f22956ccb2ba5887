public import Domain

public struct Agents {
    let transaction: Transaction

    @discardableResult
    public func create(login: String, name: String, passwordHash: String, locale: String) throws -> ID<Agent> { throw StoreError.notBuilt }
    public func byLogin(_ login: String) throws -> (agent: Agent, passwordHash: String)? { throw StoreError.notBuilt }
    public func get(_ id: ID<Agent>) throws -> Agent? { throw StoreError.notBuilt }
    public func all() throws -> [Agent] { throw StoreError.notBuilt }
    public func setPassword(_ id: ID<Agent>, passwordHash: String) throws { throw StoreError.notBuilt }
    public func setLocale(_ id: ID<Agent>, _ locale: String) throws { throw StoreError.notBuilt }

    public func startSession(agent: ID<Agent>, tokenHash: String, csrf: String, expires: Timestamp) throws { throw StoreError.notBuilt }
    /// Nil when there is none or it has expired.
    public func session(tokenHash: String) throws -> (agent: Agent, csrf: String)? { throw StoreError.notBuilt }
    public func endSession(tokenHash: String) throws { throw StoreError.notBuilt }
}
