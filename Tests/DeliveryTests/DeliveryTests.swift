import Domain
import Formats
import Foundation
import Store
import Testing

@testable import Delivery

@Suite struct DeliveryTests {
    @Test(.timeLimit(.minutes(10))) func `a due mail is delivered, recorded, and never again`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let service = try house.service([house.smtp(server)])
            let id = try await house.plan("welcome/10/1/1")
            try await house.running(service) { try await house.settled([id]) }
            let row = try await house.row(id)
            #expect(row.state == .accepted)
            #expect(row.response == "250 2.0.0 taken")
            #expect(row.attempts == 1)
            let mail = try MailParser.parse(try #require(server.accepted.first).bytes)
            #expect(mail.subject == "Welcome, Ana")
            #expect(mail.messageID == row.messageID)
            #expect(mail.from == [MailAddress(name: "Care Team", address: "care@shop.example")])
            try await house.running(try house.service([house.smtp(server)])) { try await Task.sleep(for: .milliseconds(300)) }
            #expect(server.accepted.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a mail planned while the service sleeps goes out at once`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            try await house.running(try house.service([house.smtp(server)])) {
                try await Task.sleep(for: .milliseconds(200))
                let id = try await house.plan("a")
                try await house.settled([id])
            }
            #expect(server.accepted.map(\.recipient) == ["ana@example.com"])
        }
    }

    @Test(.timeLimit(.minutes(10))) func `two hundred mails over four connections: each exactly once`() async throws {
        try await House.with { house in
            let server = StubMailServer { _, attempt in attempt == 1 ? .slow(2) : .accept }
            var ids: [ID<Send>] = []
            for number in 0..<200 { ids.append(try await house.plan("n/\(number)", to: "c\(number)@example.com")) }
            try await house.running(try house.service([house.smtp(server, concurrency: 4)])) { try await house.settled(ids) }
            #expect(server.accepted.count == 200)
            #expect(Set(server.accepted.map(\.recipient)).count == 200)
            #expect(server.openMost <= 4)
            #expect(server.connections < 30)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `two services on one database do not send anything twice`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            var ids: [ID<Send>] = []
            for number in 0..<60 { ids.append(try await house.plan("n/\(number)", to: "c\(number)@example.com")) }
            let one = try house.service([house.smtp(server)]), two = try house.service([house.smtp(server)], node: 2)
            try await house.running(one) { try await house.running(two) { try await house.settled(ids) } }
            #expect(server.accepted.count == 60)
            #expect(Set(server.accepted.map(\.recipient)).count == 60)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a server that says later gets it later, with the same Message-ID`() async throws {
        try await House.with { house in
            let server = StubMailServer { _, attempt in attempt < 3 ? .answer("451 4.3.0 come back later") : .accept }
            let id = try await house.plan("a")
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id]) }
            let row = try await house.row(id)
            #expect(row.state == .accepted)
            #expect(row.attempts == 3)
            #expect(server.accepted.count == 1)
            #expect(try MailParser.parse(server.accepted[0].bytes).messageID == row.messageID)
        }
    }

    struct Refusal: Sendable {
        let words: String
        let suppresses: Bool
    }
    @Test(
        "a refused recipient is rejected; a dead address or a full mailbox is spared more, a policy holds nothing against anybody",
        .timeLimit(.minutes(10)),
        arguments: [
            Refusal(words: "550 5.1.1 no such user", suppresses: true), Refusal(words: "550 5.2.1 mailbox disabled", suppresses: true),
            Refusal(words: "550 5.7.1 blocked for spam", suppresses: false), Refusal(words: "552 5.2.2 mailbox full", suppresses: true),
            Refusal(words: "550 5.7.26 not authenticated", suppresses: false), Refusal(words: "550 go away", suppresses: false),
        ])
    func refused(_ refusal: Refusal) async throws {
        try await House.with { house in
            let server = StubMailServer { recipient, _ in recipient == "gone@example.com" ? .refuse(refusal.words) : .accept }
            let gone = try await house.plan("a", to: "gone@example.com")
            let other = try await house.plan("b", to: "ben@example.com")
            try await house.running(try house.service([house.smtp(server)])) {
                try await house.settled([gone, other])
                let row = try await house.row(gone)
                #expect(row.state == .rejected)
                #expect(row.response == refusal.words)
                #expect(try await house.row(other).state == .accepted)
                let why = try await house.store.read { try $0.subscriptions.suppression(address: "gone@example.com") }
                #expect((why != nil) == refusal.suppresses)
                guard refusal.suppresses else { return }
                let next = try await house.plan("c", to: "gone@example.com", purpose: .service)
                try await house.settled([next])
                #expect(try await house.row(next).state == .skipped)
                #expect(
                    try await house.reasons(next).contains { $0.contains("gone@example.com is suppressed: ") && $0.contains(refusal.words) }
                )
            }
            #expect(server.attempts(for: "gone@example.com") == 1)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a connection lost before the dot is tried again and delivered once`() async throws {
        try await House.with { house in
            let server = StubMailServer { _, attempt in attempt == 1 ? .dropBeforeDot : .accept }
            let id = try await house.plan("a")
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id]) }
            #expect(try await house.row(id).state == .accepted)
            #expect(server.accepted.count == 1)
            #expect(server.attempts(for: "ana@example.com") == 2)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `marketing mail lost after the dot is uncertain and never sent again`() async throws {
        try await House.with { house in
            let server = StubMailServer { _, _ in .dropAfterDot }
            let id = try await house.plan("a", purpose: .marketing)
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id]) }
            try await house.running(try house.service([house.smtp(server)])) { try await Task.sleep(for: .milliseconds(300)) }
            #expect(try await house.row(id).state == .uncertain)
            #expect(server.swallowed.count == 1)
            #expect(server.accepted.isEmpty)
        }
    }

    @Test(
        "other mail lost after the dot is sent again with the same Message-ID", .timeLimit(.minutes(10)),
        arguments: [Send.Purpose.service, .transactional])
    func resent(purpose: Send.Purpose) async throws {
        try await House.with { house in
            let server = StubMailServer { _, attempt in attempt == 1 ? .dropAfterDot : .accept }
            let id = try await house.plan("a", purpose: purpose)
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id], [.accepted, .rejected]) }
            #expect(try await house.row(id).state == .accepted)
            #expect(server.swallowed.count == 1 && server.accepted.count == 1)
            #expect(server.swallowed[0].bytes == server.accepted[0].bytes)
        }
    }

    struct Crash: Sendable {
        let purpose: Send.Purpose
        let handedOver: Bool
        let ends: Send.State
        let delivered: Int
    }
    @Test(
        "a row whose owner died is settled by its state and purpose", .timeLimit(.minutes(10)),
        arguments: [
            Crash(purpose: .marketing, handedOver: false, ends: .accepted, delivered: 1),
            Crash(purpose: .marketing, handedOver: true, ends: .uncertain, delivered: 0),
            Crash(purpose: .transactional, handedOver: false, ends: .accepted, delivered: 1),
            Crash(purpose: .transactional, handedOver: true, ends: .accepted, delivered: 1),
        ])
    func crashed(_ crash: Crash) async throws {
        try await House.with { house in
            let server = StubMailServer()
            let id = try await house.plan("a", purpose: crash.purpose)
            let messageID = house.store.signer.messageID(kind: "s", id: id.rawValue, domain: "shop.example")
            let claimed = try await house.store.write { transaction in
                let rows = try transaction.sends.claim(owner: "dead", lease: .seconds(10), limit: 10)
                if crash.handedOver { #expect(try transaction.sends.handOver(id, messageID: messageID, owner: "dead")) }
                return rows.map(\.id)
            }
            #expect(claimed == [id])
            house.time.move(by: .seconds(11))
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id], [crash.ends]) }
            #expect(server.accepted.count == crash.delivered)
            if let mail = server.accepted.first { #expect(try MailParser.parse(mail.bytes).messageID == messageID) }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a connection that the server closed while it lay idle costs no attempt`() async throws {
        try await House.with { house in
            let server = StubMailServer { _, _ in .acceptThenLeave }
            try await house.running(try house.service([house.smtp(server, concurrency: 1)])) {
                for number in 0..<3 {
                    let id = try await house.plan("n/\(number)", to: "c\(number)@example.com")
                    try await house.settled([id])
                    #expect(try await house.row(id).attempts == 1)
                }
            }
            #expect(server.accepted.count == 3)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a server that is not there defers with its name, and another sender goes on`() async throws {
        try await House.with { house in
            let gone = StubMailServer()
            gone.stop()
            let server = StubMailServer()
            let lost = try await house.plan("a") { $0.sender = "gone" }
            let fine = try await house.plan("b", to: "ben@example.com") { $0.sender = "care" }
            let senders = [house.smtp(gone, name: "gone"), house.smtp(server, name: "care")]
            try await house.running(try house.service(senders)) {
                try await house.settled([fine])
                try await house.settled([lost], [.deferred])
            }
            #expect(try await house.row(lost).response?.contains("127.0.0.1") == true)
            #expect(server.accepted.map(\.recipient) == ["ben@example.com"])
        }
    }

    @Test(.timeLimit(.minutes(10))) func `shutdown lets a slow delivery finish and leaves the rest in the ledger`() async throws {
        try await House.with { house in
            let server = StubMailServer { _, _ in .slow(400) }
            var ids: [ID<Send>] = []
            for number in 0..<20 { ids.append(try await house.plan("n/\(number)", to: "c\(number)@example.com")) }
            try await house.running(try house.service([house.smtp(server, concurrency: 2)])) {
                try await until { server.attempts(for: "c0@example.com") > 0 }
            }
            let rows = try await house.store.read { [ids] transaction in try ids.compactMap { try transaction.sends.get($0) } }
            #expect(rows.filter { $0.state == .accepted }.count == server.accepted.count)
            #expect((1...4).contains(server.accepted.count))
            // As if they had never been claimed: the next start sends them at once.
            let rest = rows.filter { $0.state != .accepted }
            #expect(rest.allSatisfy { $0.state == .planned && $0.attempts == 0 && $0.dueAt == $0.createdAt && $0.response == nil })
            let quick = StubMailServer()
            try await house.running(try house.service([house.smtp(quick)])) { try await house.settled(ids) }
            #expect(Set(server.accepted.map(\.recipient) + quick.accepted.map(\.recipient)).count == 20)
            #expect(server.accepted.count + quick.accepted.count == 20)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a changed sender takes over what waits`() async throws {
        try await House.with { house in
            let slow = StubMailServer { _, _ in .slow(50) }
            let other = StubMailServer()
            var ids: [ID<Send>] = []
            for number in 0..<30 { ids.append(try await house.plan("n/\(number)", to: "c\(number)@example.com")) }
            let service = try house.service([house.smtp(slow, concurrency: 1)])
            try await house.running(service) {
                try await until { slow.accepted.count >= 2 }
                service.reload(senders: [house.smtp(other)], layouts: service.layouts)
                try await house.settled(ids)
            }
            #expect(!other.accepted.isEmpty)
            #expect(Set((slow.accepted + other.accepted).map(\.recipient)).count == 30)
            #expect(slow.accepted.count + other.accepted.count == 30)
        }
    }
}
