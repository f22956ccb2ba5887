import Synchronization

/// One sleeper, woken by hand. A wake-up while nobody sleeps is kept for the next sleep.
final class Waker: Sendable {
    private enum State {
        case idle
        case rung
        case asleep(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    func wake() {
        let sleeper: CheckedContinuation<Void, Never>? = state.withLock { state in
            if case .asleep(let continuation) = state {
                state = .idle
                return continuation
            }
            state = .rung
            return nil
        }
        sleeper?.resume()
    }

    /// Returns when woken or cancelled.
    func sleep() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if case .rung = state {
                        state = .idle
                        return true
                    }
                    if Task.isCancelled { return true }
                    state = .asleep(continuation)
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            let sleeper: CheckedContinuation<Void, Never>? = state.withLock { state in
                guard case .asleep(let continuation) = state else { return nil }
                state = .idle
                return continuation
            }
            sleeper?.resume()
        }
    }
}
