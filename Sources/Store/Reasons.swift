public import Domain

public struct Reasons {
    let transaction: Transaction

    public func add(_ reason: Reason) throws { throw StoreError.notBuilt }

    /// Oldest first.
    public func about(_ about: Reason.About, _ id: Int64) throws -> [Reason] { throw StoreError.notBuilt }
}
