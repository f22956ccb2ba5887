import Domain
import Foundation
import Store
import Synchronization
import TestServers
import Testing
import Transport

@testable import Delivery

/// Mail that goes straight to the servers of each recipient's domain: a name server and mail servers on loopback.
@Suite struct DirectTests {
    private func sender(_ port: UInt16, change: (inout Sender) -> Void = { _ in }) -> Sender {
        var sender = Sender(name: "direct", kind: .mx, url: "", from: "Care Team <care@shop.example>")
        sender.allowsPrivate = true
        sender.port = Int(port)
        change(&sender)
        return sender
    }

    private func service(
        _ house: House, _ names: NameServer, _ sender: Sender, policy: String? = nil, change: (inout DeliverySettings) -> Void = { _ in }
    ) throws -> DeliveryService {
        var settings = DeliverySettings(publicURL: "https://care.example")
        settings.retry = RetrySchedule(first: .milliseconds(20), longest: .milliseconds(100), giveUpAfter: .seconds(3600))
        change(&settings)
        return DeliveryService(
            store: house.store, loop: house.loop, senders: [sender], layouts: try Layouts.load(from: House.layoutFolder),
            settings: settings,
            gate: house.gate(), logger: quiet, resolver: DNSResolver(loop: house.loop, servers: [DNSServer("127.0.0.1:\(names.port)")!]),
            fetchPolicy: { domain in
                HTTPResponse(
                    status: policy == nil ? 404 : 200, headers: [("Content-Type", "text/plain")], body: Array((policy ?? "").utf8),
                    url: "https://mta-sts.\(domain)/.well-known/mta-sts.txt")
            })
    }

    /// Every domain's servers stand at loopback; what `answers` says of a name goes before.
    private func names(_ answers: [String: [NameServer.Record]], missing: Set<String> = []) -> NameServer {
        NameServer { question in
            if missing.contains(question.name) { return .init(code: 3) }
            let own = (answers[question.name] ?? []).filter { $0.type == question.type }
            if !own.isEmpty { return .init(own) }
            if question.type == 1, question.name.hasPrefix("mx") { return .init([.a(question.name, "127.0.0.1")]) }
            return .init()
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a mail goes to the best server of its domain, and several over one connection`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let names = names(["example.com": [.mx("example.com", 10, "mx1.example.com"), .mx("example.com", 20, "mx2.example.com")]])
            var ids: [ID<Send>] = []
            for number in 0..<20 { ids.append(try await house.plan("n/\(number)", to: "c\(number)@example.com")) }
            let sender = sender(server.port) { $0.limits.usual.connections = 1 }
            try await house.running(try service(house, names, sender)) { try await house.settled(ids) }
            #expect(Set(server.accepted.map(\.recipient)).count == 20)
            #expect(server.openMost == 1)
            #expect(server.connections <= 5)
            #expect(!names.questions.contains { $0.name == "mx2.example.com" })
        }
    }

    @Test(.timeLimit(.minutes(10))) func `the next server is asked when the best one has no address`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let names = names(["example.com": [.mx("example.com", 10, "gone.example.com"), .mx("example.com", 20, "mx2.example.com")]])
            let id = try await house.plan("a")
            try await house.running(try service(house, names, sender(server.port))) { try await house.settled([id]) }
            #expect(try await house.row(id).state == .accepted)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a domain without an MX takes mail at its own address`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let names = names(["example.com": [.a("example.com", "127.0.0.1")]])
            let id = try await house.plan("a")
            try await house.running(try service(house, names, sender(server.port))) { try await house.settled([id]) }
            #expect(try await house.row(id).state == .accepted)
        }
    }

    struct Dead: Sendable {
        let domain: String
        let words: String
    }
    @Test(
        "what the DNS says for ever is final, with its words", .timeLimit(.minutes(10)),
        arguments: [
            Dead(domain: "null.example", words: "null.example takes no mail: it says so by a null MX (RFC 7505)"),
            Dead(domain: "nowhere.example", words: "the domain nowhere.example does not exist"),
            Dead(domain: "empty.example", words: "the domain empty.example has neither a mail server nor an address"),
        ])
    func dead(_ dead: Dead) async throws {
        try await House.with { house in
            let server = StubMailServer()
            let names = names(["null.example": [.mx("null.example", 0, "")]], missing: ["nowhere.example"])
            let id = try await house.plan("a", to: "ana@\(dead.domain)")
            try await house.running(try service(house, names, sender(server.port))) { try await house.settled([id]) }
            let row = try await house.row(id)
            #expect(row.state == .rejected)
            #expect(row.response == dead.words)
            #expect(try await house.store.read { try $0.subscriptions.suppression(address: "ana@\(dead.domain)") } == nil)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `an MX record cannot lead us into our own network`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let names = names(["example.com": [.mx("example.com", 10, "mx1.example.com")]])
            let id = try await house.plan("a")
            try await house.running(try service(house, names, sender(server.port) { $0.allowsPrivate = false })) {
                try await house.settled([id], [.deferred])
            }
            #expect(try await house.row(id).response?.contains("mx1.example.com has an address inside a private network") == true)
            #expect(server.connections == 0)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a slow domain delays no other`() async throws {
        try await House.with { house in
            let server = StubMailServer { recipient, _ in recipient.hasSuffix("@slow.example") ? .slow(60_000) : .accept }
            let names = names([
                "slow.example": [.mx("slow.example", 10, "mx1.slow.example")],
                "quick.example": [.mx("quick.example", 10, "mx1.quick.example")],
            ])
            for number in 0..<300 { try await house.plan("s/\(number)", to: "c\(number)@slow.example") }
            var ids: [ID<Send>] = []
            for number in 0..<20 { ids.append(try await house.plan("q/\(number)", to: "c\(number)@quick.example")) }
            try await house.running(try service(house, names, sender(server.port)) { $0.grace = .milliseconds(50) }) {
                try await house.settled(ids)
            }
            #expect(server.accepted.count == 20)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a 421 pauses the whole domain, not only its message, and no other domain`() async throws {
        try await House.with { house in
            let server = StubMailServer { recipient, _ in
                recipient.hasSuffix("@busy.example") ? .answer("421 4.7.0 too many messages, try again in 120 seconds") : .accept
            }
            let names = names([
                "busy.example": [.mx("busy.example", 10, "mx1.busy.example")],
                "free.example": [.mx("free.example", 10, "mx1.free.example")],
            ])
            var busy: [ID<Send>] = []
            for number in 0..<10 { busy.append(try await house.plan("b/\(number)", to: "c\(number)@busy.example")) }
            let free = try await house.plan("f", to: "ana@free.example")
            try await house.running(try service(house, names, sender(server.port))) {
                try await house.settled([free])
                try await until { (0..<10).reduce(0) { $0 + server.attempts(for: "c\($1)@busy.example") } > 0 }
                try await Task.sleep(for: .milliseconds(500))
            }
            let attempts = (0..<10).reduce(0) { $0 + server.attempts(for: "c\($1)@busy.example") }
            #expect((1...2).contains(attempts), "one for each connection that was open")
            #expect(try await house.row(free).state == .accepted)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a policy that is enforced forbids servers it does not name, and plain text`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let names = names([
                "example.com": [.mx("example.com", 10, "mx1.example.com"), .mx("example.com", 5, "mx.elsewhere.example")],
                "_mta-sts.example.com": [.txt("_mta-sts.example.com", ["v=STSv1; id=20260101;"])],
            ])
            let id = try await house.plan("a")
            let policy = "version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 86400\r\n"
            try await house.running(try service(house, names, sender(server.port), policy: policy)) {
                try await house.settled([id], [.deferred])
            }
            let words = try #require(try await house.row(id).response)
            #expect(words.contains("mx.elsewhere.example is not among the servers that example.com names in its MTA-STS policy"))
            #expect(words.contains("mx1.example.com offers no STARTTLS"))
            #expect(server.accepted.isEmpty)
            #expect(try await house.store.read { try $0.mailPolicies.get("example.com")?.id } == "20260101")
        }
    }

    @Test(.timeLimit(.minutes(10))) func `marketing mail is given up after a day, other mail is not`() async throws {
        try await House.with { house in
            let server = StubMailServer { _, _ in .answer("451 4.3.0 later") }
            let names = names(["example.com": [.mx("example.com", 10, "mx1.example.com")]])
            let news = try await house.plan("n", purpose: .marketing)
            let bill = try await house.plan("b", purpose: .transactional)
            let first = try service(house, names, sender(server.port)) { $0.retry.giveUpAfter = .seconds(4 * 86400) }
            try await house.running(first) { try await house.settled([news, bill], [.deferred]) }
            house.time.move(by: .seconds(86400 + 60))
            try await house.running(try service(house, names, sender(server.port)) { $0.retry.giveUpAfter = .seconds(4 * 86400) }) {
                try await house.settled([news])
            }
            #expect(try await house.row(news).state == .rejected)
            #expect(try await house.row(news).response?.contains("the last answer was: 451 4.3.0 later") == true)
            #expect(try await house.row(bill).state != .rejected)
        }
    }
}

@Suite struct DestinationTests {
    struct Words: Sendable {
        let words: String
        let isAboutUs: Bool
        let wait: Duration?
    }
    @Test(
        "a server's not-now is about the message or about us",
        arguments: [
            Words(words: "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", isAboutUs: true, wait: nil),
            Words(words: "450 4.7.1 Client host rejected: too much mail", isAboutUs: true, wait: nil),
            Words(words: "451 4.7.1 Greylisting in action, please come back in 5 minutes", isAboutUs: false, wait: .seconds(300)),
            Words(words: "450 4.2.0 <a@b>: Recipient address rejected: Greylisted", isAboutUs: false, wait: .seconds(300)),
            Words(words: "452 4.2.2 mailbox full", isAboutUs: false, wait: nil),
            Words(words: "451 try again in 90 seconds", isAboutUs: false, wait: .seconds(90)),
            Words(words: "mx1 answered against the protocol: it said 421 too many connections", isAboutUs: true, wait: nil),
        ])
    func refusal(_ case: Words) {
        #expect(Refusal(`case`.words).isAboutUs == `case`.isAboutUs)
        #expect(Refusal(`case`.words).wait == `case`.wait)
    }

    @Test func `servers come by preference, equals shuffled, a null MX beside others is passed over`() {
        let records = [(20, "c"), (10, "b"), (0, ""), (10, "a")].map { MXRecord(preference: $0.0, host: $0.1) }
        #expect(MXPlan("x.example", .found(records)) { $0.sorted() } == .servers(["a", "b", "c"]))
        #expect(MXPlan("x.example", .noData) == .servers(["x.example"]))
        let many = (0..<50).map { MXRecord(preference: $0, host: "h\($0)") }
        #expect(MXPlan("x.example", .found(many)) == .servers((0..<MXPlan.serversMax).map { "h\($0)" }))
    }

    @Test func `large providers are known by their servers`() {
        #expect(MailProvider.of(mxHost: "gmail-smtp-in.l.google.com") == "google")
        #expect(MailProvider.of(mxHost: "mx3.qq.com") == "qq")
        #expect(MailProvider.of(mxHost: "hotmail-com.olc.protection.outlook.com") == "outlook")
        #expect(MailProvider.of(mxHost: "shop-example.mail.protection.outlook.com") == "microsoft365")
        #expect(MailProvider.of(mxHost: "notgoogle.com") == nil)
    }

    @Test(.timeLimit(.minutes(10))) func `a gate lets in as many as it says, and one at first after a pause`() async throws {
        let gate = DestinationGate(name: "x", limits: .init(), connectionsUsual: 2)
        let now = Timestamp(seconds: 1000)
        #expect(await gate.enter(atMost: .seconds(5)))
        #expect(await gate.enter(atMost: .seconds(5)))
        #expect(await gate.enter(atMost: .milliseconds(20)) == false)
        let third = Task { await gate.enter(atMost: .seconds(50)) }
        try await until { gate.isCrowded }
        gate.leave()
        #expect(await third.value)
        #expect(gate.wasTooMuch(because: "421", atLeast: .seconds(90), at: now) == .seconds(90))
        #expect(gate.closed(at: now + .seconds(89))?.reason == "421")
        #expect(gate.closed(at: now + .seconds(90)) == nil)
        gate.leave()
        gate.leave()
        #expect(await gate.enter(atMost: .seconds(5)))
        #expect(await gate.enter(atMost: .milliseconds(20)) == false, "one tries whether the pause is over")
        gate.wasGood()
        #expect(await gate.enter(atMost: .seconds(5)))
    }

    @Test func `a paced destination gets its mails one after the other`() {
        let gate = DestinationGate(name: "x", limits: .init(perMinute: 60), connectionsUsual: 2)
        let now = Timestamp(seconds: 1000)
        #expect((0..<3).map { _ in gate.pace(at: now) } == [.zero, .seconds(1), .seconds(2)])
        #expect(gate.pace(at: now + .seconds(10)) == .zero)
        #expect(gate.allowance(within: .seconds(30)) == 30)
    }
}
