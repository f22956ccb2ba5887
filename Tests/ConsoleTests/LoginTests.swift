import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct LoginTests {
    private func signIn(_ browser: Browser, _ login: String, _ password: String, next: String = "/") async throws -> Browser.Page {
        let page = try await browser.get("/login?next=\(percentEncoded(next))")
        let fields = ["login": login, "password": password, "token": field("token", in: page.body) ?? "", "next": next]
        return try await browser.keeping(page).post("/login", fields)
    }

    @Test func `the right password opens a session whose cookie no script can read and no other site can use`() async throws {
        try await House.serve { (house, browser) async throws in
            let answer = try await signIn(browser, "maya", House.password, next: "/accounts")
            #expect(answer.status == .seeOther)
            #expect(answer.headers[.location] == "/accounts")
            let cookie = try #require(answer.cookies.first { $0.hasPrefix("hongyan=") })
            #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"))
            let inside = try await browser.keeping(answer).get("/")
            #expect(inside.status == .ok)
            #expect(inside.body.contains("Maya Chen"))
        }
    }

    @Test func `behind https the cookie is Secure and bound to the host`() async throws {
        try await House.serve {
            $0.publicURL = "https://care.example"
        } _: { (house, browser) async throws in
            let answer = try await signIn(browser, "maya", House.password)
            let cookie = try #require(answer.cookies.first { $0.hasPrefix("__Host-hongyan=") })
            #expect(cookie.contains("Secure"))
        }
    }

    @Test func `a wrong password and an unknown login get the same answer and no session`() async throws {
        try await House.serve { (house, browser) async throws in
            let wrong = try await signIn(browser, "maya", "guess")
            let unknown = try await signIn(browser, "nobody", "guess")
            for answer in [wrong, unknown] {
                #expect(answer.status == .unprocessableContent)
                #expect(answer.body.contains("Login or password is wrong."))
                #expect(!answer.cookies.contains { $0.hasPrefix("hongyan=") })
            }
        }
    }

    @Test func `a login form from elsewhere is not accepted`() async throws {
        try await House.serve { (house, browser) async throws in
            let answer = try await browser.post("/login", ["login": "maya", "password": House.password, "token": "made up"])
            #expect(answer.status == .unprocessableContent)
            #expect(answer.body.contains("The page was open too long. Please sign in again."))
        }
    }

    @Test func `an address that guesses too often has to wait, another one has not`() async throws {
        try await House.serve { (house, browser) async throws in
            for _ in 0..<Site.loginsPerHour { _ = house.site.limits.take("login \(browser.address)", perHour: Site.loginsPerHour) }
            let limited = try await signIn(browser, "maya", House.password)
            #expect(limited.status == .tooManyRequests)
            #expect(limited.headers[.retryAfter] == "180")
            #expect(limited.body.contains("Wait a few minutes and try again."))
            var other = browser
            other.address = "192.0.2.77"
            #expect(try await signIn(other, "maya", House.password).status == .seeOther)
            house.clock.advance(by: .seconds(180))
            #expect(try await signIn(browser, "maya", House.password).status == .seeOther)
        }
    }

    @Test(
        "a login never leads away from here",
        arguments: ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""])
    func staysHere(next: String) { #expect(localPath(next) == "/") }

    @Test func `signing out ends the session in the store`() async throws {
        try await House.serve { (house, browser) async throws in
            let maya = try await house.signIn(house.maya, browser)
            #expect(try await maya.get("/accounts").status == .ok)
            #expect(try await maya.post("/logout").headers[.location] == "/login")
            #expect(try await maya.get("/accounts").headers[.location] == "/login?next=%2Faccounts")
        }
    }

    @Test func `a session ends by itself`() async throws {
        try await House.serve { (house, browser) async throws in
            let maya = try await house.signIn(house.maya, browser)
            house.clock.advance(by: .seconds(3601))
            #expect(try await maya.get("/").headers[.location] == "/login")
        }
    }

    @Test(
        "without a session every page of agents leads to the login",
        arguments: ["/", "/tickets/1001", "/accounts", "/quarantine", "/messages/1/html"])
    func needsLogin(path: String) async throws {
        try await House.serve { (house, browser) async throws in
            let answer = try await browser.get(path)
            #expect(answer.status == .seeOther)
            #expect(answer.headers[.location]?.hasPrefix("/login") == true)
        }
    }

    @Test func `a script without a session gets 401 instead of the login page`() async throws {
        try await House.serve { (house, browser) async throws in
            #expect(try await browser.get("/?fragment=list").status == .unauthorized)
            #expect(try await browser.post("/tickets/1001/reply", ["text": "x"]).status == .unauthorized)
        }
    }

    @Test(
        "a POST without the session's token changes nothing",
        arguments: ["/tickets/1001/reply", "/tickets/1001/note", "/tickets/1001/status", "/tickets/1001/assign", "/preferences", "/logout"])
    func csrf(path: String) async throws {
        try await House.serve { (house, browser) async throws in
            let ticket = try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            let fields = ["csrf": "forged", "text": "hi", "draft": "draft-0001", "status": "solved", "agent": "me", "locale": "zh"]
            let answer = try await maya.post(path, fields)
            #expect(answer.status == .forbidden)
            #expect(answer.body.contains("The page was too old to act on. Load it again and repeat what you did."))
            let after = try await house.store.read { try $0.tickets.get(ticket.id) }
            #expect(after == ticket)
            #expect(try await house.store.read { try $0.interactions.ofTicket(ticket.id, limit: 10).count } == 1)
        }
    }

    @Test func `a browser that says the post comes from another site is refused even with the token`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            let maya = try await house.signIn(house.maya, browser)
            let answer = try await maya.post("/tickets/1001/status", ["status": "solved"], ["Sec-Fetch-Site": "cross-site"])
            #expect(answer.status == .forbidden)
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct PasswordTests {
    @Test func `a password fits its own hash, no other, and the hash names its parameters`() async throws {
        let hash = try await Passwords.hash("correct horse 马")
        #expect(hash.hasPrefix("scrypt$32768$8$3$"))
        #expect(try await Passwords.verify("correct horse 马", hash))
        #expect(try await Passwords.verify("correct horse", hash) == false)
        let (one, other) = (try await Passwords.hash("a", rounds: 16), try await Passwords.hash("a", rounds: 16))
        #expect(one != other)
    }

    @Test(
        "a hash we cannot read fits nothing",
        arguments: ["", "plain", "scrypt$3$8$1$AAAA$AAAA", "scrypt$16$8$1$!$!", "bcrypt$16$8$1$AAAA$AAAA"])
    func unreadable(hash: String) async throws { #expect(try await Passwords.verify("", hash) == false) }

    @Test func `RFC 7914's own example comes out`() async throws {
        // §12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1, 64)
        let key =
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        let bytes = stride(from: 0, to: key.utf8.count, by: 2).map { at -> UInt8 in
            let start = key.index(key.startIndex, offsetBy: at)
            return UInt8(key[start..<key.index(start, offsetBy: 2)], radix: 16) ?? 0
        }
        let hash = "scrypt$16384$8$1$\(base64(Array("SodiumChloride".utf8)))$\(base64(bytes))"
        #expect(try await Passwords.verify("pleaseletmein", hash))
    }

    @Test func `a password longer than the limit is refused before any work`() async throws {
        let error = await #expect(throws: PasswordError.self) { try await Passwords.hash(String(repeating: "x", count: 1025)) }
        #expect(error?.description == "the password is longer than 1024 bytes; choose a shorter one")
    }
}
