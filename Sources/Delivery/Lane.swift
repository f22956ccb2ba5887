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

/// One sender account at work for one destination: the rows that wait, its workers and its open connections. A relay takes mail for all
/// domains over one lane; direct delivery has a lane for each domain.
final class Lane: Sendable {
    struct Connection: Sendable {
        let client: SMTPClient
        /// Whose connections it counts among.
        let gate: DestinationGate
        var mails = 0
        var idleSince: Timestamp
    }

    private struct State {
        var waiting: [Claimed] = []
        var workers = 0
        var idle: [Connection] = []
        var isRetired = false
        var gate: DestinationGate
    }

    let sender: Sender
    /// Of direct delivery; nil where one relay or folder takes everything.
    let domain: String?
    let folder: FolderOutbox?
    private let state: Mutex<State>

    init(_ sender: Sender, domain: String?, gate: DestinationGate) {
        self.sender = sender
        self.domain = domain
        folder = sender.kind == .folder ? FolderOutbox(path: sender.url) : nil
        state = Mutex(State(gate: gate))
    }

    /// Rows that wait or are worked on.
    var load: Int { state.withLock { $0.waiting.count + $0.workers } }
    var isUnused: Bool { state.withLock { $0.waiting.isEmpty && $0.workers == 0 && $0.idle.isEmpty } }

    /// What this destination shares with others. It becomes the provider's once the domain's servers are known.
    var gate: DestinationGate {
        get { state.withLock { $0.gate } }
        set { state.withLock { $0.gate = newValue } }
    }

    // MARK: Rows

    /// - Returns: how many workers to start for what waits now. False memory is none: each one asks `next` until it gets nil.
    func add(_ rows: [Claimed]) -> Int {
        state.withLock { state in
            state.waiting += rows
            let wanted = min(state.waiting.count, max(1, state.gate.connectionsMax)) - state.workers
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
            guard !state.isRetired, connection.mails < sender.limits.perConnection, !connection.gate.isCrowded else { return false }
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
}
