import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct AnswerTests {
    @Test func `an answer is planned, shown in the conversation, and its ticket waits for the customer`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            let page = try await maya.get("/tickets/1001")
            let draft = try #require(field("draft", in: page.body))
            let answer = try await maya.post(
                "/tickets/1001/reply", ["text": "It is **on its way**.", "draft": draft, "do": "send", "list": "?view=open"])
            #expect(answer.status == .seeOther)
            #expect(answer.headers[.location] == "/tickets/1001?view=open")
            let sends = try await house.store.read { try $0.sends.ofTicket(ticket.id) }
            #expect(sends.map(\.recipient) == ["anna@keller.example"])
            #expect(sends.map(\.key) == ["reply/\(ticket.id)/\(draft)"])
            #expect(try await house.store.read { try $0.tickets.get(ticket.id)?.status } == .pending)
            let after = try await maya.get("/tickets/1001")
            #expect(after.body.contains("<strong>on its way</strong>"))
            #expect(after.body.contains("planned"))
        }
    }

    @Test func `one draft posted twice is sent once`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            for _ in 0..<3 {
                let answer = try await maya.post("/tickets/1001/reply", ["text": "Once.", "draft": "draft-0001", "do": "send"])
                #expect(answer.status == .seeOther)
            }
            #expect(try await house.store.read { try $0.sends.ofTicket(ticket.id).count } == 1)
            #expect(try await house.store.read { try $0.interactions.ofTicket(ticket.id, limit: 10).count } == 2)
        }
    }

    @Test func `send and solve does both`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            _ = try await maya.post("/tickets/1001/reply", ["text": "Done.", "draft": "draft-0001", "do": "solve"])
            #expect(try await house.store.read { try $0.tickets.get(ticket.id)?.status } == .solved)
        }
    }

    @Test func `a note is stored once and sent to nobody`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            for _ in 0..<2 { _ = try await maya.post("/tickets/1001/note", ["text": "Ask the carrier.", "draft": "draft-0002"]) }
            let messages = try await house.store.read { try $0.interactions.ofTicket(ticket.id, limit: 10) }
            #expect(messages.filter { $0.direction == .note }.map(\.body) == ["Ask the carrier."])
            #expect(try await house.store.read { try $0.sends.ofTicket(ticket.id).isEmpty })
        }
    }

    @Test func `status and assignee change from the heading, and a script gets no page for it`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            #expect(try await maya.post("/tickets/1001/status", ["status": "solved"]).status == .seeOther)
            #expect(try await maya.post("/tickets/1001/assign", ["agent": "me"], ["X-CSRF-Token": maya.csrf]).status == .noContent)
            let after = try #require(await house.store.read { try $0.tickets.get(ticket.id) })
            #expect(after.status == .solved)
            #expect(after.assignee == house.maya.id)
            _ = try await maya.post("/tickets/1001/assign", ["agent": house.xiaomei.id.description])
            #expect(try await house.store.read { try $0.tickets.get(ticket.id)?.assignee } == house.xiaomei.id)
            _ = try await maya.post("/tickets/1001/assign", ["agent": ""])
            #expect(try await house.store.read { try $0.tickets.get(ticket.id)?.assignee } == nil)
        }
    }

    struct Wrong: Sendable {
        var path: String
        var fields: [String: String]
        var status: HTTPResponse.Status
        var says: String
    }

    @Test(
        "a wrong action says what to do",
        arguments: [
            Wrong(
                path: "/tickets/1001/reply", fields: ["text": " \n ", "draft": "draft-0001"], status: .unprocessableContent,
                says: "There was no text. Go back and write one."),
            Wrong(
                path: "/tickets/1002/reply", fields: ["text": "x", "draft": "draft-0001"], status: .unprocessableContent,
                says: "This customer has no mail address to answer to. Write a note, or answer where they wrote."),
            Wrong(
                path: "/tickets/1001/reply", fields: ["text": "x"], status: .badRequest,
                says: "Go back, load the page again and repeat what you did."),
            Wrong(
                path: "/tickets/99/reply", fields: ["text": "x", "draft": "draft-0001"], status: .notFound,
                says: "There is no such ticket. Look for it by a word or a name."),
            Wrong(
                path: "/tickets/1001/status", fields: ["status": "burnt"], status: .badRequest,
                says: "Go back, load the page again and repeat what you did."),
            Wrong(
                path: "/tickets/1001/assign", fields: ["agent": "12345"], status: .badRequest,
                says: "Go back, load the page again and repeat what you did."),
        ])
    func refuses(_ wrong: Wrong) async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            try await house.ticket(name: "@tomasz", email: nil)
            let maya = try await house.signIn(house.maya, browser)
            let answer = try await maya.post(wrong.path, wrong.fields)
            #expect(answer.status == wrong.status)
            #expect(answer.body.contains(wrong.says))
        }
    }

    @Test func `an answer larger than the limit is refused`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            let answer = try await maya.post(
                "/tickets/1001/reply", ["text": String(repeating: "x", count: 300_000), "draft": "draft-0001"])
            #expect(answer.status == .contentTooLarge)
            #expect(try await house.store.read { try $0.sends.ofTicket(ticket.id).isEmpty })
        }
    }
}
