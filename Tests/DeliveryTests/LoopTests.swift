import Domain
import Formats
import Store
import Testing

@testable import Delivery

@Suite(.timeLimit(.minutes(10))) struct LoopTests {
    @Test func `a queue of automatic mail to one address ends at its cap, trips the breaker, and an agent's answer still goes out`()
        async throws
    {
        try await House.with { house in
            let server = StubMailServer()
            var ids: [ID<Send>] = []
            for number in 0..<14 { ids.append(try await house.plan("n/\(number)")) }
            let other = try await house.plan("other", to: "bo@example.com")
            let answer = try await house.plan("reply/1/1", purpose: .transactional, kind: .reply)
            try await house.running(try house.service([house.smtp(server, concurrency: 1)])) {
                try await house.settled(ids + [other, answer])
            }
            var states: [Send.State: Int] = [:]
            for id in ids { states[try await house.row(id).state, default: 0] += 1 }
            #expect(states == [.accepted: 10, .skipped: 4])
            #expect(try await house.row(other).state == .accepted)
            #expect(try await house.row(answer).state == .accepted)
            let breakers = try await house.store.read { try $0.loops.breakers() }
            #expect(breakers.map(\.address) == ["ana@example.com"])
            #expect(try await house.row(ids[13]).response?.hasPrefix("breaker: ana@example.com gets no automatic mail until") == true)
        }
    }

    @Test func `an open breaker skips what was planned before it tripped`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let id = try await house.plan("a")
            try await house.store.write { _ = try $0.loops.trip("Ana@example.com", reason: "it answers by itself", for: .seconds(60)) }
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id]) }
            #expect(try await house.row(id).state == .skipped)
            #expect(try await house.reasons(id).contains { $0.contains("breaker: ana@example.com") && $0.contains("it answers by itself") })
            #expect(server.connections == 0)
        }
    }

    @Test func `the house's cap lets acknowledgements go, and holds journeys only when it is told to`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            var ids: [ID<Send>] = []
            for number in 0..<4 {
                ids.append(
                    try await house.plan("ack/\(number)", to: "c\(number)@example.com", purpose: .transactional, kind: .acknowledgement))
            }
            let journey = try await house.plan("j", to: "j@example.com", purpose: .service)
            let service = try house.service([house.smtp(server, concurrency: 1)]) { settings in
                settings.loops.all = [LoopGuard.Cap(3, within: .seconds(600))]
            }
            try await house.running(service) { try await house.settled(ids + [journey]) }
            #expect(try await house.row(journey).state == .accepted)
            let skipped = try await house.store.read { try $0.sends.list(state: .skipped, limit: 10) }
            #expect(skipped.count == 1)
            #expect(skipped.first?.response == "cap: the whole house has sent 3 in 10 min automatic mails, which is the most it may")
        }
    }

    @Test func `an acknowledgement is marked, has no return path, and its values stay values`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let id = try await house.plan("ack", purpose: .transactional, kind: .acknowledgement) { send in
                (send.subject, send.text) = ("{{subject}}", "We have {{ticket}}.")
                send.vars = ["subject": "Re: {{name}} *x* [#1042]", "ticket": "#1042"]
                send.inReplyTo = "m@example.com"
                send.details.isAutomatic = true
                send.details.replyTo = "help+h.s.1.2@shop.example"
            }
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id]) }
            let taken = try #require(server.accepted.first)
            let mail = try MailParser.parse(taken.bytes)
            #expect(mail.subject == "Re: {{name}} *x* [#1042]")
            #expect(mail.text.contains("We have #1042."))
            #expect(mail.headers("Auto-Submitted") == ["auto-replied"])
            #expect(mail.headers("X-Auto-Response-Suppress") == ["All"])
            #expect(mail.headers("List-Unsubscribe").isEmpty)
            #expect(mail.inReplyTo == ["m@example.com"])
            #expect(mail.replyTo.map(\.address) == ["help+h.s.1.2@shop.example"])
        }
    }
}
