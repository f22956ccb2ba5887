import Domain
import Store
import Testing

@Suite(.timeLimit(.minutes(10)))
struct SignalTests {
    @Test(arguments: Engine.available)
    func `a commit wakes those who wait for what it touched`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let signals = house.store.signals
            let writes: [(Signals.Topic, @Sendable (Transaction) throws -> Void)] = [
                (.spool, { try $0.spool.add("support", [item("a")]) }),
                (.interactions, { try $0.interactions.add(message(1, "m"), spool: nil) }),
                (.sends, { try $0.sends.plan(send(1, key: "k")) }),
                (.events, { try $0.events.append(Event(at: $0.now, kind: .ticketOpened)) }),
            ]
            for (topic, write) in writes {
                let before = signals.ticket(topic)
                async let after = signals.wait(topic, after: before, atMost: .seconds(50))
                try await house.store.write(write)
                #expect(await after > before)
            }
        }
    }

    @Test func `what was taken back wakes nobody`() async throws {
        struct Refusal: Error {}
        try await withStore(.memory) { house in
            let before = house.store.signals.ticket(.spool)
            await #expect(throws: Refusal.self) {
                try await house.store.write { transaction in
                    try transaction.spool.add("support", [item("a")])
                    throw Refusal()
                }
            }
            #expect(house.store.signals.ticket(.spool) == before)
        }
    }

    @Test func `a wait ends when its time or its task does`() async throws {
        try await withStore(.memory) { house in
            let signals = house.store.signals
            let ticket = signals.ticket(.spool)
            #expect(await signals.wait(.spool, after: ticket, atMost: .milliseconds(20)) == ticket)
            #expect(await signals.wait(.spool, after: ticket - 1, atMost: .seconds(50)) == ticket)
            let waiting = Task { await signals.wait(.spool, after: ticket, atMost: .seconds(50)) }
            waiting.cancel()
            #expect(await waiting.value == ticket)
        }
    }

    @Test(arguments: Engine.shared)
    func `another process's commit is noticed`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let other = try await house.neighbour()
            let signals = other.signals
            // The watcher compares with what it saw first; by its second look it has seen something.
            var ticket = signals.ticket(.spool)
            var number = 0
            while signals.ticket(.spool) == ticket {
                number += 1
                let name = "\(number)"
                try await house.store.write { try $0.spool.add("support", [item(name)]) }
                ticket = await signals.wait(.spool, after: ticket, atMost: .milliseconds(300)) == ticket ? ticket : -1
            }
            #expect(signals.ticket(.spool) > 0)
            await other.close()
        }
    }
}
