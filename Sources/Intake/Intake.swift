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
    private let logger: Logger
    private let gate = HostGate()
    private let makeSource: @Sendable (Account) -> any Source
    private let roster: Mutex<Roster>
    private let loops = Mutex<[String: AccountLoop]>([:])
    private let board = HealthBoard()
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    /// - Parameter tokens: for accounts that log in by OAuth 2.
    ///   - channels: the channel files in force.
    ///   - seal: keeps sessions from standing readable in the database.
    public convenience init(
        store: Store, loop: TransferLoop, accounts: [Account], tokens: OAuthKeeper? = nil, channels: ChannelShelf = ChannelShelf(),
        seal: TokenSeal? = nil, logger: Logger
    ) {
        self.init(store: store, accounts: accounts, seal: seal, logger: logger) { account in
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
        store: Store, accounts: [Account], seal: TokenSeal? = nil, logger: Logger, makeSource: @escaping @Sendable (Account) -> any Source
    ) {
        self.store = store
        self.seal = seal
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
                for await _ in self.changes { self.reconcile(&group) }
            }
        }
    }

    private func reconcile(_ group: inout DiscardingTaskGroup) {
        let orders = roster.withLock { $0.orders() }
        for name in orders.stop { loops.withLock { $0[name] }?.stop() }
        for account in orders.start {
            let loop = AccountLoop(
                account: account, source: makeSource(account), store: store, gate: gate, board: board, seal: seal, logger: logger)
            loops.withLock { $0[account.name] = loop }
            group.addTask {
                await loop.run()
                self.ended(account.name)
            }
        }
    }

    private func ended(_ name: String) {
        loops.withLock { $0[name] = nil }
        board.remove(name)
        roster.withLock { $0.ended(name) }
        changed.yield()
    }
}

/// Which accounts should run and which do. Pure: it is told what happened and says what to do.
struct Roster {
    private var wanted: [String: Account] = [:]
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
