import Domain
import Store
import Testing

@testable import Desk

@Suite(.timeLimit(.minutes(10))) struct SplitTests {
    private func add(_ office: Office, subject: String, body: String, new: String?, signature: String? = nil) async throws {
        let now = office.time.now()
        try await office.store.write { transaction in
            var message = Interaction(
                id: transaction.newID(), account: "support", externalID: "a", kind: .mail, occurredAt: now, receivedAt: now,
                author: .init(name: "Ann", email: "ann@example.org"), subject: subject, body: body)
            message.newWords = new
            message.signature = signature
            try transaction.interactions.add(message, spool: nil)
        }
        try await office.placeAll()
    }

    @Test func `only the new words make the mood, the snippet and a missing subject`() async throws {
        try await Office.with { office in
            try await add(office, subject: "", body: "I am happy.\n\n-- \nAnn\n> I was angry.", new: "I am happy.", signature: "-- \nAnn")
            let message = try #require(try await office.stored("a"))
            #expect(message.mood?.label == .positive)
            #expect(message.newWords == "I am happy.")
            #expect(message.signature == "-- \nAnn")
            let number = try #require(try await office.ticketNumber(of: "a"))
            let ticket = try #require(try await office.ticket(number))
            #expect(ticket.snippet == "I am happy.")
            #expect(ticket.subject == "I am happy.")
        }
    }

    @Test func `a wrong cut is taken back with its reason, once`() async throws {
        try await Office.with(everywhere: true) { office in
            try await add(office, subject: "Lamp", body: "It broke.\n> Twice.", new: "It broke.")
            let message = try #require(try await office.stored("a"))
            let agent = office.agent
            let desk = office.desk
            let first = try await office.store.write { try desk.makeWhole($0, message: message.id, agent: agent) }
            #expect(first == .changed)
            let whole = try #require(try await office.stored("a"))
            #expect(whole.newWords == nil)
            #expect(whole.words == "It broke.\n> Twice.")
            let last = try await office.reasons(.interaction, message.id.rawValue).last
            #expect(last == "cut: shown whole again: Ada said it was cut wrongly")
            let number = try #require(try await office.ticketNumber(of: "a"))
            #expect(try await office.ticket(number)?.snippet == "It broke. > Twice.")
            #expect(try await office.events().last == .ticketChanged)
            let second = try await office.store.write { try desk.makeWhole($0, message: message.id, agent: agent) }
            #expect(second == .unchanged)
            #expect(try await office.store.write { try desk.makeWhole($0, message: ID(7), agent: agent) } == .unchanged)
        }
    }
}
