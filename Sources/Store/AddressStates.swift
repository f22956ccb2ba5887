public import Domain

/// What is known about mail addresses from what came back. Each change is an event and, where it means something for people, a reason.
public struct AddressStates {
    let transaction: Transaction

    public func get(_ address: String) throws -> AddressState? {
        try transaction.first("\(Self.select) WHERE address = $1", address.lowercased()).map(Self.state)
    }

    /// Takes in a failure.
    /// - Returns: the state after it, and one sentence about what follows; nil when nothing does.
    @discardableResult
    public func take(_ failure: AddressState.Failure, address: String) throws -> (state: AddressState, because: String?) {
        var state = try get(address) ?? AddressState(address: address, at: transaction.now)
        let before = state
        let because = state.take(failure, at: transaction.now)
        if state != before { try save(state, was: before.condition) }
        return (state, because)
    }

    public func complain(address: String, type: String, send: ID<Send>?) throws {
        var state = try get(address) ?? AddressState(address: address, at: transaction.now)
        let before = state.condition
        state.complain(type, send: send, at: transaction.now)
        try save(state, was: before)
    }

    /// A person wrote from there, or a delivery was confirmed.
    /// - Returns: whether a temporary condition ended.
    @discardableResult
    public func heard(from address: String) throws -> Bool {
        guard var state = try get(address) else { return false }
        let before = state.condition
        guard state.heard(at: transaction.now) else { return false }
        try save(state, was: before)
        return true
    }

    /// Forgets everything about an address, by an operator's word.
    /// - Returns: false when nothing was known.
    @discardableResult
    public func clear(_ address: String) throws -> Bool {
        guard let state = try get(address) else { return try transaction.subscriptions.allow(address: address) }
        try transaction.execute("DELETE FROM address_states WHERE address = $1", state.address)
        try transaction.subscriptions.allow(address: address)
        try tell(state.address, .ok, was: state.condition)
        return true
    }

    public func counts() throws -> [AddressState.Condition: Int64] {
        try transaction.query("SELECT condition, count(*) FROM address_states GROUP BY condition").reduce(into: [:]) { counts, row in
            var row = row
            counts[try row.name()] = try row.integer()
        }
    }

    private func save(_ state: AddressState, was before: AddressState.Condition) throws {
        try transaction.execute(
            """
            INSERT INTO address_states (\(Self.columns)) VALUES (\(Dialect.parameters(12)))
            ON CONFLICT (address) DO UPDATE SET condition = excluded.condition, reason = excluded.reason, status = excluded.status,
                words = excluded.words, since = excluded.since, changed_at = excluded.changed_at, paused_until = excluded.paused_until,
                failures = excluded.failures, send_id = excluded.send_id, complained_at = excluded.complained_at,
                complaint = excluded.complaint
            """, state.address, state.condition, state.reason, state.status, state.words, state.since, state.changedAt, state.pausedUntil,
            state.failures, state.send, state.complainedAt, state.complaint)
        if state.condition != before { try tell(state.address, state.condition, was: before) }
    }

    private func tell(_ address: String, _ condition: AddressState.Condition, was before: AddressState.Condition) throws {
        let customer = try transaction.customers.find([Identity(kind: .email, value: address)])
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .addressChanged, customer: customer,
                data: ["address": address, "condition": condition.rawValue, "was": before.rawValue]))
    }

    private static let columns =
        "address, condition, reason, status, words, since, changed_at, paused_until, failures, send_id, complained_at, complaint"
    private static let select = "SELECT \(columns) FROM address_states"

    private static func state(_ row: Row) throws -> AddressState {
        var row = row
        var state = AddressState(address: try row.text(), at: Timestamp(seconds: 0))
        state.condition = try row.name()
        state.reason = try row.optionalText().flatMap(BounceReason.init)
        state.status = try row.optionalText()
        state.words = try row.text()
        state.since = try row.time()
        state.changedAt = try row.time()
        state.pausedUntil = try row.optionalTime()
        state.failures = Int(try row.integer())
        state.send = try row.optionalID()
        state.complainedAt = try row.optionalTime()
        state.complaint = try row.optionalText()
        return state
    }
}
