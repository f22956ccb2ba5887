import Dispatch
import Synchronization

/// One file: a writer with group commit and a few readers. In memory, where there is only one connection, the writer reads too.
final class SQLiteDatabase: Database {
    /// Transactions that share one COMMIT and its fsync.
    static let groupMax = 128
    static let readerCount = 3

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

    /// - Parameter path: a file, or `:memory:`.
    init(path: String, begin: TransactionSource) async throws {
        self.begin = begin
        writer = Lane(label: "hongyan.sqlite.writer") { try SQLiteConnection(path: path, role: .writer) }
        readers =
            path == ":memory:"
            ? nil
            : LanePool(label: "hongyan.sqlite.reader", count: Self.readerCount) { try SQLiteConnection(path: path, role: .reader) }
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

    /// One BEGIN…COMMIT for the whole group, one savepoint for each. A failing one takes back only its own; callers hear of success after
    /// the COMMIT, and when that fails, every one of them fails.
    private func commit(_ group: [Pending]) {
        var outcomes: [Result<@Sendable () -> Void, any Error>] = []
        do {
            let touched = try writer.use { connection in
                var touched: Set<Signals.Topic> = []
                try connection.run("BEGIN IMMEDIATE")
                do {
                    if group.count == 1 {
                        // Alone it needs no savepoint, for which SQLite copies every page that it changes.
                        let (tell, topics) = try begin.run(on: connection, writable: true, group[0].run)
                        touched = topics
                        outcomes.append(.success(tell))
                    } else {
                        for job in group { outcomes.append(try runInSavepoint(job, on: connection, &touched)) }
                    }
                    try connection.run("COMMIT")
                } catch {
                    try? connection.run("ROLLBACK")
                    throw error
                }
                return touched
            }
            begin.signals.raise(touched)
            for (job, outcome) in zip(group, outcomes) {
                switch outcome {
                case .success(let tell): tell()
                case .failure(let error): job.fail(error)
                }
            }
        } catch {
            for (index, job) in group.enumerated() {
                if index < outcomes.count, case .failure(let own) = outcomes[index] { job.fail(own) } else { job.fail(error) }
            }
        }
    }

    /// Throws only when SQLite gave up the whole group.
    private func runInSavepoint(
        _ job: Pending, on connection: any SQLConnection, _ touched: inout Set<Signals.Topic>
    ) throws -> Result<@Sendable () -> Void, any Error> {
        try connection.run("SAVEPOINT job")
        do {
            let (tell, topics) = try begin.run(on: connection, writable: true, job.run)
            try connection.run("RELEASE job")
            touched.formUnion(topics)
            return .success(tell)
        } catch {
            guard connection.isInTransaction else { throw error }
            try connection.run("ROLLBACK TO job")
            try connection.run("RELEASE job")
            return .failure(error)
        }
    }
}
