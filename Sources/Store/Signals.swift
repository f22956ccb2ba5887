import Synchronization

/// Wake-ups: a commit that touched a topic raises its counter, and everybody waiting for that returns.
public final class Signals: Sendable {
    public enum Topic: Int, Sendable, CaseIterable { case spool, interactions, events, sends, fetches, accounts }

    private struct Waiter {
        let topic: Topic
        let continuation: CheckedContinuation<Void, Never>
        let timer: Task<Void, Never>

        func resume() {
            timer.cancel()
            continuation.resume()
        }
    }

    private struct State {
        var counters = [Int](repeating: 0, count: Topic.allCases.count)
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())

    init() {}

    /// The topic's counter now; take it before looking for work, wait for it to change afterwards.
    public func ticket(_ topic: Topic) -> Int { state.withLock { $0.counters[topic.rawValue] } }

    /// Returns as soon as the counter is no longer `after` (at once if it already is), after `atMost`, or when the task is cancelled.
    /// - Returns: the counter then.
    @discardableResult
    public func wait(_ topic: Topic, after: Int, atMost: Duration) async -> Int {
        if atMost <= .zero { return ticket(topic) }
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let hasToWait = state.withLock { state in
                    guard state.counters[topic.rawValue] == after, !Task.isCancelled else { return false }
                    let timer = Task {
                        try? await Task.sleep(for: atMost)
                        self.wake(id)
                    }
                    state.waiters[id] = Waiter(topic: topic, continuation: continuation, timer: timer)
                    return true
                }
                if !hasToWait { continuation.resume() }
            }
        } onCancel: {
            wake(id)
        }
        return ticket(topic)
    }

    func raise(_ topics: some Collection<Topic>) {
        if topics.isEmpty { return }
        let woken = state.withLock { state in
            for topic in topics { state.counters[topic.rawValue] += 1 }
            let ids = state.waiters.filter { topics.contains($0.value.topic) }.keys
            return ids.compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in woken { waiter.resume() }
    }

    private func wake(_ id: Int) {
        state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
}
