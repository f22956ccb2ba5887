import Domain
import Store
import Testing

@testable import Intake

/// How often an account is asked that nobody gave an interval, and what operators ask of accounts.
struct PaceTests {
    private static let now = Timestamp(seconds: 1_795_000_000)

    private static func waits(_ news: [Bool], hint: Duration? = nil, isAdaptive: Bool = true) -> [Int64] {
        var rule = HealthRule(interval: .seconds(300), isAdaptive: isAdaptive)
        var health = AccountHealth(account: "a")
        return news.map { hasNews in
            // In the middle of the dice nothing is spread.
            rule.record(.success, in: &health, now: now, hasNews: hasNews, notBefore: hint, dice: 0.5).components.seconds
        }
    }

    @Test func `while nothing comes it is asked less and less often, and after news twice as often`() {
        let waits = Self.waits([false, false, false, true, true, true])
        #expect(waits == [375, 468, 585, 300, 300, 300])
        let long = Self.waits([Bool](repeating: false, count: 60))
        #expect(long.last == Int64(21_600))
        #expect(zip(long, long.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test func `a source is not asked before it wants to be, up to a day`() {
        #expect(Self.waits([true], hint: .seconds(7200)) == [7200])
        #expect(Self.waits([true], hint: .seconds(30)) == [300])
        #expect(Self.waits([true], hint: .seconds(7 * 86_400)) == [86_400])
    }

    @Test func `an interval that was written is kept`() {
        #expect(Self.waits([false, false, true], hint: .seconds(7200), isAdaptive: false) == [300, 300, 300])
    }

    @Test func `orders are told once, and polls asked for before the start are not made up for`() {
        var orders = AccountOrders()
        let first = orders.take(["a": AccountOrder(isOnHold: true, pollAt: Self.now), "b": AccountOrder(isOnHold: false, pollAt: Self.now)])
        #expect(first.hold.map(\.name) == ["a"])
        #expect(first.poll == [])
        let same = orders.take(["a": AccountOrder(isOnHold: true, pollAt: Self.now), "b": AccountOrder(isOnHold: false, pollAt: Self.now)])
        #expect(same.hold.isEmpty && same.poll.isEmpty)
        let next = orders.take([
            "a": AccountOrder(isOnHold: false, pollAt: Self.now), "b": AccountOrder(isOnHold: false, pollAt: Self.now + .seconds(1)),
        ])
        #expect(next.hold.map(\.name) == ["a"])
        #expect(next.hold.allSatisfy { !$0.isOnHold })
        #expect(next.poll == ["b"])
    }
}

/// A silence is told only when it is longer than it ever was, and when enough came before to know.
struct SilenceTests {
    private static let start = Timestamp(seconds: 1_795_000_000)

    /// Twenty items, an hour apart but for one gap of a day.
    private static var known: AccountDetail {
        var detail = AccountDetail()
        for hour in 0..<20 { detail.came(at: start + .seconds(hour * 3600 + (hour >= 10 ? 86_400 : 0))) }
        return detail
    }

    @Test(arguments: [(20, 3600), (36, 3600)] as [(Int, Int)])
    func usual(hours: Int, step: Int) throws {
        let detail = Self.known
        let last = try #require(detail.lastItemAt)
        #expect(detail.unusualSilence(itemsStored: 20, now: last + .seconds(hours * step)) == nil)
    }

    @Test func `longer than half again the longest gap`() throws {
        let detail = Self.known
        let last = try #require(detail.lastItemAt)
        let silence = detail.unusualSilence(itemsStored: 20, now: last + .seconds(38 * 3600))
        #expect(silence == .seconds(38 * 3600))
        #expect(detail.unusualSilence(itemsStored: 19, now: last + .seconds(38 * 3600)) == nil, "too few to know")
    }

    @Test func `a busy account is not told of within six hours`() {
        var detail = AccountDetail()
        for minute in 0..<60 { detail.came(at: Self.start + .seconds(minute * 60)) }
        let last = Self.start + .seconds(59 * 60)
        #expect(detail.unusualSilence(itemsStored: 60, now: last + .seconds(5 * 3600)) == nil)
        #expect(detail.unusualSilence(itemsStored: 60, now: last + .seconds(7 * 3600)) != nil)
    }
}
