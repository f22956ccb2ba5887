import Synchronization

/// Lets only so many polls run at once, in all and per host, so that a thousand accounts on one server do not open a thousand connections
/// in the same second. First come, first served. Waiting for mail (IDLE) needs no place.
final class HostGate: Sendable {
    static let perHost = 4
    static let inAll = 32

    /// A poll's place, in all and at its host.
    struct Place: Sendable {
        fileprivate let gate: HostGate
        fileprivate let host: String
        fileprivate let isAtHost = Flag()

        /// Gives up the place at the host, which is not asked any more; what it answered is still to be stored.
        func leaveHost() {
            if isAtHost.clear() { gate.leave { $0.leaveHost(host) } }
        }

        fileprivate func leave() {
            let isAtHost = isAtHost.clear()
            gate.leave { state in
                if isAtHost { state.leaveHost(host) }
                state.count -= 1
            }
        }
    }

    fileprivate final class Flag: Sendable {
        private let isSet = Mutex(true)
        /// - Returns: whether it was set.
        func clear() -> Bool {
            isSet.withLock { isSet in
                defer { isSet = false }
                return isSet
            }
        }
    }

    fileprivate struct Waiter {
        var number: Int
        var host: String
        var continuation: CheckedContinuation<Bool, Never>
    }

    fileprivate struct State {
        var inside: [String: Int] = [:]
        var count = 0
        var waiters: [Waiter] = []
        var nextNumber = 0
        var cancelled: Set<Int> = []

        mutating func enter(_ host: String) -> Bool {
            guard count < inAll, inside[host, default: 0] < perHost else { return false }
            inside[host, default: 0] += 1
            count += 1
            return true
        }

        mutating func leaveHost(_ host: String) {
            let left = inside[host, default: 1] - 1
            inside[host] = left == 0 ? nil : left
        }
    }

    private let state = Mutex(State())

    func run<T: Sendable>(_ host: String, _ body: @Sendable (Place) async throws -> T) async throws -> T {
        guard await enter(host) else { throw CancellationError() }
        let place = Place(gate: self, host: host)
        defer { place.leave() }
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
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.cancelled.contains(number) { return false }
                    if state.enter(host) { return true }
                    state.waiters.append(Waiter(number: number, host: host, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter: Waiter? = state.withLock { state in
                guard let index = state.waiters.firstIndex(where: { $0.number == number }) else {
                    state.cancelled.insert(number)
                    return nil
                }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    fileprivate func leave(_ change: (inout State) -> Void) {
        let ready: [Waiter] = state.withLock { state in
            change(&state)
            var ready: [Waiter] = []
            var index = 0
            while index < state.waiters.count, state.count < Self.inAll {
                if state.enter(state.waiters[index].host) { ready.append(state.waiters.remove(at: index)) } else { index += 1 }
            }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: true) }
    }
}
