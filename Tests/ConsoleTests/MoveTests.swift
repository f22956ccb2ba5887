import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct MoveTests {
    @Test func `a ticket is merged from its heading, its number leads to the other one, and a button takes it back`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            try await house.ticket(subject: "Second", name: "Bo", email: "bo@two.example")
            let maya = try await house.signIn(house.maya, browser)
            let done = try await maya.post("/tickets/1002/merge", ["other": "#1001", "direction": "into", "list": "?view=open"])
            #expect(done.status == .seeOther)
            #expect(done.headers[.location] == "/tickets/1001?view=open")
            let old = try await maya.get("/tickets/1002?view=open")
            #expect(old.status == .seeOther)
            #expect(old.headers[.location] == "/tickets/1001?view=open")
            let page = try await maya.get("/tickets/1001")
            #expect(page.body.contains("#1002 was merged into this ticket; messages: 1."))
            #expect(page.body.contains("Hello, where is it?"))
            let list = try await maya.get("/?view=open")
            #expect(!list.body.contains("href=\"/tickets/1002"))
            let move = try #require(field("move", in: page.body))
            let back = try await maya.post("/tickets/1001/takeback", ["move": move])
            #expect(back.headers[.location] == "/tickets/1002")
            #expect(try await maya.get("/tickets/1002").status == .ok)
            #expect(try await maya.post("/tickets/1001/takeback", ["move": move]).status == .conflict)
        }
    }

    @Test func `the other ticket can be taken in instead`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            try await house.ticket(subject: "Second", name: "Bo", email: "bo@two.example")
            let maya = try await house.signIn(house.maya, browser)
            let done = try await maya.post("/tickets/1002/merge", ["other": "1001", "direction": "take"])
            #expect(done.headers[.location] == "/tickets/1002")
            #expect(try await maya.get("/tickets/1001").headers[.location] == "/tickets/1002")
        }
    }

    @Test func `a message moves to a new ticket, in either language`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let second = try await house.store.write { transaction in
                var message = Interaction(
                    id: transaction.newID(), account: "support", externalID: "x", kind: .mail, occurredAt: transaction.now,
                    receivedAt: transaction.now, author: .init(name: "Anna Keller", email: "anna@keller.example"), subject: "A chair",
                    body: "And a chair, please.")
                (message.ticket, message.customer) = (ticket.id, ticket.customer)
                try transaction.interactions.addPlaced(message)
                return message.id
            }
            let maya = try await house.signIn(house.maya, browser)
            #expect(try await maya.get("/tickets/1001").body.contains("Only this message"))
            let done = try await maya.post("/tickets/1001/split", ["message": second.description, "scope": "one", "into": ""])
            #expect(done.headers[.location] == "/tickets/1002")
            let page = try await maya.get("/tickets/1002")
            #expect(page.body.contains("Moved here from #1001; messages: 1."))
            #expect(page.body.contains("<h1>A chair</h1>"))
            // One message is left: there is nothing to choose from.
            #expect(!page.body.contains("Only this message"))
            let xiaomei = try await house.signIn(house.xiaomei, browser)
            #expect(try await xiaomei.get("/tickets/1001").body.contains("1 条消息已移到 #1002。"))
        }
    }

    @Test(
        "a move that cannot be says why and what to do",
        arguments: [
            ("/tickets/1001/merge", ["other": "1001"], 409, "These are one and the same ticket. Name two."),
            ("/tickets/1001/merge", ["other": "77"], 404, "There is no such ticket. Look for it by a word or a name."),
            ("/tickets/1001/merge", ["other": "x"], 404, "There is no such ticket. Look for it by a word or a name."),
            ("/tickets/1001/split", ["message": "77"], 409, "Somebody moved it meanwhile. Load the ticket again."),
            ("/tickets/1001/split", ["message": "x"], 400, "Go back, load the page again and repeat what you did."),
            ("/tickets/1001/split", ["message": "own"], 409, "Nothing would be left of this ticket. Merge it instead."),
            ("/tickets/1001/takeback", ["move": "5"], 409, "Somebody moved it meanwhile. Load the ticket again."),
            ("/tickets/1001/merge", ["other": "1002", "csrf": "wrong"], 403, "Load it again"),
        ] as [(String, [String: String], Int, String)])
    func refuses(path: String, fields: [String: String], status: Int, says: String) async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            var fields = fields
            if fields["message"] == "own" {
                let message = try await house.store.read { try $0.interactions.ofTicket(ticket.id, limit: 1).first?.id }
                fields["message"] = try #require(message).description
            }
            let page = try await maya.post(path, fields)
            #expect(page.status.code == status)
            #expect(page.body.contains(says), "\(page.body)")
        }
    }

    @Test func `an open breaker is shown with its address and reason, and cleared by a button`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.store.write { _ = try $0.loops.trip("robot@two.example", reason: "it answers by itself", for: .seconds(600)) }
            let maya = try await house.signIn(house.maya, browser)
            let page = try await maya.get("/accounts")
            #expect(page.body.contains("robot@two.example"))
            #expect(page.body.contains("it answers by itself"))
            #expect(try await maya.get("/accounts").body.contains("Loop breakers"))
            #expect(try await maya.post("/breakers/clear", ["address": "robot@two.example"]).headers[.location] == "/accounts")
            #expect(try await !maya.get("/accounts").body.contains("robot@two.example"))
            let xiaomei = try await house.signIn(house.xiaomei, browser)
            #expect(try await !xiaomei.get("/accounts").body.contains("循环断路器"))
        }
    }
}
