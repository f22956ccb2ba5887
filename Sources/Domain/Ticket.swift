/// One matter of one customer, until it is closed.
public struct Ticket: Sendable, Hashable, Codable {
    public var id: ID<Ticket>
    /// What people see: `#1042`.
    public var number: Int64
    public var subject: String
    public var status: Status
    public var queue: String
    public var priority: Priority
    public var customer: ID<Customer>
    public var customerName: String
    public var assignee: ID<Agent>?
    public var account: String
    public var kind: Interaction.Kind
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var lastInboundAt: Timestamp?
    public var lastOutboundAt: Timestamp?
    public var messageCount: Int
    /// First words of the newest message.
    public var snippet: String
    /// Mood of the newest human message, −1…1.
    public var lastMood: Double?
    public var lowestMood: Double?
    /// Set when another ticket has taken this one in: its number leads there.
    public var mergedInto: ID<Ticket>?

    public init(
        id: ID<Ticket>, number: Int64, subject: String, status: Status = .new, queue: String, priority: Priority = .normal,
        customer: ID<Customer>, customerName: String, account: String, kind: Interaction.Kind, createdAt: Timestamp
    ) {
        self.id = id
        self.number = number
        self.subject = subject
        self.status = status
        self.queue = queue
        self.priority = priority
        self.customer = customer
        self.customerName = customerName
        self.account = account
        self.kind = kind
        self.createdAt = createdAt
        updatedAt = createdAt
        messageCount = 0
        snippet = ""
    }

    public enum Status: String, Sendable, Codable, CaseIterable {
        case new, open, pending, solved, closed

        /// What an inbound human message makes of it; nil means: this ticket takes no more messages, open another one.
        public var afterCustomerMessage: Status? {
            switch self {
            case .new: .new
            case .open, .pending, .solved: .open
            case .closed: nil
            }
        }

        /// What an agent's answer makes of it. Answering waits for the customer; a solved or closed matter stays so.
        public var afterReply: Status {
            switch self {
            case .new, .open, .pending: .pending
            case .solved: .solved
            case .closed: .closed
            }
        }

        /// Whether somebody of ours still has something to do with it.
        public var isOpen: Bool { self == .new || self == .open || self == .pending }
    }

    public enum Priority: String, Sendable, Codable, CaseIterable { case low, normal, high, urgent }
}
