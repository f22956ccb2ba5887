import Domain
import Formats
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct PublicFormTests {
    private func stored(_ house: House) async throws -> [SpooledItem] {
        try await house.store.write { try $0.spool.claim(owner: "test", lease: .seconds(60), limit: 100) }
    }

    struct Body: Sendable {
        var type: String
        var text: String
    }

    @Test(
        "a form arrives as urlencoded, multipart or JSON",
        arguments: [
            Body(
                type: "application/x-www-form-urlencoded",
                text: "name=%E7%8E%8B+Mei&email=mei%40x.example&message=Hello%0D%0Athere&website="),
            Body(
                type: "multipart/form-data; boundary=\"--x y\"",
                text:
                    "preamble\r\n----x y\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n王 Mei\r\n"
                    + "----x y\r\ncontent-disposition: form-data; name=email\r\n\r\nmei@x.example\r\n"
                    + "----x y\r\nContent-Disposition: form-data; name=\"message\"\r\nContent-Type: text/plain\r\n\r\nHello\r\nthere\r\n"
                    + "----x y\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\nPNG\r\n----x y--\r\n"),
            Body(
                type: "application/json; charset=utf-8",
                text: #"{"name":"王 Mei","email":"mei@x.example","message":"Hello\r\nthere","gone":null}"#),
        ])
    func arrives(_ body: Body) async throws {
        try await House.serve { (house, browser) async throws in
            let isJSON = body.type.hasPrefix("application/json")
            let answer = try await browser.send(
                .post, "/forms/contact", body: body.text, accept: isJSON ? "application/json" : "text/html", ["Content-Type": body.type])
            #expect(answer.status == (isJSON ? .accepted : .seeOther))
            let item = try #require(try await stored(house).first)
            #expect(item.account == "form:contact")
            #expect(item.kind == .form)
            #expect(item.meta == ["format": "public-form"])
            let document = try JSONValue.parse(item.bytes)
            #expect(document["form"]?.string == "contact")
            #expect(document["remote"]?.string == "192.0.2.1")
            #expect(document["at"] == .number("\(house.clock.now().microseconds)"))
            let fields = document["fields"]?.array?.compactMap { $0.array?.compactMap(\.string) }
            #expect(fields == [["name", "王 Mei"], ["email", "mei@x.example"], ["message", "Hello\r\nthere"]])
            #expect(answer.cookies.isEmpty)
        }
    }

    @Test func `a filled trap is thanked and forgotten`() async throws {
        try await House.serve { (house, browser) async throws in
            let answer = try await browser.post(
                "/forms/contact", ["email": "bot@x.example", "message": "Buy!", "website": "http://spam.example"])
            #expect(answer.headers[.location] == "/forms/contact?sent=1")
            #expect(try await stored(house).isEmpty)
            #expect(house.site.tally.all["form robot"] == 1)
        }
    }

    @Test func `our own form page shows what is missing and keeps what was written`() async throws {
        try await House.serve { (house, browser) async throws in
            let answer = try await browser.post(
                "/forms/contact", ["_page": "1", "name": "Mei \"M\"", "email": "not an address", "message": "  "])
            #expect(answer.status == .unprocessableContent)
            #expect(answer.body.contains("Please give an e-mail address we can answer to."))
            #expect(answer.body.contains("Please write a message."))
            #expect(answer.body.contains("value=\"Mei &quot;M&quot;\""))
            #expect(try await stored(house).isEmpty)
        }
    }

    @Test func `a form without any words is refused, in JSON when asked so`() async throws {
        try await House.serve { (house, browser) async throws in
            let answer = try await browser.send(
                .post, "/forms/contact", body: "{}", accept: "application/json", ["Content-Type": "application/json"])
            #expect(answer.status == .unprocessableContent)
            #expect(answer.body == #"{"error":"Please write a message."}"#)
        }
    }

    @Test func `a form larger than its limit is refused`() async throws {
        try await House.serve {
            $0.forms[0].sizeBytesMax = 2000
        } _: { (house, browser) async throws in
            let answer = try await browser.post("/forms/contact", ["message": String(repeating: "x", count: 2001)])
            #expect(answer.status == .contentTooLarge)
            #expect(answer.body.contains("It is larger than we take. Shorten it and send it again."))
            #expect(try await stored(house).isEmpty)
        }
    }

    @Test func `an address that posts too often waits; others do not`() async throws {
        try await House.serve {
            $0.forms[0].perHour = 2
        } _: { (house, browser) async throws in
            for _ in 0..<2 { #expect(try await browser.post("/forms/contact", ["message": "Hi"]).status == .seeOther) }
            let limited = try await browser.post("/forms/contact", ["message": "Hi"])
            #expect(limited.status == .tooManyRequests)
            #expect(limited.headers[.retryAfter] == "1800")
            var other = browser
            other.address = "198.51.100.9"
            #expect(try await other.post("/forms/contact", ["message": "Hi"]).status == .seeOther)
            #expect(try await stored(house).count == 3)
        }
    }

    @Test func `the same idempotency key stores one message`() async throws {
        try await House.serve { (house, browser) async throws in
            for _ in 0..<3 {
                let answer = try await browser.post("/forms/contact", ["message": "Once"], ["Idempotency-Key": "order-17"])
                #expect(answer.status == .seeOther)
            }
            #expect(try await stored(house).map(\.externalID) == ["key:order-17"])
        }
    }

    @Test func `afterwards the browser goes where the form says`() async throws {
        try await House.serve {
            $0.forms[0].redirect = "https://lantern.example/thanks"
        } _: { (house, browser) async throws in
            #expect(try await browser.post("/forms/contact", ["message": "Hi"]).headers[.location] == "https://lantern.example/thanks")
        }
    }

    struct Wrong: Sendable {
        var path: String
        var type: String
        var body: String
        var status: HTTPResponse.Status
        var says: String
    }

    @Test(
        "what cannot be read is refused with a reason",
        arguments: [
            Wrong(
                path: "/forms/none", type: "application/json", body: "{}", status: .notFound,
                says: "There is no such form. Ask whoever gave you the link."),
            Wrong(
                path: "/forms/contact", type: "text/xml", body: "<a/>", status: .unsupportedMediaType,
                says: "Send it as a form (urlencoded or multipart) or as JSON."),
            Wrong(
                path: "/forms/contact", type: "application/json", body: "[1]", status: .badRequest,
                says: "Go back, load the page again and repeat what you did."),
            Wrong(
                path: "/forms/contact", type: "application/json", body: "{", status: .badRequest,
                says: "Go back, load the page again and repeat what you did."),
            Wrong(
                path: "/forms/contact", type: "multipart/form-data", body: "x", status: .badRequest,
                says: "Go back, load the page again and repeat what you did."),
        ])
    func refuses(_ wrong: Wrong) async throws {
        try await House.serve { (house, browser) async throws in
            let answer = try await browser.send(.post, wrong.path, body: wrong.body, ["Content-Type": wrong.type])
            #expect(answer.status == wrong.status)
            #expect(answer.body.contains(wrong.says))
            #expect(try await stored(house).isEmpty)
        }
    }

    @Test func `a page of another site may post by script`() async throws {
        try await House.serve { (house, browser) async throws in
            let preflight = try await browser.send(.options, "/forms/contact", body: nil, ["Origin": "https://lantern.example"])
            #expect(preflight.status == .noContent)
            #expect(preflight.header("Access-Control-Allow-Origin") == "*")
            #expect(preflight.header("Access-Control-Allow-Headers") == "Content-Type, Idempotency-Key")
        }
    }

    @Test(
        "the form page speaks the visitor's language", arguments: [("en-GB,en;q=0.9", "Your message"), ("zh-CN,zh;q=0.9,en;q=0.5", "您的留言")])
    func language(accept: String, word: String) async throws {
        try await House.serve { (house, browser) async throws in
            var browser = browser
            browser.language = accept
            let page = try await browser.get("/forms/contact")
            #expect(page.status == .ok)
            #expect(page.body.contains(word))
            #expect(page.body.contains("<label for=\"email\">"))
        }
    }
}

@Suite struct FieldsTests {
    @Test(
        "urlencoded bytes",
        arguments: [
            ("a=1&b=two+words&c=%E4%BD%A0", ["a": "1", "b": "two words", "c": "你"]),
            ("broken=%zz%4&empty=&alone", ["broken": "%zz%4", "empty": "", "alone": ""]),
            ("", [:]),
        ] as [(String, [String: String])])
    func urlencoded(text: String, wanted: [String: String]) {
        let fields = Fields.urlencoded(Array(text.utf8))
        #expect(Dictionary(fields.pairs.map { ($0.name, $0.value) }) { first, _ in first } == wanted)
    }

    @Test func `a multipart body that breaks off gives what was whole`() throws {
        let text =
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2"
        #expect(try Fields.parse(Array(text.utf8), contentType: "multipart/form-data; boundary=b").pairs == [.init(name: "a", value: "1")])
    }

    @Test func `more fields than the limit are refused`() {
        let text = (0...Fields.countMax).map { "f\($0)=1" }.joined(separator: "&")
        #expect(throws: Refusal(.contentTooLarge, "413")) {
            try Fields.parse(Array(text.utf8), contentType: "application/x-www-form-urlencoded")
        }
    }
}
