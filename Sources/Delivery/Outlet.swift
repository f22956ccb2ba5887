import Domain
import Store
import Synchronization

/// One sender account: its lanes, and how many rows it may hold in memory. Each has its own share, so none waits for another's slow server.
final class Outlet: Sendable {
    /// Rows in memory for each connection: enough that no worker waits for the next claim.
    static let rowsPerConnection = 4
    static let rowsMin = 32
    /// Lanes kept for domains nobody writes to at the moment.
    static let lanesMax = 1024
    /// How far ahead rows of a paced destination are claimed.
    static let paceAhead: Duration = .seconds(60)

    private struct State {
        var lanes: [String: Lane] = [:]
        var gates: [String: DestinationGate] = [:]
        var waiting = 0
        /// Behind which queue the next look begins.
        var cursor = ""
        var turn = false
    }

    let sender: Sender
    private let state = Mutex(State())

    init(_ sender: Sender) { self.sender = sender }

    var isDirect: Bool { sender.kind == .mx }
    /// Rows in memory at most.
    var capacity: Int { isDirect ? max(Self.rowsMin, sender.concurrency) : max(Self.rowsMin, Self.rowsPerConnection * sender.concurrency) }
    var free: Int { state.withLock { max(0, capacity - $0.waiting) } }
    /// Whether a claim is worth its transaction.
    var isHungry: Bool { free * 2 >= capacity }
    var hasIdle: Bool { state.withLock { $0.lanes.values.contains(where: \.hasIdle) } }
    var lanes: [Lane] { state.withLock { Array($0.lanes.values) } }

    func took(_ count: Int) { state.withLock { $0.waiting += count } }
    func gave(_ count: Int) { state.withLock { $0.waiting -= count } }

    var cursor: String {
        get { state.withLock { $0.cursor } }
        set { state.withLock { $0.cursor = newValue } }
    }

    /// True every other time.
    func turn() -> Bool {
        state.withLock { state in
            state.turn.toggle()
            return state.turn
        }
    }

    /// The lane of mail to that domain.
    func lane(for domain: String) -> Lane {
        let key = isDirect ? domain : ""
        return state.withLock { state in
            if let known = state.lanes[key] { return known }
            if state.lanes.count >= Self.lanesMax { state.lanes = state.lanes.filter { !$0.value.isUnused } }
            let lane = Lane(sender, domain: isDirect ? domain : nil, gate: gate(isDirect ? domain : "relay", &state))
            state.lanes[key] = lane
            return lane
        }
    }

    /// The gate of a provider or domain.
    func gate(_ name: String) -> DestinationGate { state.withLock { gate(name, &$0) } }

    private func gate(_ name: String, _ state: inout State) -> DestinationGate {
        if let known = state.gates[name] { return known }
        if state.gates.count >= Self.lanesMax {
            let used = Set(state.lanes.values.map { ObjectIdentifier($0.gate) })
            state.gates = state.gates.filter { used.contains(ObjectIdentifier($0.value)) || MailProvider.names.contains($0.key) }
        }
        var limits = sender.limits.of(name)
        if isDirect, let usual = MailProvider.usual[name] {
            limits.connections = limits.connections ?? usual.connections
            limits.perMinute = limits.perMinute ?? usual.perMinute
        }
        let usual = isDirect ? MailProvider.connectionsElsewhere : max(1, sender.concurrency)
        let gate = DestinationGate(name: name, limits: limits, connectionsUsual: usual)
        state.gates[name] = gate
        return gate
    }

    /// How many more rows of a queue may be claimed now: none while its destination is closed or has enough.
    func share(of queue: SendQueue, free: Int, at now: Timestamp) -> Int {
        let domain = String(queue.domain)
        let known = state.withLock { $0.lanes[isDirect ? domain : ""] }
        guard let known else { return min(free, isDirect ? Self.rowsPerConnection : free) }
        let gate = known.gate
        if gate.closed(at: now) != nil { return 0 }
        var most = isDirect ? max(1, gate.connectionsMax * 2) : capacity
        if let paced = gate.allowance(within: Self.paceAhead) { most = min(most, paced) }
        return max(0, min(free, most - known.load))
    }

    func retire() -> (rows: [Claimed], connections: [Lane.Connection]) {
        var rows: [Claimed] = []
        var connections: [Lane.Connection] = []
        for lane in lanes {
            let left = lane.retire()
            rows += left.rows
            connections += left.connections
        }
        gave(rows.count)
        return (rows, connections)
    }

    func empty() -> [Claimed] { lanes.flatMap { $0.empty() } }
}
