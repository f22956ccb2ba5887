import Domain
import Store
import Testing

@Suite(.timeLimit(.minutes(10)))
struct AddressTests {
    static func failure(_ reason: BounceReason, _ status: String, send: Int64? = nil) -> AddressState.Failure {
        AddressState.Failure(reason: reason, status: status, isPermanent: true, words: "550 \(status) words", send: send.map { ID($0) })
    }

    @Test(arguments: Engine.available)
    func `a state comes back as it was, under any case of the address, and is cleared`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let (taken, because) = try await store.write {
                try $0.addresses.take(Self.failure(.userUnknown, "5.1.1", send: 7), address: "Ana@Example.com")
            }
            #expect(taken.condition == .dead)
            #expect(because == "ana@example.com gets no more mail from journeys: the address is dead (550 5.1.1 words)")
            try await store.write { try $0.addresses.complain(address: "ana@example.com", type: "abuse", send: ID(8)) }
            let read = try #require(try await store.read { try $0.addresses.get("ANA@example.com") })
            #expect(read.condition == .dead)
            #expect(read.reason == .userUnknown)
            #expect(read.status == "5.1.1")
            #expect(read.words == "550 5.1.1 words")
            #expect(read.send == ID(8))
            #expect(read.complaint == "abuse")
            #expect(read.complainedAt == house.time.now())
            #expect(try await store.read { try $0.addresses.counts() } == [.dead: 1])
            #expect(try await store.read { try $0.subscriptions.suppression(address: "ana@example.com") } == "550 5.1.1 words")
            #expect(try await store.write { try $0.addresses.clear("Ana@example.com") })
            #expect(try await store.write { try $0.addresses.clear("ana@example.com") } == false)
            #expect(try await store.read { try $0.subscriptions.suppression(address: "ana@example.com") } == nil)
            let told = try await events(store, count: 2).filter { $0.kind == .addressChanged }.map { $0.data["condition"] }
            #expect(told == ["dead", "ok"])
        }
    }

    @Test(arguments: Engine.available)
    func `a temporary state ends when its time is over or a person writes`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { _ = try $0.addresses.take(Self.failure(.mailboxFull, "5.2.2"), address: "ana@example.com") }
            #expect(try await store.read { try $0.subscriptions.suppression(address: "ana@example.com") }?.contains("full") == true)
            house.time.pass(AddressState.fullPause)
            #expect(try await store.read { try $0.subscriptions.suppression(address: "ana@example.com") } == nil)
            #expect(try await store.write { try $0.addresses.heard(from: "Ana@example.com") })
            #expect(try await store.write { try $0.addresses.heard(from: "ana@example.com") } == false)
            #expect(try await store.write { try $0.addresses.heard(from: "nobody@example.com") } == false)
        }
    }

    @Test(arguments: Engine.available)
    func `what came back is kept beside the outcome, once per kind, with its event`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                var row = send(1, key: "reply/8/1", .service)
                row.ticket = ID(8)
                try transaction.sends.plan(row)
                var other = send(2, key: "welcome/10/7/1")
                other.customer = ID(7)
                try transaction.sends.plan(other)
                for words in ["first", "second"] {
                    try transaction.returns.add(
                        SendReturn(
                            send: ID(1), kind: .bounced, at: transaction.now, reason: .mailboxFull, status: "5.2.2", words: words,
                            interaction: ID(5)))
                }
                try transaction.returns.add(
                    SendReturn(
                        send: ID(2), kind: .complained, at: transaction.now, reason: .feedback, status: nil, words: "abuse",
                        interaction: nil))
            }
            let back = try await store.read { try $0.returns.of(ID(1)) }
            #expect(back.map(\.words) == ["second"])
            #expect(back.first?.reason == .mailboxFull)
            #expect(try await store.read { try $0.returns.told(by: ID(5)) } == back)
            let both = try await store.read { try $0.returns.ofTicket(ID(8), customer: ID(7)) }
            #expect(both[ID(1)] == back)
            #expect(both[ID(2)]?.map(\.kind) == [.complained])
            #expect(try await store.read { try $0.returns.counts() } == [.bounced: 1, .complained: 1])
            #expect(try await store.read { try $0.sends.get(ID(1)) }?.state == .planned)
            let told = try await events(store, count: 5).filter { $0.kind == .sendReturned }
            #expect(told.map { $0.data["kind"] } == ["bounced", "bounced", "complained"])
            #expect(told.first?.ticket == ID(8))
        }
    }

    @Test(arguments: Engine.available)
    func `the last mail to an address is found within its span of time`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                for id in 1...3 { try transaction.sends.plan(send(Int64(id), key: "k\(id)")) }
                _ = try transaction.sends.claim(owner: "me", lease: .seconds(300), limit: 2)
                for id in 1...2 { try transaction.sends.record(ID(Int64(id)), .accepted("250 ok"), retry: SendTests.retry) }
            }
            let now = house.time.now()
            #expect(try await store.read { try $0.sends.last(to: "Ana@example.com", after: now - .seconds(60), before: now) }?.id == ID(2))
            #expect(try await store.read { try $0.sends.last(to: "ana@example.com", after: now, before: now + .seconds(60)) } == nil)
            #expect(try await store.read { try $0.sends.last(to: "bo@example.com", after: now - .seconds(60), before: now) } == nil)
        }
    }
}
