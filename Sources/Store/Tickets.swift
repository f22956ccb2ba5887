public import Domain

public enum TicketView: Sendable, Hashable {
    case mine(ID<Agent>)
    case unassigned
    case open
    case lowMood
    case queue(String)
    case status(Ticket.Status)
    case customer(ID<Customer>)
    case all
}

/// How many tickets each view holds; every view but `all` and `byStatus` counts open ones only.
public struct TicketCounts: Sendable, Hashable {
    public var mine: Int64
    public var unassigned: Int64
    public var open: Int64
    public var lowMood: Int64
    public var all: Int64
    public var byStatus: [Ticket.Status: Int64]

    public init(
        mine: Int64 = 0, unassigned: Int64 = 0, open: Int64 = 0, lowMood: Int64 = 0, all: Int64 = 0, byStatus: [Ticket.Status: Int64] = [:]
    ) {
        self.mine = mine
        self.unassigned = unassigned
        self.open = open
        self.lowMood = lowMood
        self.all = all
        self.byStatus = byStatus
    }
}

public struct Tickets {
    /// The first ticket's number.
    public static let firstNumber: Int64 = 1001
    /// A last mood at or below this counts as low.
    public static let lowMood = -0.3

    let transaction: Transaction

    public func nextNumber() throws -> Int64 { throw StoreError.notBuilt }
    public func open(_ ticket: Ticket) throws { throw StoreError.notBuilt }
    public func update(_ ticket: Ticket) throws { throw StoreError.notBuilt }
    public func get(_ id: ID<Ticket>) throws -> Ticket? { throw StoreError.notBuilt }
    public func get(number: Int64) throws -> Ticket? { throw StoreError.notBuilt }

    /// Newest activity first; `before` continues below the last page's `updatedAt`.
    public func list(_ view: TicketView, limit: Int, before: Timestamp? = nil) throws -> [Ticket] { throw StoreError.notBuilt }
    public func counts(agent: ID<Agent>?) throws -> TicketCounts { throw StoreError.notBuilt }

    /// The customer's newest ticket about this subject that was active since then and is not closed.
    public func recent(customer: ID<Customer>, subjectKey: String, since: Timestamp) throws -> Ticket? { throw StoreError.notBuilt }

    /// Whether anyone wrote from or to this address in the ticket.
    public func hasParticipant(_ id: ID<Ticket>, address: String) throws -> Bool { throw StoreError.notBuilt }
    public func count() throws -> Int64 { throw StoreError.notBuilt }
    public func queues() throws -> [(name: String, open: Int64)] { throw StoreError.notBuilt }

    /// Newest activity first. Looks into subjects, customers' names and addresses, ticket numbers and messages.
    public func search(_ text: String, limit: Int) throws -> [Ticket] { throw StoreError.notBuilt }

    /// A subject without reply and forward marks, folded, to tell whether two are about the same.
    public static func subjectKey(_ subject: String) -> String { subject }
}
