public import Domain
public import Logging
public import ServiceLifecycle
public import Store
import Synchronization
public import Transport

/// Claims due rows of the send ledger and hands each to its sender's lane. Several may run on one database: the claim is the lock.
public final class DeliveryService: Service {
    /// Rows in memory over all lanes; the ledger keeps the rest.
    static let waitingMax = 96
    static let claimMax = 32
    /// Longest sleep, so that a lost wake-up or a changed clock heals itself.
    static let sleepMax: Duration = .seconds(30)
    static let sleepWhileHeld: Duration = .seconds(1)
    static let sleepWithIdleConnections: Duration = .seconds(5)

    let store: Store
    let loop: TransferLoop
    let settings: DeliverySettings
    let gate: DeliveryGate
    /// For senders that log in by OAuth 2.
    let tokens: OAuthKeeper?
    let logger: Logger
    let templates = TemplateCache()
    let keyring = DKIMKeyring()
    private let state: Mutex<State>
    private let name: String
    /// A lane took a row: the dispatcher may claim more.
    private let room = Bell()
    /// New settings: rows may have lost their lane.
    private let reloaded = Bell()

    private struct State {
        var layouts: Layouts
        /// In the order of the configuration.
        var lanes: [Lane]
        var claims: Int64 = 0
        var waiting = 0
        /// Rows a lane could not take along; the dispatcher gives them out again.
        var homeless: [Claimed] = []
    }

    public init(
        store: Store, loop: TransferLoop, senders: [Sender], layouts: Layouts, settings: DeliverySettings, gate: DeliveryGate,
        tokens: OAuthKeeper? = nil, logger: Logger
    ) {
        self.store = store
        self.loop = loop
        self.settings = settings
        self.gate = gate
        self.tokens = tokens
        self.logger = logger
        state = Mutex(State(layouts: layouts, lanes: senders.map(Lane.init)))
        name = "delivery-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    /// Puts new accounts and frames into force. What is on its way is finished by the old ones.
    public func reload(senders: [Sender], layouts: Layouts) {
        let old = state.withLock { state in
            let kept = state.lanes
            state.layouts = layouts
            state.lanes = senders.map { sender in kept.first { $0.sender == sender } ?? Lane(sender) }
            return kept.filter { lane in !state.lanes.contains { $0 === lane } }
        }
        for lane in old {
            let left = lane.retire()
            state.withLock { state in
                state.homeless += left.rows
                state.waiting -= left.rows.count
            }
            for connection in left.connections { Task { await connection.client.quit() } }
        }
        reloaded.ring()
    }

    var layouts: Layouts { state.withLock { $0.layouts } }

    /// The account a row goes out by: its own, else the default one.
    func lane(for send: Send) -> Lane? {
        state.withLock { state in
            guard let name = send.sender ?? settings.defaultSender else { return state.lanes.first }
            return state.lanes.first { $0.sender.name == name }
        }
    }

    /// Returns after graceful shutdown, when what was under way has ended or `settings.grace` is over.
    public func run() async throws {
        try await gate.check()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { workers in await self.dispatch(&workers) }
            }
            group.addTask {
                try? await gracefulShutdown()
                try? await Task.sleep(for: self.settings.grace)
            }
            await group.next()
            group.cancelAll()
        }
        for lane in state.withLock({ $0.lanes }) { await close(lane.takeIdle(since: Timestamp(rawValue: .max))) }
    }

    // MARK: Claiming

    private enum Pass: Sendable {
        case rows([Claimed])
        case sleep(Duration)
    }

    private func dispatch(_ workers: inout DiscardingTaskGroup) async {
        var clock = store.time.now()
        var failures = PollSchedule(interval: .seconds(1), longestWait: .seconds(30))
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let ticket = store.signals.ticket(.sends)
            let sleep: Duration
            do {
                clock = try await gate.note(last: clock)
                await closeIdle()
                switch try await pass() {
                case .rows(let rows):
                    failures.recordSuccess()
                    give(rows, &workers)
                    await waitForRoom()
                    continue
                case .sleep(let duration): sleep = duration
                }
                failures.recordSuccess()
            } catch {
                sleep = failures.nextWait
                failures.recordFailure()
                logger.error("The send ledger cannot be read.", metadata: ["error": "\(error)", "retry_in": "\(sleep)"])
            }
            await self.sleep(ticket, atMost: sleep)
        }
        await putBack()
    }

    /// What waits in memory when the daemon stops goes back to the ledger, so that another node or the next start need not wait for leases.
    private func putBack() async {
        let rows = state.withLock { state in
            defer { state.homeless = [] }
            return state.lanes.flatMap { $0.empty() } + state.homeless
        }
        guard !rows.isEmpty else { return }
        do {
            try await store.write { transaction in
                for row in rows { try transaction.sends.unclaim(row.send.id, owner: row.owner) }
            }
        } catch {
            logger.warning("Rows were not put back; their leases will end.", metadata: ["rows": "\(rows.count)", "error": "\(error)"])
        }
    }

    /// Looks, and claims only when there is something: reading does not disturb the one writer.
    private func pass() async throws -> Pass {
        let homeless = state.withLock { state in
            defer { state.homeless = [] }
            return state.homeless
        }
        if !homeless.isEmpty { return .rows(homeless) }
        let (held, due) = try await store.read { (try DeliveryGate.heldReason(in: $0), try $0.sends.nextDue()) }
        if held != nil { return .sleep(Self.sleepWhileHeld) }
        let now = store.time.now()
        guard let due, due <= now else { return .sleep(sleepTime(until: due, now: now)) }
        let (limit, claim) = state.withLock { state in
            state.claims += 1
            return (min(Self.claimMax, Self.waitingMax - state.waiting), "\(name)-\(state.claims)")
        }
        let lease = settings.lease
        let rows = try await store.write { transaction in
            try DeliveryGate.heldReason(in: transaction) == nil ? transaction.sends.claim(owner: claim, lease: lease, limit: limit) : []
        }
        guard !rows.isEmpty else { return .sleep(.milliseconds(200)) }  // somebody else was faster, or an expired lease was settled
        return .rows(rows.map { Claimed(send: $0, owner: claim, at: now) })
    }

    /// Until a row may have become due, the settings changed, or the daemon is told to stop.
    private func sleep(_ ticket: Int, atMost duration: Duration) async {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.store.signals.wait(.sends, after: ticket, atMost: duration) }
                group.addTask { await self.reloaded.wait() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func sleepTime(until due: Timestamp?, now: Timestamp) -> Duration {
        let hasIdle = state.withLock { $0.lanes.contains(where: \.hasIdle) }
        let longest = hasIdle ? Self.sleepWithIdleConnections : Self.sleepMax
        guard let due else { return longest }
        return max(.milliseconds(5), min(due - now, longest))
    }

    private func give(_ rows: [Claimed], _ workers: inout DiscardingTaskGroup) {
        state.withLock { $0.waiting += rows.count }
        for row in rows {
            if let lane = lane(for: row.send) {
                for _ in 0..<lane.add([row]) { workers.addTask { await self.work(lane) } }
            } else {
                workers.addTask { await self.settleWithoutSender(row) }
            }
        }
    }

    /// Before memory runs empty it is filled again; before it overflows nothing more is claimed.
    private func waitForRoom() async {
        while state.withLock({ $0.waiting > Self.waitingMax - Self.claimMax }), !Task.isShuttingDownGracefully, !Task.isCancelled {
            _ = await cancelWhenGracefulShutdown { await self.room.wait() }
        }
    }

    // MARK: Workers

    /// One connection's worth of work: takes rows of its lane until none is left.
    private func work(_ lane: Lane) async {
        var connection = lane.takeIdle()
        while let row = lane.next() {
            tookOne()
            await attempt(row, lane: lane, connection: &connection)
            if Task.isCancelled { break }
        }
        guard var connection else { return }
        connection.idleSince = store.time.now()
        if Task.isCancelled || Task.isShuttingDownGracefully || !lane.park(connection) { await connection.client.quit() }
    }

    private func settleWithoutSender(_ row: Claimed) async {
        tookOne()
        var none: Lane.Connection?
        await attempt(row, lane: nil, connection: &none)
    }

    private func tookOne() {
        state.withLock { $0.waiting -= 1 }
        room.ring()
    }

    private func closeIdle() async {
        let since = store.time.now() - settings.idle
        for lane in state.withLock({ $0.lanes }) where lane.hasIdle { await close(lane.takeIdle(since: since)) }
    }

    private func close(_ connections: [Lane.Connection]) async {
        for connection in connections { await connection.client.quit() }
    }
}
