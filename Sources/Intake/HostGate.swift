import Synchronization

/// Lets only so many polls run at once, in all and per host, so that a thousand accounts on one server do not open a thousand connections
/// in the same second, and what a thousand servers answered does not lie in memory while the disk is slow. First come, first served.
/// Waiting for mail (IDLE) needs no place.
final class HostGate: Sendable {
    /// Polls that ask the same host.
    static let perHost = 4
    /// Polls that ask anybody.
    static let inAll = 32
    /// Polls that ask or have what they asked for and are not done with it.
    static let heldMax = 96

    private typealias Admission = CheckedContinuation<Bool, Never>

    private struct Waiter {
        var host: String
        /// Whether it has its place at the host already, and waits for one in all.
        var isAtHost = false
        var admission: Admission
    }

    /// Numbers of waiters in the order they came; those that have left are skipped when their turn comes.
    private struct Queue {
        private var numbers: [Int] = []
        private var first = 0

        var isEmpty: Bool { first == numbers.count }
        mutating func push(_ number: Int) { numbers.append(number) }

        mutating func pop() -> Int? {
            guard first < numbers.count else { return nil }
            defer {
                first += 1
                if first == numbers.count || first == 1000 {
                    numbers.removeFirst(first)
                    first = 0
                }
            }
            return numbers[first]
        }
    }

    private struct State {
        var atHost: [String: Int] = [:]
        var asking = 0
        var held = 0
        var waiters: [Int: Waiter] = [:]
        var hostQueues: [String: Queue] = [:]
        var queue = Queue()
        var nextNumber = 0
        var cancelled: Set<Int> = []

        /// From the host's queue to that of all.
        mutating func admit(to host: String) {
            while atHost[host, default: 0] < HostGate.perHost, let number = hostQueues[host]?.pop() {
                guard waiters[number] != nil else { continue }
                waiters[number]?.isAtHost = true
                atHost[host, default: 0] += 1
                queue.push(number)
            }
            if hostQueues[host]?.isEmpty == true { hostQueues[host] = nil }
        }

        mutating func admit() -> [Admission] {
            var admitted: [Admission] = []
            while asking < HostGate.inAll, held < HostGate.heldMax, let number = queue.pop() {
                guard let waiter = waiters.removeValue(forKey: number) else { continue }
                asking += 1
                held += 1
                admitted.append(waiter.admission)
            }
            return admitted
        }

        mutating func leaveHost(_ host: String) {
            let left = atHost[host, default: 1] - 1
            atHost[host] = left == 0 ? nil : left
            admit(to: host)
        }
    }

    /// A poll's place, at its host and in all.
    final class Place: Sendable {
        private let gate: HostGate
        private let host: String
        private let isAsking = Mutex(true)

        fileprivate init(gate: HostGate, host: String) {
            self.gate = gate
            self.host = host
        }

        /// Gives up the place at the host, which is not asked any more; what it answered is still to be stored.
        func leaveHost() { leave(isDone: false) }

        fileprivate func leave(isDone: Bool) {
            let wasAsking = isAsking.withLock { isAsking in
                defer { isAsking = false }
                return isAsking
            }
            gate.change { state in
                if wasAsking {
                    state.asking -= 1
                    state.leaveHost(host)
                }
                if isDone { state.held -= 1 }
            }
        }
    }

    private let state = Mutex(State())

    func run<T: Sendable>(_ host: String, _ body: @Sendable (Place) async throws -> T) async throws -> T {
        guard await enter(host) else { throw CancellationError() }
        let place = Place(gate: self, host: host)
        defer { place.leave(isDone: true) }
        return try await body(place)
    }

    private func enter(_ host: String) async -> Bool {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        // A cancellation that came too late to matter must not be remembered.
        defer { state.withLock { _ = $0.cancelled.remove(number) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { admission in
                let isCancelled = change { state in
                    if state.cancelled.contains(number) { return true }
                    state.waiters[number] = Waiter(host: host, admission: admission)
                    state.hostQueues[host, default: Queue()].push(number)
                    state.admit(to: host)
                    return false
                }
                if isCancelled { admission.resume(returning: false) }
            }
        } onCancel: {
            let waiter: Waiter? = change { state in
                guard let waiter = state.waiters.removeValue(forKey: number) else {
                    state.cancelled.insert(number)
                    return nil
                }
                if waiter.isAtHost { state.leaveHost(waiter.host) }
                return waiter
            }
            waiter?.admission.resume(returning: false)
        }
    }

    /// Changes the state and lets in whoever can go in then.
    @discardableResult
    private func change<T>(_ body: (inout State) -> T) -> T {
        let (value, admitted) = state.withLock { state in
            let value = body(&state)
            return (value, state.admit())
        }
        for admission in admitted { admission.resume(returning: true) }
        return value
    }
}
