public import Domain
public import Insight
public import Logging
public import ServiceLifecycle
public import Store

/// Claims new messages in batches, scores them, and places each batch in one transaction.
public struct DeskService: Service {
    /// Tells language and mood of a subject and a body.
    public typealias Scoring = @Sendable (_ subject: String, _ body: String) -> (language: String?, mood: Mood?)

    static let batchMax = 64
    /// Placing takes milliseconds; a claim older than this belonged to somebody who died.
    static let lease: Duration = .seconds(60)
    /// The signal can be lost with another node; then this finds the work.
    static let longestWait: Duration = .seconds(30)

    private let desk: Desk
    private let score: Scoring
    private let owner: String
    private let logger: Logger

    /// - Parameter owner: unique among the processes on one database.
    public init(desk: Desk, scorer: Scorer, owner: String, logger: Logger) {
        self.init(desk: desk, owner: owner, logger: logger) { scorer.score(subject: $0, body: $1) }
    }

    public init(desk: Desk, owner: String, logger: Logger, score: @escaping Scoring) {
        self.desk = desk
        self.score = score
        self.owner = owner
        self.logger = logger
    }

    public func run() async throws {
        var schedule = PollSchedule(interval: .seconds(1), longestWait: Self.longestWait)
        let signals = desk.store.signals
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let seen = signals.ticket(.interactions)
            do {
                try await placeAll()
                schedule.recordSuccess()
                await cancelWhenGracefulShutdown { _ = await signals.wait(.interactions, after: seen, atMost: Self.longestWait) }
            } catch {
                schedule.recordFailure()
                let wait = schedule.nextWait
                logger.warning("Placing messages failed; it is tried again.", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
                await cancelWhenGracefulShutdown { try? await Task.sleep(for: wait) }
            }
        }
    }

    /// Until nothing is left. One batch is placed while the next is scored; they are placed in the order of their claims.
    private func placeAll() async throws {
        var placing: Task<Void, any Error>?
        repeat {
            let next: [ScoredMessage]
            do { next = try await claimNext() } catch {
                try? await placing?.value
                throw error
            }
            do { try await placing?.value } catch {
                try? await settle(next)
                throw error
            }
            placing = next.isEmpty ? nil : Task { try await self.settle(next) }
        } while placing != nil && !Task.isShuttingDownGracefully && !Task.isCancelled
        try await placing?.value
    }

    /// Claims and places one batch.
    /// - Returns: how many messages were claimed; 0 when there is nothing to do.
    @discardableResult
    public func placeNext() async throws -> Int {
        let scored = try await claimNext()
        try await settle(scored)
        return scored.count
    }

    private func claimNext() async throws -> [ScoredMessage] {
        let owner = owner
        let claimed = try await desk.store.write { try $0.interactions.claimNew(owner: owner, lease: Self.lease, limit: Self.batchMax) }
        // A conversation inside one batch is placed in the order it was held.
        return claimed.map(scored).sorted {
            ($0.message.occurredAt, $0.message.id) < ($1.message.occurredAt, $1.message.id)
        }
    }

    private func settle(_ scored: [ScoredMessage]) async throws {
        guard !scored.isEmpty else { return }
        do {
            try await place(scored)
        } catch  where scored.count > 1 {
            logger.warning("A batch could not be placed; its messages are tried one by one.", metadata: ["error": "\(error)"])
            for one in scored {
                do {
                    try await place([one])
                } catch let error as StoreError where error.kind == .superseded {
                    // Another node took it over and has placed it.
                } catch {
                    logger.error(
                        "A message could not be placed; it is tried again when its claim has expired.",
                        metadata: ["error": "\(error)", "interaction": "\(one.message.id)", "account": "\(one.message.account)"])
                }
            }
        }
    }

    /// Scores a message that is not stored yet.
    /// - Returns: what places it in the transaction that has stored it, as number `index` of its batch, and gives back what to tell the log
    ///   after the commit.
    public func ahead(
        _ message: Interaction
    ) -> @Sendable (_ transaction: Transaction, _ stored: Interaction, _ index: Int) throws -> @Sendable () -> Void {
        let before = scored(message)
        let (desk, logger) = (desk, logger)
        return { transaction, stored, index in
            var scored = before
            scored.message = stored
            let placing = Placing(
                transaction: transaction, settings: desk.settings, signer: desk.store.signer,
                arrivedAt: transaction.now + .microseconds(index))
            let tripped = try placing.place(scored).tripped
            return { Self.tell(tripped, logger) }
        }
    }

    private func scored(_ message: Interaction) -> ScoredMessage {
        guard message.nature == .human, !message.isClosed else { return ScoredMessage(message: message) }
        let (language, mood) = score(message.subject, message.words)
        return ScoredMessage(message: message, language: language, mood: mood)
    }

    func place(_ batch: [ScoredMessage]) async throws {
        let settings = desk.settings
        let signer = desk.store.signer
        let tripped = try await desk.store.write { transaction in
            var tripped: [Breaker] = []
            for (index, scored) in batch.enumerated() {
                let placing = Placing(
                    transaction: transaction, settings: settings, signer: signer, arrivedAt: transaction.now + .microseconds(index))
                tripped += try placing.place(scored).tripped
            }
            return tripped
        }
        Self.tell(tripped, logger)
    }

    private static func tell(_ tripped: [Breaker], _ logger: Logger) {
        for breaker in tripped {
            logger.warning(
                "A breaker tripped; automatic mail to this address stops.",
                metadata: ["address": "\(breaker.address)", "reason": "\(breaker.reason)", "until": "\(breaker.until)"])
        }
    }
}
