public import Domain

public struct Events {
    let transaction: Transaction

    /// The position is given by the database; the one in `event` is ignored.
    public func append(_ event: Event) throws { throw StoreError.notBuilt }

    /// In order of position. On PostgreSQL it stops at the oldest running transaction, so that a late commit is never skipped.
    public func read(after: Int64, limit: Int) throws -> [Event] { throw StoreError.notBuilt }
    public func lastPosition() throws -> Int64 { throw StoreError.notBuilt }

    /// The last position this reader has handled; 0 at first.
    public func cursor(_ consumer: String) throws -> Int64 { throw StoreError.notBuilt }
    public func setCursor(_ consumer: String, _ position: Int64) throws { throw StoreError.notBuilt }
}
