import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct SplitTests {
    private static let body = "It broke again.\n\nKind regards,\nAnn\n\nOn 3 Jun 2024, Care wrote:\n> Is it <well>?\n> Tell us."

    private func ticket(_ house: House, _ body: String = body, new: String = "It broke again.", signature: String? = "Kind regards,\nAnn")
        async throws -> (Ticket, ID<Interaction>)
    {
        let ticket = try await house.ticket(body: body) { message in
            message.newWords = new
            message.signature = signature
            message.html =
                """
                <p>It broke again.</p><p>Kind regards,<br>Ann</p><blockquote type=\"cite\">Is it well?</blockquote><script>aler\
                t(1)</script>
                """
        }
        let message = try #require(try await house.store.read { try $0.interactions.ofTicket(ticket.id, limit: 1) }.first)
        return (ticket, message.id)
    }

    @Test(
        "the conversation shows the new words and folds the rest away, in both languages",
        arguments: [
            ("en", "Show quoted text and signature (5 lines)", "Show this message whole"), ("zh", "显示引用和签名（5 行）", "完整显示此消息"),
        ])
    func folds(language: String, summary: String, button: String) async throws {
        try await House.serve { house, browser in
            let (ticket, _) = try await ticket(house)
            let browser = try await house.signIn(language == "en" ? house.maya : house.xiaomei, browser)
            let page = try await browser.get("/tickets/\(ticket.number)").body
            #expect(page.contains("<div class=\"text\" dir=\"auto\">It broke again.</div>"))
            #expect(page.contains("<summary>\(summary)</summary>"))
            #expect(page.contains("<div class=\"text\" dir=\"auto\">Kind regards,\nAnn</div>"))
            #expect(page.contains("On 3 Jun 2024, Care wrote:\n&gt; Is it &lt;well&gt;?\n&gt; Tell us.</div>"))
            #expect(page.contains(button))
        }
    }

    @Test func `an agent takes a wrong cut back with the token of the session, and only so`() async throws {
        try await House.serve { house, browser in
            let (ticket, id) = try await ticket(house)
            let browser = try await house.signIn(house.maya, browser)
            #expect(try await browser.get("/messages/\(id)/whole").status != .ok)
            #expect(try await browser.post("/messages/\(id)/whole", ["csrf": "guessed"]).status == .forbidden)
            #expect(try await house.store.read { try $0.interactions.get(id)?.newWords } == "It broke again.")
            let done = try await browser.post("/messages/\(id)/whole", ["list": "?view=open"])
            #expect(done.status == .seeOther)
            #expect(done.header("Location") == "/tickets/\(ticket.number)?view=open#m\(id)")
            let page = try await browser.get("/tickets/\(ticket.number)").body
            #expect(!page.contains("Show quoted text"))
            #expect(page.contains("&gt; Tell us.</div>"))
            #expect(page.contains("Maya Chen said it was cut wrongly"))
            #expect(try await browser.post("/messages/99/whole").status == .notFound)
        }
    }

    @Test func `the HTML folds the same, without a script, and is whole again when the cut is taken back`() async throws {
        try await House.serve { house, browser in
            let (_, id) = try await ticket(house)
            let browser = try await house.signIn(house.maya, browser)
            let page = try await browser.get("/messages/\(id)/html").body
            let fold = try #require(page.firstRange(of: "<details><summary>Show quoted text and signature (3 lines)</summary>"))
            #expect(page[..<fold.lowerBound].contains("It broke again."))
            #expect(page[fold.upperBound...].contains("Is it well?"))
            #expect(page[fold.upperBound...].contains("Kind regards,"))
            #expect(!page.contains("<script"))
            _ = try await browser.post("/messages/\(id)/whole")
            let whole = try await browser.get("/messages/\(id)/html").body
            #expect(!whole.contains("<details>"))
            #expect(whole.contains("Is it well?"))
        }
    }

    @Test(
        "what is folded is what is left of the body; answers between quoted lines need them all",
        arguments: [
            ("Yes.\n\n> One?", "Yes.", "", "> One?", false), ("Yes.\n\n-- \nAnn", "Yes.", "-- \nAnn", "", false),
            ("> One?\nYes.\n> Two?\nNo.", "Yes.\nNo.", "", "> One?\nYes.\n> Two?\nNo.", true),
            ("> One?\n\nYes.", "Yes.", "", "> One?", false), ("text part", "drawn words", "", "text part", true),
        ])
    func rest(body: String, new: String, signature: String, quoted: String, isWhole: Bool) throws {
        var message = Interaction(
            id: ID(1), account: "a", externalID: "1", kind: .mail, occurredAt: Timestamp(seconds: 0), receivedAt: Timestamp(seconds: 0),
            author: .init(), body: body)
        #expect(SetApart(message) == nil)
        message.newWords = new
        message.signature = signature.isEmpty ? nil : signature
        let apart = try #require(SetApart(message))
        #expect(apart.quoted == quoted)
        #expect(apart.isWhole == isWhole)
        #expect(apart.signature == signature)
    }
}
