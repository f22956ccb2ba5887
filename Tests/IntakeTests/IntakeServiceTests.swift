import Channels
import Domain
import Foundation
import ServiceLifecycle
import Store
import Synchronization
import Testing
import Transport

@testable import Intake

/// A source under the test's control.
private final class Faucet: Source {
    struct Script {
        var batches: [Batch] = []
        var error: (any Error)?
        var polls = 0
        var closes = 0
        var names: [String] = []
    }

    private let script = Mutex(Script())
    private let delay: Duration

    init(delay: Duration = .zero) { self.delay = delay }

    var polls: Int { script.withLock { $0.polls } }
    var closes: Int { script.withLock { $0.closes } }
    func fail(_ error: (any Error)?) { script.withLock { $0.error = error } }
    func pour(_ ids: String...) {
        script.withLock {
            $0.batches.append(Batch(items: ids.map { RawItem(externalID: $0, kind: .mail, bytes: [1]) }, stream: "s", cursor: ids.last))
        }
    }

    func poll(into keeper: Keeper) async throws {
        let (batches, error) = script.withLock { script in
            script.polls += 1
            return (script.batches, script.error)
        }
        if let error { throw error }
        for batch in batches {
            try await keeper.store(batch)
            script.withLock { _ = $0.batches.removeFirst() }
        }
        if delay > .zero { try await Task.sleep(for: delay) }
    }

    func close() async { script.withLock { $0.closes += 1 } }
}

@Suite(.timeLimit(.minutes(10))) struct IntakeServiceTests {
    static func account(_ name: String, interval: Duration = .milliseconds(1)) -> Account {
        var account = Account(name: name, kind: .feed, url: "https://\(name).example/feed")
        account.interval = interval
        return account
    }

    /// Runs a service while `test` watches it, and waits for its end.
    private static func with(
        _ accounts: [Account], _ sources: [String: Faucet], _ test: (IntakeService, House) async throws -> Void
    ) async throws {
        try await House.with { house in
            let service = IntakeService(store: house.store, accounts: accounts, logger: House.logger) { account in
                sources[account.name] ?? Faucet()
            }
            let running = Task { try await service.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await test(service, house)) } catch { result = .failure(error) }
            running.cancel()
            try await running.value
            try result.get()
        }
    }

    static func until(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test func `items, cursor and count are stored together, and health tells`() async throws {
        let faucet = Faucet()
        faucet.pour("1", "2")
        faucet.pour("2", "3")
        try await Self.with([Self.account("a")], ["a": faucet]) { _, house in
            try await Self.until { faucet.polls > 1 }
            let (health, cursor, known) = try await house.store.read {
                (try $0.accounts.health("a"), try $0.accounts.cursor("a", "s"), try $0.spool.known("a", externalIDs: ["1", "2", "3"]))
            }
            #expect(known == ["1", "2", "3"])
            #expect(cursor == "3")
            #expect(health?.itemsStored == 3)
            #expect(health?.state == .working)
            #expect(health?.lastError == nil)
            let changes = try await house.events(.accountChanged)
            #expect(changes.map(\.data) == [["account": "a", "state": "working"]])
        }
    }

    @Test func `an account in trouble says so, recovers by itself, and delays no other`() async throws {
        let bad = Faucet()
        let good = Faucet()
        bad.fail(SourceError.webPage(url: "https://bad.example/feed", expected: "a feed"))
        try await Self.with([Self.account("bad"), Self.account("good")], ["bad": bad, "good": good]) { _, house in
            try await Self.until { good.polls > 2 && bad.polls > 1 }
            let health = try #require(try await house.store.read { try $0.accounts.health("bad") })
            #expect(health.state == .failing)
            #expect(
                health.lastError
                    == "https://bad.example/feed answered with a web page instead of a feed; check the address, and whether it wants a login"
            )
            #expect(health.nextAttemptAt != nil)
            bad.fail(nil)
            try await Self.until { try await house.store.read { try $0.accounts.health("bad") }?.state == .working }
        }
    }

    @Test func `refused credentials stop an account until it is asked again`() async throws {
        let faucet = Faucet()
        faucet.fail(SourceError.credentialsRefused(url: "https://a.example/feed", answer: "401"))
        try await Self.with([Self.account("a")], ["a": faucet]) { service, house in
            try await Self.until { try await house.store.read { try $0.accounts.health("a") }?.state == .stopped }
            #expect(faucet.polls == 1)
            faucet.fail(nil)
            #expect(service.pollNow("a"))
            #expect(!service.pollNow("nobody"))
            try await Self.until { try await house.store.read { try $0.accounts.health("a") }?.state == .working }
        }
    }

    @Test func `a database that takes nothing pauses the account, and the items come when it is back`() async throws {
        let faucet = Faucet()
        try await House.with { house in
            let full = Mutex(true)
            let account = Self.account("a")
            faucet.pour("1")
            // Fails where a full disk would: at the transaction, before anything is acknowledged.
            let source = Refusing(inner: faucet, isRefusing: { full.withLock { $0 } })
            let service = IntakeService(store: house.store, accounts: [account], logger: House.logger) { _ in source }
            let running = Task { try await service.run() }
            try await Self.until { service.health.first?.state == .paused }
            #expect(service.health.first?.lastError == "nothing is fetched while the database cannot store it: disk full")
            #expect(try await house.store.read { try $0.spool.known("a", externalIDs: ["1"]) } == [])
            full.withLock { $0 = false }
            service.pollNow("a")
            try await Self.until { service.health.first?.state == .working }
            #expect(try await house.store.read { try $0.spool.known("a", externalIDs: ["1"]) } == ["1"])
            running.cancel()
            try await running.value
        }
    }

    @Test func `a reload starts, ends and changes accounts, and leaves the others undisturbed`() async throws {
        let sources = ["a": Faucet(), "b": Faucet(), "c": Faucet()]
        let a = Self.account("a")
        let b = Self.account("b")
        try await Self.with([a, b], sources) { service, _ in
            try await Self.until { sources["a"]!.polls > 0 && sources["b"]!.polls > 0 }
            service.reload(accounts: [a, Self.account("c")])
            try await Self.until { sources["c"]!.polls > 0 && sources["b"]!.closes == 1 }
            #expect(sources["a"]!.closes == 0)
            service.reload(accounts: [Self.account("a", interval: .milliseconds(2)), Self.account("c")])
            try await Self.until { sources["a"]!.closes == 1 }
            let polls = sources["a"]!.polls
            try await Self.until { sources["a"]!.polls > polls }
            #expect(sources["c"]!.closes == 0)
        }
        #expect(sources.values.map(\.closes).reduce(0, +) == 4)
    }

    @Test func `only so many accounts of one host poll at once, and all get their turn`() async throws {
        let gate = HostGate()
        let meter = Meter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    try await gate.run("mail.example") { _ in
                        meter.enter()
                        for _ in 0..<5 { await Task.yield() }
                        meter.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(meter.counts.most <= HostGate.perHost)
        #expect(meter.counts.done == 40)
    }

    @Test func `who has what he asked for makes room for others, as long as not too many are not done`() async throws {
        let gate = HostGate()
        let full = Meter()
        let holders = (0..<HostGate.heldMax).map { _ in
            Task {
                try await gate.run("h") { place in
                    place.leaveHost()
                    place.leaveHost()  // once is enough
                    full.enter()
                    try await Task.sleep(for: .seconds(600))
                }
            }
        }
        try await Self.until { full.counts.most == HostGate.heldMax }
        let late = Meter()
        let waiting = Task { try await gate.run("other") { _ in late.enter() } }
        try await Task.sleep(for: .milliseconds(100))
        #expect(late.counts.now == 0)
        holders[0].cancel()
        try await waiting.value
        #expect(late.counts.now == 1)
        for holder in holders { holder.cancel() }
        for holder in holders { _ = await holder.result }
        // Whoever left the host early did not leave it twice.
        let meter = Meter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    try await gate.run("h") { _ in
                        meter.enter()
                        for _ in 0..<5 { await Task.yield() }
                        meter.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(meter.counts.most <= HostGate.perHost)
    }

    @Test func `whoever is cancelled in the queue leaves it without a place`() async throws {
        let gate = HostGate()
        let waker = Waker()
        let holders = (0..<HostGate.perHost).map { _ in Task { try await gate.run("h") { _ in try await Task.sleep(for: .seconds(600)) } } }
        let waiting = Task { try await gate.run("h") { _ in waker.wake() } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        for holder in holders { holder.cancel() }
        for holder in holders { _ = await holder.result }
        try await gate.run("h") { _ in }
    }

    @Test func `ten thousand that wait at one host get their turn, and those who leave are skipped`() async throws {
        let gate = HostGate()
        let turns = Turns()
        let open = Waker()
        let first = Task { try await gate.run("h") { _ in await open.sleep() } }
        let others = (1..<HostGate.perHost).map { _ in Task { try await gate.run("h") { _ in try await Task.sleep(for: .seconds(600)) } } }
        var waiting: [Task<Void, any Error>] = []
        for number in 0..<10_000 {
            waiting.append(Task { try await gate.run("h") { _ in turns.take(number) } })
            if number < 10 { await Task.yield() }
        }
        for (number, task) in waiting.enumerated() where number % 3 == 0 { task.cancel() }
        open.wake()
        try await first.value
        for (number, task) in waiting.enumerated() {
            let result = await task.result
            if number % 3 != 0 { #expect((try? result.get()) != nil) }
        }
        #expect(turns.taken.filter { $0 % 3 != 0 }.count == 6666)
        for other in others { other.cancel() }
        for other in others { _ = await other.result }
        try await gate.run("h") { _ in }
    }

    @Test func `shutdown ends every account, also one that waits for an hour`() async throws {
        let faucet = Faucet()
        try await House.with { house in
            let service = IntakeService(store: house.store, accounts: [Self.account("a", interval: .seconds(3600))], logger: House.logger) {
                _ in
                faucet
            }
            let digest = house.digest()
            let group = ServiceGroup(
                configuration: .init(services: [.init(service: digest), .init(service: service)], logger: House.logger))
            let running = Task { try await group.run() }
            try await Self.until { faucet.polls > 0 }
            await group.triggerGracefulShutdown()
            try await running.value
            #expect(faucet.closes == 1)
        }
    }
}

/// Refuses to store while told to.
private struct Refusing: Source {
    let inner: Faucet
    let isRefusing: @Sendable () -> Bool

    func poll(into keeper: Keeper) async throws {
        var keeper = keeper
        let store = keeper.store
        keeper.store = { [isRefusing] batch in
            if isRefusing() { throw StoreTrouble(reason: "disk full") }
            try await store(batch)
        }
        try await inner.poll(into: keeper)
    }
}

/// Counts who is inside.
private final class Turns: Sendable {
    private let numbers = Mutex<[Int]>([])
    var taken: [Int] { numbers.withLock { $0 } }
    func take(_ number: Int) { numbers.withLock { $0.append(number) } }
}

private final class Meter: Sendable {
    private let state = Mutex((now: 0, most: 0, done: 0))
    var counts: (now: Int, most: Int, done: Int) { state.withLock { $0 } }
    func enter() {
        state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }
    func leave() {
        state.withLock {
            $0.now -= 1
            $0.done += 1
        }
    }
}
