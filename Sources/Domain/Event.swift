/// Something that happened to a customer, a ticket or a send. Append-only; readers follow by position and miss none.
public struct Event: Sendable, Hashable, Codable {
    /// Grows by one or more; readers keep the last they have handled.
    public var position: Int64
    public var at: Timestamp
    public var kind: Kind
    public var customer: ID<Customer>?
    public var ticket: ID<Ticket>?
    public var interaction: ID<Interaction>?
    public var send: ID<Send>?
    /// Small facts a reader needs, such as the new status.
    public var data: [String: String]

    public enum Kind: String, Sendable, Codable, CaseIterable {
        case customerCreated = "customer.created"
        case customerUpdated = "customer.updated"
        case customerUnsubscribed = "customer.unsubscribed"
        case orderPlaced = "order.placed"
        case orderPaid = "order.paid"
        case orderFulfilled = "order.fulfilled"
        case orderCancelled = "order.cancelled"
        case orderRefunded = "order.refunded"
        /// Anything about an order is another than before; `changes` says what.
        case orderChanged = "order.changed"
        case ticketOpened = "ticket.opened"
        case ticketJoined = "ticket.joined"
        case ticketReopened = "ticket.reopened"
        case ticketChanged = "ticket.changed"
        case ticketReplied = "ticket.replied"
        case messageStored = "message.stored"
        case messageQuarantined = "message.quarantined"
        case journeyEntered = "journey.entered"
        case journeyLeft = "journey.left"
        case sendChanged = "send.changed"
        /// A bounce, a complaint or a delivery notice for a send.
        case sendReturned = "send.returned"
        case addressChanged = "address.changed"
        case accountChanged = "account.changed"
        case loopTripped = "loop.tripped"
    }

    /// In `data` of what old mail caused that was brought in: readers that act for today pass over it.
    public static let imported = "imported"
    /// In `data` of what no message caused: `shop`.
    public static let by = "by"
    /// In `data` of what happened to an order: its raw id; how many of its kind the customer has, this one included.
    public static let order = "order"
    public static let nth = "nth"

    public init(
        position: Int64 = 0, at: Timestamp, kind: Kind, customer: ID<Customer>? = nil, ticket: ID<Ticket>? = nil,
        interaction: ID<Interaction>? = nil, send: ID<Send>? = nil, data: [String: String] = [:]
    ) {
        self.position = position
        self.at = at
        self.kind = kind
        self.customer = customer
        self.ticket = ticket
        self.interaction = interaction
        self.send = send
        self.data = data
    }
}

/// Why something was decided. Stored beside what it decided; shown in the console and by `hongyan why`.
public struct Reason: Sendable, Hashable, Codable {
    public enum About: String, Sendable, Codable, CaseIterable { case interaction, ticket, customer, send, enrolment, account, order }
    public var at: Timestamp
    public var about: About
    /// The raw id of what it is about.
    public var subject: Int64
    /// What was decided, one of a small set of names: `thread`, `route`, `nature`, `identity`, `mood`, `status`, `send`, `skip`, `hold`.
    public var decision: String
    /// One sentence for people: "joined #1042 by In-Reply-To <…>".
    public var text: String

    public init(at: Timestamp, about: About, subject: Int64, decision: String, text: String) {
        self.at = at
        self.about = about
        self.subject = subject
        self.decision = decision
        self.text = text
    }
}
