import Domain
import Store
import Testing

@Suite(.timeLimit(.minutes(10)))
struct SendTests {
    static let retry = RetrySchedule(first: .seconds(60), longest: .seconds(3600), giveUpAfter: .seconds(86_400))
    static let lease = Duration.seconds(300)

    private func claim(_ store: Store, _ owner: String = "me") async throws -> [Int64] {
        try await store.write { try $0.sends.claim(owner: owner, lease: Self.lease, limit: 100) }.map(\.id.rawValue)
    }

    private func one(_ house: House) async throws -> Send { try #require(try await house.store.read { try $0.sends.get(ID(1)) }) }

    @Test(arguments: Engine.available)
    func `a send comes back as it was planned, once per key`(engine: Engine) async throws {
        try await withStore(engine) { house in
            var whole = send(1, key: "welcome/10-hello/7/1")
            whole.customer = ID(7)
            whole.ticket = ID(8)
            whole.enrolment = ID(9)
            whole.interaction = ID(10)
            whole.sender = "main"
            whole.journey = "welcome"
            whole.step = "10-hello"
            whole.version = "v"
            whole.subject = "Hello {{name}}"
            whole.text = "Body"
            whole.vars = ["name": "李\n"]
            whole.topic = "news"
            whole.locale = "zh"
            whole.inReplyTo = "m1@x"
            whole.references = ["m0@x", "m1@x"]
            let planned = whole
            #expect(try await house.store.write { try $0.sends.plan(planned) })
            #expect(try await house.store.write { try $0.sends.plan(send(2, key: "welcome/10-hello/7/1")) } == false)
            let (byID, byKey, ofCustomer, ofTicket, listed) = try await house.store.read { transaction in
                let sends = transaction.sends
                return (
                    try sends.get(ID(1)), try sends.get(key: planned.key), try sends.ofCustomer(ID(7)), try sends.ofTicket(ID(8)),
                    try sends.list(state: .planned, limit: 5)
                )
            }
            #expect(byID == planned)
            #expect([byKey].compactMap { $0 } == [planned])
            #expect([ofCustomer, ofTicket, listed] == [[planned], [planned], [planned]])
            let told = try await events(house.store, count: 1)
            #expect(told.map(\.data) == [["state": "planned", "key": planned.key]])
        }
    }

    @Test(arguments: Engine.available)
    func `only what is due is claimed, and by one claimer`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                for number in 1...200 {
                    var send = send(Int64(number), key: "k\(number)")
                    send.dueAt = TestTime.start + .seconds(number > 190 ? 3600 : 0)
                    try transaction.sends.plan(send)
                }
            }
            let taken = try await withThrowingTaskGroup { group in
                for claimer in 0..<5 {
                    group.addTask {
                        var mine: [Int64] = []
                        while true {
                            let rows = try await store.write { try $0.sends.claim(owner: "c\(claimer)", lease: Self.lease, limit: 9) }
                            if rows.isEmpty { return mine }
                            mine += rows.map(\.id.rawValue)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.sorted() == (1...190).map { Int64($0) })
            #expect(try await store.read { try $0.sends.nextDue() } == TestTime.start + Self.lease)
            #expect(try await store.read { try $0.sends.counts() } == [.claimed: 190, .planned: 10])
        }
    }

    @Test(arguments: Engine.available)
    func `an accepted message went planned, claimed, handed over, accepted`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.sends.plan(send(1, key: "k")) }
            #expect(try await claim(store) == [1])
            #expect(try await store.write { try $0.sends.handOver(ID(1), messageID: "m1@x", owner: "you") } == false)
            #expect(try await store.write { try $0.sends.handOver(ID(1), messageID: "m1@x", owner: "me") })
            #expect(try await store.write { try $0.sends.handOver(ID(1), messageID: "m1@x", owner: "me") } == false)
            #expect(try await store.write { try $0.sends.record(ID(1), .accepted("250 ok"), retry: Self.retry) })
            #expect(try await store.write { try $0.sends.record(ID(1), .rejected("550 no"), retry: Self.retry) } == false)
            let row = try await one(house)
            #expect(row.state == .accepted)
            #expect(row.messageID == "m1@x")
            #expect(row.response == "250 ok")
            #expect(row.finishedAt == TestTime.start)
            #expect(row.attempts == 1)
            #expect(try await store.read { try $0.sends.nextDue() } == nil)
            let states = try await events(store, count: 4).map { $0.data["state"] }
            #expect(states == ["planned", "claimed", "handed_over", "accepted"])
        }
    }

    @Test(arguments: Engine.available)
    func `a deferred message waits longer each time and is given up in the end`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.sends.plan(send(1, key: "k")) }
            for wait in [60, 120, 240] {
                #expect(try await claim(store) == [1])
                try await store.write { try $0.sends.record(ID(1), .deferred(after: .seconds(30), "451 later"), retry: Self.retry) }
                let row = try await one(house)
                #expect(row.state == .deferred)
                #expect(row.dueAt == house.time.now() + .seconds(wait))
                #expect(try await claim(store) == [])
                house.time.pass(.seconds(wait))
            }
            #expect(try await claim(store) == [1])
            try await store.write { try $0.sends.record(ID(1), .deferred(after: .seconds(7200), "451 much later"), retry: Self.retry) }
            #expect(try await one(house).dueAt == house.time.now() + .seconds(7200))
            house.time.pass(.seconds(86_400))
            #expect(try await claim(store) == [1])
            try await store.write { try $0.sends.record(ID(1), .deferred(after: .seconds(60), "451 later"), retry: Self.retry) }
            let row = try await one(house)
            #expect(row.state == .rejected)
            #expect(row.response == "gave up after 5 attempts; the last answer was: 451 later")
        }
    }

    @Test(arguments: Engine.available)
    func `a claimed row given back is due at once, and nothing was tried`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                for number in [Int64(1), 2, 3] { try transaction.sends.plan(send(number, key: "k\(number)")) }
            }
            #expect(try await claim(store) == [1, 2, 3])
            #expect(try await store.write { try $0.sends.handOver(ID(3), messageID: "m3@x", owner: "me") })
            #expect(try await store.write { try $0.sends.unclaim(ID(2), owner: "you") } == false)
            #expect(try await store.write { try $0.sends.unclaim(ID(3), owner: "me") } == false)
            #expect(try await store.write { try $0.sends.unclaim(ID(1), owner: "me") })
            #expect(try await store.write { try $0.sends.unclaim(ID(1), owner: "me") } == false)
            let row = try await one(house)
            #expect(row.state == .planned)
            #expect(row.attempts == 0)
            #expect(row.dueAt == TestTime.start)
            #expect(try await store.read { try $0.sends.counts() } == [.planned: 1, .claimed: 1, .handedOver: 1])
            let states = try await events(store, count: 8).map { $0.data["state"] }
            #expect(states.suffix(2) == ["handed_over", "planned"])
            // Its first try is still to come: the time it lay there does not count towards giving up.
            house.time.pass(.seconds(100_000))
            #expect(try await claim(store, "you").first == 1)
            try await store.write { try $0.sends.record(ID(1), .deferred(after: .zero, "451 later"), retry: Self.retry) }
            #expect(try await one(house).state == .deferred)
            // A row tried before keeps what it has gone through.
            house.time.pass(.seconds(60))
            #expect(try await claim(store, "us").contains(1))
            #expect(try await store.write { try $0.sends.unclaim(ID(1), owner: "us") })
            #expect(try await one(house).attempts == 1)
            #expect(try await one(house).response == "451 later")
            house.time.pass(.seconds(86_400))
            #expect(try await claim(store).contains(1))
            try await store.write { try $0.sends.record(ID(1), .deferred(after: .zero, "451 later"), retry: Self.retry) }
            #expect(try await one(house).state == .rejected)
        }
    }

    struct CutOff: Sendable {
        let purpose: Send.Purpose
        let isHandedOver: Bool
        let becomes: Send.State
        let because: String
    }

    static let cutOffs = [
        CutOff(
            purpose: .marketing, isHandedOver: false, becomes: .planned,
            because: "It is sent again: the delivery was cut off before the message left."),
        CutOff(
            purpose: .marketing, isHandedOver: true, becomes: .uncertain,
            because:
                "It may have arrived and is not sent again, as marketing mail: the delivery was cut off after the message may have left; "
                + "the other side's answer is not known."),
        CutOff(
            purpose: .service, isHandedOver: true, becomes: .planned,
            because: "It is sent again with the same Message-ID, as service mail: the delivery was cut off after the message may have left."
        ),
        CutOff(
            purpose: .transactional, isHandedOver: true, becomes: .planned,
            because:
                "It is sent again with the same Message-ID, as transactional mail: the delivery was cut off after the message "
                + "may have left."
        ),
    ]

    @Test(arguments: Engine.available, cutOffs)
    func `a delivery that was cut off is settled by its purpose`(engine: Engine, cutOff: CutOff) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.sends.plan(send(1, key: "k", cutOff.purpose)) }
            #expect(try await claim(store) == [1])
            if cutOff.isHandedOver { _ = try await store.write { try $0.sends.handOver(ID(1), messageID: "m1@x", owner: "me") } }
            house.time.pass(Self.lease)
            #expect(try await store.write { try $0.sends.handOver(ID(1), messageID: "m1@x", owner: "me") } == false)
            #expect(try await claim(store, "you") == (cutOff.becomes == .planned ? [1] : []))
            let row = try await one(house)
            #expect(row.state == (cutOff.becomes == .planned ? .claimed : cutOff.becomes))
            #expect(row.messageID == (cutOff.isHandedOver ? "m1@x" : nil))
            #expect(try await store.read { try $0.reasons.about(.send, 1) }.map(\.text) == [cutOff.because])
            let states = try await events(store, count: cutOff.isHandedOver ? 4 : 3).compactMap { $0.data["state"] }
            #expect(states.contains(cutOff.becomes.rawValue))
        }
    }

    @Test(arguments: Engine.available)
    func `an unknown fate is final for marketing and a later try for everything else`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                try transaction.sends.plan(send(1, key: "m", .marketing))
                try transaction.sends.plan(send(2, key: "t", .transactional))
            }
            #expect(try await claim(store) == [1, 2])
            try await store.write { transaction in
                for id in [ID<Send>(1), ID(2)] {
                    _ = try transaction.sends.handOver(id, messageID: "m\(id)@x", owner: "me")
                    try transaction.sends.record(id, .uncertain("connection lost"), retry: Self.retry)
                }
            }
            #expect(try await store.read { try $0.sends.counts() } == [.uncertain: 1, .planned: 1])
            house.time.pass(.seconds(60))
            let again = try await store.write { try $0.sends.claim(owner: "me", lease: Self.lease, limit: 10) }
            #expect(again.map(\.messageID) == ["m2@x"])
            // The truth may still come, and counts.
            #expect(try await store.write { try $0.sends.record(ID(1), .accepted("250 ok after all"), retry: Self.retry) })
            #expect(try await one(house).state == .accepted)
        }
    }

    @Test(arguments: Engine.available)
    func `a message accepted late is not sent again`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.sends.plan(send(1, key: "k", .transactional)) }
            _ = try await claim(store)
            _ = try await store.write { try $0.sends.handOver(ID(1), messageID: "m1@x", owner: "me") }
            house.time.pass(Self.lease)
            #expect(try await claim(store, "you") == [1])
            #expect(try await store.write { try $0.sends.record(ID(1), .accepted("250 ok"), retry: Self.retry) })
            #expect(try await store.write { try $0.sends.handOver(ID(1), messageID: "m1@x", owner: "you") } == false)
        }
    }

    @Test(arguments: Engine.available)
    func `skipping and holding say why, and a held message goes on when it is released`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                try transaction.sends.plan(send(1, key: "a"))
                try transaction.sends.plan(send(2, key: "b"))
            }
            #expect(try await store.write { try $0.sends.hold(ID(1), reason: "no sender is configured") })
            #expect(try await claim(store) == [2])
            #expect(try await store.write { try $0.sends.skip(ID(2), reason: "the customer unsubscribed") })
            #expect(try await store.write { try $0.sends.skip(ID(2), reason: "twice") } == false)
            #expect(try await store.write { try $0.sends.hold(ID(2), reason: "too late") } == false)
            #expect(try await store.read { try $0.sends.counts() } == [.held: 1, .skipped: 1])
            #expect(try await store.read { try $0.reasons.about(.send, 1) }.map(\.decision) == ["hold"])
            #expect(try await store.read { try $0.reasons.about(.send, 2) }.map(\.text) == ["the customer unsubscribed"])
            #expect(try await store.write { try $0.sends.release(ID(1)) })
            #expect(try await store.write { try $0.sends.release(ID(2)) } == false)
            #expect(try await claim(store) == [1])
        }
    }

    @Test(arguments: Engine.available)
    func `a message whose delivery is cut off again and again is held`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.sends.plan(send(1, key: "k", .service)) }
            for _ in 1...Sends.interruptionsMax {
                #expect(try await claim(store) == [1])
                house.time.pass(Self.lease)
            }
            #expect(try await claim(store) == [])
            #expect(try await one(house).state == .held)
            #expect(try await one(house).response == "its delivery was cut off 10 times; look at the log, then release it")
        }
    }
}
