import Domain
import Synchronization

/// Runs transactions; knows when they begin and end, not what they do.
protocol Database: Sendable {
    var kind: Store.Kind { get }
    func write<T: Sendable>(_ isolation: Isolation, _ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T
    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T
    /// Changes when another process commits; nil when there can be no other.
    func changeMark() async throws -> String?
    func close() async
}

enum Isolation: Sendable {
    /// What others commit meanwhile stays unseen, and running into it starts the transaction again: reading, deciding and writing are one.
    case snapshot
    /// Each statement sees the newest rows; for migrations, which wait for each other on a lock.
    case latest
}

/// Makes transactions: the time they begin at, the ids they hand out, whom their commit wakes.
struct TransactionSource: Sendable {
    let time: any TimeSource
    let ids: IDSource
    let signals: Signals
    /// Where raw mails lie beside an embedded database; nil when they go into the database itself.
    var files: SpoolFiles?

    /// Runs `body` between a BEGIN and a COMMIT that are the caller's. A statement that failed fails the whole, even if `body` got over it.
    func run<T>(
        on connection: any SQLConnection, writable: Bool, _ body: (Transaction) throws -> T
    ) throws -> (value: T, touched: Set<Signals.Topic>) {
        let transaction = Transaction(connection: connection, now: time.now(), ids: ids, files: files, isWritable: writable)
        defer { transaction.end() }
        do {
            let value = try body(transaction)
            if let failure = transaction.failure { throw failure }
            return (value, transaction.touched)
        } catch {
            // Whatever the body made of it, a conflict means: start again.
            if let failure = transaction.failure, failure.kind == .conflict { throw failure }
            throw error
        }
    }
}

/// Hands out ids to every transaction of this process.
final class IDSource: Sendable {
    private let sequence: Mutex<IDSequence>
    init(node: Int) { sequence = Mutex(IDSequence(node: node)) }
    func next(at now: Timestamp) -> Int64 { sequence.withLock { $0.next(at: now) } }

    /// Ids of a program that ran before were made by the same clock, and that may have been set back since.
    func continueAfter(_ id: Int64) {
        _ = next(at: Timestamp(microseconds: ((id >> 22) + 1 + IDSequence.epochMilliseconds) * 1000))
    }
}
