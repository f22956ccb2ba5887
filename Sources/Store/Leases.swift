/// Who may do a thing that only one node may do at a time.
public struct Leases {
    let transaction: Transaction

    /// - Returns: the epoch, which grows each time the lease changes hands; nil while another owner holds it.
    public func take(_ name: String, owner: String, for duration: Duration) throws -> Int64? { throw StoreError.notBuilt }

    /// - Returns: false when it was lost.
    @discardableResult
    public func renew(_ name: String, owner: String, for duration: Duration) throws -> Bool { throw StoreError.notBuilt }
    public func release(_ name: String, owner: String) throws { throw StoreError.notBuilt }
}
