public import Domain

/// One transaction on one connection. Valid only inside the closure it was given to.
public final class Transaction {
    /// Fixed when the transaction begins.
    public let now: Timestamp

    init(now: Timestamp) { self.now = now }

    public func newID<Of>() -> ID<Of> { ID(0) }

    public var accounts: Accounts { Accounts(transaction: self) }
    public var spool: Spool { Spool(transaction: self) }
    public var interactions: Interactions { Interactions(transaction: self) }
    public var messageIDs: MessageIDs { MessageIDs(transaction: self) }
    public var customers: Customers { Customers(transaction: self) }
    public var tickets: Tickets { Tickets(transaction: self) }
    public var events: Events { Events(transaction: self) }
    public var reasons: Reasons { Reasons(transaction: self) }
    public var sends: Sends { Sends(transaction: self) }
    public var enrolments: Enrolments { Enrolments(transaction: self) }
    public var subscriptions: Subscriptions { Subscriptions(transaction: self) }
    public var agents: Agents { Agents(transaction: self) }
    public var leases: Leases { Leases(transaction: self) }
    public var meta: Meta { Meta(transaction: self) }
}
