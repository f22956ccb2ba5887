import Domain
import Logging
import ServiceLifecycle
import Store
import Synchronization

/// Follows the event log once for all open pages and keeps the newest events in a ring, so that a hundred agents cost one query.
final class LiveHub: Service {
    static let ringMax = 2048
    static let readMax = 500
    static let subscribersMax = 2000
    /// Events of another node may become visible without a local commit.
    static let longestWait = Duration.seconds(1)
    /// Everybody is woken this often, to show that the connection lives.
    static let heartbeat = Duration.seconds(20)

    private struct State {
        var ring: [Event] = []
        /// The ring has every event after this position.
        var completeAfter: Int64 = -1
        /// Everything up to here has been published; -1 until the first look.
        var position: Int64 = -1
        var subscribers: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextSubscriber = 0
        var isOver = false
    }

    private let store: Store
    private let logger: Logger
    private let state = Mutex(State())

    init(store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    var subscriberCount: Int { state.withLock { $0.subscribers.count } }
    var position: Int64 { state.withLock { $0.position } }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
        let subscribers = state.withLock { state in
            defer { state.subscribers = [:] }
            state.isOver = true
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.finish() }
    }

    private func follow() async {
        var hasFailed = false
        var beat = ContinuousClock.now
        while !Task.isCancelled {
            let ticket = store.signals.ticket(.events)
            do {
                let isFull = try await look()
                hasFailed = false
                if isFull { continue }
            } catch is CancellationError {
                return
            } catch {
                if !hasFailed { logger.warning("Live updates cannot read events; trying again.", metadata: ["error": "\(error)"]) }
                hasFailed = true
                try? await Task.sleep(for: Self.longestWait)
            }
            if beat.duration(to: .now) >= Self.heartbeat {
                beat = .now
                wakeAll()
            }
            await store.signals.wait(.events, after: ticket, atMost: Self.longestWait)
        }
    }

    /// - Returns: whether there may be more to read at once.
    private func look() async throws -> Bool {
        let position = position
        if position < 0 {
            let last = try await store.read { try $0.events.lastPosition() }
            state.withLock { state in
                state.position = last
                state.completeAfter = last
            }
            return true
        }
        let events = try await store.read { try $0.events.read(after: position, limit: Self.readMax) }
        guard let last = events.last else { return false }
        state.withLock { state in
            state.ring += events
            let surplus = state.ring.count - Self.ringMax
            if surplus > 0 {
                state.completeAfter = state.ring[surplus - 1].position
                state.ring.removeFirst(surplus)
            }
            state.position = last.position
        }
        wakeAll()
        return events.count == Self.readMax
    }

    private func wakeAll() {
        for subscriber in state.withLock({ Array($0.subscribers.values) }) { subscriber.yield() }
    }

    /// A stream with one element per publication or heartbeat; a slow reader finds one waiting, never a queue. Nil when there are too many.
    func subscribe() -> (id: Int, wakeUps: AsyncStream<Void>)? {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state -> Int? in
            guard !state.isOver, state.subscribers.count < Self.subscribersMax else { return nil }
            state.nextSubscriber += 1
            state.subscribers[state.nextSubscriber] = continuation
            return state.nextSubscriber
        }
        return id.map { ($0, stream) }
    }

    func unsubscribe(_ id: Int) {
        state.withLock { $0.subscribers.removeValue(forKey: id) }?.finish()
    }

    enum Missed: Equatable {
        case events([Event])
        /// The ring does not reach back that far: the page should load everything again.
        case tooMany
    }

    /// What a page that has seen everything up to `position` has missed, and the position it has then.
    func events(after position: Int64) -> (missed: Missed, position: Int64) {
        state.withLock { state in
            guard position < state.position else { return (.events([]), position) }
            guard position >= state.completeAfter else { return (.tooMany, state.position) }
            return (.events(state.ring.filter { $0.position > position }), state.position)
        }
    }
}
