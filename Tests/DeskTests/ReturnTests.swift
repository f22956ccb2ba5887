import Domain
import Store
import Testing

@testable import Desk

@Suite(.timeLimit(.minutes(10))) struct ReturnTests {
    @Test(
        "an answer that came back opens its ticket again",
        arguments: [
            (Ticket.Status.pending, SendReturn.Kind.bounced, Ticket.Status.open), (.solved, .bounced, .open), (.open, .bounced, .open),
            (.closed, .bounced, .closed),
            (.pending, .delayed, .pending), (.solved, .delivered, .solved),
        ])
    func reopens(before: Ticket.Status, kind: SendReturn.Kind, after: Ticket.Status) async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let reply = try #require(try await office.reply(1001, draft: "d1").reply)
            _ = try await office.setStatus(1001, before)
            let signed = office.store.signer.messageID(kind: "s", id: reply.send.rawValue, domain: "shop.example")
            let now = office.time.now()
            try await office.store.write { transaction in
                let mail = Mail(key: "back", from: "mailer-daemon@mx.example", name: nil, references: [signed], nature: .bounce)
                let id: ID<Interaction> = transaction.newID()
                try transaction.interactions.add(mail.interaction(id, now: now, ids: [:]), spool: nil)
                try transaction.returns.add(
                    SendReturn(
                        send: reply.send, kind: kind, at: now, reason: .userUnknown, status: "5.1.1", words: "550 5.1.1 gone",
                        interaction: id))
            }
            try await office.placeAll()
            let ticket = try #require(try await office.ticket(1001))
            #expect(ticket.status == after)
            #expect(try await office.ticketNumber(of: "back") == 1001)
            let reasons = try await office.reasons(.ticket, ticket.id.rawValue)
            #expect(reasons.contains { $0.contains("did not arrive (userunknown: 550 5.1.1 gone)") } == (kind == .bounced))
            #expect(try await office.events().contains(.ticketReopened) == (before != after))
        }
    }
}
