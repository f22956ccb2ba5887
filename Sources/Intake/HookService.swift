public import Channels
public import Domain
public import Logging
public import ServiceLifecycle
public import Store
import Synchronization

/// What outside services push to the addresses of accounts. Each request is checked, stored in one transaction and only then thanked for:
/// a service that was thanked never sends again, one that was not does.
public final class HookService: Service {
    /// Refusals are written down this often at most, and told as an event this often: whoever knocks wrongly must not fill the database.
    static let writeGap = Duration.seconds(2)
    static let eventGap = Duration.seconds(600)

    private let store: Store
    private let channels: ChannelShelf
    private let logger: Logger
    private let accounts: Mutex<[String: Account]>
    private let refused = Mutex<[String: HookCounts]>([:])
    private let told = Mutex<[String: Told]>([:])

    private struct Told {
        var at: Timestamp
        var since: Int64 = 0
    }

    public init(store: Store, accounts: [Account], channels: ChannelShelf, logger: Logger) {
        self.store = store
        self.channels = channels
        self.logger = logger
        self.accounts = Mutex(Self.named(accounts))
    }

    /// Puts another set of accounts in force, from the next request on.
    public func reload(accounts: [Account]) { self.accounts.withLock { $0 = Self.named(accounts) } }

    private static func named(_ accounts: [Account]) -> [String: Account] {
        Dictionary(accounts.filter { $0.channel != nil }.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    private func door(_ name: String) -> ChannelDoor? {
        accounts.withLock { $0[name] }.flatMap { ChannelDoor($0, channels: channels) }
    }

    /// How large a request to this account may be; nil when nothing is pushed to it.
    public func sizeBytesMax(_ account: String) -> Int? {
        door(account).flatMap { _ in accounts.withLock { $0[account] }?.sizeBytesMax }
    }

    /// - Throws: the store's trouble: nothing is stored then, and the service must try again.
    public func take(_ post: HookPost) async throws -> HookAnswer {
        guard let door = door(post.account) else { return .refused(.unknown) }
        let push = ChannelPushed(headers: post.headers, query: post.query, body: post.body)
        let now = store.time.now()
        do {
            if let answer = try door.challenge(push, now: now) {
                logger.notice("The address of an account was asked for and confirmed.", metadata: ["account": "\(post.account)"])
                return .challenge(answer)
            }
            if post.isQuestion { throw HookRefusal.challenge }
            let account = post.account
            let state = try await store.read { try $0.accounts.cursor(account, ChannelDoor.stateStream) }
            let items = try door.take(push, now: now, state: state)
            var counts = HookCounts()
            counts.taken = 1
            counts.lastTakenAt = now
            try await store.write { [counts] transaction in
                if !items.isEmpty { try transaction.spool.add(account, items) }
                try transaction.accounts.add(counts, toHooksOf: account)
            }
            return door.thanks
        } catch let refusal as HookRefusal {
            refuse(post.account, refusal)
            return .refused(refusal)
        }
    }

    /// Counts what was not even looked into, or not believed.
    public func refuse(_ account: String, _ refusal: HookRefusal) {
        guard accounts.withLock({ $0[account] }) != nil else { return }
        let now = store.time.now()
        refused.withLock { refused in
            refused[account, default: HookCounts()].refused[refusal.rawValue, default: 0] += 1
            refused[account]?.lastRefusedAt = now
            refused[account]?.lastRefusal = refusal.rawValue
        }
    }

    public func run() async throws {
        while !Task.isShuttingDownGracefully {
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: Self.writeGap) }
            await write()
        }
    }

    /// Writes down what was refused since the last time.
    func write() async {
        let waiting = refused.withLock { refused in
            defer { refused = [:] }
            return refused
        }
        for (account, counts) in waiting.sorted(by: { $0.key < $1.key }) {
            let event = event(account, counts)
            do {
                try await store.write { transaction in
                    try transaction.accounts.add(counts, toHooksOf: account)
                    if let event { try transaction.events.append(event) }
                }
            } catch {  // counted again with the next ones
                refused.withLock { $0[account, default: HookCounts()].add(counts) }
            }
        }
    }

    /// The first refusal is told at once, then how many there were since.
    private func event(_ account: String, _ counts: HookCounts) -> Event? {
        let now = store.time.now()
        let reason = counts.lastReason ?? .signature
        let count = told.withLock { told -> Int64? in
            var known = told[account] ?? Told(at: now - Self.eventGap)
            known.since += counts.refusedCount
            guard now - known.at >= Self.eventGap else {
                told[account] = known
                return nil
            }
            told[account] = Told(at: now)
            return known.since
        }
        guard let count else { return nil }
        logger.warning(
            "Requests to the address of an account are refused.",
            metadata: ["account": "\(account)", "count": "\(count)", "reason": "\(reason.words)"])
        return Event(
            at: now, kind: .accountChanged, data: ["account": account, "refused": "\(count)", "reason": reason.rawValue])
    }
}
