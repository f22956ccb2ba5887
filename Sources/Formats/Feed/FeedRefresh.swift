public import Domain
import Glibc

/// How often a feed is worth asking, as it says itself: RSS's `ttl`, `skipHours` and `skipDays`, RSS 1.0's `sy:updatePeriod`. A hint: who
/// writes it wrong is still asked.
public struct FeedRefresh: Sendable, Hashable {
    /// Nobody waits longer than this because a feed says so.
    public static let minutesMax = 7 * 24 * 60

    /// At least this long between two polls.
    public var minutes: Int?
    /// Hours of the day in UTC, 0 to 23, in which nothing changes.
    public var skipHours: Set<Int> = []
    /// Days of the week in UTC, 1 for Monday to 7 for Sunday.
    public var skipDays: Set<Int> = []
    public init() {}

    public var isEmpty: Bool { minutes == nil && skipHours.isEmpty && skipDays.isEmpty }

    /// When to ask again.
    /// - Parameter every: the account's own interval, in seconds; never shortened.
    public func next(after now: Timestamp, every: Int64) -> Timestamp {
        var seconds = now.seconds + max(every, Int64(min(minutes ?? 0, Self.minutesMax)) * 60)
        guard skipHours.count < 24, skipDays.count < 7 else { return Timestamp(seconds: seconds) }
        for _ in 0..<(7 * 24) {  // the next hour that is not to be skipped
            let days = Int((Double(seconds) / 86400).rounded(.down))
            let hour = Int(seconds - Int64(days) * 86400) / 3600
            if !skipHours.contains(hour), !skipDays.contains(CivilDate(daysSince1970: days).weekday) { break }
            seconds = Int64(days) * 86400 + Int64(hour + 1) * 3600
        }
        return Timestamp(seconds: seconds)
    }

    private static let headBytesMax = 64 << 10

    /// What the head of a feed says; the entries are not looked at. Empty for anything else.
    public static func read(_ bytes: [UInt8]) -> FeedRefresh {
        let end = headEnd(bytes)
        let url = "https://feed.invalid/"
        return (try? FeedParser.parse(Array(bytes[..<end]), contentType: nil, url: url))?.refresh ?? FeedRefresh()
    }

    /// Where the first entry begins. RSS 1.0 lists its items in the channel's head, in `<items>`.
    private static func headEnd(_ bytes: [UInt8]) -> Int {
        let end = min(bytes.count, headBytesMax)
        return bytes.withUnsafeBufferPointer { bytes in
            var at = 0
            while let mark = bytes[at..<end].firstIndex(of: UInt8(ascii: "<")) {
                for word: StaticString in ["item", "entry"] {
                    let after = mark + 1 + word.utf8CodeUnitCount
                    guard after < end, memcmp(bytes.baseAddress! + mark + 1, word.utf8Start, word.utf8CodeUnitCount) == 0 else { continue }
                    if ASCII.isSpace(bytes[after]) || bytes[after] == UInt8(ascii: ">") { return mark }
                }
                at = mark + 1
            }
            return end
        }
    }

    mutating func skip(day: String) {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        if let at = names.firstIndex(of: String(ASCII.lowercased(day).prefix(3))) { skipDays.insert(at + 1) }
    }

    /// Hour 24 is the first one (RSS 0.91 counted from 1).
    mutating func skip(hour: String) { if let hour = Int(hour), (0...24).contains(hour) { skipHours.insert(hour % 24) } }

    mutating func update(period: String, frequency: Int) {
        let hours = ["hourly": 1, "daily": 24, "weekly": 7 * 24, "monthly": 30 * 24, "yearly": 365 * 24][ASCII.lowercased(period)]
        guard let hours else { return }
        let wanted = max(1, hours * 60 / max(1, frequency))
        minutes = max(minutes ?? 0, min(wanted, Self.minutesMax))
    }
}
