#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A server: a pool of connections, each transaction on one of them, started again when PostgreSQL asks for it.
final class PostgresDatabase: Database {
    static let connectionsMax = 8
    /// Times a transaction is started before a conflict is its caller's problem.
    static let triesMax = 20

    let kind = Store.Kind.postgres
    private let begin: TransactionSource
    private let pool: LanePool

    init(_ address: PostgresAddress, begin: TransactionSource) async throws {
        self.begin = begin
        pool = LanePool(label: "hongyan.postgres", count: Self.connectionsMax) { try PostgresConnection(address) }
        try await pool.run { lane in try lane.use { _ in } }  // a server that does not answer is told now
    }

    func write<T: Sendable>(_ isolation: Isolation, _ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        let level = isolation == .snapshot ? "REPEATABLE READ" : "READ COMMITTED"
        return try await pool.run { [begin] lane in
            let (value, touched) = try Self.again(lane, "BEGIN ISOLATION LEVEL \(level) READ WRITE") { connection in
                try begin.run(on: connection, writable: true, body)
            }
            begin.signals.raise(touched)
            return value
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await pool.run { [begin] lane in
            try Self.again(lane, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { connection in
                try begin.run(on: connection, writable: false, body).value
            }
        }
    }

    func changeMark() async throws -> String? {
        try await pool.run { lane in try lane.use { try $0.changeMark() } }
    }

    func close() async { await pool.close() }

    /// The connection died while nobody looked; nothing has happened yet.
    private struct StaleConnection: Error {}

    private static func again<T>(_ lane: Lane, _ beginning: String, _ body: (any SQLConnection) throws -> T) throws -> T {
        var tries = 1
        var mayReconnect = true
        while true {
            do {
                return try lane.use { try transact($0, beginning, body) }
            } catch is StaleConnection where mayReconnect {
                mayReconnect = false
            } catch is StaleConnection {
                throw StoreError(
                    .unavailable, "the database server closes every connection. Check its log and that it accepts connections.")
            } catch let error as StoreError where error.kind == .conflict && tries < triesMax {
                usleep(UInt32.random(in: 0...min(500 << UInt32(tries), 50_000)))
                tries += 1
            }
        }
    }

    private static func transact<T>(_ connection: any SQLConnection, _ beginning: String, _ body: (any SQLConnection) throws -> T) throws
        -> T
    {
        do {
            try connection.run(beginning)
        } catch {
            if connection.isUsable { throw error }
            throw StaleConnection()
        }
        let value: T
        do {
            value = try body(connection)
        } catch {
            try? connection.run("ROLLBACK")
            throw error
        }
        do {
            try connection.run("COMMIT")
        } catch {
            if connection.isUsable { throw error }
            throw StoreError(
                .unavailable,
                "the database server went away during a COMMIT, so this process cannot know whether it happened. Doing it again is safe.")
        }
        return value
    }
}
