import Domain
import Synchronization

/// What everybody in this process who speaks for one channel account shares: its session, renewed by one at a time, and its rate.
public final class ChannelRoom: Sendable {
    struct Sessions: Sendable, Hashable {
        var usual: [String: String]
        /// Where answers need a permission of their own.
        var reply: [String: String]
        /// A digest of what the account gave when these were got.
        var inputs: String
    }

    private struct State {
        var sessions: Sessions?
        var isLocked = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var bucket: (rate: ChannelFile.Rate, bucket: RateBucket)?
    }

    private let state = Mutex(State())

    public init() {}

    /// Nil until somebody read or began one.
    var sessions: Sessions? {
        get { state.withLock { $0.sessions } }
        set { state.withLock { $0.sessions = newValue } }
    }

    /// The sessions of an account with these inputs: the newest known here, else what is stored, else none.
    func enter(_ inputs: String, stored: Sessions?) -> Sessions {
        state.withLock { state in
            if let known = state.sessions, known.inputs == inputs { return known }
            let begun = stored.flatMap { $0.inputs == inputs ? $0 : nil } ?? Sessions(usual: [:], reply: [:], inputs: inputs)
            state.sessions = begun
            return begun
        }
    }

    /// The account's bucket; a new one when the file's rate changed.
    func bucket(_ rate: ChannelFile.Rate?) -> RateBucket? {
        guard let rate else { return nil }
        return state.withLock { state in
            if let known = state.bucket, known.rate.requests == rate.requests, known.rate.per == rate.per { return known.bucket }
            let bucket = RateBucket(requests: rate.requests, per: rate.per)
            state.bucket = (rate, bucket)
            return bucket
        }
    }

    // MARK: One at a time

    /// A renewal ends by its own time limit, so whoever waits here waits for that long at most.
    func lock() async {
        await withCheckedContinuation { continuation in
            let isMine = state.withLock { state in
                if state.isLocked {
                    state.waiters.append(continuation)
                    return false
                }
                state.isLocked = true
                return true
            }
            if isMine { continuation.resume() }
        }
    }

    func unlock() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiters.isEmpty {
                state.isLocked = false
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.resume()
    }
}
