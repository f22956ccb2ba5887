import Channels
import Domain
import Foundation
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct ReturnsTests {
    /// Plans a send and says that the server took it.
    static func sent(_ house: House, to address: String, key: String, customer: ID<Customer>? = nil) async throws -> Send {
        try await house.store.write { transaction in
            var send = Send(
                id: transaction.newID(), key: key, kind: .journey, purpose: .marketing, recipient: address, dueAt: transaction.now,
                createdAt: transaction.now)
            send.customer = customer
            try transaction.sends.plan(send)
            _ = try transaction.sends.claim(owner: "test", lease: .seconds(600), limit: 100)
            let messageID = house.store.signer.messageID(kind: "s", id: send.id.rawValue, domain: "shop.example")
            _ = try transaction.sends.handOver(send.id, messageID: messageID, owner: "test")
            try transaction.sends.record(send.id, .accepted("250 ok"), retry: RetrySchedule())
            return try #require(try transaction.sends.get(send.id))
        }
    }

    static func bounce(
        _ address: String, status: String, words: String, quoting id: String? = nil, to own: String = "care@shop.example",
        envelope: String? = nil
    )
        -> RawItem
    {
        let text = """
            From: MAILER-DAEMON@mx.example.net
            To: \(own)
            Subject: Undelivered Mail Returned to Sender
            Message-ID: <\(UUID().uuidString)@mx.example.net>
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=delivery-status; boundary=b

            --b
            Content-Type: message/delivery-status

            Reporting-MTA: dns; mx.example.net
            \(envelope.map { "Original-Envelope-Id: \($0)\n" } ?? "")
            Final-Recipient: rfc822; \(address)
            Action: failed
            Status: \(status)
            Diagnostic-Code: smtp; \(words)

            --b
            Content-Type: text/rfc822-headers

            From: care@shop.example
            \(id.map { "Message-ID: <\($0)>\n" } ?? "")To: \(address)

            --b--
            """
        return House.mail(UUID().uuidString, text)
    }

    private func take(_ house: House, _ item: RawItem) async throws -> Interaction {
        try await house.spool("box", item)
        try await house.drain(house.digest())
        return try #require(try await house.interactions().last)
    }

    private func state(_ house: House, _ address: String) async throws -> AddressState? {
        try await house.store.read { try $0.addresses.get(address) }
    }

    @Test("a bounce finds its send by each of our marks", arguments: ["message id", "return address", "envelope id"])
    func finds(mark: String) async throws {
        try await House.with { house in
            let send = try await Self.sent(house, to: "ana@example.com", key: "welcome/10/1/1")
            // A later mail to the same address, which must not be taken for it.
            _ = try await Self.sent(house, to: "ana@example.com", key: "welcome/20/1/1")
            let token = house.store.signer.token("b", [send.id.description])
            let item = Self.bounce(
                "ana.k@inner.example", status: "5.1.1", words: "550 5.1.1 no such user",
                quoting: mark == "message id" ? send.messageID : nil,
                to: mark == "return address" ? "bounce+\(token)@shop.example" : "care@shop.example",
                envelope: mark == "envelope id" ? token : nil)
            let message = try await take(house, item)
            #expect(message.nature == .bounce)
            #expect(message.references.contains(try #require(send.messageID)))
            let back = try await house.store.read { try $0.returns.of(send.id) }
            #expect(back.map(\.kind) == [.bounced])
            #expect(back.first?.reason == .userUnknown)
            #expect(back.first?.words == "550 5.1.1 no such user")
            #expect(try await state(house, "ana@example.com")?.condition == .dead)
            #expect(try await state(house, "ana.k@inner.example") == nil)
            let events = try await house.events(.sendReturned)
            #expect(events.map(\.send) == [send.id])
        }
    }

    @Test func `without a mark it is the last mail to that address, and a stranger's report about others says nothing`() async throws {
        try await House.with { house in
            let send = try await Self.sent(house, to: "ana@example.com", key: "welcome/10/1/1")
            _ = try await take(house, Self.bounce("ana@example.com", status: "5.2.2", words: "552 5.2.2 mailbox full"))
            #expect(try await house.store.read { try $0.returns.of(send.id) }.map(\.reason) == [.mailboxFull])
            #expect(try await state(house, "ana@example.com")?.condition == .full)
            // Anybody could have written that: it may pause, it never kills.
            _ = try await take(house, Self.bounce("ana@example.com", status: "5.1.1", words: "550 5.1.1 no such user"))
            #expect(try await state(house, "ana@example.com")?.condition == .soft)
            _ = try await take(house, Self.bounce("victim@example.com", status: "5.1.1", words: "550 5.1.1 no such user"))
            #expect(try await state(house, "victim@example.com") == nil)
        }
    }

    @Test func `policy and reputation say nothing about the person`() async throws {
        try await House.with { house in
            let send = try await Self.sent(house, to: "ana@example.com", key: "welcome/10/1/1")
            for words in ["550 5.7.1 blocked for spam", "550 5.7.26 DMARC"] {
                _ = try await take(house, Self.bounce("ana@example.com", status: "5.7.1", words: words, quoting: send.messageID))
            }
            #expect(try await state(house, "ana@example.com")?.condition == .blocked)
            #expect(try await house.store.read { try $0.subscriptions.suppression(address: "ana@example.com", purpose: .marketing) } == nil)
        }
    }

    @Test func `a person who writes ends what was temporary`() async throws {
        try await House.with { house in
            let send = try await Self.sent(house, to: "ana@example.com", key: "welcome/10/1/1")
            _ = try await take(house, Self.bounce("ana@example.com", status: "5.2.2", words: "552 full", quoting: send.messageID))
            #expect(try await house.store.read { try $0.subscriptions.suppression(address: "ana@example.com") } != nil)
            _ = try await take(house, House.mail("h", "From: Ana <ana@example.com>\nMessage-ID: <x@example.com>\nSubject: Hello\n\nHi\n"))
            #expect(try await state(house, "ana@example.com")?.condition == .ok)
        }
    }

    static func complaint(_ type: String, quoting id: String?, from address: String = "") -> RawItem {
        House.mail(
            UUID().uuidString,
            """
            From: fbl@provider.example
            Subject: report
            Message-ID: <\(UUID().uuidString)@provider.example>
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=feedback-report; boundary=b

            --b
            Content-Type: message/feedback-report

            Feedback-Type: \(type)
            Version: 1
            \(address.isEmpty ? "" : "Original-Rcpt-To: \(address)\n")
            --b
            Content-Type: text/rfc822-headers

            From: care@shop.example
            \(id.map { "Message-ID: <\($0)>\n" } ?? "")Subject: tips

            --b--
            """)
    }

    @Test func `a complaint unsubscribes at once, also when the provider hides who complained`() async throws {
        try await House.with { house in
            let customer = try await house.store.write { transaction in
                let customer = Customer(id: transaction.newID(), name: "Ana", createdAt: transaction.now, lastSeenAt: transaction.now)
                try transaction.customers.create(customer)
                return customer.id
            }
            let send = try await Self.sent(house, to: "ana@example.com", key: "welcome/10/1/1", customer: customer)
            let message = try await take(house, Self.complaint("abuse", quoting: send.messageID))
            #expect(message.nature == .complaint)
            #expect(try await house.store.read { try $0.subscriptions.isSubscribed(customer, topic: "tips") } == false)
            #expect(try await house.store.read { try $0.subscriptions.suppression(address: "ana@example.com", purpose: .marketing) } != nil)
            #expect(try await house.store.read { try $0.subscriptions.suppression(address: "ana@example.com", purpose: .service) } == nil)
            #expect(try await house.store.read { try $0.returns.of(send.id) }.map(\.kind) == [.complained])
        }
    }

    @Test("what is no complaint of a person changes nothing", arguments: ["not-spam", "auth-failure"])
    func noComplaint(type: String) async throws {
        try await House.with { house in
            let send = try await Self.sent(house, to: "ana@example.com", key: "welcome/10/1/1")
            _ = try await take(house, Self.complaint(type, quoting: send.messageID))
            #expect(try await state(house, "ana@example.com") == nil)
            #expect(try await house.store.read { try $0.returns.of(send.id) }.isEmpty)
        }
    }

    @Test func `a stranger cannot unsubscribe others by a report`() async throws {
        try await House.with { house in
            _ = try await take(house, Self.complaint("abuse", quoting: "h.s.1.0000000000000000@shop.example", from: "victim@example.com"))
            #expect(try await state(house, "victim@example.com") == nil)
        }
    }
}
