import Domain
import Synchronization
import Transport

/// A row of the ledger that is ours until its lease ends.
struct Claimed: Sendable {
    let send: Send
    /// One name per claim, so that a lease we lost cannot be mistaken for one we won again.
    let owner: String
    let at: Timestamp
}

/// One sender account at work: the rows that wait for it, its workers, its open connections, and a pause while it is out of reach.
final class Lane: Sendable {
    /// Large providers ask for a new connection now and then (Yahoo: 20 mails, most: 100).
    static let mailsPerConnectionMax = 50

    struct Connection: Sendable {
        let client: SMTPClient
        var mails = 0
        var idleSince: Timestamp
    }

    private struct State {
        var waiting: [Claimed] = []
        var workers = 0
        var idle: [Connection] = []
        var isRetired = false
        var failures = PollSchedule(interval: .seconds(2), longestWait: .seconds(300))
        var closedUntil: Timestamp?
        var closedBecause = ""
    }

    let sender: Sender
    let folder: FolderOutbox?
    private let state = Mutex(State())

    init(_ sender: Sender) {
        self.sender = sender
        folder = sender.kind == .folder ? FolderOutbox(path: sender.url) : nil
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    // MARK: Rows

    /// - Returns: how many workers to start for what waits now. False memory is none: each one asks `next` until it gets nil.
    func add(_ rows: [Claimed]) -> Int {
        state.withLock { state in
            state.waiting += rows
            let wanted = min(state.waiting.count, max(1, sender.concurrency)) - state.workers
            state.workers += max(0, wanted)
            return max(0, wanted)
        }
    }

    /// The oldest row; nil tells the worker to go home.
    func next() -> Claimed? {
        state.withLock { state in
            if state.waiting.isEmpty {
                state.workers -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    /// Nothing waits any more; what is on its way is finished.
    func empty() -> [Claimed] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// The sender's settings changed: its rows go elsewhere and its connections are closed after use.
    func retire() -> (rows: [Claimed], connections: [Connection]) {
        state.withLock { state in
            defer {
                state.waiting = []
                state.idle = []
                state.isRetired = true
            }
            return (state.waiting, state.idle)
        }
    }

    // MARK: Connections

    func takeIdle() -> Connection? { state.withLock { $0.idle.popLast() } }

    /// - Returns: false when it is not wanted any more; close it then.
    func park(_ connection: Connection) -> Bool {
        state.withLock { state in
            guard !state.isRetired, connection.mails < Self.mailsPerConnectionMax else { return false }
            state.idle.append(connection)
            return true
        }
    }

    var hasIdle: Bool { state.withLock { !$0.idle.isEmpty } }

    /// Takes out the connections nobody has used since then.
    func takeIdle(since: Timestamp) -> [Connection] {
        state.withLock { state in
            let old = state.idle.filter { $0.idleSince <= since }
            state.idle.removeAll { $0.idleSince <= since }
            return old
        }
    }

    // MARK: Out of reach

    /// Why no connection should be tried before that time; nil when one may be.
    func closed(at now: Timestamp) -> (reason: String, wait: Duration)? {
        state.withLock { state in
            guard let until = state.closedUntil, now < until else { return nil }
            return (state.closedBecause, until - now)
        }
    }

    func wasReached() {
        state.withLock { state in
            state.failures.recordSuccess()
            state.closedUntil = nil
        }
    }

    /// - Returns: how long nobody will try.
    func wasNotReached(because reason: String, at now: Timestamp) -> Duration {
        state.withLock { state in
            let wait = state.failures.nextWait
            state.failures.recordFailure()
            state.closedUntil = now + wait
            state.closedBecause = reason
            return wait
        }
    }
}
