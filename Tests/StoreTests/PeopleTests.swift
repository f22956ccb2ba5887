import Domain
import Store
import Testing

@Suite(.timeLimit(.minutes(10)))
struct PeopleTests {
    static let email = Identity(kind: .email, value: "ana@example.com")
    static let phone = Identity(kind: .phone, value: "+491")

    @Test(arguments: Engine.available)
    func `a customer is found by the first identity somebody has`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let ana = Customer(
                id: ID(1), name: "", createdAt: TestTime.start, lastSeenAt: TestTime.start, identities: [Self.phone, Self.email])
            let bo = Customer(
                id: ID(2), name: "Bo", language: "zh", createdAt: TestTime.start, lastSeenAt: TestTime.start + .seconds(9),
                identities: [Self.email], lastMood: 0.5)
            try await store.write { transaction in
                try transaction.customers.create(ana)
                try transaction.customers.create(bo)
            }
            #expect(try await store.read { try $0.customers.get(ID(1)) } == ana)
            #expect(try await store.read { try $0.customers.get(ID(2)) }?.identities == [], "the address is Ana's")
            let handle = Identity(kind: .handle, value: "weibo/ana")
            #expect(try await store.read { try $0.customers.find([handle, Self.email]) } == ID(1))
            #expect(try await store.write { try $0.customers.link(ID(2), handle) })
            #expect(try await store.write { try $0.customers.link(ID(2), handle) })
            #expect(try await store.write { try $0.customers.link(ID(2), Self.phone) } == false)
            #expect(try await store.read { try $0.customers.find([handle, Self.email]) } == ID(2))
            #expect(try await store.read { try $0.customers.find([]) } == nil)
            let listed = try await store.read { try $0.customers.list(limit: 10) }
            #expect(listed.map(\.id.rawValue) == [2, 1])
            #expect(listed.map(\.identities.count) == [1, 2])
            #expect(try await store.read { try $0.customers.count() } == 2)
        }
    }

    @Test(arguments: Engine.available)
    func `what is newer is kept, what was missing is filled in`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                try transaction.customers.create(
                    Customer(id: ID(1), name: "", createdAt: TestTime.start, lastSeenAt: TestTime.start))
                try transaction.customers.seen(ID(1), at: TestTime.start + .seconds(10), mood: 0.5, name: "Ana", language: "en")
                try transaction.customers.seen(ID(1), at: TestTime.start + .seconds(5), mood: -1, name: "Other", language: "zh")
                try transaction.customers.seen(ID(1), at: TestTime.start + .seconds(20), mood: nil, name: nil, language: nil)
            }
            let ana = try await store.read { try $0.customers.get(ID(1)) }
            #expect(ana?.lastSeenAt == TestTime.start + .seconds(20))
            #expect(ana?.lastMood == 0.5)
            #expect(ana?.name == "Ana")
            #expect(ana?.language == "en")
        }
    }

    @Test(arguments: Engine.shared)
    func `one person who writes twice at once becomes one customer`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let other = try await house.neighbour()
            try await withThrowingTaskGroup { group in
                for number in 0..<20 {
                    let store = number % 2 == 0 ? house.store : other
                    group.addTask {
                        try await store.write { transaction in
                            guard try transaction.customers.find([Self.email]) == nil else { return }
                            try transaction.customers.create(
                                Customer(
                                    id: transaction.newID(), name: "Ana", createdAt: transaction.now, lastSeenAt: transaction.now,
                                    identities: [Self.email]))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await house.store.read { try $0.customers.count() } == 1)
            await other.close()
        }
    }

    @Test(arguments: Engine.available)
    func `consent is the last word about a topic, or about everything`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            @Sendable func subscribed(_ topic: String) async throws -> Bool {
                try await store.read { try $0.subscriptions.isSubscribed(ID(1), topic: topic) }
            }
            #expect(try await subscribed("news"))
            try await store.write { try $0.subscriptions.unsubscribe(ID(1), topic: "news", source: "link") }
            #expect(try await subscribed("news") == false)
            #expect(try await subscribed("offers"))
            try await store.write { try $0.subscriptions.unsubscribe(ID(1), topic: nil, source: "one-click") }
            #expect(try await subscribed("offers") == false)
            try await store.write { try $0.subscriptions.resubscribe(ID(1), topic: "news", source: "agent") }
            #expect(try await subscribed("news"))
            #expect(try await subscribed("offers") == false)
            #expect(try await store.read { try $0.subscriptions.isSubscribed(ID(2), topic: "news") })
            let told = try await events(store, count: 2)
            #expect(told.map(\.data) == [["topic": "news", "source": "link"], ["topic": "*", "source": "one-click"]])

            try await store.write { try $0.subscriptions.suppress(address: "Ana@Example.com", reason: "hard bounce") }
            try await store.write { try $0.subscriptions.suppress(address: "ana@example.com", reason: "complaint") }
            #expect(try await store.read { try $0.subscriptions.suppression(address: "ana@example.COM") } == "hard bounce")
            #expect(try await store.read { try $0.subscriptions.suppression(address: "bo@example.com") } == nil)
        }
    }

    @Test(arguments: Engine.available)
    func `a session ends by time, by hand, and with a new password`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let id = try await store.write { try $0.agents.create(login: "li", name: "Li", passwordHash: "h1", locale: "zh") }
            let agent = Agent(id: id, login: "li", name: "Li", locale: "zh")
            let found = try await store.read { try $0.agents.byLogin("li") }
            #expect(found?.agent == agent)
            #expect(found?.passwordHash == "h1")
            let taken = await #expect(throws: StoreError.self) {
                try await store.write { try $0.agents.create(login: "li", name: "Li", passwordHash: "h", locale: "en") }
            }
            #expect(taken?.description == "there is an agent li already. Choose another login, or set a new password.")

            @Sendable func start(_ token: String, _ seconds: Int) async throws {
                try await store.write {
                    try $0.agents.startSession(agent: id, tokenHash: token, csrf: "c-\(token)", expires: $0.now + .seconds(seconds))
                }
            }
            @Sendable func csrf(_ token: String) async throws -> String? {
                try await store.read { try $0.agents.session(tokenHash: token) }?.csrf
            }
            try await start("short", 10)
            try await start("long", 100)
            #expect(try await store.read { try $0.agents.session(tokenHash: "short") }?.agent == agent)
            #expect(try await csrf("short") == "c-short")
            house.time.pass(.seconds(10))
            #expect(try await csrf("short") == nil)
            #expect(try await csrf("long") == "c-long")
            try await store.write { try $0.agents.endSession(tokenHash: "long") }
            #expect(try await csrf("long") == nil)
            try await start("other", 100)
            try await store.write { try $0.agents.setPassword(id, passwordHash: "h2") }
            try await store.write { try $0.agents.setLocale(id, "en") }
            #expect(try await csrf("other") == nil)
            #expect(try await store.read { try $0.agents.all() }.map(\.locale) == ["en"])
            #expect(try await store.read { try $0.agents.get(id) }?.locale == "en")
        }
    }

    @Test(arguments: Engine.available)
    func `a lease has one owner and its epoch grows with each hand`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            @Sendable func take(_ owner: String) async throws -> Int64? {
                try await store.write { try $0.leases.take("poll", owner: owner, for: .seconds(10)) }
            }
            #expect(try await take("a") == 1)
            #expect(try await take("a") == 1)
            #expect(try await take("b") == nil)
            #expect(try await store.write { try $0.leases.renew("poll", owner: "b", for: .seconds(10)) } == false)
            house.time.pass(.seconds(5))
            #expect(try await store.write { try $0.leases.renew("poll", owner: "a", for: .seconds(10)) })
            house.time.pass(.seconds(9))
            #expect(try await take("b") == nil)
            house.time.pass(.seconds(1))
            #expect(try await take("b") == 2)
            #expect(try await store.write { try $0.leases.renew("poll", owner: "a", for: .seconds(10)) } == false)
            try await store.write { try $0.leases.release("poll", owner: "a") }
            #expect(try await take("a") == nil)
            try await store.write { try $0.leases.release("poll", owner: "b") }
            #expect(try await take("a") == 3)
        }
    }

    @Test(arguments: Engine.shared)
    func `of many nodes one gets the lease`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let winners = try await withThrowingTaskGroup { group in
                for node in 0..<12 {
                    group.addTask {
                        try await house.store.write { try $0.leases.take("poll", owner: "n\(node)", for: .seconds(10)) } == nil ? 0 : 1
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(winners == 1)
        }
    }

    @Test(arguments: Engine.available)
    func `an account keeps its place and its health`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            var health = AccountHealth(account: "support", state: .failing)
            health.lastSuccessAt = TestTime.start
            health.lastAttemptAt = TestTime.start + .seconds(1)
            health.nextAttemptAt = TestTime.start + .seconds(2)
            health.lastError = "the server does not answer"
            health.failuresInARow = 3
            health.itemsStored = 42
            let saved = health
            try await store.write { transaction in
                try transaction.accounts.setCursor("support", "INBOX", "1/5")
                try transaction.accounts.setCursor("support", "INBOX", "1/7")
                try transaction.accounts.setCursor("support", "Junk", "9/1")
                try transaction.accounts.save(AccountHealth(account: "support"))
                try transaction.accounts.save(saved)
                try transaction.accounts.save(AccountHealth(account: "news"))
            }
            #expect(try await store.read { try $0.accounts.cursor("support", "INBOX") } == "1/7")
            #expect(try await store.read { try $0.accounts.cursor("support", "Other") } == nil)
            #expect(try await store.read { try $0.accounts.health("support") } == saved)
            #expect(try await store.read { try $0.accounts.allHealth() }.map(\.account) == ["news", "support"])
        }
    }

    @Test(arguments: Engine.available)
    func `what was pushed to an account adds up`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            #expect(try await store.read { try $0.accounts.hooks("chat") } == nil)
            var taken = HookCounts()
            (taken.taken, taken.lastTakenAt) = (2, TestTime.start)
            var refused = HookCounts()
            refused.refused = ["signature": 3]
            (refused.lastRefusedAt, refused.lastRefusal) = (TestTime.start + .seconds(5), "signature")
            for counts in [taken, refused, taken] {
                try await store.write { [counts] transaction in _ = try transaction.accounts.add(counts, toHooksOf: "chat") }
            }
            let sum = try #require(try await store.read { try $0.accounts.allHooks() }["chat"])
            #expect(sum.taken == 4 && sum.refusedCount == 3 && sum.lastReason == .signature && sum.lastTakenAt == TestTime.start)
            #expect(try await store.read { try $0.accounts.hooks("other") } == nil)
        }
    }

    @Test(arguments: Engine.available)
    func `a customer enters a journey once per occurrence and is due step by step`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            var way = Enrolment(
                id: ID(1), journey: "welcome", version: "v1", customer: ID(7), occurrence: "1", ticket: ID(8), step: "10-hello",
                enteredAt: TestTime.start, nextAt: TestTime.start + .seconds(60))
            let entered = way
            #expect(try await store.write { try $0.enrolments.enter(entered) })
            var twice = way
            twice.id = ID(2)
            let again = twice
            #expect(try await store.write { try $0.enrolments.enter(again) } == false)
            #expect(try await store.read { try $0.enrolments.due(limit: 10) } == [])
            #expect(try await store.read { try $0.enrolments.nextDue() } == way.nextAt)
            house.time.pass(.seconds(60))
            #expect(try await store.write { try $0.enrolments.due(limit: 10) } == [entered])
            way.state = .finished
            way.step = nil
            way.nextAt = nil
            let finished = way
            try await store.write { try $0.enrolments.update(finished) }
            #expect(try await store.read { try $0.enrolments.due(limit: 10) } == [])
            #expect(try await store.read { try $0.enrolments.ofCustomer(ID(7)) } == [finished])
            #expect(try await store.read { try $0.enrolments.nextDue() } == nil)
        }
    }
}
