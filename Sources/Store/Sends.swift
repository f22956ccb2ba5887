public import Domain

/// The send ledger. Each change of state appends an event `send.changed` with `state` and `key`.
public struct Sends {
    /// A row whose delivery was cut off this often is held, so that a message that kills the program cannot do it for ever. High enough
    /// for the rows that were merely claimed beside it.
    public static let interruptionsMax = 10
    /// Rows listed for one customer or ticket.
    static let listedMax = 1000

    let transaction: Transaction

    /// - Returns: false when the key is known; nothing is changed then.
    @discardableResult
    public func plan(_ send: Send) throws -> Bool {
        let added = try transaction.execute(
            Self.insertion, send.id, send.key, send.kind, send.purpose, send.state, send.customer, send.ticket, send.enrolment,
            send.interaction,
            send.recipient.lowercased(), send.sender, send.journey, send.step, send.version, send.dueAt, send.attempts, send.messageID,
            send.subject, send.text, JSONText.encode(send.vars), send.topic, send.locale, send.inReplyTo, JSONText.encode(send.references),
            send.response, send.createdAt, send.finishedAt, JSONText.encode(send.details, empty: Send.Details()), 0,
            send.sender ?? "", SendQueue.name(of: send))
        guard added > 0 else { return false }
        try announce(send, send.state)
        return true
    }

    public func get(_ id: ID<Send>) throws -> Send? { try transaction.first("\(Self.select) WHERE id = $1", id).map(Self.send) }

    public func get(key: String) throws -> Send? { try transaction.first("\(Self.select) WHERE send_key = $1", key).map(Self.send) }

    /// Newest first.
    public func ofCustomer(_ id: ID<Customer>) throws -> [Send] {
        try transaction.query("\(Self.select) WHERE customer_id = $1 ORDER BY id DESC LIMIT \(Self.listedMax)", id).map(Self.send)
    }

    /// Oldest first.
    public func ofTicket(_ id: ID<Ticket>) throws -> [Send] {
        try transaction.query("\(Self.select) WHERE ticket_id = $1 ORDER BY id DESC LIMIT \(Self.listedMax)", id).map(Self.send).reversed()
    }

    public func counts() throws -> [Send.State: Int64] {
        try transaction.query("SELECT state, count(*) FROM sends GROUP BY state").reduce(into: [:]) { counts, row in
            var row = row
            counts[try row.name()] = try row.integer()
        }
    }

    /// Newest first.
    /// - Parameter state: nil lists them all.
    public func list(state: Send.State?, limit: Int) throws -> [Send] {
        guard let state else { return try transaction.query("\(Self.select) ORDER BY id DESC LIMIT $1", limit).map(Self.send) }
        return try transaction.query("\(Self.select) WHERE state = $1 ORDER BY id DESC LIMIT $2", state, limit).map(Self.send)
    }

    /// When the next row is due or the next lease ends.
    public func nextDue() throws -> Timestamp? {
        let sends = transaction.dialect.table("sends", by: "sends_waiting")
        var row = try transaction.first("SELECT min(due_at) FROM \(sends) WHERE state IN ('planned', 'deferred')")
        return [try row?.optionalTime(), try nextLeaseEnd()].compactMap { $0 }.min()
    }

    /// Tells readers of events, and wakes delivery when there is something to send again.
    func announce(_ id: ID<Send>, _ state: Send.State) throws {
        guard var row = try transaction.first("SELECT \(Self.announced) FROM sends WHERE id = $1", id) else { return }
        try announce(id, state, &row)
    }

    func announce(_ send: Send, _ state: Send.State) throws {
        try append(send.id, state, send.key, customer: send.customer, ticket: send.ticket, interaction: send.interaction)
    }

    /// What an event says of a row, in the order `announce` reads it.
    static let announced = "send_key, customer_id, ticket_id, interaction_id"

    func announce(_ id: ID<Send>, _ state: Send.State, _ row: inout Row) throws {
        let key = try row.text()
        try append(
            id, state, key, customer: try row.optionalID(), ticket: try row.optionalID(), interaction: try row.optionalID())
    }

    private func append(
        _ id: ID<Send>, _ state: Send.State, _ key: String, customer: ID<Customer>?, ticket: ID<Ticket>?, interaction: ID<Interaction>?
    ) throws {
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .sendChanged, customer: customer, ticket: ticket, interaction: interaction, send: id,
                data: ["state": state.rawValue, "key": key]))
        if state == .planned || state == .deferred { transaction.touch(.sends) }
    }

    func explain(_ id: ID<Send>, _ decision: String, _ text: String) throws {
        try transaction.reasons.add(Reason(at: transaction.now, about: .send, subject: id.rawValue, decision: decision, text: text))
    }

    static let columns = """
        id, send_key, kind, purpose, state, customer_id, ticket_id, enrolment_id, interaction_id, recipient, sender, journey, step, \
        version, due_at, attempts, message_id, subject, body, vars, topic, locale, in_reply_to, refs, response, created_at, \
        finished_at, details, interruptions
        """
    private static let insertion =
        "INSERT INTO sends (\(columns), lane, queue) VALUES (\(Dialect.parameters(31))) ON CONFLICT (send_key) DO NOTHING"
    static let select = "SELECT \(columns) FROM sends"

    static func send(_ row: Row) throws -> Send {
        var row = row
        var send = Send(
            id: try row.id(), key: try row.text(), kind: try row.name(), purpose: try row.name(), recipient: "",
            dueAt: Timestamp(seconds: 0),
            createdAt: Timestamp(seconds: 0))
        send.state = try row.name()
        send.customer = try row.optionalID()
        send.ticket = try row.optionalID()
        send.enrolment = try row.optionalID()
        send.interaction = try row.optionalID()
        send.recipient = try row.text()
        send.sender = try row.optionalText()
        send.journey = try row.optionalText()
        send.step = try row.optionalText()
        send.version = try row.optionalText()
        send.dueAt = try row.time()
        send.attempts = Int(try row.integer())
        send.messageID = try row.optionalText()
        send.subject = try row.optionalText()
        send.text = try row.optionalText()
        send.vars = try JSONText.decode([String: String].self, try row.text(), empty: [:])
        send.topic = try row.optionalText()
        send.locale = try row.text()
        send.inReplyTo = try row.optionalText()
        send.references = try JSONText.decode([String].self, try row.text(), empty: [])
        send.response = try row.optionalText()
        send.createdAt = try row.time()
        send.finishedAt = try row.optionalTime()
        send.details = try JSONText.decode(Send.Details.self, try row.text(), empty: Send.Details())
        return send
    }
}
