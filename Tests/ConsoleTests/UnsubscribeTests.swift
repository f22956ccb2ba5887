import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct UnsubscribeTests {
    private func link(_ house: House, topic: String = "news") async throws -> (path: String, customer: ID<Customer>) {
        let ticket = try await house.ticket()
        return ("/u/\(house.store.signer.token("u", [ticket.customer.description, topic, "77"]))", ticket.customer)
    }

    private func isSubscribed(_ house: House, _ customer: ID<Customer>, _ topic: String = "news") async throws -> Bool {
        try await house.store.read { try $0.subscriptions.isSubscribed(customer, topic: topic) }
    }

    @Test func `opening the link shows a page and changes nothing`() async throws {
        try await House.serve { (house, browser) async throws in
            let (path, customer) = try await link(house)
            for _ in 0..<3 {
                let page = try await browser.get(path)
                #expect(page.status == .ok)
                #expect(page.body.contains("a•••@keller.example"))
                #expect(page.body.contains("Messages about: news"))
                #expect(!page.body.contains("anna@keller.example"))
            }
            #expect(try await isSubscribed(house, customer))
        }
    }

    @Test func `the button unsubscribes from this topic only, and can be taken back`() async throws {
        try await House.serve { (house, browser) async throws in
            let (path, customer) = try await link(house)
            let done = try await browser.post(path, ["action": "unsubscribe"])
            #expect(done.status == .ok)
            #expect(done.body.contains("You are unsubscribed. We are sorry to see you go."))
            #expect(try await isSubscribed(house, customer) == false)
            #expect(try await isSubscribed(house, customer, "care"))
            let back = try await browser.post(path, ["action": "resubscribe"])
            #expect(back.body.contains("You are subscribed again."))
            #expect(try await isSubscribed(house, customer))
        }
    }

    @Test func `everything means everything`() async throws {
        try await House.serve { (house, browser) async throws in
            let (path, customer) = try await link(house)
            _ = try await browser.post(path, ["action": "all"])
            #expect(try await isSubscribed(house, customer, "news") == false)
            #expect(try await isSubscribed(house, customer, "care") == false)
        }
    }

    struct OneClick: Sendable {
        var type: String
        var body: String
    }

    @Test(
        "a mail program's one-click POST acts without cookies and without a redirect (RFC 8058)",
        arguments: [
            OneClick(type: "application/x-www-form-urlencoded", body: "List-Unsubscribe=One-Click"),
            OneClick(
                type: "multipart/form-data; boundary=xyz",
                body: "--xyz\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--xyz--\r\n"),
        ])
    func oneClick(_ post: OneClick) async throws {
        try await House.serve { (house, browser) async throws in
            let (path, customer) = try await link(house)
            for _ in 0..<2 {  // mail programs repeat themselves
                let answer = try await browser.send(.post, path, body: post.body, accept: "*/*", ["Content-Type": post.type])
                #expect(answer.status == .ok)
                #expect(answer.headers[.location] == nil)
                #expect(answer.cookies.isEmpty)
            }
            #expect(try await isSubscribed(house, customer) == false)
        }
    }

    @Test("a link that we did not make is refused", arguments: ["/u/made-up", "/u/AAAA", "/u/%00"])
    func forged(path: String) async throws {
        try await House.serve { (house, browser) async throws in
            for answer in [try await browser.get(path), try await browser.post(path, ["action": "unsubscribe"])] {
                #expect(answer.status == .notFound)
                #expect(answer.body.contains("This link is not valid, or not complete. Open it again from the mail itself."))
            }
        }
    }

    @Test func `a token of another kind is refused`() async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let token = house.store.signer.token("x", [ticket.customer.description, "news", "1"])
            #expect(try await browser.post("/u/\(token)", ["action": "unsubscribe"]).status == .notFound)
            #expect(try await isSubscribed(house, ticket.customer))
        }
    }

    @Test func `a POST that asks for nothing changes nothing`() async throws {
        try await House.serve { (house, browser) async throws in
            let (path, customer) = try await link(house)
            #expect(try await browser.post(path, ["hello": "1"]).status == .badRequest)
            #expect(try await isSubscribed(house, customer))
        }
    }
}
