import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct ReturnedTests {
    @Test func `an answer that came back says so in the server's words, in both languages, and warns before the next one`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            _ = try await maya.post("/tickets/1001/reply", ["text": "It is on its way.", "draft": "draft-0001", "do": "send"])
            let send = try #require(try await house.store.read { try $0.sends.ofTicket(ticket.id).first })
            let words = "550 5.1.1 <anna@keller.example> no such user"
            try await house.store.write { transaction in
                try transaction.returns.add(
                    SendReturn(
                        send: send.id, kind: .bounced, at: transaction.now, reason: .userUnknown, status: "5.1.1", words: words,
                        interaction: nil))
                let failure = AddressState.Failure(reason: .userUnknown, status: "5.1.1", isPermanent: true, words: words, send: send.id)
                _ = try transaction.addresses.take(failure, address: send.recipient)
            }
            let page = try await maya.get("/tickets/1001")
            #expect(page.body.contains("Did not arrive at anna@keller.example: there is no such address."))
            #expect(page.body.contains("The server said: 550 5.1.1 &lt;anna@keller.example&gt; no such user"))
            #expect(page.body.contains("did not arrive"))
            #expect(page.body.contains("anna@keller.example is dead since"))
            let xiaomei = try await house.signIn(house.xiaomei, browser)
            let chinese = try await xiaomei.get("/tickets/1001")
            #expect(chinese.body.contains("未送达 anna@keller.example：该地址不存在。"))
            #expect(chinese.body.contains("服务器原话：550 5.1.1"))
        }
    }

    @Test func `nothing is said about an address that works`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            let page = try await house.signIn(house.maya, browser).get("/tickets/1001")
            #expect(!page.body.contains("class=\"returned\""))
        }
    }
}
