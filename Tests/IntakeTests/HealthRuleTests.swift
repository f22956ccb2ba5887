import Channels
import Domain
import Testing

@testable import Intake

@Suite struct HealthRuleTests {
    static let now = Timestamp(seconds: 1_700_000_000)

    /// Feeds outcomes one after the other.
    static func run(_ outcomes: [PollOutcome], interval: Duration = .seconds(60)) -> (health: AccountHealth, waits: [Duration]) {
        var rule = HealthRule(interval: interval)
        var health = AccountHealth(account: "box")
        let waits = outcomes.map { rule.record($0, in: &health, now: now, dice: 0.5) }
        return (health, waits)
    }

    @Test func `success waits for the interval and clears the error`() {
        let (health, waits) = Self.run([.failed("no route", .retry(notBefore: nil)), .success])
        #expect(waits.last == .seconds(60))
        #expect(health.state == .working)
        #expect(health.lastError == nil)
        #expect(health.failuresInARow == 0)
        #expect(health.lastSuccessAt == Self.now)
        #expect(health.nextAttemptAt == Self.now + .seconds(60))
    }

    @Test func `failures wait ever longer, up to a quarter of an hour`() {
        let (health, waits) = Self.run(Array(repeating: .failed("no route", .retry(notBefore: nil)), count: 10))
        #expect(waits == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900].map { .seconds($0) })
        #expect(health.state == .failing)
        #expect(health.lastError == "no route")
        #expect(health.failuresInARow == 10)
    }

    @Test func `a server's wish to be left alone is respected`() {
        #expect(Self.run([.failed("429", .retry(notBefore: .seconds(700)))]).waits == [.seconds(700)])
    }

    @Test func `refused credentials stop the account for an hour`() {
        let (health, waits) = Self.run([.failed("wrong password", .stop)])
        #expect(health.state == .stopped)
        #expect(waits == [.seconds(3600)])
    }

    @Test func `a database that takes nothing pauses the account and is not its failure`() {
        let (health, waits) = Self.run([.storeDown("disk full"), .storeDown("disk full"), .success, .storeDown("disk full")])
        #expect(waits == [.seconds(2), .seconds(4), .seconds(60), .seconds(2)])
        #expect(health.state == .paused)
        #expect(health.failuresInARow == 0)
        #expect(health.lastError == "nothing is fetched while the database cannot store it: disk full")
    }

    @Test func `a roster stops what changed, starts it when it has ended, and leaves the rest alone`() {
        let a = Account(name: "a", kind: .feed, url: "https://a.example")
        let b = Account(name: "b", kind: .feed, url: "https://b.example")
        var changed = b
        changed.interval = .seconds(5)
        let c = Account(name: "c", kind: .feed, url: "https://c.example")
        var roster = Roster([a, b])
        #expect(roster.orders().start == [a, b])
        roster.want([a, changed, c])
        let orders = roster.orders()
        #expect(orders.stop == ["b"])
        #expect(orders.start == [c])
        #expect(roster.orders() == ([], []))
        roster.ended("b")
        #expect(roster.orders().start == [changed])
    }

    @Test func `the part that is due first is asked first, and never at once`() {
        for (due, expected) in [
            (Duration.seconds(5), Duration.seconds(5)), (.seconds(-5), .milliseconds(200)), (.seconds(600), .seconds(600)),
        ] {
            var rule = HealthRule(interval: .seconds(60))
            var health = AccountHealth(account: "box")
            #expect(rule.record(.success, in: &health, now: Self.now, nextDue: due, dice: 0.5) == expected)
            #expect(health.nextAttemptAt == Self.now + expected)
        }
    }
}
