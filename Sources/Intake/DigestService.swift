public import Channels
public import Domain
public import Formats
public import Logging
public import ServiceLifecycle
public import Store
import Synchronization

/// Turns spooled items into interactions: claims a batch, parses in parallel, and stores the results, the reasons and the events in one
/// transaction. An item that cannot be read fails alone.
public final class DigestService: Service {
    static let lease = Duration.seconds(600)
    /// Items claimed at once; the store bounds their bytes. Twice as many may be in hand: while one batch is parsed the next is fetched.
    static let claimMax = 64
    /// Longest sleep without a wake-up; catches leases that ran out on another node.
    static let longestWait = Duration.seconds(30)
    static let firstPause = Duration.seconds(1)
    static let longestPause = Duration.seconds(60)
    /// Entries of one document stored in one transaction.
    static let entriesMax = 500
    /// The program may die so often with an item in hand, once among others and once alone, before it is tried in a process of its own.
    static let trustedDeaths = 2
    /// However innocent it looks there, an item in hand at so many deaths is set aside.
    static let deathsMax = 25

    let store: Store
    let logger: Logger
    private let owner: String
    private let width: Int
    private let trial: Trial?
    private let keys: MailKeys?
    private let channels: ChannelShelf
    private let digester: Mutex<Digester>
    let placer: Placer?

    /// Looks at a message before it is stored, and gives back how to find its place then.
    public typealias Placer = @Sendable (Interaction) -> Placing
    /// In the transaction that has just stored the message, as the so-manieth of its batch. Gives back what is to be told after the commit.
    public typealias Placing = @Sendable (Transaction, Interaction, _ index: Int) throws -> @Sendable () -> Void

    /// - Parameters:
    ///   - ownAddresses: addresses we send from, besides those of the accounts.
    ///   - owner: names this process in leases.
    ///   - width: items in work at the same time; more than the cores, for some wait until their attachments are on the disk.
    ///   - keys: to verify and decrypt mail with.
    ///   - channels: the channel files in force.
    ///   - placer: places what is read before it is stored; without it that is left to whoever waits for stored messages.
    ///   - trial: reads in a process of its own what was in hand when this program died twice; without it three deaths are enough.
    public init(
        store: Store, accounts: [Account], ownAddresses: [String] = [], owner: String, logger: Logger, width: Int = 4, trial: Trial? = nil,
        keys: MailKeys? = nil, channels: ChannelShelf = ChannelShelf(), placer: Placer? = nil
    ) {
        self.placer = placer
        self.store = store
        self.owner = owner
        self.logger = logger
        self.width = max(1, width)
        self.trial = trial
        self.keys = keys
        self.channels = channels
        digester = Mutex(Self.digester(store, accounts, ownAddresses, keys, channels))
    }

    /// Puts another set of accounts in force, from the next batch on.
    public func reload(accounts: [Account], ownAddresses: [String] = []) {
        let new = Self.digester(store, accounts, ownAddresses, keys, channels)
        digester.withLock { $0 = new }
    }

    private static func digester(
        _ store: Store, _ accounts: [Account], _ ownAddresses: [String], _ keys: MailKeys?, _ channels: ChannelShelf
    ) -> Digester {
        let own = Set((accounts.flatMap(\.addresses) + ownAddresses).map { $0.lowercased() })
        // The signer is asked late: it is there only after `migrate()`.
        let rule = NatureRule(ownAddresses: own) {
            store.signer.verifyMessageID($0) != nil
        } isOurMark: {
            $0 == store.signer.digest("loop").prefix(16)
        }
        return Digester(
            accounts: Dictionary(accounts.map { ($0.name, $0) }, uniquingKeysWith: { $1 }), nature: rule, blobs: store.blobs, keys: keys,
            channels: channels)
    }

    public func run() async throws {
        var pauses = PollSchedule(interval: Self.firstPause, longestWait: Self.longestPause)
        // One batch is stored while the next is parsed and the one after it is claimed; batches are stored in the order of their claims.
        var storing: Task<Void, any Error>?
        var claiming: Task<[SpooledItem], any Error>?
        while !Task.isShuttingDownGracefully && !Task.isCancelled {
            let ticket = store.signals.ticket(.spool)
            do {
                let ahead = claiming
                claiming = nil
                var items = try await ahead?.value ?? []
                if items.isEmpty { items = try await claim() }
                // What was in hand when the program died is tried with nothing else in hand.
                if !items.isEmpty, items.allSatisfy({ $0.attempts <= 1 }) { claiming = Task { try await self.claim() } }
                let next = items.isEmpty ? nil : try await digest(items)
                try await storing?.value
                storing = next.map { batch in Task { try await self.keep(batch) } }
                pauses.recordSuccess()
                guard storing == nil else { continue }
                _ = await cancelWhenGracefulShutdown { [store] in
                    await store.signals.wait(.spool, after: ticket, atMost: Self.longestWait)
                }
            } catch {
                if Task.isCancelled || Task.isShuttingDownGracefully { break }
                storing = nil
                let wait = pauses.nextWait
                pauses.recordFailure()
                logger.error("Digest is paused: the database took nothing.", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
                await cancelWhenGracefulShutdown { try? await Task.sleep(for: wait) }
            }
        }
        try? await storing?.value
        if let rest = try? await claiming?.value, !rest.isEmpty, let batch = try? await digest(rest) { try? await keep(batch) }
    }

    /// Digests one batch.
    /// - Returns: false when there was nothing to do.
    @discardableResult
    public func step() async throws -> Bool {
        let items = try await claim()
        guard !items.isEmpty else { return false }
        try await keep(try await digest(items))
        return true
    }

    private func claim() async throws -> [SpooledItem] {
        let deathsMax = trial == nil ? Spool.attemptsMax : Self.deathsMax
        return try await store.write { [owner] in
            try $0.spool.claim(owner: owner, lease: Self.lease, limit: Self.claimMax, deathsMax: deathsMax)
        }
    }

    private func keep(_ batch: [Digested]) async throws {
        var open = batch
        var hold = Hold(logger: logger)
        while !open.isEmpty {
            let (rest, trouble) = await commit(open)
            open = rest
            if let trouble { try await hold.wait(trouble) }
        }
    }

    /// In the order of the claim, `width` at a time.
    private func digest(_ items: [SpooledItem]) async throws -> [Digested] {
        let digester = digester.withLock { $0 }
        return try await inOrder(items) { try await self.digest($0, by: digester) }
    }

    /// Whatever is wrong is left to the spool.
    func digest(ahead items: [SpooledItem]) async throws -> [Digested] {
        let digester = digester.withLock { $0 }
        let work = { @Sendable [placer] (item: SpooledItem) async throws -> Digested in
            var digested = try await digester.digest(item)
            guard let placer, case .success(var entries) = digested.result else { return digested }
            for index in entries.indices { entries[index].placing = placer(entries[index].interaction) }
            digested.result = .success(entries)
            return digested
        }
        return items.count == 1 ? [try await work(items[0])] : try await inOrder(items, work)
    }

    private func inOrder<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ work: @escaping @Sendable (Item) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            var results: [Value?] = Array(repeating: nil, count: items.count)
            var next = 0
            func add() {
                guard next < items.count else { return }
                let (index, item) = (next, items[next])
                group.addTask { (index, try await work(item)) }
                next += 1
            }
            for _ in 0..<width { add() }
            while let (index, value) = try await group.next() {
                results[index] = value
                add()
            }
            return results.compactMap { $0 }
        }
    }

    private func digest(_ item: SpooledItem, by digester: Digester) async throws -> Digested {
        if let trial, item.attempts > Self.trustedDeaths, case .fatal(let reason) = await trial.run(item) {
            return Digested(item: item, result: .failure(ItemError(description: reason)), isHopeless: true)
        }
        var hold = Hold(logger: logger)
        while true {
            do { return try await digester.digest(item) } catch let error as StoreError { try await hold.wait("\(error)") }
        }
    }
}

/// Keeps claimed items while the database or the disk takes nothing: giving them back would cost them a try that is not their fault.
private struct Hold {
    let logger: Logger
    private var pauses = PollSchedule(interval: DigestService.firstPause, longestWait: DigestService.longestPause)

    init(logger: Logger) { self.logger = logger }

    /// - Throws: `CancellationError` when it is time to go.
    mutating func wait(_ trouble: String) async throws {
        let wait = pauses.nextWait
        pauses.recordFailure()
        logger.error("Digest holds a batch: the store took nothing.", metadata: ["error": "\(trouble)", "retry_in": "\(wait)"])
        await cancelWhenGracefulShutdown { try? await Task.sleep(for: wait) }
        if Task.isShuttingDownGracefully { throw CancellationError() }
        try Task.checkCancellation()
    }
}
