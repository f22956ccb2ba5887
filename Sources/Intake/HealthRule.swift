import Channels
import Domain

/// What became of one poll.
enum PollOutcome: Equatable {
    case success
    /// The source's trouble.
    case failed(String, SourceError.Remedy)
    /// Ours: the database did not take the items, so nothing was acknowledged.
    case storeDown(String)
}

/// Turns outcomes into an account's health and the wait until the next poll. Pure: holds no clock and no dice.
struct HealthRule: Equatable {
    /// A lost connection is tried again this soon, then ever later.
    static let firstRetry = Duration.seconds(5)
    static let longestRetry = Duration.seconds(900)
    /// Nothing but a person helps; still look now and then, in case one did on the other side.
    static let stoppedWait = Duration.seconds(3600)
    static let firstPause = Duration.seconds(2)
    static let longestPause = Duration.seconds(60)

    /// Between these an account without an interval of its own finds its pace.
    static let paceShortest = Duration.seconds(300)
    static let paceLongest = Duration.seconds(6 * 3600)
    /// What a source says of when to come again is believed up to this.
    static let longestHint = Duration.seconds(86_400)

    static let dueShortest = Duration.milliseconds(200)

    private let interval: Duration
    private let isAdaptive: Bool
    private var retries: PollSchedule
    private var pauses: PollSchedule

    init(interval: Duration, isAdaptive: Bool = false) {
        self.interval = interval
        self.isAdaptive = isAdaptive
        retries = PollSchedule(interval: min(interval, Self.firstRetry), longestWait: Self.longestRetry)
        pauses = PollSchedule(interval: Self.firstPause, longestWait: Self.longestPause)
    }

    /// - Parameters:
    ///   - hasNews: something new came.
    ///   - notBefore: what the source says of when to come again.
    ///   - nextDue: when the first of its parts is due; stands in for the interval.
    ///   - dice: 0..<1, spreads accounts apart.
    mutating func record(
        _ outcome: PollOutcome, in health: inout AccountHealth, now: Timestamp, hasNews: Bool = true, notBefore: Duration? = nil,
        nextDue: Duration? = nil, dice: Double
    ) -> Duration {
        health.lastAttemptAt = now
        let wait: Duration
        switch outcome {
        case .success:
            retries.recordSuccess()
            pauses.recordSuccess()
            health.state = .working
            health.lastSuccessAt = now
            health.lastError = nil
            health.failuresInARow = 0
            let pace = nextDue.map { max($0, Self.dueShortest) } ?? pace(&health.detail, hasNews: hasNews, notBefore: notBefore)
            wait = PollSchedule(interval: pace, longestWait: pace).nextWait(dice: dice)
        case .failed(let error, let remedy):
            health.lastError = error
            health.failuresInARow += 1
            switch remedy {
            case .stop:
                health.state = .stopped
                wait = Self.stoppedWait
            case .retry(let notBefore):
                health.state = .failing
                retries.recordFailure()
                wait = max(retries.nextWait(dice: dice), notBefore ?? .zero)
            }
        case .storeDown(let error):
            health.state = .paused
            health.lastError = "nothing is fetched while the database cannot store it: \(error)"
            wait = pauses.nextWait(dice: dice)
            pauses.recordFailure()
        }
        health.nextAttemptAt = now + wait
        return wait
    }

    /// The operator's interval; else twice as often after news, and less and less often while nothing comes.
    private func pace(_ detail: inout AccountDetail, hasNews: Bool, notBefore: Duration?) -> Duration {
        guard isAdaptive else { return interval }
        let before = detail.pace.map { Duration.seconds($0) } ?? interval
        let pace = hasNews ? max(Self.paceShortest, before / 2) : min(Self.paceLongest, before * 5 / 4)
        detail.pace = pace.components.seconds
        return max(pace, min(notBefore ?? .zero, Self.longestHint))
    }
}
