public import Domain

public struct Subscriptions {
    let transaction: Transaction

    /// True until the customer unsubscribed from this topic or from everything.
    public func isSubscribed(_ customer: ID<Customer>, topic: String) throws -> Bool { throw StoreError.notBuilt }

    /// - Parameters:
    ///   - topic: nil is everything.
    ///   - source: how we know: `link`, `one-click`, `agent`, `complaint`.
    public func unsubscribe(_ customer: ID<Customer>, topic: String?, source: String) throws { throw StoreError.notBuilt }
    public func resubscribe(_ customer: ID<Customer>, topic: String?, source: String) throws { throw StoreError.notBuilt }

    /// No marketing mail goes to this address any more, whoever has it.
    public func suppress(address: String, reason: String) throws { throw StoreError.notBuilt }

    /// Why nothing goes there; nil when it is free.
    public func suppression(address: String) throws -> String? { throw StoreError.notBuilt }
}
