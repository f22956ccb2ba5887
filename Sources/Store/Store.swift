// Store: the daemon's only memory, and the only place with SQL.
//
// In: closures that read and write whole aggregates inside one transaction. Out: values of `Domain`, and a wake-up after each commit.
// Never: network calls other than to its database, decisions about customers, a row that a crash could lose or double.
public import Domain
public import Logging

public final class Store: Sendable {
    public enum Kind: String, Sendable { case sqlite, postgres }

    public let kind: Kind
    public let blobs: BlobStore
    /// Wake-ups after commits.
    public let signals: Signals
    public let time: any TimeSource

    init(kind: Kind, blobs: BlobStore, signals: Signals, time: any TimeSource) {
        self.kind = kind
        self.blobs = blobs
        self.signals = signals
        self.time = time
    }

    /// Opens, and does not migrate.
    /// - Parameters:
    ///   - url: `sqlite:///path.sqlite3`, `sqlite::memory:` or `postgres://user:password@host:port/database?…`.
    ///   - blobs: the folder of the attachments; created when it is missing.
    ///   - node: 0…1023, unique among the nodes that share a database.
    public static func open(_ url: String, blobs: String, node: Int, time: any TimeSource, logger: Logger) async throws -> Store {
        throw StoreError.notBuilt
    }

    /// Signs what we send out. Available after `migrate()`.
    public var signer: Signer { fatalError() }

    /// Creates or updates the schema; harmless when there is nothing to do.
    public func migrate() async throws { throw StoreError.notBuilt }

    /// One transaction, one hop to the connection's thread. What `body` throws rolls it back and is thrown here.
    /// `body` may run more than once (PostgreSQL asks for that after a conflict); it must have no effect but through its transaction.
    public func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T { throw StoreError.notBuilt }

    /// Reads one consistent snapshot.
    public func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T { throw StoreError.notBuilt }

    /// Frees the leases and claims of a predecessor that died. Only for a file that one process owns (SQLite); does nothing on PostgreSQL.
    public func releaseLeases() async throws { throw StoreError.notBuilt }

    /// What is wrong with the database right now, in words for the operator; nil when it answers.
    public func check() async -> String? { nil }

    /// Waits for what runs, then closes every connection. Later calls throw.
    public func close() async {}
}
