// Intake: gets messages in and turns them into one shape.
//
// In: accounts, and the public form's posts. Out: raw items in the spool (`IntakeService`), then interactions with the reasons for their
// nature (`DigestService`), each step one transaction. Never: acknowledges to a server before the commit, drops bytes it did not
// understand, decides whom a message belongs to.
public import Channels
public import Domain
public import Logging
public import ServiceLifecycle
public import Store
import Synchronization
public import Transport

/// Polls every account on its own schedule and keeps its health. One account never delays another.
public final class IntakeService: Service {
    private let store: Store
    private let seal: TokenSeal?
    private let digest: DigestService?
    private let logger: Logger
    private let gate = HostGate()
    private let makeSource: @Sendable (Account) -> any Source
    private let roster: Mutex<Roster>
    private let loops = Mutex<[String: AccountLoop]>([:])
    private let board = HealthBoard()
    private let held = Mutex<Set<String>>([])
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    /// - Parameter tokens: for accounts that log in by OAuth 2.
    ///   - channels: the channel files in force.
    ///   - seal: keeps sessions from standing readable in the database.
    ///   - digest: reads what comes before it is stored, where that is safe; without it everything goes through the spool.
    public convenience init(
        store: Store, loop: TransferLoop, accounts: [Account], tokens: OAuthKeeper? = nil, channels: ChannelShelf = ChannelShelf(),
        seal: TokenSeal? = nil, digest: DigestService? = nil, logger: Logger
    ) {
        self.init(store: store, accounts: accounts, seal: seal, digest: digest, logger: logger) { account in
            source(for: account, loop: loop, channels: channels) { words in
                logger.warning("\(words)", metadata: ["account": "\(account.name)"])
            } connect: { endpoint in
                guard let tokens else { return try await IMAPClient.connect(endpoint, on: loop, logger: logger) }
                return try await tokens.connect(account.name, endpoint) { try await IMAPClient.connect($0, on: loop, logger: logger) }
            } connectPOP3: { endpoint in
                guard let tokens else { return try await POP3Client.connect(endpoint, on: loop, logger: logger) }
                return try await tokens.connect(account.name, endpoint) { try await POP3Client.connect($0, on: loop, logger: logger) }
            }
        }
    }

    /// - Parameter makeSource: opens nothing; called once for each account that starts or changes.
    public init(
        store: Store, accounts: [Account], seal: TokenSeal? = nil, digest: DigestService? = nil, logger: Logger,
        makeSource: @escaping @Sendable (Account) -> any Source
    ) {
        self.store = store
        self.seal = seal
        self.digest = digest
        self.logger = logger
        self.makeSource = makeSource
        roster = Mutex(Roster(accounts))
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        changed.yield()
    }

    /// Puts another set of accounts in force. Those that are the same go on undisturbed; the others end, change or begin.
    public func reload(accounts: [Account]) {
        roster.withLock { $0.want(accounts) }
        changed.yield()
    }

    /// Polls an account now, also a stopped one.
    /// - Returns: false when there is no such account.
    @discardableResult
    public func pollNow(_ account: String) -> Bool {
        guard let loop = loops.withLock({ $0[account] }) else { return false }
        loop.wake()
        return true
    }

    /// How each running account is doing, true even while the database cannot be written. By name.
    public var health: [AccountHealth] { board.all }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                self.store.inHand.clear(except: Set(self.roster.withLock { $0.names }))
                var orders = AccountOrders()
                await self.obey(&orders)
                let known = orders
                group.addTask { await self.listen(known) }
                for await _ in self.changes { self.reconcile(&group) }
            }
        }
    }

    /// Accounts polled at the same time by `pollOnce`; how many of them ask a server is the gate's business.
    static let onceMax = 96

    /// Polls these accounts once each, then returns. Not while `run` is running.
    /// - Parameter told: how each one did, as soon as it is done.
    public func pollOnce(_ accounts: [Account], told: @Sendable (AccountHealth) async -> Void) async {
        await withTaskGroup(of: AccountHealth?.self) { group in
            var rest = accounts[...]
            func next() {
                guard let account = rest.popFirst() else { return }
                let loop = makeLoop(account)
                group.addTask { await loop.once() }
            }
            for _ in 0..<Self.onceMax { next() }
            while let health = await group.next() {
                if let health { await told(health) }
                next()
            }
        }
    }

    private func reconcile(_ group: inout DiscardingTaskGroup) {
        let orders = roster.withLock { $0.orders() }
        for name in orders.stop { loops.withLock { $0[name] }?.stop() }
        for account in orders.start {
            let loop = makeLoop(account)
            loops.withLock { $0[account.name] = loop }
            group.addTask {
                await loop.run()
                self.ended(account.name)
            }
        }
    }

    private func makeLoop(_ account: Account) -> AccountLoop {
        AccountLoop(
            account: account, source: makeSource(account), store: store, gate: gate, board: board, seal: seal, ahead: digest,
            isOnHold: held.withLock { $0.contains(account.name) }, logger: logger)
    }

    // MARK: What operators ask

    /// Longest time until an order given beside us, on the command line or at another node, is obeyed.
    static let orderWait = Duration.seconds(2)

    private func listen(_ known: AccountOrders) async {
        var orders = known
        while !Task.isCancelled {
            let ticket = store.signals.ticket(.accounts)
            await obey(&orders)
            await store.signals.wait(.accounts, after: ticket, atMost: Self.orderWait)
        }
    }

    private func obey(_ orders: inout AccountOrders) async {
        guard let now = try? await store.read({ try $0.accounts.orders() }) else { return }
        let changes = orders.take(now)
        for (name, isOnHold) in changes.hold {
            held.withLock { held in if isOnHold { _ = held.insert(name) } else { _ = held.remove(name) } }
            loops.withLock { $0[name] }?.hold(isOnHold)
        }
        for name in changes.poll { pollNow(name) }
    }

    private func ended(_ name: String) {
        loops.withLock { $0[name] = nil }
        board.remove(name)
        roster.withLock { $0.ended(name) }
        changed.yield()
    }
}

/// Tells what is new in what operators ask. Pure.
struct AccountOrders {
    private var known: [String: AccountOrder]?

    /// A poll that was asked for before we began is not made up for: every account is polled at the start.
    mutating func take(_ now: [String: AccountOrder]) -> (hold: [(name: String, isOnHold: Bool)], poll: [String]) {
        let before = known ?? [:]
        let isFirst = known == nil
        known = now
        var hold: [(name: String, isOnHold: Bool)] = []
        var poll: [String] = []
        for (name, order) in now.sorted(by: { $0.key < $1.key }) {
            if order.isOnHold != before[name]?.isOnHold ?? false { hold.append((name, order.isOnHold)) }
            if !isFirst, let at = order.pollAt, at != before[name]?.pollAt { poll.append(name) }
        }
        return (hold, poll)
    }
}

/// Which accounts should run and which do. Pure: it is told what happened and says what to do.
struct Roster {
    private var wanted: [String: Account] = [:]
    var names: [String] { Array(wanted.keys) }
    private var running: [String: Account] = [:]
    private var stopping: Set<String> = []

    init(_ accounts: [Account]) { want(accounts) }

    mutating func want(_ accounts: [Account]) { wanted = Dictionary(accounts.map { ($0.name, $0) }, uniquingKeysWith: { $1 }) }

    /// A changed account stops first and starts when it has ended.
    mutating func orders() -> (start: [Account], stop: [String]) {
        let stop = running.filter { wanted[$0.key] != $0.value && !stopping.contains($0.key) }.keys.sorted()
        stopping.formUnion(stop)
        let start = wanted.values.filter { running[$0.name] == nil }.sorted { $0.name < $1.name }
        for account in start { running[account.name] = account }
        return (start, stop)
    }

    mutating func ended(_ name: String) {
        running[name] = nil
        stopping.remove(name)
    }
}

/// The latest health of each account, readable while the database is not.
final class HealthBoard: Sendable {
    private let rows = Mutex<[String: AccountHealth]>([:])
    var all: [AccountHealth] { rows.withLock { $0.values.sorted { $0.account < $1.account } } }
    func put(_ health: AccountHealth) { rows.withLock { $0[health.account] = health } }
    func remove(_ name: String) { rows.withLock { $0[name] = nil } }
}
