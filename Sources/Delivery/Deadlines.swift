import Synchronization

/// Cancels what takes too long. One task looks after all: a cancelled `Task.sleep` keeps its timer until its time has come, and hundreds of
/// mails a second would leave theirs behind.
final class Deadlines: Sendable {
    private struct State {
        var running: [Int: Running] = [:]
        var last = 0
        var isTicking = false
    }
    private struct Running {
        var end: ContinuousClock.Instant
        var cancel: @Sendable () -> Void
    }

    private let tick: Duration
    private let state = Mutex(State())

    /// - Parameter tick: how late a cancellation may come.
    init(tick: Duration = .seconds(1)) { self.tick = tick }

    /// - Returns: what `work` returns, which is cancelled after `atMost` and when the caller is.
    func run<T: Sendable>(atMost: Duration, _ work: @escaping @Sendable () async -> T) async -> T {
        let task = Task { await work() }
        let id = enter(Running(end: .now + atMost) { task.cancel() })
        defer { state.withLock { $0.running[id] = nil } }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// How many are being looked after.
    var count: Int { state.withLock { $0.running.count } }

    private func enter(_ running: Running) -> Int {
        let (id, starts) = state.withLock { state in
            state.last += 1
            state.running[state.last] = running
            defer { state.isTicking = true }
            return (state.last, !state.isTicking)
        }
        if starts { Task { await self.look() } }
        return id
    }

    /// Until nothing is left to look after.
    private func look() async {
        var isOver = false
        while !isOver {
            try? await Task.sleep(for: tick)
            let late = state.withLock { state in
                if state.running.isEmpty {
                    state.isTicking = false
                    isOver = true
                }
                return state.running.values.filter { $0.end <= .now }
            }
            for running in late { running.cancel() }
        }
    }
}
