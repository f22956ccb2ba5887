import Synchronization

/// Requests an account may make in a time, refilled evenly; shared by all its streams. A full bucket may be spent at once.
final class RateBucket: Sendable {
    private struct Level {
        var tokens: Double
        var at: ContinuousClock.Instant
    }

    private let size: Double
    private let perSecond: Double
    private let level: Mutex<Level>

    init(requests: Int, per: Duration, now: ContinuousClock.Instant = .now) {
        size = Double(max(1, requests))
        perSecond = size / max(0.001, per / .seconds(1))
        level = Mutex(Level(tokens: size, at: now))
    }

    /// Takes its share, now or later.
    /// - Returns: how long to wait before the request is made.
    /// - Parameter most: where the wait would be longer, nothing is taken.
    func take(_ cost: Int, atMost most: Duration? = nil, now: ContinuousClock.Instant = .now) -> Duration {
        level.withLock { level in
            level.tokens = min(size, level.tokens + (now - level.at) / .seconds(1) * perSecond)
            level.at = now
            let left = level.tokens - Double(cost)
            let wait: Duration = left >= 0 ? .zero : .seconds(-left / perSecond)
            if let most, wait > most { return wait }
            level.tokens = left
            return wait
        }
    }
}
