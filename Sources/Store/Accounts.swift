public import Domain

/// Where each account stopped reading, and how it is doing.
public struct Accounts {
    let transaction: Transaction

    /// - Parameter stream: a folder, a page, whatever the account reads separately.
    public func cursor(_ account: String, _ stream: String) throws -> String? { throw StoreError.notBuilt }
    public func setCursor(_ account: String, _ stream: String, _ value: String) throws { throw StoreError.notBuilt }
    public func health(_ account: String) throws -> AccountHealth? { throw StoreError.notBuilt }
    public func allHealth() throws -> [AccountHealth] { throw StoreError.notBuilt }
    public func save(_ health: AccountHealth) throws { throw StoreError.notBuilt }
}
