import Domain
import Formats
import Foundation
import Store
import Testing

@testable import Delivery

@Suite struct PolicyTests {
    @Test(.timeLimit(.minutes(10))) func `a missing value holds the mail and says which`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let id = try await house.plan("a") { $0.vars = ["first_name": "  "] }
            try await house.running(try house.service([house.smtp(server)])) {
                try await house.settled([id])
                #expect(try await house.row(id).state == .held)
                #expect(try await house.reasons(id).contains { $0.contains("`first_name` has no value") })
                #expect(server.attempts(for: "ana@example.com") == 0)
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `who unsubscribed gets no marketing, but still service mail`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let customer = try await house.customer("ana@example.com")
            try await house.store.write { try $0.subscriptions.unsubscribe(customer, topic: "tips", source: "link") }
            let tips = try await house.plan("a") { $0.customer = customer }
            let news = try await house.plan("b") { ($0.customer, $0.topic) = (customer, "news") }
            let service = try await house.plan("c", purpose: .service) { $0.customer = customer }
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([tips, news, service]) }
            #expect(try await house.row(tips).state == .skipped)
            #expect(try await house.reasons(tips).contains { $0.contains("the customer unsubscribed from tips") })
            #expect(try await house.row(news).state == .accepted)
            #expect(try await house.row(service).state == .accepted)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a suppressed address gets no journey mail, and an agent's answer goes out`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            try await house.store.write { try $0.subscriptions.suppress(address: "ana@example.com", reason: "complaint") }
            let mail = try await house.plan("a", purpose: .transactional)
            let answer = try await house.plan("reply/1/1", purpose: .service, kind: .reply)
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([mail, answer]) }
            #expect(try await house.row(mail).state == .skipped)
            #expect(try await house.reasons(mail).contains { $0.contains("ana@example.com is suppressed: complaint") })
            #expect(try await house.row(answer).state == .accepted)
        }
    }

    @Test("what is no address is skipped", .timeLimit(.minutes(10)), arguments: ["", "ana", "ana@example.com>\r\nrcpt to:<x@example.com"])
    func badAddress(recipient: String) async throws {
        try await House.with { house in
            let server = StubMailServer()
            let id = try await house.plan("a", to: recipient)
            try await house.running(try house.service([house.smtp(server)])) { try await house.settled([id]) }
            #expect(try await house.row(id).state == .skipped)
            #expect(
                try await house.reasons(id).contains { $0.contains("\(recipient.debugDescription) is no address mail can be sent to") })
            #expect(server.connections == 0)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a row for a sender that is not configured is held until it is`() async throws {
        try await House.with { house in
            let server = StubMailServer()
            let id = try await house.plan("a") { $0.sender = "news" }
            let service = try house.service([house.smtp(server)])
            try await house.running(service) {
                try await house.settled([id])
                #expect(try await house.row(id).state == .held)
                #expect(
                    try await house.reasons(id).contains {
                        $0.contains("sender news is not configured; add it to the configuration and release this row")
                    })
                service.reload(senders: [house.smtp(server, name: "news")], layouts: service.layouts)
                #expect(try await house.store.write { try $0.sends.release(id) })
                try await house.settled([id], [.accepted])
            }
            #expect(server.accepted.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a folder takes mails as files, and one it has already taken is one file`() async throws {
        try await House.with { house in
            let id = try await house.plan("a")
            let claimed = try await house.store.write { try $0.sends.claim(owner: "dead", lease: .seconds(10), limit: 1) }
            let sender = house.folderSender()
            let mail = try house.composer().compose(try #require(claimed.first), from: sender, now: house.time.now())
            _ = try await FolderOutbox(path: sender.url).write(mail.bytes, messageID: mail.messageID)  // and died before it was recorded
            house.time.move(by: .seconds(11))
            try await house.running(try house.service([sender])) { try await house.settled([id]) }
            #expect(try await house.row(id).state == .accepted)
            let names = try FileManager.default.contentsOfDirectory(atPath: sender.url)
            #expect(names == [FolderOutbox.fileName(mail.messageID)])
            let bytes = try #require(FileManager.default.contents(atPath: "\(sender.url)/\(names[0])"))
            #expect(try MailParser.parse(Array(bytes)).subject == "Welcome, Ana")
            #expect(try await house.row(id).messageID == mail.messageID)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a folder that cannot be written defers and says why`() async throws {
        try await House.with { house in
            _ = FileManager.default.createFile(atPath: "\(house.folder)/out", contents: nil)
            let id = try await house.plan("a")
            try await house.running(try house.service([house.folderSender()])) { try await house.settled([id], [.deferred]) }
            #expect(
                try await house.row(id).response?.hasPrefix("cannot create a file in \(house.folder)/out: Not a directory.") == true)
        }
    }

    @Test(
        "a file's name holds nothing a path means something by",
        arguments: [("h.s.1.2@shop.example", "h.s.1.2@shop.example.eml"), ("../../etc/x", "_._.._etc_x.eml"), ("a b\0c", "a_b_c.eml")])
    func fileName(id: String, name: String) { #expect(FolderOutbox.fileName(id) == name) }
}
