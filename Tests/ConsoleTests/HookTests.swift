import Domain
import HTTPTypes
import Synchronization
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct HookTests {
    /// Remembers what was taken; answers as it is told.
    final class Desk: Sendable {
        let posts = Mutex<[HookPost]>([])
        let refused = Mutex<[HookRefusal]>([])
        let answer = Mutex<HookAnswer>(.taken(status: 200, body: ""))
        let fails = Mutex(false)

        var hooks: Hooks {
            Hooks(
                sizeBytesMax: { $0 == "chat" ? 1000 : nil },
                take: { post in
                    if self.fails.withLock({ $0 }) { throw ConsoleError.unreadable(path: "a full disk") }
                    self.posts.withLock { $0.append(post) }
                    return self.answer.withLock { $0 }
                }, refuse: { _, refusal in self.refused.withLock { $0.append(refusal) } })
        }
    }

    private func serve(_ desk: Desk, _ body: @Sendable (House, Browser) async throws -> Void) async throws {
        try await House.serve({ $0.hooks = desk.hooks }, body)
    }

    @Test func `a push arrives with its headers, its query and its bytes`() async throws {
        let desk = Desk()
        try await serve(desk) { (_, browser) async throws in
            let answer = try await browser.send(.post, "/hooks/chat?a=1%20x", body: "{\"x\":\"å\"}", accept: "*/*", ["X-Sum": "abc"])
            #expect(answer.status == .ok && answer.body.isEmpty)
        }
        let post = try #require(desk.posts.withLock { $0.first })
        #expect(post.account == "chat" && !post.isQuestion && post.body == Array("{\"x\":\"å\"}".utf8))
        #expect(post.query.map(\.name) == ["a"] && post.query.map(\.value) == ["1 x"])
        #expect(post.headers.contains { $0.name.lowercased() == "x-sum" && $0.value == "abc" })
    }

    @Test(
        "whoever knocks wrongly hears a number",
        arguments: [
            (HookRefusal.unsigned, HTTPResponse.Status.unauthorized), (.signature, .unauthorized), (.stale, .unauthorized),
            (.challenge, .forbidden), (.unknown, .notFound),
        ])
    func numbers(refusal: HookRefusal, status: HTTPResponse.Status) async throws {
        let desk = Desk()
        desk.answer.withLock { $0 = .refused(refusal) }
        try await serve(desk) { (house, browser) async throws in
            let answer = try await browser.send(.post, "/hooks/chat", body: "{}", accept: "text/html")
            #expect(answer.status == status && answer.body.isEmpty && answer.cookies.isEmpty)
            #expect(house.site.tally.all["hook refused \(refusal.rawValue)"] == 1)
        }
    }

    @Test func `an unknown name, a body that is too large and a full disk are told apart by number only`() async throws {
        let desk = Desk()
        try await serve(desk) { (_, browser) async throws in
            let unknown = try await browser.send(.post, "/hooks/other", body: "{}")
            #expect(unknown.status == .notFound && unknown.body.isEmpty)
            let large = try await browser.send(.post, "/hooks/chat", body: String(repeating: "x", count: 1001))
            #expect(large.status == .contentTooLarge && large.body.isEmpty)
            desk.fails.withLock { $0 = true }
            let full = try await browser.send(.post, "/hooks/chat", body: "{}")
            #expect(full.status == .serviceUnavailable && full.body.isEmpty)
        }
        #expect(desk.posts.withLock { $0.isEmpty } && desk.refused.withLock { $0 } == [.size])
    }

    @Test func `a question is answered as plain text or as JSON`() async throws {
        let desk = Desk()
        desk.answer.withLock { $0 = .challenge("<b>4711</b>") }
        try await serve(desk) { (_, browser) async throws in
            let answer = try await browser.get("/hooks/chat?ask=1")
            #expect(answer.status == .ok && answer.body == "<b>4711</b>")
            #expect(answer.header("Content-Type") == "text/plain; charset=utf-8" && answer.header("X-Content-Type-Options") == "nosniff")
            desk.answer.withLock { $0 = .challenge("{\"challenge\":\"x\"}") }
            #expect(try await browser.get("/hooks/chat?ask=1").header("Content-Type") == "application/json; charset=utf-8")
        }
        #expect(desk.posts.withLock { $0.map(\.isQuestion) } == [true, true])
    }

    @Test func `an address that is refused again and again waits, others do not`() async throws {
        let desk = Desk()
        desk.answer.withLock { $0 = .refused(.signature) }
        try await serve(desk) { (house, browser) async throws in
            for _ in 0..<Site.hookRefusalsPerHour {
                #expect(try await browser.send(.post, "/hooks/chat", body: "").status == .unauthorized)
            }
            let waits = try await browser.send(.post, "/hooks/chat", body: "")
            #expect(waits.status == .tooManyRequests && waits.header("Retry-After") == "10")
            var other = browser
            other.address = "198.51.100.9"
            #expect(try await other.send(.post, "/hooks/chat", body: "").status == .unauthorized)
            house.clock.advance(by: .seconds(60))
            #expect(try await browser.send(.post, "/hooks/chat", body: "").status == .unauthorized)
        }
    }
}
