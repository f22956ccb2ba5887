public import Domain

public struct Enrolments {
    let transaction: Transaction

    /// - Returns: false when the customer entered this journey for this occurrence before.
    @discardableResult
    public func enter(_ enrolment: Enrolment) throws -> Bool { throw StoreError.notBuilt }

    /// Active ones whose time has come, earliest first.
    public func due(limit: Int) throws -> [Enrolment] { throw StoreError.notBuilt }
    public func update(_ enrolment: Enrolment) throws { throw StoreError.notBuilt }
    public func get(_ id: ID<Enrolment>) throws -> Enrolment? { throw StoreError.notBuilt }
    /// Newest first.
    public func ofCustomer(_ id: ID<Customer>) throws -> [Enrolment] { throw StoreError.notBuilt }
    public func nextDue() throws -> Timestamp? { throw StoreError.notBuilt }
}
