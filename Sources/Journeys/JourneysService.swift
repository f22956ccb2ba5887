public import Domain
public import Logging
public import ServiceLifecycle
public import Store
import Synchronization

/// Follows events by a cursor of its own and takes due steps. Event, enrolment and cursor change in one transaction.
public final class JourneysService: Service {
    /// Its name among the readers of events.
    static let consumer = "journeys"
    static let eventsMax = 200
    static let stepsMax = 100
    static let longestWait: Duration = .seconds(30)
    /// PostgreSQL shows an event only when no older transaction runs, and nothing wakes us at that moment.
    static let longestWaitOnServer: Duration = .seconds(1)
    /// A step that cannot be taken must not make the loop spin.
    static let shortestWait: Duration = .milliseconds(50)

    private let store: Store
    private let logger: Logger
    private let journeys: Mutex<[JourneyFolder]>
    private let loops: LoopGuard

    public init(store: Store, journeys: [JourneyFolder], loops: LoopGuard = LoopGuard(), logger: Logger) {
        self.store = store
        self.loops = loops
        self.journeys = Mutex(journeys)
        self.logger = logger
    }

    /// Takes effect with the next event and step. Whoever is on the way goes on by the new files.
    public func reload(journeys new: [JourneyFolder]) { journeys.withLock { $0 = new } }

    public func run() async throws {
        var schedule = PollSchedule(interval: .seconds(1), longestWait: Self.longestWait)
        let signals = store.signals
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let seen = signals.ticket(.events)
            do {
                try await advance()
                let wait = try await untilNextStep()
                schedule.recordSuccess()
                await cancelWhenGracefulShutdown { _ = await signals.wait(.events, after: seen, atMost: wait) }
            } catch {
                schedule.recordFailure()
                let wait = schedule.nextWait
                logger.warning("Moving journeys on failed; it is tried again.", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
                await cancelWhenGracefulShutdown { try? await Task.sleep(for: wait) }
            }
        }
    }

    /// Reads all new events and takes all due steps.
    public func advance() async throws {
        while try await followEvents() == Self.eventsMax, !Task.isCancelled {}
        while try await takeSteps() == Self.stepsMax, !Task.isCancelled {}
    }

    /// - Returns: how many events were read.
    private func followEvents() async throws -> Int {
        // Most wake-ups bring nothing: a look costs less than a write.
        let isBehind = try await store.read { try !$0.events.read(after: $0.events.cursor(Self.consumer), limit: 1).isEmpty }
        guard isBehind else { return 0 }
        let (journeys, loops) = (journeys.withLock { $0 }, loops)
        return try await store.write { transaction in
            let events = try transaction.events.read(after: transaction.events.cursor(Self.consumer), limit: Self.eventsMax)
            let walk = Walk(transaction: transaction, journeys: journeys, loops: loops)
            for event in events { try walk.follow(event) }
            if let last = events.last { try transaction.events.setCursor(Self.consumer, last.position) }
            return events.count
        }
    }

    /// - Returns: how many steps were due.
    private func takeSteps() async throws -> Int {
        guard let next = try await store.read({ try $0.enrolments.nextDue() }), next <= store.time.now() else { return 0 }
        let (journeys, loops) = (journeys.withLock { $0 }, loops)
        do {
            return try await store.write { transaction in
                let due = try transaction.enrolments.due(limit: Self.stepsMax)
                let walk = Walk(transaction: transaction, journeys: journeys, loops: loops)
                for enrolment in due { try walk.step(enrolment) }
                return due.count
            }
        } catch let error as StoreError where !error.isTemporary {
            try await takeStepsOneByOne(journeys)
            throw error
        }
    }

    /// One customer whose step fails does not hold up the others.
    private func takeStepsOneByOne(_ journeys: [JourneyFolder]) async throws {
        let loops = loops
        for enrolment in try await store.read({ try $0.enrolments.due(limit: Self.stepsMax) }) {
            do {
                try await store.write { transaction in
                    // Somebody may have taken it since.
                    guard try transaction.enrolments.get(enrolment.id) == enrolment else { return }
                    try Walk(transaction: transaction, journeys: journeys, loops: loops).step(enrolment)
                }
            } catch let error as StoreError where !error.isTemporary {
                logger.error(
                    "A journey's step failed.",
                    metadata: ["error": "\(error)", "journey": "\(enrolment.journey)", "customer": "\(enrolment.customer)"])
            }
        }
    }

    private func untilNextStep() async throws -> Duration {
        let longest = store.kind == .postgres ? Self.longestWaitOnServer : Self.longestWait
        guard let due = try await store.read({ try $0.enrolments.nextDue() }) else { return longest }
        return min(max(due - store.time.now(), Self.shortestWait), longest)
    }
}
