import Channels
import Domain
import Logging
import Store
import Synchronization

/// One account's life: poll, store, wait, again; until it is stopped.
final class AccountLoop: Sendable {
    /// A server that announces mail without end is asked this often at most.
    static let wakeGap = Duration.milliseconds(200)
    /// Rows of the ledger read at once.
    static let ledgerPage = 10_000
    /// A wake-up of another node may be lost.
    static let wishWait = Duration.seconds(60)
    /// Mails fetched whole in one poll.
    static let wantedMax = 100

    let account: Account
    let source: any Source
    let store: Store
    private let gate: HostGate
    private let board: HealthBoard
    private let seal: TokenSeal?
    /// Reads messages before they are stored; nil when everything of this account goes through the spool.
    private let ahead: DigestService?
    private let logger: Logger
    let waker = Waker()
    private let task = Mutex<(Task<Void, Never>?, stopped: Bool)>((nil, false))
    let health: Mutex<AccountHealth>
    struct Hint {
        var hasNews = false
        var notBefore: Duration?
        var nextDue: Duration?
    }
    let hint = Mutex(Hint())
    private let isAsked = Mutex(false)
    private let isOnHold: Mutex<Bool>

    init(
        account: Account, source: any Source, store: Store, gate: HostGate, board: HealthBoard, seal: TokenSeal? = nil,
        ahead: DigestService? = nil, isOnHold: Bool = false, logger: Logger
    ) {
        self.ahead = ahead
        self.isOnHold = Mutex(isOnHold)
        self.account = account
        self.source = source
        self.store = store
        self.gate = gate
        self.board = board
        self.seal = seal
        var logger = logger
        logger[metadataKey: "account"] = "\(account.name)"
        self.logger = logger
        health = Mutex(AccountHealth(account: account.name))
    }

    /// Returns when stopped or cancelled. A transaction under way is finished; whatever was not stored comes again with the next poll.
    func run() async {
        let task = Task { await self.live() }
        let stopped = self.task.withLock { state in
            state.0 = task
            return state.stopped
        }
        if stopped { task.cancel() }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    func stop() {
        let task = self.task.withLock { state in
            state.stopped = true
            return state.0
        }
        task?.cancel()
    }

    func wake() {
        isAsked.withLock { $0 = true }
        waker.wake()
    }

    /// Nothing is asked while it is on hold; a poll under way is finished.
    func hold(_ isOnHold: Bool) {
        let isNew = self.isOnHold.withLock { known in
            defer { known = isOnHold }
            return known != isOnHold
        }
        if isNew { waker.wake() }
    }

    /// One poll, as the command line asks for it.
    /// - Returns: nil when it was cancelled.
    func once() async -> AccountHealth? {
        await remember()
        var rule = HealthRule(interval: account.interval, isAdaptive: account.isAdaptive)
        _ = await turn(&rule)
        await source.close()
        return Task.isCancelled ? nil : health.withLock { $0 }
    }

    /// One poll, written down.
    /// - Returns: how long to wait for the next one; nil when it was cancelled.
    private func turn(_ rule: inout HealthRule) async -> Duration? {
        hint.withLock { $0 = Hint() }
        guard let outcome = try? await poll() else { return nil }
        let hint = hint.withLock { $0 }
        let (before, after, wait) = health.withLock { health in
            let before = health
            let wait = rule.record(
                outcome, in: &health, now: store.time.now(), hasNews: hint.hasNews, notBefore: hint.notBefore,
                nextDue: hint.nextDue, dice: .random(in: 0..<1))
            return (before, health, wait)
        }
        board.put(after)
        tell(outcome, wait: wait)
        await save(after, changed: before.state != after.state)
        return wait
    }

    private func live() async {
        await remember()
        var rule = HealthRule(interval: account.interval, isAdaptive: account.isAdaptive)
        while !Task.isCancelled {
            guard !isOnHold.withLock({ $0 }) else {
                await rest()
                continue
            }
            let began = ContinuousClock.now
            let wishes = store.signals.ticket(.fetches)
            guard let wait = await turn(&rule) else { break }
            do {
                try await self.wait(atMost: wait, wishes: wishes)
                let gap = Self.wakeGap - began.duration(to: .now)
                if gap > .zero { try await Task.sleep(for: gap) }
            } catch { break }
        }
        await source.close()
    }

    /// Until somebody lets it go on.
    private func rest() async {
        let (after, isNew) = health.withLock { health in
            let isNew = health.state != .onHold
            health.state = .onHold
            health.nextAttemptAt = nil
            return (health, isNew)
        }
        board.put(after)
        if isNew {
            await source.close()
            await save(after, changed: true)
        }
        await waker.sleep()
    }

    /// Goes on counting where the last run stopped.
    private func remember() async {
        let name = account.name
        if let known = try? await store.read({ try $0.accounts.health(name) }) { health.withLock { $0 = known } }
        health.withLock { $0.state = .waiting }
        board.put(health.withLock { $0 })
    }

    /// - Throws: only `CancellationError`.
    private func poll() async throws -> PollOutcome {
        do {
            try await gate.run(host) { place in
                var keeper = keeper
                keeper.arrived = { place.leaveHost() }
                try await source.poll(into: keeper)
                try await source.fetchWanted(into: keeper)
            }
            store.inHand.clear(account.name)
            return .success
        } catch let trouble as StoreTrouble {
            if Task.isCancelled { throw CancellationError() }
            return .storeDown(trouble.reason)
        } catch {
            if Task.isCancelled || error is CancellationError { throw CancellationError() }
            return .failed("\(error)", SourceError.remedy(of: error))
        }
    }

    private var host: String {
        let rest = account.url.firstRange(of: "://").map { account.url[$0.upperBound...] } ?? account.url[...]
        return rest.prefix { $0 != "/" && $0 != "?" }.lowercased()
    }

    private var keeper: Keeper {
        let name = account.name
        var keeper = Keeper(
            cursor: { stream in try await Self.stored { try await self.store.read { try $0.accounts.cursor(name, stream) } } },
            known: { ids in try await Self.stored { try await self.store.read { try $0.spool.known(name, externalIDs: ids) } } },
            store: { batch in try await self.keep(batch) }, now: { self.store.time.now() }, ledger: ledger,
            vault: seal?.vault(ofChannel: name))
        keeper.prepare = { batch in
            let read = await self.read(batch)
            return { try await self.keep(batch, read: read) }
        }
        keeper.isAsked = isAsked.withLock { asked in
            defer { asked = false }
            return asked
        }
        keeper.report = { self.note($0) }
        return keeper
    }

    private var ledger: Keeper.Ledger {
        let (name, store) = (account.name, store)
        return Keeper.Ledger(
            held: { ids in try await Self.stored { try await store.read { try $0.spool.held(name, externalIDs: ids) } } },
            page: { prefix, after in
                try await Self.stored {
                    try await store.read { try $0.spool.ledger(name, prefix: prefix, after: after, limit: Self.ledgerPage) }
                }
            },
            pass: { ids in try await Self.stored { try await store.write { try $0.spool.pass(name, externalIDs: ids) } } },
            count: { folder in try await Self.stored { try await store.read { try $0.accounts.folderCount(name, folder) } } },
            setCount: { count in
                var count = count
                count.account = name
                let new = count
                try await Self.stored { try await store.write { try $0.accounts.save(new) } }
            },
            sink: {
                let writer = try await Self.stored { try await store.blobs.writer() }
                return Keeper.Sink(
                    write: { bytes in try await Self.stored { try await writer.write(bytes) } },
                    finish: {
                        let blob = try await Self.stored { try await writer.finish() }
                        return StoredBytes(hash: blob.hash, sizeBytes: blob.sizeBytes)
                    }, abandon: { await writer.abandon() })
            },
            wanted: { try await Self.stored { try await store.read { try $0.spool.wanted(name, limit: Self.wantedMax) } } },
            complete: { item in _ = try await Self.stored { try await store.write { try $0.spool.complete(name, item) } } },
            giveUp: { id, reason in
                try await Self.stored { try await store.write { try $0.spool.giveUp(name, externalID: id, reason: reason) } }
            })
    }

    private func keep(_ batch: Batch) async throws { try await keep(batch, read: read(batch)) }

    private func read(_ batch: Batch) async -> DigestService.Ahead { await ahead?.read(batch.items, of: account.name) ?? .init() }

    private func keep(_ batch: Batch, read: DigestService.Ahead) async throws {
        defer { read.note?.release() }
        let (added, tell) = try await Self.stored {
            do { return try await self.commit(batch, read: read.items) } catch let error as StoreError
                where error.kind != .unavailable && !read.items.isEmpty
            {
                // One that the database does not take must take no other with it: the spool has them one by one. And where many write to
                // the same customers, placing them is not the poll's business.
                return try await self.commit(batch, read: [])
            }
        }
        for digested in read.items { ahead?.tell(digested) }
        for tell in tell { tell() }
        let now = store.time.now()
        self.health.withLock { health in
            health.itemsStored += Int64(added)
            if added > 0 { health.detail.came(at: now) }
        }
        if added > 0 { hint.withLock { $0.hasNews = true } }
        board.put(self.health.withLock { $0 })
    }

    /// One transaction: items, what those became that are read, the cursor, and the count in the health row.
    /// - Returns: how many items were new, and what is to be told now.
    private func commit(_ batch: Batch, read: [Digested]) async throws -> (added: Int, tell: [@Sendable () -> Void]) {
        let name = account.name
        let health = self.health.withLock { $0 }
        return try await store.write { [store] transaction in
            // Behind what waits in the spool it goes through the spool, too.
            let count = try read.isEmpty || transaction.spool.isAnyWaiting(of: name) ? 0 : read.count
            let ids = batch.items.isEmpty ? [:] : try transaction.spool.add(name, batch.items, read: count)
            let new = read.prefix(count).enumerated().compactMap { index, digested in
                ids[index].map { id in
                    var digested = digested
                    digested.item.id = id
                    return digested
                }
            }
            let tell = try DigestService.add(ahead: new, to: transaction, signer: store.signer)
            if let cursor = batch.cursor { try transaction.accounts.setCursor(name, batch.stream, cursor) }
            if !ids.isEmpty { try transaction.accounts.count(ids.count, in: health) }
            return (ids.count, tell)
        }
    }

    /// Tells the store's trouble from the source's.
    private static func stored<T>(_ work: () async throws -> T) async throws -> T {
        do { return try await work() } catch is CancellationError { throw CancellationError() } catch {
            throw StoreTrouble(reason: "\(error)")
        }
    }

    private func save(_ health: AccountHealth, changed: Bool) async {
        do {
            try await store.write { transaction in
                try transaction.accounts.save(health)
                guard changed else { return }
                var data = ["account": health.account, "state": health.state.rawValue]
                data["error"] = health.lastError
                try transaction.events.append(Event(at: transaction.now, kind: .accountChanged, data: data))
            }
        } catch {
            // Not a poll's failure: the row is written again after the next one, and `IntakeService.health` has it meanwhile.
            logger.warning("The account's health could not be saved.", metadata: ["error": "\(error)"])
        }
    }

    private func tell(_ outcome: PollOutcome, wait: Duration) {
        switch outcome {
        case .success: logger.debug("Polled.", metadata: ["next_in": "\(wait)"])
        case .failed(let error, .stop):
            logger.error("The account is stopped until somebody helps.", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
        case .failed(let error, _): logger.warning("Poll failed.", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
        case .storeDown(let error):
            logger.error("Polling is paused: the database took nothing.", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
        }
    }
}

/// The database took or gave nothing.
struct StoreTrouble: Error {
    var reason: String
}
