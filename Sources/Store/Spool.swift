public import Domain

/// A raw item in the spool.
public struct SpooledItem: Sendable, Hashable {
    public var id: ID<SpooledItem>
    public var account: String
    public var externalID: String
    public var kind: Interaction.Kind
    public var bytes: [UInt8]
    public var meta: [String: String]
    /// Tries begun, this one included.
    public var attempts: Int
    public var receivedAt: Timestamp
    /// `new`, `claimed`, `done` or `quarantined`.
    public var state: String
    public var error: String?

    public init(
        id: ID<SpooledItem>, account: String, externalID: String, kind: Interaction.Kind, bytes: [UInt8], meta: [String: String],
        attempts: Int, receivedAt: Timestamp, state: String, error: String?
    ) {
        self.id = id
        self.account = account
        self.externalID = externalID
        self.kind = kind
        self.bytes = bytes
        self.meta = meta
        self.attempts = attempts
        self.receivedAt = receivedAt
        self.state = state
        self.error = error
    }
}

/// Bytes as they came, kept until they are understood.
public struct Spool {
    /// Tries before an item is quarantined.
    public static let attemptsMax = 3

    let transaction: Transaction

    /// Known external ids are left alone.
    /// - Returns: how many were new.
    @discardableResult
    public func add(_ account: String, _ items: [RawItem]) throws -> Int { throw StoreError.notBuilt }

    /// Takes items to work on and counts the attempt; commit before the work begins. Untried ones come in a batch, an item tried before
    /// comes alone, and one whose attempts are used up is quarantined instead.
    public func claim(owner: String, lease: Duration, limit: Int) throws -> [SpooledItem] { throw StoreError.notBuilt }
    public func done(_ id: ID<SpooledItem>, keepBytes: Bool) throws { throw StoreError.notBuilt }

    /// - Returns: true when the item is now quarantined, false when it will be tried again.
    @discardableResult
    public func fail(_ id: ID<SpooledItem>, error: String) throws -> Bool { throw StoreError.notBuilt }
    /// Newest first, without their bytes.
    public func quarantined(limit: Int) throws -> [SpooledItem] { throw StoreError.notBuilt }
    public func get(_ id: ID<SpooledItem>) throws -> SpooledItem? { throw StoreError.notBuilt }

    /// Gives a quarantined item three new tries.
    /// - Returns: false when it is not in quarantine.
    @discardableResult
    public func replay(_ id: ID<SpooledItem>) throws -> Bool { throw StoreError.notBuilt }

    /// Gives up a quarantined item and its bytes; its external id stays known.
    /// - Returns: false when it is not in quarantine.
    @discardableResult
    public func drop(_ id: ID<SpooledItem>) throws -> Bool { throw StoreError.notBuilt }

    /// Items by state.
    public func counts() throws -> [String: Int64] { throw StoreError.notBuilt }
    public func known(_ account: String, externalIDs: [String]) throws -> Set<String> { throw StoreError.notBuilt }
}
