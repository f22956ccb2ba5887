public import Domain

public enum Added: Sendable, Hashable {
    case added
    case duplicate(of: ID<Interaction>)
}

/// Messages in their common shape, unique by (account, external id) and by (account, fingerprint).
public struct Interactions {
    /// Tries before a message that cannot be placed is set aside as `stuck`.
    public static let attemptsMax = 3

    let transaction: Transaction

    /// Stores a digested message that still has to be placed. Writes no event.
    @discardableResult
    public func add(_ interaction: Interaction, spool: ID<SpooledItem>?) throws -> Added { throw StoreError.notBuilt }

    /// Inbound messages not yet placed, oldest first. Attempts count as in `Spool.claim`; used-up ones become `stuck`.
    public func claimNew(owner: String, lease: Duration, limit: Int) throws -> [Interaction] { throw StoreError.notBuilt }

    /// Stores where it belongs: customer, ticket, mood and language.
    public func place(_ interaction: Interaction) throws { throw StoreError.notBuilt }

    /// Adds a row that needs no placing: an answer of ours or a note.
    @discardableResult
    public func addPlaced(_ interaction: Interaction) throws -> Added { throw StoreError.notBuilt }
    public func get(_ id: ID<Interaction>) throws -> Interaction? { throw StoreError.notBuilt }

    /// Oldest first; the newest `limit` of them.
    public func ofTicket(_ id: ID<Ticket>, limit: Int) throws -> [Interaction] { throw StoreError.notBuilt }

    /// Placed without a ticket, newest first.
    public func unfiled(limit: Int) throws -> [Interaction] { throw StoreError.notBuilt }
    public func count() throws -> Int64 { throw StoreError.notBuilt }
    public func unplacedCount() throws -> Int64 { throw StoreError.notBuilt }
}
