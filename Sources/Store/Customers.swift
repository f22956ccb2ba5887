public import Domain

public struct Customers {
    let transaction: Transaction

    /// The owner of the first identity that has one.
    public func find(_ identities: [Identity]) throws -> ID<Customer>? { throw StoreError.notBuilt }

    /// Stores a customer and the identities nobody else has.
    public func create(_ customer: Customer) throws { throw StoreError.notBuilt }

    /// Gives a customer one more identity, unless somebody has it.
    /// - Returns: whether it is this customer's now.
    @discardableResult
    public func link(_ id: ID<Customer>, _ identity: Identity) throws -> Bool { throw StoreError.notBuilt }
    public func get(_ id: ID<Customer>) throws -> Customer? { throw StoreError.notBuilt }

    /// Moves `lastSeenAt` forward, never back; takes the mood if there is one, and name and language where they were missing.
    public func seen(_ id: ID<Customer>, at: Timestamp, mood: Double?, name: String?, language: String?) throws {
        throw StoreError.notBuilt
    }
    public func count() throws -> Int64 { throw StoreError.notBuilt }

    /// Last seen first.
    public func list(limit: Int) throws -> [Customer] { throw StoreError.notBuilt }
}
