// Store: the daemon's only memory, and the only place with SQL.
//
// In: closures that read and write whole aggregates inside one transaction. Out: values of `Domain`, and a wake-up after each commit.
// Never: network calls other than to its database, decisions about customers, a row that a crash could lose or double.
public import Domain
public import Logging
import Synchronization

public final class Store: Sendable {
    public enum Kind: String, Sendable { case sqlite, postgres }

    public let blobs: BlobStore
    /// What is being read before it is stored.
    public let inHand: InHand
    /// Wake-ups after commits.
    public let signals: Signals
    public let time: any TimeSource

    private let database: any Database
    /// PostgreSQL's schema to create and use, when the URL names one.
    private let schema: String?
    private let ids: IDSource
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var signer: Signer?
        var watcher: Task<Void, Never>?
        /// A commit that failed because the disk was full or the server gone, until one succeeds.
        var lastFailure: String?
    }

    private init(database: any Database, schema: String?, blobs: BlobStore, inHand: InHand, begin: TransactionSource, logger: Logger) {
        self.database = database
        self.schema = schema
        self.blobs = blobs
        self.inHand = inHand
        self.logger = logger
        ids = begin.ids
        signals = begin.signals
        time = begin.time
    }

    deinit { state.withLock { $0.watcher }?.cancel() }

    /// Opens, and does not migrate.
    /// - Parameters:
    ///   - url: `sqlite:///path.sqlite3`, `sqlite::memory:` or `postgres://user:password@host:port/database?…`, libpq's parameters and
    ///     `schema=name` for a schema other than the user's default.
    ///   - blobs: the folder of the attachments; created when it is missing.
    ///   - node: 0…1023, unique among the nodes that share a database.
    public static func open(_ url: String, blobs: String, node: Int, time: any TimeSource, logger: Logger) async throws -> Store {
        var begin = TransactionSource(time: time, ids: IDSource(node: node), signals: Signals())
        let database: any Database
        var schema: String?
        if let path = sqlitePath(url) {
            // Nodes that share a server share no disk: there the bytes go into the database.
            if path != ":memory:" { begin.files = try SpoolFiles(folder: blobs + "/spool") }
            database = try await SQLiteDatabase(path: path, begin: begin)
        } else if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
            let address = try PostgresAddress(url)
            schema = address.schema
            database = try await PostgresDatabase(address, begin: begin)
        } else {
            // The whole URL may hold a password, its scheme does not.
            let scheme = url.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
            throw StoreError(
                .cannotOpen,
                "cannot open a database of kind \"\(scheme.prefix(20))\". Write sqlite:///path/to/file.sqlite3 or "
                    + "postgres://user:password@host/database.")
        }
        do {
            let store = Store(
                database: database, schema: schema, blobs: try BlobStore(folder: blobs), inHand: InHand(path: blobs + "/in-hand"),
                begin: begin, logger: logger)
            store.watch()
            return store
        } catch {
            await database.close()
            throw error
        }
    }

    public var kind: Kind { database.kind }

    /// Signs what we send out. Available after `migrate()`.
    public var signer: Signer {
        guard let signer = state.withLock({ $0.signer }) else { preconditionFailure("Store.migrate() makes the signer; call it first") }
        return signer
    }

    /// Creates or updates the schema; harmless when there is nothing to do.
    public func migrate() async throws {
        let schema = schema
        while try await database.write(.latest, { try Migrations.step($0, schema: schema) }) {
            logger.info("The database schema was updated.")
        }
        let (secret, lastID) = try await write { transaction in
            try transaction.events.keepPositionsGrowing()
            return (try transaction.meta.instanceSecret(), try transaction.meta.lastID())
        }
        ids.continueAfter(lastID)
        state.withLock { $0.signer = Signer(secret: secret) }
    }

    /// One transaction, one hop to the connection's thread. What `body` throws rolls it back and is thrown here.
    /// `body` may run more than once (PostgreSQL asks for that after a conflict); it must have no effect but through its transaction.
    @discardableResult
    public func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        do {
            let value = try await database.write(.snapshot, body)
            state.withLock { $0.lastFailure = nil }
            return value
        } catch let error as StoreError where error.kind == .unavailable {
            state.withLock { $0.lastFailure = error.description }
            throw error
        }
    }

    /// Reads one consistent snapshot.
    public func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await database.read(body)
    }

    /// An item's raw bytes, wherever they lie.
    public func bytes(of item: SpooledItem) async throws -> [UInt8] {
        guard let blob = item.blob else { return item.bytes }
        return try await blobs.get(blob)
    }

    /// Frees the leases and claims of a predecessor that died. Only for a file that one process owns (SQLite); does nothing on PostgreSQL.
    public func releaseLeases() async throws {
        guard kind == .sqlite else { return }
        try await write { transaction in
            try transaction.execute("UPDATE spool SET lease_until = 0 WHERE state IN ('new', 'claimed') AND attempts > 0")
            try transaction.execute("UPDATE interactions SET lease_until = 0 WHERE state IN ('new', 'claimed') AND attempts > 0")
            try transaction.execute("UPDATE sends SET lease_until = 0 WHERE state IN ('claimed', 'handed_over')")
            try transaction.execute("UPDATE leases SET lease_until = 0")
            for topic in [Signals.Topic.spool, .interactions, .sends] { transaction.touch(topic) }
        }
    }

    /// What is wrong with the database right now, in words for the operator; nil when it answers.
    public func check() async -> String? {
        do {
            _ = try await read { try Migrations.version($0) }
            // A full disk shows only when something is written; a healthy one need not be worn out by asking.
            if state.withLock({ $0.lastFailure }) != nil {
                try await write { try $0.meta.set("checked_at", $0.now.description) }
            } else {
                try await write { _ in }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Waits for what runs, then closes every connection. Later calls throw.
    public func close() async {
        state.withLock { $0.watcher }?.cancel()
        await database.close()
    }

    /// `sqlite:///a/b` is /a/b, `sqlite://a/b` and `sqlite:a/b` are relative, `sqlite::memory:` stays as it is. Nil for other schemes.
    private static func sqlitePath(_ url: String) -> String? {
        guard url.hasPrefix("sqlite:") else { return nil }
        let rest = url.dropFirst("sqlite:".count)
        let path = rest.hasPrefix("//") ? rest.dropFirst(2) : rest
        return path.isEmpty ? nil : String(path)
    }

    /// Wakes everybody when another process has committed: another node, or a command on the same file.
    private func watch() {
        let pause: Duration = kind == .sqlite ? .milliseconds(400) : .milliseconds(900)
        let watcher = Task { [weak self] in
            var last: String?
            while !Task.isCancelled {
                guard let database = self?.database else { return }
                do {
                    guard let mark = try await database.changeMark() else { return }  // in memory: nobody else can see it
                    if let last, last != mark { self?.signals.raise(Signals.Topic.allCases) }
                    last = mark
                } catch {}  // a database that does not answer is noticed by those who need it
                try? await Task.sleep(for: pause)
            }
        }
        state.withLock { $0.watcher = watcher }
    }
}
