public import Channels
public import Domain
public import Logging
public import ServiceLifecycle
public import Store
import Synchronization
public import Transport

/// Claims due rows of the send ledger and hands each to its sender's lane. Several may run on one database: the claim is the lock.
public final class DeliveryService: Service {
    /// Rows of one claim.
    static let claimMax = 256
    /// Queues looked at in one pass over a sender's; the next pass goes on behind them.
    static let queuesMax = 1024
    /// Queues of people's answers, which are looked at first in every pass.
    static let urgentQueuesMax = 128
    /// Senders that rows name and nobody configured: rows told so in one pass.
    static let strangersMax = 32
    /// While due rows wait for a full or closed destination.
    static let sleepWhileFull: Duration = .seconds(1)
    /// Longest sleep, so that a lost wake-up or a changed clock heals itself.
    static let sleepMax: Duration = .seconds(30)
    static let sleepWhileHeld: Duration = .seconds(1)
    static let sleepWithIdleConnections: Duration = .seconds(5)
    /// Outcomes of one connection on their way into the ledger.
    static let recordsMax = 4

    let store: Store
    let loop: TransferLoop
    let settings: DeliverySettings
    let gate: DeliveryGate
    /// For senders that log in by OAuth 2.
    let tokens: OAuthKeeper?
    /// For answers over channels.
    let channels: ChannelShelf
    /// Opens their sessions.
    let seal: TokenSeal?
    let logger: Logger
    let resolver: DNSResolver
    let policies: MTASTS
    let templates = TemplateCache()
    let keyring = DKIMKeyring()
    let deadlines = Deadlines()
    private let state: Mutex<State>
    private let name: String
    /// A lane took a row: the dispatcher may claim more.
    private let room = Bell()
    /// New settings: rows may have lost their lane.
    private let reloaded = Bell()

    private struct State {
        var layouts: Layouts
        /// In the order of the configuration.
        var outlets: [Outlet]
        var claims: Int64 = 0
        /// Rows a lane could not take along; the dispatcher gives them out again.
        var homeless: [Claimed] = []
    }

    /// - Parameters:
    ///   - channels, seal: shared with those who poll the same accounts.
    ///   - resolver: finds the servers of direct delivery; one that asks the machine's name servers when nil.
    public convenience init(
        store: Store, loop: TransferLoop, senders: [Sender], layouts: Layouts, settings: DeliverySettings, gate: DeliveryGate,
        tokens: OAuthKeeper? = nil, channels: ChannelShelf = ChannelShelf(), seal: TokenSeal? = nil, logger: Logger,
        resolver: DNSResolver? = nil
    ) {
        self.init(
            store: store, loop: loop, senders: senders, layouts: layouts, settings: settings, gate: gate, tokens: tokens,
            channels: channels, seal: seal, logger: logger, resolver: resolver, fetchPolicy: MTASTS.fetcher(loop))
    }

    init(
        store: Store, loop: TransferLoop, senders: [Sender], layouts: Layouts, settings: DeliverySettings, gate: DeliveryGate,
        tokens: OAuthKeeper? = nil, channels: ChannelShelf = ChannelShelf(), seal: TokenSeal? = nil, logger: Logger,
        resolver: DNSResolver?,
        fetchPolicy: @escaping @Sendable (String) async throws -> HTTPResponse
    ) {
        self.store = store
        self.loop = loop
        self.settings = settings
        self.gate = gate
        self.tokens = tokens
        self.channels = channels
        self.seal = seal
        self.logger = logger
        let resolver = resolver ?? DNSResolver(loop: loop)
        self.resolver = resolver
        policies = MTASTS(store: store, resolver: resolver, logger: logger, fetch: fetchPolicy)
        state = Mutex(State(layouts: layouts, outlets: senders.map(Outlet.init)))
        name = "delivery-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    /// Puts new accounts and frames into force. What is on its way is finished by the old ones.
    public func reload(senders: [Sender], layouts: Layouts) {
        let old = state.withLock { state in
            let kept = state.outlets
            state.layouts = layouts
            state.outlets = senders.map { sender in kept.first { $0.sender == sender } ?? Outlet(sender) }
            return kept.filter { outlet in !state.outlets.contains { $0 === outlet } }
        }
        for outlet in old {
            let left = outlet.retire()
            state.withLock { $0.homeless += left.rows }
            for connection in left.connections { Task { await close([connection]) } }
        }
        reloaded.ring()
    }

    var layouts: Layouts { state.withLock { $0.layouts } }
    private var outlets: [Outlet] { state.withLock { $0.outlets } }

    /// The account a row goes out by: its own, else the default one.
    private func outlet(for send: Send) -> Outlet? {
        let outlets = outlets
        let name = send.sender ?? defaultSender(outlets)
        return outlets.first { $0.sender.name == name }
    }

    /// Who sends rows that name nobody; never a channel.
    private func defaultSender(_ outlets: [Outlet]) -> String? {
        settings.defaultSender ?? outlets.first { $0.sender.kind != .channel }?.sender.name
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
        for lane in outlets.flatMap(\.lanes) { await close(lane.takeIdle(since: Timestamp(rawValue: .max))) }
    }

    // MARK: Claiming

    private enum Pass: Sendable {
        case rows([Claimed])
        /// - Parameter untilRoom: or until a worker has taken a row.
        case sleep(Duration, untilRoom: Bool)
    }

    private func dispatch(_ workers: inout DiscardingTaskGroup) async {
        var clock = store.time.now()
        var failures = PollSchedule(interval: .seconds(1), longestWait: .seconds(30))
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let ticket = store.signals.ticket(.sends)
            var sleep: Duration
            var untilRoom = false
            do {
                clock = try await gate.note(last: clock)
                await closeIdle()
                switch try await pass() {
                case .rows(let rows):
                    failures.recordSuccess()
                    give(rows, &workers)
                    await waitForRoom()
                    continue
                case .sleep(let duration, let room): (sleep, untilRoom) = (duration, room)
                }
                failures.recordSuccess()
            } catch {
                sleep = failures.nextWait
                failures.recordFailure()
                logger.error("The send ledger cannot be read.", metadata: ["error": "\(error)", "retry_in": "\(sleep)"])
            }
            await self.sleep(ticket, atMost: sleep, untilRoom: untilRoom)
        }
        await putBack()
    }

    /// What waits in memory when the daemon stops goes back to the ledger, so that another node or the next start need not wait for leases.
    private func putBack() async {
        let rows = state.withLock { state in
            defer { state.homeless = [] }
            return state.outlets.flatMap { $0.empty() } + state.homeless
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
        let (held, due, leaseEnd) = try await store.read {
            (try DeliveryGate.heldReason(in: $0), try $0.sends.nextDue(), try $0.sends.nextLeaseEnd())
        }
        if held != nil { return .sleep(Self.sleepWhileHeld, untilRoom: false) }
        let now = store.time.now()
        guard let due, due <= now else { return .sleep(sleepTime(until: due, now: now), untilRoom: false) }
        let shares = try await shares(at: now)
        let isLeaseOver = leaseEnd.map { $0 <= now } ?? false
        guard !shares.isEmpty || isLeaseOver else { return .sleep(Self.sleepWhileFull, untilRoom: true) }
        let claim = state.withLock { state in
            state.claims += 1
            return "\(name)-\(state.claims)"
        }
        let lease = settings.lease
        let rows = try await store.write { transaction in
            try DeliveryGate.heldReason(in: transaction) == nil ? transaction.sends.claim(owner: claim, lease: lease, from: shares) : []
        }
        // Otherwise somebody else was faster, or an expired lease was settled.
        guard !rows.isEmpty else { return .sleep(.milliseconds(200), untilRoom: false) }
        return .rows(rows.map { Claimed(send: $0, owner: claim, at: now) })
    }

    /// How much to take from which queue: people's answers first, then all in turn, and of each no more than its destination can use.
    private func shares(at now: Timestamp) async throws -> [SendShare] {
        let outlets = outlets
        var shares: [SendShare] = []
        for outlet in outlets where outlet.isHungry {
            var lanes = [outlet.sender.name]
            if outlet.sender.name == defaultSender(outlets) { lanes.append("") }
            if outlet.turn() { lanes.reverse() }  // neither of the two is always the first
            let (cursor, walk) = (outlet.cursor, lanes)
            let (urgent, others) = try await store.read { transaction in
                (
                    try walk.map { ($0, try transaction.sends.queues(lane: $0, after: "0", limit: Self.urgentQueuesMax)) },
                    try walk.map { ($0, try transaction.sends.queues(lane: $0, after: max(cursor, "1"), limit: Self.queuesMax)) }
                )
            }
            var picking = Picking(outlet: outlet, now: now, free: min(Self.claimMax, outlet.free))
            for (lane, queues) in urgent { for queue in queues where queue.name < "1" { picking.take(lane, queue) } }
            for (lane, queues) in others { picking.takeInTurn(lane, queues) }
            outlet.cursor = picking.next ?? ""
            shares += picking.shares
        }
        return shares + (try await strangers(besides: outlets))
    }

    private struct Picking {
        let outlet: Outlet
        let now: Timestamp
        var free: Int
        var shares: [SendShare] = []
        var taken: [String: Int] = [:]
        /// Behind which queue the next pass begins; nil: at the beginning.
        var next: String?

        mutating func take(_ lane: String, _ queue: SendQueue) {
            guard queue.dueAt <= now, free > 0 else { return }
            let domain = outlet.isDirect ? String(queue.domain) : ""
            let before = taken[domain, default: 0]
            let limit = min(free, outlet.share(of: queue, free: free + before, at: now) - before)
            guard limit > 0 else { return }
            shares.append(SendShare(lane: lane, queue: queue.name, limit: limit))
            taken[domain] = before + limit
            free -= limit
        }

        mutating func takeInTurn(_ lane: String, _ queues: [SendQueue]) {
            for queue in queues {
                take(lane, queue)
                if free == 0 {
                    next = min(next ?? queue.name, queue.name)
                    return
                }
            }
            if queues.count == DeliveryService.queuesMax, let last = queues.last { next = min(next ?? last.name, last.name) }
        }
    }

    /// Rows for senders that nobody configured: they are held with the reason.
    private func strangers(besides outlets: [Outlet]) async throws -> [SendShare] {
        let known = Set(outlets.map(\.sender.name) + (defaultSender(outlets) == nil ? [] : [""]))
        return try await store.read { transaction in
            var shares: [SendShare] = []
            for lane in try transaction.sends.lanes() where !known.contains(lane) {
                for queue in try transaction.sends.queues(lane: lane, after: "", limit: Self.strangersMax)
                where queue.dueAt <= transaction.now {
                    shares.append(SendShare(lane: lane, queue: queue.name, limit: Self.strangersMax))
                }
                if shares.count >= Self.strangersMax { break }
            }
            return shares
        }
    }

    /// Until a row may have become due, the settings changed, or the daemon is told to stop.
    private func sleep(_ ticket: Int, atMost duration: Duration, untilRoom: Bool) async {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.store.signals.wait(.sends, after: ticket, atMost: duration) }
                group.addTask { await self.reloaded.wait() }
                if untilRoom { group.addTask { await self.room.wait() } }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func sleepTime(until due: Timestamp?, now: Timestamp) -> Duration {
        let longest = outlets.contains(where: \.hasIdle) ? Self.sleepWithIdleConnections : Self.sleepMax
        guard let due else { return longest }
        return max(.milliseconds(5), min(due - now, longest))
    }

    private func give(_ rows: [Claimed], _ workers: inout DiscardingTaskGroup) {
        for row in rows {
            if let outlet = outlet(for: row.send) {
                outlet.took(1)
                let lane = outlet.lane(for: MXPlan.domain(of: row.send.recipient) ?? "")
                for _ in 0..<lane.add([row]) { workers.addTask { await self.work(lane, of: outlet) } }
            } else {
                workers.addTask { await self.settleWithoutSender(row) }
            }
        }
    }

    /// Before an outlet's memory runs empty it is filled again; before it overflows nothing more is claimed for it.
    private func waitForRoom() async {
        while !outlets.contains(where: \.isHungry), !outlets.isEmpty, !Task.isShuttingDownGracefully, !Task.isCancelled {
            _ = await cancelWhenGracefulShutdown { await self.room.wait() }
        }
    }

    // MARK: Workers

    /// One connection's worth of work: takes rows of its lane until none is left. While an outcome is written down the next row is begun.
    private func work(_ lane: Lane, of outlet: Outlet) async {
        var connection = lane.takeIdle()
        await withTaskGroup(of: Void.self) { records in
            var open = 0
            while let row = lane.next() {
                outlet.gave(1)
                if outlet.isHungry { room.ring() }
                if let outcome = await attempt(row, outlet: outlet, lane: lane, connection: &connection) {
                    if open >= Self.recordsMax { await records.next() } else { open += 1 }
                    records.addTask { await self.record(row, outcome) }
                }
                if Task.isCancelled { break }
            }
            if var unused = connection {
                unused.idleSince = store.time.now()
                if Task.isCancelled || Task.isShuttingDownGracefully || !lane.park(unused) { await close([unused]) }
            }
        }
        room.ring()
    }

    private func settleWithoutSender(_ row: Claimed) async {
        var none: Lane.Connection?
        if let outcome = await attempt(row, outlet: nil, lane: nil, connection: &none) { await record(row, outcome) }
    }

    private func closeIdle() async {
        let since = store.time.now() - settings.idle
        for lane in outlets.flatMap(\.lanes) where lane.hasIdle { await close(lane.takeIdle(since: since)) }
    }

    func close(_ connections: [Lane.Connection]) async {
        for connection in connections {
            connection.gate.leave()
            await connection.client.quit()
        }
    }
}
