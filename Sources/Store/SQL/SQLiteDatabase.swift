import Dispatch
import Synchronization

/// One file: a writer with group commit and a few readers. In memory, where there is only one connection, the writer reads too.
final class SQLiteDatabase: Database {
    /// Transactions that share one COMMIT and its fsync.
    static let groupMax = 128
    static let readerCount = 3
    /// The log is copied back into the database when it has grown by so much, on a thread of its own: pages that change again and again
    /// are copied once, and no commit waits for it.
    static let copyEveryBytes = 16 << 20
    /// At this length the writer waits until it is copied back; the next commit begins the log anew then.
    static let logBytesMax = 64 << 20

    /// A write in the queue. `run` gives back how to tell its caller about success, which waits for the COMMIT.
    private struct Pending: Sendable {
        let run: @Sendable (Transaction) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var pending: [Pending] = []
        var isDraining = false
        var isClosed = false
    }

    let kind = Store.Kind.sqlite
    private let state = Mutex(State())
    private let begin: TransactionSource
    private let writer: Lane
    private let readers: LanePool?
    /// Copies the log back; nil in memory.
    private let copier: Lane?
    /// The length of the log at which it is copied back, and its length after the last commit; on the writer's queue alone.
    private let copying = Mutex((at: SQLiteDatabase.copyEveryBytes, last: 0))

    /// - Parameter path: a file, or `:memory:`.
    init(path: String, begin: TransactionSource) async throws {
        self.begin = begin
        writer = Lane(label: "hongyan.sqlite.writer") { try SQLiteConnection(path: path, role: .writer) }
        readers =
            path == ":memory:"
            ? nil
            : LanePool(label: "hongyan.sqlite.reader", count: Self.readerCount) { try SQLiteConnection(path: path, role: .reader) }
        copier =
            path == ":memory:"
            ? nil : Lane(label: "hongyan.sqlite.copier") { try SQLiteConnection(path: path, role: .reader) }
        _ = try await onWriter { _ in }  // a file that cannot be opened is told now
    }

    func write<T: Sendable>(_ isolation: Isolation, _ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(
                Pending(
                    run: { transaction in
                        let value = try body(transaction)
                        return { continuation.resume(returning: value) }
                    },
                    fail: { continuation.resume(throwing: $0) }))
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        guard let readers else { return try await readInMemory(body) }
        return try await readers.run { [begin] lane in
            try lane.use { connection in
                try connection.run("BEGIN")
                defer { try? connection.run("ROLLBACK") }
                return try begin.run(on: connection, writable: false, body).value
            }
        }
    }

    func changeMark() async throws -> String? {
        guard readers != nil else { return nil }
        return try await onWriter { try $0.changeMark() }
    }

    func close() async {
        state.withLock { $0.isClosed = true }
        while state.withLock({ $0.isDraining }) { _ = try? await onWriter { _ in } }
        await readers?.close()
        await copier?.close()
        await writer.close()
    }

    private func readInMemory<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await onWriter { [begin] in try begin.run(on: $0, writable: false, body).value }
    }

    private func onWriter<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            writer.queue.async {
                continuation.resume(with: Result { try self.writer.use(body) })
            }
        }
    }

    private func enqueue(_ job: Pending) {
        let refusal: StoreError? = state.withLock { state in
            if state.isClosed { return .closed }
            if state.pending.count >= LanePool.waitingMax { return .overloaded }
            state.pending.append(job)
            if !state.isDraining {
                state.isDraining = true
                writer.queue.async { self.drain() }
            }
            return nil
        }
        if let refusal { job.fail(refusal) }
    }

    /// On the writer's queue: commits group after group. Between two groups other work of the queue gets its turn.
    private func drain() {
        let group = state.withLock { state in
            let group = Array(state.pending.prefix(Self.groupMax))
            state.pending.removeFirst(group.count)
            return group
        }
        if !group.isEmpty { commit(group) }
        state.withLock { state in
            state.isDraining = !state.pending.isEmpty
            if state.isDraining { writer.queue.async { self.drain() } }
        }
    }

    private struct Outcome {
        var result: Result<@Sendable () -> Void, any Error>
        var touched: Set<Signals.Topic> = []
    }

    /// One BEGIN…COMMIT for the whole group; callers hear of success after the COMMIT, and when that fails, every one of them fails.
    private func commit(_ group: [Pending]) {
        var outcomes: [Outcome] = []
        do {
            let logBytes = try writer.use { connection in
                // Where nothing fails, which is nearly always, no savepoints are needed: for each of them SQLite keeps a copy of every page
                // that is changed. When one of several fails, all are run again, each so that it takes back only its own.
                if let all = try together(group, on: connection) {
                    outcomes = all
                } else {
                    try transaction(on: connection) {
                        for job in group { outcomes.append(try runInSavepoint(job, on: connection)) }
                    }
                }
                return connection.logBytes
            }
            begin.signals.raise(outcomes.reduce(into: Set()) { $0.formUnion($1.touched) })
            for (job, outcome) in zip(group, outcomes) {
                switch outcome.result {
                case .success(let tell): tell()
                case .failure(let error): job.fail(error)
                }
            }
            copyBack(logBytes)
        } catch {
            for (index, job) in group.enumerated() {
                if index < outcomes.count, case .failure(let own) = outcomes[index].result { job.fail(own) } else { job.fail(error) }
            }
        }
    }

    private func transaction(on connection: any SQLConnection, _ body: () throws -> Void) throws {
        try connection.run("BEGIN IMMEDIATE")
        begin.files?.forgetMarks()
        do { try body() } catch {
            try? connection.run("ROLLBACK")
            begin.files?.cutBack(to: 0)
            throw error
        }
        do { try connection.run("COMMIT") } catch {
            // Nothing is cut back: if the disk took it all the same, a restart finds these rows.
            try? connection.run("ROLLBACK")
            throw error
        }
    }

    /// - Returns: nil when one of several failed; nothing of any is left then.
    /// - Throws: what a lone one throws, and what is wrong with the database.
    private func together(_ group: [Pending], on connection: any SQLConnection) throws -> [Outcome]? {
        var outcomes: [Outcome] = []
        var isBodys = false
        do {
            try transaction(on: connection) {
                for job in group {
                    do {
                        let (tell, topics) = try begin.run(on: connection, writable: true, job.run)
                        outcomes.append(Outcome(result: .success(tell), touched: topics))
                    } catch {
                        isBodys = true
                        throw error
                    }
                }
            }
        } catch  where isBodys && group.count > 1 {
            return nil
        }
        return outcomes
    }

    /// Throws only when SQLite gave up the whole group.
    private func runInSavepoint(_ job: Pending, on connection: any SQLConnection) throws -> Outcome {
        try connection.run("SAVEPOINT job")
        let mark = begin.files?.mark()
        do {
            let (tell, topics) = try begin.run(on: connection, writable: true, job.run)
            try connection.run("RELEASE job")
            return Outcome(result: .success(tell), touched: topics)
        } catch {
            guard connection.isInTransaction else { throw error }
            try connection.run("ROLLBACK TO job")
            try connection.run("RELEASE job")
            if let mark { begin.files?.cutBack(to: mark) }
            return Outcome(result: .failure(error))
        }
    }

    /// On the writer's queue, after a commit. What cannot be copied now (somebody still reads the old pages, the disk has no room) is tried
    /// again when the log has grown; until then every page is safe in the log.
    private func copyBack(_ logBytes: Int) {
        guard let copier else { return }
        let isDue = copying.withLock { copying in
            if logBytes < copying.last { copying.at = Self.copyEveryBytes }  // it began anew
            copying.last = logBytes
            guard logBytes >= copying.at else { return false }
            copying.at = logBytes + Self.copyEveryBytes
            return true
        }
        guard isDue else { return }
        if logBytes < Self.logBytesMax {
            copier.queue.async { try? copier.use { try $0.copyLog() } }
        } else {
            copier.queue.sync {}
            try? writer.use { try $0.copyLog() }
        }
    }
}
