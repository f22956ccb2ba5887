import Domain
import Synchronization

/// How often each address may do something: a bucket per name that fills again with time.
final class RateLimits: Sendable {
    /// Buckets kept; when there are more, those that are full again are forgotten, then the oldest.
    static let bucketsMax = 10_000

    private struct Bucket {
        var left: Double
        var at: Timestamp
    }

    private let time: any TimeSource
    private let buckets = Mutex<[String: Bucket]>([:])

    init(time: any TimeSource) { self.time = time }

    /// Takes one from the bucket of `name`.
    /// - Returns: nil when it may go on, else the seconds until the next one is free.
    func take(_ name: String, perHour: Int) -> Int64? {
        let now = time.now()
        let perSecond = Double(perHour) / 3600
        return buckets.withLock { buckets in
            if buckets.count >= Self.bucketsMax, buckets[name] == nil { Self.forget(&buckets, now: now) }
            var bucket = buckets[name] ?? Bucket(left: Double(perHour), at: now)
            let passed = max(0, Double((now - bucket.at).microseconds) / 1_000_000)
            bucket.left = min(Double(perHour), bucket.left + passed * perSecond)
            bucket.at = now
            let isFree = bucket.left >= 1
            if isFree { bucket.left -= 1 }
            buckets[name] = bucket
            return isFree ? nil : Int64(((1 - bucket.left) / perSecond).rounded(.up))
        }
    }

    /// Whether the bucket of `name` is empty; takes nothing.
    func isSpent(_ name: String, perHour: Int) -> Bool {
        let now = time.now()
        return buckets.withLock { buckets in
            guard let bucket = buckets[name] else { return false }
            let passed = max(0, Double((now - bucket.at).microseconds) / 1_000_000)
            return bucket.left + passed * Double(perHour) / 3600 < 1
        }
    }

    /// Forgives what a name took: a right password after a wrong one.
    func reset(_ name: String) { _ = buckets.withLock { $0.removeValue(forKey: name) } }

    private static func forget(_ buckets: inout [String: Bucket], now: Timestamp) {
        buckets = buckets.filter { $0.value.at > now - .seconds(3600) }
        guard buckets.count >= bucketsMax else { return }
        let oldest = buckets.sorted { $0.value.at < $1.value.at }.prefix(bucketsMax / 10)
        for entry in oldest { buckets.removeValue(forKey: entry.key) }
    }
}

/// Counts since the start, for the metrics.
final class Tally: Sendable {
    private let counts = Mutex<[String: Int64]>([:])

    func count(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
    var all: [String: Int64] { counts.withLock { $0 } }
}
