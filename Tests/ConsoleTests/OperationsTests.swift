import Domain
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import ServiceLifecycle
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct OperationsTests {
    @Test func `healthz and readyz answer`() async throws {
        try await House.serve { (house, browser) async throws in
            #expect(try await browser.get("/healthz").body == "ok\n")
            let ready = try await browser.get("/readyz")
            #expect(ready.status == .ok)
            #expect(ready.body == "ready\n")
        }
    }

    @Test func `readyz says what is wrong when the database is gone`() async throws {
        try await House.serve { (house, browser) async throws in
            await house.store.close()
            let ready = try await browser.get("/readyz")
            #expect(ready.status == .serviceUnavailable)
            #expect(ready.body.hasPrefix("not ready: "))
        }
    }

    @Test func `metrics need this machine or the token`() async throws {
        try await House.serve { (house, browser) async throws in
            #expect(try await browser.get("/metrics").status == .forbidden)
            #expect(try await browser.get("/metrics", ["Authorization": "Bearer wrong"]).status == .forbidden)
            var local = browser
            local.address = "127.0.0.1"
            #expect(try await local.get("/metrics").status == .ok)
            #expect(try await browser.get("/metrics", ["Authorization": "Bearer metrics-token"]).status == .ok)
        }
    }

    @Test func `metrics are well-formed and count what there is`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            try await house.store.write { transaction in
                var health = AccountHealth(account: "a \"quoted\" \\ name", state: .failing)
                health.failuresInARow = 3
                try transaction.accounts.save(health)
                try transaction.spool.add("support", [RawItem(externalID: "1", kind: .mail, bytes: [1])])
            }
            let page = try await browser.get("/metrics", ["Authorization": "Bearer metrics-token"])
            #expect(page.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            var types: Set<String> = []
            for line in page.body.split(separator: "\n") {
                if line.hasPrefix("# TYPE ") { #expect(types.insert(String(line.split(separator: " ")[2])).inserted, "\(line)") }
                guard !line.hasPrefix("#") else { continue }
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                #expect(types.contains(name), "\(line)")
                #expect(line.split(separator: " ").last.flatMap { Double($0) } != nil, "\(line)")
            }
            for sample in [
                "hongyan_interactions 1", "hongyan_customers 1", "hongyan_tickets{status=\"new\"} 1",
                "hongyan_spool_items{state=\"new\"} 1",
                "hongyan_sends{state=\"uncertain\"} 0", #"hongyan_account_up{account="a \"quoted\" \\ name"} 0"#, "hongyan_store_up 1",
                "hongyan_build_info{version=\"dev\"} 1",
            ] {
                #expect(page.body.contains(sample + "\n"), "\(sample)")
            }
        }
    }

    @Test func `the accounts page tells state, error and doubtful sends`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.store.write { transaction in
                var health = AccountHealth(account: "billing", state: .failing)
                health.lastError = "the server refused the login; check the password"
                health.failuresInARow = 5
                try transaction.accounts.save(health)
            }
            let maya = try await house.signIn(house.maya, browser)
            let page = try await maya.get("/accounts")
            for word in ["billing", "failing", "the server refused the login; check the password", "Failures in a row"] {
                #expect(page.body.contains(word), "\(word)")
            }
        }
    }

    private func quarantine(_ house: House) async throws -> ID<SpooledItem> {
        try await house.store.write {
            try $0.spool.add("support", [RawItem(externalID: "INBOX/1/7", kind: .mail, bytes: Array("raw".utf8))])
        }
        for _ in 0..<Spool.attemptsMax {
            try await house.store.write { transaction in
                for item in try transaction.spool.claim(owner: "t", lease: .seconds(1), limit: 1) {
                    try transaction.spool.fail(item.id, error: "nested <b>too</b> deep")
                }
            }
        }
        return try #require(await house.store.read { try $0.spool.quarantined(limit: 1) }.first).id
    }

    @Test func `a quarantined item is shown with its error, downloaded, and tried again`() async throws {
        try await House.serve { (house, browser) async throws in
            let id = try await quarantine(house)
            let maya = try await house.signIn(house.maya, browser)
            #expect(try await maya.get("/quarantine").body.contains("nested &lt;b&gt;too&lt;/b&gt; deep"))
            #expect(try await maya.get("/quarantine/\(id)/bytes").body == "raw")
            let answer = try await maya.post("/quarantine/\(id)/replay")
            #expect(answer.headers[.location] == "/quarantine?done=replayed")
            #expect(try await house.store.read { try $0.spool.quarantined(limit: 1) }.isEmpty)
            #expect(try await maya.post("/quarantine/\(id)/drop").headers[.location] == "/quarantine?done=gone")
        }
    }

    @Test func `a quarantined item is dropped only by a POST with the token`() async throws {
        try await House.serve { (house, browser) async throws in
            let id = try await quarantine(house)
            let maya = try await house.signIn(house.maya, browser)
            #expect(try await maya.post("/quarantine/\(id)/drop", ["csrf": "no"]).status == .forbidden)
            #expect(try await house.store.read { try $0.spool.quarantined(limit: 1) }.count == 1)
            #expect(try await maya.post("/quarantine/\(id)/drop").headers[.location] == "/quarantine?done=dropped")
            #expect(try await house.store.read { try $0.spool.quarantined(limit: 1) }.isEmpty)
        }
    }

    @Test(
        "an unknown address answers in the form that was asked for",
        arguments: [
            ("text/html", "<h1>Not found</h1>"),
            ("application/json", #"{"error":"There is nothing at this address. It may have been moved or deleted."}"#),
            ("*/*", "404 Not found. There is nothing at this address. It may have been moved or deleted.\n"),
        ])
    func notFound(accept: String, says: String) async throws {
        try await House.serve { (house, browser) async throws in
            let page = try await browser.get("/nowhere", accept: accept)
            #expect(page.status == .notFound)
            #expect(page.body.contains(says))
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct LiveTests {
    private func event(_ house: House, _ kind: Event.Kind = .ticketOpened, ticket: Int64) async throws {
        try await house.store.write { try $0.events.append(Event(at: $0.now, kind: kind, ticket: ID(ticket))) }
    }

    @Test func `a subscriber is woken, reads what it missed, and not twice`() async throws {
        try await House.open { (house) async throws in
            try await event(house, ticket: 1)
            let hub = house.site.hub
            let following = Task { try await hub.run() }
            while hub.position < 1 { await Task.yield() }
            let (id, wakeUps) = try #require(hub.subscribe())
            try await event(house, .ticketJoined, ticket: 2)
            for await _ in wakeUps { break }
            let (missed, position) = hub.events(after: 1)
            guard case .events(let events) = missed else {
                Issue.record("expected events, got \(missed)")
                return
            }
            #expect(events.map(\.ticket) == [ID(2)])
            #expect(hub.events(after: position).missed == .events([]))
            hub.unsubscribe(id)
            #expect(hub.subscriberCount == 0)
            following.cancel()
            try await following.value
        }
    }

    @Test func `who asks for more than the ring holds is told to load everything`() async throws {
        try await House.open { (house) async throws in
            try await event(house, ticket: 1)
            try await event(house, ticket: 2)
            let hub = house.site.hub
            let following = Task { try await hub.run() }
            while hub.position < 2 { await Task.yield() }
            #expect(hub.events(after: 1).missed == .tooMany)
            following.cancel()
            try await following.value
        }
    }

    @Test func `a message names each ticket once and says which got mail`() {
        let at = Timestamp(seconds: 0)
        let events = [
            Event(at: at, kind: .ticketOpened, ticket: ID(7)), Event(at: at, kind: .ticketChanged, ticket: ID(8)),
            Event(at: at, kind: .ticketChanged, ticket: ID(7)), Event(at: at, kind: .accountChanged),
        ]
        #expect(
            Site.message(events, position: 9)
                == "id: 9\nevent: change\ndata: {\"tickets\":[\"7\",\"8\"],\"arrived\":[\"7\"],\"health\":true}\n\n")
    }

    @Test func `over a real connection an event arrives, and the server still stops at once`() async throws {
        try await House.open { (house) async throws in
            let (ports, announce) = AsyncStream.makeStream(of: Int.self)
            let group = ServiceGroup(
                configuration: .init(services: [house.site.application { announce.yield($0) }], logger: house.site.logger))
            let serving = Task { try await group.run() }
            var port = 0
            for await each in ports {
                port = each
                break
            }
            let session = try await house.signIn(house.maya, Browser(client: Nobody()))
            let cookie = session.cookies.map { "\($0.key)=\($0.value)" }.joined()
            let client = TestClient(host: "127.0.0.1", port: port, configuration: .init(timeout: .seconds(20)))
            client.connect()
            let answer = Task {
                try await client.execute(.init("/live?after=0", method: .get, headers: [.cookie: cookie]))
            }
            while house.site.hub.subscriberCount == 0 { await Task.yield() }
            // A person's message is told of when it has its ticket, a machine's, which gets none, at once.
            for (position, nature) in [(Int64(1), "human"), (2, "auto")] {
                try await house.store.write {
                    try $0.events.append(Event(at: $0.now, kind: .messageStored, interaction: ID(position), data: ["nature": nature]))
                }
                while house.site.hub.position < position { await Task.yield() }
                try await Task.sleep(for: .milliseconds(300))
            }
            try await event(house, ticket: 42)
            while house.site.hub.position < 3 { await Task.yield() }
            try await Task.sleep(for: .milliseconds(300))
            await group.triggerGracefulShutdown()
            let body = String(buffer: try await answer.value.body ?? ByteBuffer())
            #expect(body.contains("event: change\ndata: {\"tickets\":[\"42\"],\"arrived\":[\"42\"]"))
            #expect(!body.contains("id: 1\n") && body.contains("id: 2\n"), "\(body)")
            try await serving.value
            try await client.shutdown()
        }
    }
}

/// A client that is never used.
private struct Nobody: TestClientProtocol {
    func executeRequest(uri: String, method: HTTPRequest.Method, headers: HTTPFields, body: ByteBuffer?) async throws -> TestResponse {
        throw CancellationError()
    }
    var port: Int? { nil }
}
