import Domain
import Store
import Testing

@testable import Desk

@Suite(.timeLimit(.minutes(10))) struct AnsweringTests {
    @Test("an answer waits in the ledger, shows in the conversation and makes the ticket wait")
    func reply() async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([Mail(key: "a", references: ["older", "old"])])
            try await office.placeAll()
            office.time.advance(.seconds(60))
            let reply = try #require(try await office.reply(1001, draft: "d1", text: "Dear *Ann*").reply)
            let send = try #require(try await office.store.read { try $0.sends.get(reply.send) })
            let ticket = try #require(try await office.ticket(1001))
            #expect(send.key == "reply/\(ticket.id)/d1")
            #expect(send.kind == .reply)
            #expect(send.purpose == .transactional)
            #expect(send.state == .planned)
            #expect(send.recipient == "ann@example.com")
            #expect(send.subject == "Re: Lamp [#1001]")
            #expect(send.text == "Dear *Ann*")
            #expect(send.inReplyTo == "a@mail")
            #expect(send.references == ["older@mail", "old@mail", "a@mail"])
            #expect(send.ticket == ticket.id)
            #expect(send.customer == ticket.customer)
            let id = try #require(send.messageID)
            #expect(id.hasSuffix("@shop.example"))
            let signed = try #require(office.store.signer.verifyMessageID(id))
            #expect(signed.kind == "s")
            #expect(signed.id == send.id.rawValue)

            #expect(ticket.status == .pending)
            #expect(ticket.messageCount == 2)
            #expect(ticket.snippet == "Dear *Ann*")
            #expect(ticket.lastOutboundAt == office.time.now())
            let conversation = try await office.store.read { try $0.interactions.ofTicket(ticket.id, limit: 10) }
            #expect(conversation.map(\.direction) == [.inbound, .outbound])
            #expect(conversation.last?.id == reply.interaction)
            #expect(conversation.last?.author.name == "Ada")
            #expect(try await office.reasons(.ticket, ticket.id.rawValue).last == "status: new → pending: Ada answered")
            #expect(try await office.reasons(.send, send.id.rawValue) == ["send: Ada answered #1001 to ann@example.com"])
            #expect(try await office.events().last == .ticketReplied)
        }
    }

    @Test("where the mailbox takes `support+…`, an answer asks to be answered at an address that only it names")
    func plusAddress() async throws {
        try await Office.with(settings: { $0.plusAddresses["support"] = "help@shop.example" }) { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let reply = try #require(try await office.reply(1001, draft: "d1").reply)
            let send = try #require(try await office.store.read { try $0.sends.get(reply.send) })
            let address = try #require(send.details.replyTo)
            #expect(address.hasPrefix("help+h.s."))
            #expect(address.hasSuffix("@shop.example"))
            #expect(address.utf8.count <= 64 + 1 + "shop.example".utf8.count)
            try await office.deliver([Mail(key: "b", from: "bob@two.example", subject: "x", to: [address.uppercased()])])
            try await office.placeAll()
            #expect(try await office.ticketNumber(of: "b") == 1001)
        }
    }

    @Test("the same draft is answered once, whatever comes with it the second time")
    func sameDraft() async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let first = try await office.reply(1001, draft: "d1")
            let events = try await office.events()
            let ticket = try await office.ticket(1001)
            office.time.advance(.seconds(5))
            #expect(try await office.reply(1001, draft: "d1", text: "changed", solve: true) == first)
            #expect(try await office.events() == events)
            #expect(try await office.ticket(1001) == ticket)
            #expect(try await office.store.read { try $0.sends.list(state: nil, limit: 10) }.count == 1)
            #expect(try await office.reply(1001, draft: "d2") != first)
            #expect(try await office.store.read { try $0.sends.list(state: nil, limit: 10) }.count == 2)
        }
    }

    @Test(
        "what an answer makes of each status",
        arguments: [
            (.new, false, .pending), (.open, false, .pending), (.open, true, .solved), (.solved, false, .solved), (.closed, false, .closed),
            (.closed, true, .closed),
        ] as [(Ticket.Status, Bool, Ticket.Status)])
    func statuses(before: Ticket.Status, solve: Bool, after: Ticket.Status) async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            if before != .new { _ = try await office.setStatus(1001, before) }
            _ = try await office.reply(1001, draft: "d", solve: solve)
            #expect(try await office.ticket(1001)?.status == after)
        }
    }

    @Test("what cannot be answered is a value, and nothing is written")
    func refusals() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a", from: "", phone: "+4930123", kind: .form), Mail(key: "b", subject: "Chair")])
            try await office.placeAll()
            let phoneOnly = try #require(try await office.ticketNumber(of: "a"))
            let mail = try #require(try await office.ticketNumber(of: "b"))
            let events = try await office.events()
            #expect(try await office.reply(phoneOnly, draft: "d") == .noAddress)
            #expect(try await office.reply(mail, draft: "d", text: " \n\t ") == .empty)
            #expect(try await office.reply(mail, draft: "d", text: String(repeating: "x", count: Desk.textBytesMax + 1)) == .tooLong)
            #expect(try await office.reply(4711, draft: "d") == .unknownTicket)
            #expect(try await office.events() == events)
        }
    }

    @Test("a customer with two addresses is answered where they wrote from last")
    func lastAddress() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a", phone: "+4930123")])
            try await office.placeAll()
            try await office.store.write { transaction in
                let customer = try #require(try transaction.customers.find([Identity(kind: .phone, value: "+4930123")]))
                try transaction.customers.link(customer, Identity(kind: .email, value: "ann@work.example"))
            }
            try await office.deliver([Mail(key: "b", from: "ann@work.example", inReplyTo: ["a"], age: .seconds(-1))])
            try await office.placeAll()
            let reply = try #require(try await office.reply(1001, draft: "d").reply)
            #expect(try await office.store.read { try $0.sends.get(reply.send)?.recipient } == "ann@work.example")
        }
    }

    @Test("notes, assignments and statuses are written once, with their reason")
    func changes() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let ticket = try #require(try await office.ticket(1001))
            let (desk, agent) = (office.desk, office.agent)
            let results = try await office.store.write { transaction in
                try [
                    desk.note(transaction, ticket: ticket.id, agent: agent, draft: "n", text: "VIP"),
                    desk.note(transaction, ticket: ticket.id, agent: agent, draft: "n", text: "VIP"),
                    desk.note(transaction, ticket: ticket.id, agent: agent, draft: "m", text: " "),
                    desk.assign(transaction, ticket: ticket.id, agent: agent, to: agent.id),
                    desk.assign(transaction, ticket: ticket.id, agent: agent, to: agent.id),
                    desk.assign(transaction, ticket: ticket.id, agent: agent, to: ID(1)),
                    desk.assign(transaction, ticket: ticket.id, agent: agent, to: nil),
                    desk.setStatus(transaction, ticket: ticket.id, agent: agent, to: .solved),
                    desk.setStatus(transaction, ticket: ticket.id, agent: agent, to: .solved),
                    desk.setStatus(transaction, ticket: ID(1), agent: agent, to: .solved),
                ]
            }
            #expect(
                results == [
                    .changed, .unchanged, .empty, .changed, .unchanged, .unknownAgent, .changed, .changed, .unchanged, .unknownTicket,
                ])
            #expect(
                try await office.reasons(.ticket, ticket.id.rawValue).dropFirst() == [
                    "note: Ada wrote a note", "assign: Ada assigned it to Ada", "assign: Ada assigned it to nobody",
                    "status: new → solved: Ada set it",
                ])
            #expect(try await office.events().suffix(4).allSatisfy { $0 == .ticketChanged })
        }
    }
}
