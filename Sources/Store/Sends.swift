public import Domain

/// The send ledger. Each change of state appends an event `send.changed` with `state` and `key`.
public struct Sends {
    let transaction: Transaction

    /// - Returns: false when the key is known; nothing is changed then.
    @discardableResult
    public func plan(_ send: Send) throws -> Bool { throw StoreError.notBuilt }

    /// Takes due rows to deliver and counts the attempt. First it settles expired leases: `claimed` is planned again; `handed_over` becomes
    /// `uncertain` or, where the purpose allows it, is planned again with the same Message-ID.
    public func claim(owner: String, lease: Duration, limit: Int) throws -> [Send] { throw StoreError.notBuilt }

    /// Says that the final dot may leave us now.
    /// - Returns: false when the lease was lost; do not send then.
    public func handOver(_ id: ID<Send>, messageID: String, owner: String) throws -> Bool { throw StoreError.notBuilt }

    /// - Returns: false when the row was settled otherwise meanwhile.
    @discardableResult
    public func record(_ id: ID<Send>, _ outcome: DeliveryOutcome, retry: RetrySchedule) throws -> Bool { throw StoreError.notBuilt }
    @discardableResult
    public func skip(_ id: ID<Send>, reason: String) throws -> Bool { throw StoreError.notBuilt }
    @discardableResult
    public func hold(_ id: ID<Send>, reason: String) throws -> Bool { throw StoreError.notBuilt }

    /// A held row is planned again.
    @discardableResult
    public func release(_ id: ID<Send>) throws -> Bool { throw StoreError.notBuilt }
    public func get(_ id: ID<Send>) throws -> Send? { throw StoreError.notBuilt }
    public func get(key: String) throws -> Send? { throw StoreError.notBuilt }
    /// Newest first.
    public func ofCustomer(_ id: ID<Customer>) throws -> [Send] { throw StoreError.notBuilt }
    /// Oldest first.
    public func ofTicket(_ id: ID<Ticket>) throws -> [Send] { throw StoreError.notBuilt }
    public func counts() throws -> [Send.State: Int64] { throw StoreError.notBuilt }
    /// Newest first.
    public func list(state: Send.State?, limit: Int) throws -> [Send] { throw StoreError.notBuilt }
    /// When the next row is due or the next lease ends.
    public func nextDue() throws -> Timestamp? { throw StoreError.notBuilt }
}
