import Domain
import Synchronization

/// What all mail to one destination shares: how many connections, how fast, and a pause after the other side asked for one.
/// A destination is a relay, a domain, or a provider with many domains.
final class DestinationGate: Sendable {
    private struct State {
        var limits: SendLimits.Destination
        var inside = 0
        var waiters: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        var lastWaiter = 0
        /// When the next mail may begin.
        var nextAt: Timestamp?
        var failures = PollSchedule(interval: .seconds(2), longestWait: .seconds(300))
        /// Longer waits, for those who told us to go slower.
        var slowness = PollSchedule(interval: .seconds(60), longestWait: .seconds(3600))
        var closedUntil: Timestamp?
        var closedBecause = ""
        /// After a pause one connection tries; with its first success the others follow.
        var isProbing = false
    }

    static let waitersMax = 4096

    let name: String
    private let connectionsUsual: Int
    private let state: Mutex<State>

    init(name: String, limits: SendLimits.Destination, connectionsUsual: Int) {
        self.name = name
        self.connectionsUsual = connectionsUsual
        state = Mutex(State(limits: limits))
    }

    var connectionsMax: Int { state.withLock { $0.limits.connections ?? connectionsUsual } }

    // MARK: Connections

    /// Waits for the right to open a connection.
    /// - Returns: false when that took too long; nothing was taken then.
    func enter(atMost: Duration) async -> Bool {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let timer = Task {
            try? await Task.sleep(for: atMost)
            self.giveUp(id)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled || state.waiters.count >= Self.waitersMax { return false }
                    if state.inside < allowed(state) {
                        state.inside += 1
                        return true
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            giveUp(id)
        }
    }

    private func allowed(_ state: State) -> Int { state.isProbing ? 1 : max(1, state.limits.connections ?? connectionsUsual) }

    private func giveUp(_ id: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index).continuation
        }
        waiter?.resume(returning: false)
    }

    /// The connection is closed.
    func leave() {
        state.withLock { $0.inside -= 1 }
        admit()
    }

    private func admit() {
        let admitted = state.withLock { state in
            var admitted: [CheckedContinuation<Bool, Never>] = []
            while state.inside < allowed(state), !state.waiters.isEmpty {
                state.inside += 1
                admitted.append(state.waiters.removeFirst().continuation)
            }
            return admitted
        }
        for waiter in admitted { waiter.resume(returning: true) }
    }

    /// Whether somebody waits for a connection: an unused one should be closed then.
    var isCrowded: Bool { state.withLock { !$0.waiters.isEmpty } }

    var isFull: Bool { state.withLock { $0.inside >= allowed($0) } }

    // MARK: Pace

    /// Takes a place in the row of mails and says how long to wait for it.
    func pace(at now: Timestamp) -> Duration {
        state.withLock { state in
            guard let perMinute = state.limits.perMinute, perMinute > 0 else { return .zero }
            let begin = max(now, state.nextAt ?? now)
            state.nextAt = begin + .seconds(60) / perMinute
            return begin - now
        }
    }

    /// How many mails may begin within that time; nil when there is no limit.
    func allowance(within time: Duration) -> Int? {
        state.withLock { $0.limits.perMinute }.map { max(1, Int(Double($0) * (time / .seconds(60)))) }
    }

    // MARK: Pauses

    /// Why nothing should be tried before that time; nil when it may be.
    func closed(at now: Timestamp) -> (reason: String, wait: Duration)? {
        state.withLock { state in
            guard let until = state.closedUntil, now < until else { return nil }
            return (state.closedBecause, until - now)
        }
    }

    func wasReached() {
        state.withLock { state in
            state.failures.recordSuccess()
            if !state.isProbing { state.closedUntil = nil }
        }
    }

    /// A message was taken: the other side has nothing against us.
    func wasGood() {
        let wasProbing = state.withLock { state in
            defer {
                state.isProbing = false
                state.slowness.recordSuccess()
            }
            return state.isProbing
        }
        if wasProbing { admit() }
    }

    /// - Returns: how long nobody will try.
    func wasNotReached(because reason: String, at now: Timestamp) -> Duration {
        state.withLock { state in
            let wait = state.failures.nextWait
            state.failures.recordFailure()
            state.closedUntil = max(now + wait, state.closedUntil ?? now)
            state.closedBecause = reason
            return wait
        }
    }

    /// The other side wants less of us: 421, 4.7.x.
    /// - Returns: how long nobody will try.
    func wasTooMuch(because reason: String, atLeast: Duration?, at now: Timestamp) -> Duration {
        state.withLock { state in
            if let until = state.closedUntil, now < until { return until - now }  // said to several connections at once
            let wait = max(state.slowness.nextWait, atLeast ?? .zero)
            state.slowness.recordFailure()
            state.closedUntil = now + wait
            state.closedBecause = reason
            state.isProbing = true
            return wait
        }
    }
}
