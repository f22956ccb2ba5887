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
    private let source: any Source
    let store: Store
    private let gate: HostGate
    private let board: HealthBoard
    private let seal: TokenSeal?
    private let logger: Logger
    private let waker = Waker()
    private let task = Mutex<(Task<Void, Never>?, stopped: Bool)>((nil, false))
    private let health: Mutex<AccountHealth>

    init(account: Account, source: any Source, store: Store, gate: HostGate, board: HealthBoard, seal: TokenSeal? = nil, logger: Logger) {
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

    func wake() { waker.wake() }

    private func live() async {
        await remember()
        var rule = HealthRule(interval: account.interval)
        while !Task.isCancelled {
            let began = ContinuousClock.now
            let wishes = store.signals.ticket(.fetches)
            let outcome: PollOutcome
            do { outcome = try await poll() } catch { break }
            let (before, after, wait) = health.withLock { health in
                let before = health
                let wait = rule.record(outcome, in: &health, now: store.time.now(), dice: .random(in: 0..<1))
                return (before, health, wait)
            }
            board.put(after)
            tell(outcome, wait: wait)
            await save(after, changed: before.state != after.state)
            do {
                try await self.wait(atMost: wait, wishes: wishes)
                let gap = Self.wakeGap - began.duration(to: .now)
                if gap > .zero { try await Task.sleep(for: gap) }
            } catch { break }
        }
        await source.close()
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
            try await gate.run(host) {
                try await source.poll(into: keeper)
                try await source.fetchWanted(into: keeper)
            }
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
        return Keeper(
            cursor: { stream in try await Self.stored { try await self.store.read { try $0.accounts.cursor(name, stream) } } },
            known: { ids in try await Self.stored { try await self.store.read { try $0.spool.known(name, externalIDs: ids) } } },
            store: { batch in try await self.keep(batch) }, now: { self.store.time.now() }, ledger: ledger,
            vault: seal.map { seal in
                Keeper.Vault {
                    try seal.seal($0, purpose: "channel \(name)")
                } open: {
                    try seal.open($0, purpose: "channel \(name)")
                }
            })
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

    /// One transaction: items, cursor, and the count in the health row.
    private func keep(_ batch: Batch) async throws {
        let name = account.name
        let health = self.health.withLock { $0 }
        let added = try await Self.stored {
            try await self.store.write { transaction in
                let added = batch.items.isEmpty ? 0 : try transaction.spool.add(name, batch.items)
                if let cursor = batch.cursor { try transaction.accounts.setCursor(name, batch.stream, cursor) }
                if added > 0 {
                    var health = health
                    health.itemsStored += Int64(added)
                    try transaction.accounts.save(health)
                }
                return added
            }
        }
        self.health.withLock { $0.itemsStored += Int64(added) }
        board.put(self.health.withLock { $0 })
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

    /// Until the time is over, the source announces something, or somebody asks.
    private func wait(atMost: Duration, wishes: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.source.wait(atMost: atMost) }
            group.addTask { await self.waker.sleep() }
            group.addTask { try await self.waitForWish(after: wishes) }
            try await group.next()
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        try Task.checkCancellation()
    }
}

extension AccountLoop {
    /// Until somebody wants a mail of this account whole.
    /// - Parameter seen: the wishes before the last poll, which has done what could be done about them.
    private func waitForWish(after seen: Int) async throws {
        let name = account.name
        var seen = seen
        while true {
            seen = await store.signals.wait(.fetches, after: seen, atMost: Self.wishWait)
            try Task.checkCancellation()
            // Trouble with the database is told by the poll; here it only means: nobody can wish.
            if let wishes = try? await store.read({ try $0.spool.wanted(name, limit: 1) }), !wishes.isEmpty { return }
        }
    }
}

/// The database took or gave nothing.
struct StoreTrouble: Error {
    var reason: String
}
