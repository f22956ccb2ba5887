public import Domain

/// One transaction on one connection. Valid only inside the closure it was given to.
public final class Transaction {
    /// Fixed when the transaction begins.
    public let now: Timestamp

    let dialect: Dialect
    let files: SpoolFiles?
    /// Topics to wake after the commit.
    private(set) var touched: Set<Signals.Topic> = []
    /// The first statement that failed; the transaction is not committed then.
    private(set) var failure: StoreError?
    /// Events appended so far; part of their positions on PostgreSQL.
    var eventCount: Int64 = 0

    /// The last event's facts and their text: those of a document's entries are all the same.
    var eventFacts: (data: [String: String], text: String) = ([:], "{}")

    private var connection: (any SQLConnection)?
    private let ids: IDSource
    private let isWritable: Bool

    init(connection: any SQLConnection, now: Timestamp, ids: IDSource, files: SpoolFiles?, isWritable: Bool) {
        self.connection = connection
        self.now = now
        self.ids = ids
        self.files = files
        self.isWritable = isWritable
        dialect = connection.dialect
    }

    public func newID<Of>() -> ID<Of> { ID(ids.next(at: now)) }

    public var accounts: Accounts { Accounts(transaction: self) }
    public var spool: Spool { Spool(transaction: self) }
    public var interactions: Interactions { Interactions(transaction: self) }
    public var messageIDs: MessageIDs { MessageIDs(transaction: self) }
    public var customers: Customers { Customers(transaction: self) }
    public var orders: Orders { Orders(transaction: self) }
    public var profiles: CustomerRecords { CustomerRecords(transaction: self) }
    public var tickets: Tickets { Tickets(transaction: self) }
    public var events: Events { Events(transaction: self) }
    public var loops: Loops { Loops(transaction: self) }
    public var moves: TicketMoves { TicketMoves(transaction: self) }
    public var reasons: Reasons { Reasons(transaction: self) }
    public var sends: Sends { Sends(transaction: self) }
    public var mailPolicies: MailPolicies { MailPolicies(transaction: self) }
    public var enrolments: Enrolments { Enrolments(transaction: self) }
    public var addresses: AddressStates { AddressStates(transaction: self) }
    public var returns: SendReturns { SendReturns(transaction: self) }
    public var subscriptions: Subscriptions { Subscriptions(transaction: self) }
    public var agents: Agents { Agents(transaction: self) }
    public var leases: Leases { Leases(transaction: self) }
    public var meta: Meta { Meta(transaction: self) }
    public var tokens: Tokens { Tokens(transaction: self) }

    func query(_ sql: String, _ parameters: any SQLParameter...) throws -> [Row] {
        try perform { try $0.query(sql, parameters) }
    }

    /// The first row, if there is one.
    func first(_ sql: String, _ parameters: any SQLParameter...) throws -> Row? {
        try perform { try $0.query(sql, parameters) }.first
    }

    /// - Returns: how many rows it changed.
    @discardableResult
    func execute(_ sql: String, _ parameters: any SQLParameter...) throws -> Int {
        guard isWritable else { throw StoreError(.statement, "a read may not change anything; use write for: \(StoreError.short(sql))") }
        return try perform { try $0.execute(sql, parameters) }
    }

    func run(_ command: String) throws { try perform { try $0.run(command) } }

    func touch(_ topic: Signals.Topic) { touched.insert(topic) }

    /// What is left of this value in somebody's hands can do nothing any more.
    func end() { connection = nil }

    private func perform<T>(_ body: (any SQLConnection) throws -> T) throws -> T {
        guard let connection else { throw StoreError(.statement, "a transaction was used after its end") }
        if let failure { throw failure }
        do {
            return try body(connection)
        } catch let error as StoreError {
            failure = error
            throw error
        }
    }
}
