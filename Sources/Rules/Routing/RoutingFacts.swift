public import Domain

/// What the first routing rules may look at.
public struct RoutingFacts: Sendable, Hashable {
    public var account: String
    /// The queue the account's tickets go to unless a rule says otherwise.
    public var queue: String
    /// Who wrote and to whom, lower-cased.
    public var addresses: [String]
    public var subject: String

    public init(account: String, queue: String, addresses: [String], subject: String) {
        self.account = account
        self.queue = queue
        self.addresses = addresses
        self.subject = subject
    }
}

/// Where a new ticket goes, and why.
public struct RoutingDecision: Sendable, Hashable {
    public var queue: String
    public var priority: Ticket.Priority
    /// Login of the agent it is given to.
    public var assign: String?
    /// Name of the rule that decided; nil when none matched.
    public var rule: String?
    /// One sentence for people.
    public var reason: String
}
