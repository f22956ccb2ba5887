import Crypto
import Domain
import Formats
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct HostedFormTests {
    static let text = """
        title: {en: Warranty, zh-CN: 保修}
        intro: {en: "We *answer*.", zh-CN: 我们会答复。}
        thanks: {en: "It **arrived**.", zh-CN: 已收到。}
        redirects: ["https://shop.example/"]
        frame_ancestors: ["https://shop.example"]
        fields:
          who: {type: text, label: {en: Name, zh-CN: 姓名}, as: name}
          mail: {type: email, label: {en: Mail, zh-CN: 邮箱}, help: {en: For the answer, zh-CN: 用于答复}, required: true}
          kind: {type: select, label: {en: Kind, zh-CN: 类型}, options: {x: {en: Ex, zh-CN: 甲}, y: {en: Why, zh-CN: 乙}}}
          words: {type: textarea, label: {en: Words, zh-CN: 内容}, required: true}
          pics: {type: file, label: {en: Pictures, zh-CN: 图片}, accept: [image/*], max_size: 2KB, max_count: 2}
          agree: {type: consent, label: {en: "I [agree](https://x.example/p)", zh-CN: 同意}, required: true}
          camp: {type: hidden, query: campaign}
        """
    static let png = "\u{89}PNG\r\n\u{1A}\n".unicodeScalars.map { UInt8($0.value) } + [UInt8](repeating: 7, count: 500)

    private func serve(
        _ text: String = text, _ change: @escaping @Sendable (inout PublicForm) -> Void = { _ in },
        _ body: @Sendable (House, Browser) async throws -> Void
    ) async throws {
        let page = try FormPage.read(text, file: "contact.yaml")
        try await House.serve(
            { settings in
                settings.formPages["contact"] = page
                change(&settings.forms[0])
            }, body)
    }

    private func stored(_ house: House) async throws -> [JSONValue] {
        let items = try await house.store.write { try $0.spool.claim(owner: "test", lease: .seconds(1), limit: 100) }
        return try items.map { try JSONValue.parse($0.bytes) }
    }

    private func fields(_ document: JSONValue) -> [String] {
        document["fields"]?.array?.map { "\($0.array?.first?.plain ?? "")=\($0.array?.last?.plain ?? "")" } ?? []
    }

    /// Posts multipart, as the page's own form does.
    private func send(
        _ browser: Browser, _ pairs: [(String, String)], files: [(field: String, name: String, type: String, bytes: [UInt8])] = [],
        path: String = "/forms/contact?lang=en", _ extra: [String: String] = [:]
    ) async throws -> Browser.Page {
        var body: [UInt8] = []
        for (name, value) in pairs { body += Array("--XX\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8) }
        for file in files {
            body += Array(
                "--XX\r\nContent-Disposition: form-data; name=\"\(file.field)\"; filename=\"\(file.name)\"\r\nContent-Type: \(file.type)\r\n\r\n"
                    .utf8)
            body += file.bytes + [0x0D, 0x0A]
        }
        body += Array("--XX--\r\n".utf8)
        return try await browser.send(
            .post, path, bytes: body, ["Content-Type": "multipart/form-data; boundary=XX"].merging(extra) { $1 })
    }

    private func right(_ ticket: String) -> [(String, String)] {
        [
            ("_page", "1"), ("_once", ticket), ("who", "Mei"), ("mail", "mei@x.example"), ("kind", "y"), ("words", "It broke."),
            ("agree", "yes"),
        ]
    }

    /// The page's ticket, some seconds old.
    private func ticket(_ house: House, _ browser: Browser) async throws -> String {
        let page = try await browser.get("/forms/contact?lang=en")
        house.clock.advance(by: .seconds(10))
        return try #require(field("_once", in: page.body))
    }

    // MARK: The page

    @Test func `the page speaks the languages of its file and lets nothing foreign in`() async throws {
        try await serve { (house, browser) async throws in
            let page = try await browser.get("/forms/contact")
            #expect(page.status == .ok && page.body.contains("<html lang=\"en\"") && page.body.contains("<em>answer</em>"))
            #expect(page.body.contains("<label for=\"f-mail\">Mail</label>") && page.body.contains("aria-describedby=\"f-mail-help\""))
            #expect(page.body.contains("<a target=\"_blank\" rel=\"noopener\" href=\"https://x.example/p\">agree</a>"))
            #expect(!page.body.contains("<script") && !page.body.contains("style=") && page.cookies.isEmpty)
            #expect(
                page.header("Content-Security-Policy")
                    == "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
                    + "form-action 'self' https://shop.example; frame-ancestors 'self' https://shop.example")
            let chinese = try await browser.get("/forms/contact?lang=zh-CN&utm_source=wx&campaign=%22a%22")
            #expect(chinese.body.contains("<html lang=\"zh-CN\"") && chinese.body.contains(">姓名 <span class=\"hint\">选填</span>"))
            #expect(
                chinese.body.contains("name=\"utm_source\" value=\"wx\"") && chinese.body.contains("name=\"camp\" value=\"&quot;a&quot;\""))
            #expect(chinese.body.contains("href=\"/forms/contact?lang=en&amp;"))
        }
    }

    @Test func `what was sent becomes one message with its fields, its files and where it came from`() async throws {
        try await serve { (house, browser) async throws in
            let page = try await browser.get(
                "/forms/contact?lang=en&utm_source=mail&campaign=may", accept: "text/html", ["Referer": "https://shop.example/help"])
            house.clock.advance(by: .seconds(10))
            let ticket = try #require(field("_once", in: page.body))
            let carried = ["utm_source", "camp", "_from"].map { ($0, field($0, in: page.body) ?? "") }
            let answer = try await send(
                browser, right(ticket) + carried, files: [("pics", "C:\\a \"b\".png".replacing("\"", with: "%22"), "image/png", Self.png)],
                ["Referer": "http://127.0.0.1/forms/contact"])
            #expect(answer.status == .seeOther && answer.headers[.location] == "/forms/contact?sent=1&lang=en")
            let document = try #require(try await stored(house).first)
            #expect(
                fields(document) == [
                    "who=Mei", "mail=mei@x.example", "kind=y", "words=It broke.", "pics=a \"b\".png", "agree=yes", "camp=may",
                    "utm_source=mail",
                    "page=https://shop.example/help",
                ])
            #expect(document["as"]?.json == #"{"email":"mail","name":"who","text":"words"}"# && document["lang"]?.string == "en")
            let file = try #require(document["files"]?.array?.first)
            #expect(file["type"]?.string == "image/png" && file["size"]?.plain == "\(Self.png.count)")
            #expect(try await house.store.blobs.get(file["hash"]?.string ?? "") == Self.png)
            let thanks = try await browser.get("/forms/contact?sent=1&lang=zh-CN")
            #expect(thanks.body.contains("已收到。") && !thanks.body.contains("<form"))
        }
    }

    @Test func `pressing the button twice is one message, other words are another`() async throws {
        try await serve { (house, browser) async throws in
            let ticket = try await ticket(house, browser)
            for _ in 0..<3 { #expect(try await send(browser, right(ticket)).status == .seeOther) }
            #expect(try await stored(house).count == 1)
            #expect(try await send(browser, right(ticket).map { $0.0 == "words" ? ($0.0, "And again.") : $0 }).status == .seeOther)
            #expect(try await stored(house).map { fields($0).contains("words=And again.") } == [true])
        }
    }

    @Test func `what is wrong is said at the top and beside the field, and nothing written is lost`() async throws {
        try await serve { (house, browser) async throws in
            let ticket = try await ticket(house, browser)
            let wrong: [(String, String)] = [
                ("_page", "1"), ("_once", ticket), ("who", "Mei \"<M>\""), ("mail", "mei"), ("kind", "x"), ("words", "<b>&\nlines"),
                ("camp", "may"),
            ]
            let page = try await send(browser, wrong, files: [("pics", "a.png", "image/png", Self.png)])
            #expect(page.status == .unprocessableContent)
            #expect(page.body.contains("<title>Error: Warranty</title>") && page.body.contains("2 things need another look"))
            #expect(page.body.contains("tabindex=\"-1\" autofocus") && page.body.contains("<a href=\"#f-mail\">Mail</a>"))
            #expect(page.body.contains("aria-describedby=\"f-mail-help f-mail-error\" aria-invalid=\"true\""))
            #expect(page.body.contains("value=\"Mei &quot;&lt;M&gt;&quot;\"") && page.body.contains("&lt;b&gt;&amp;\nlines</textarea>"))
            #expect(page.body.contains("value=\"x\" selected") && page.body.contains("name=\"camp\" value=\"may\""))
            #expect(page.body.contains("<a href=\"#f-agree\">I agree</a>: Please tick this box"))
            #expect(try await stored(house).isEmpty)
            let kept = try #require(field("_kept", in: page.body))
            #expect(field("_once", in: page.body) == ticket)
            let again = try await send(browser, right(ticket) + [("_kept", kept)])
            #expect(again.status == .seeOther)
            let document = try #require(try await stored(house).first)
            #expect(document["files"]?.array?.count == 1 && fields(document).contains("pics=a.png"))
        }
    }

    @Test func `a file token of another form, or made up, brings no file`() async throws {
        try await serve { (house, browser) async throws in
            let ticket = try await ticket(house, browser)
            let foreign = ReceivedFile(field: "pics", name: "a.png", type: "image/png", sizeBytes: 1, hash: "00").token(
                "other", house.store.signer)
            #expect(try await send(browser, right(ticket) + [("_kept", foreign), ("_kept", "x")]).status == .seeOther)
            #expect(try await stored(house).first?["files"] == nil)
        }
    }

    @Test func `files that are too large, too many or not wanted are told by name`() async throws {
        try await serve { (house, browser) async throws in
            let ticket = try await ticket(house, browser)
            let large = Self.png + [UInt8](repeating: 1, count: 2000)
            let page = try await send(
                browser, right(ticket),
                files: [("pics", "large.png", "image/png", large), ("pics", "run.exe", "image/png", Array("MZ".utf8) + Self.png)])
            #expect(page.status == .unprocessableContent)
            #expect(
                page.body.contains("large.png is too large. A file may have 2 KB.") && page.body.contains("run.exe is not a kind of file"))
            #expect(!page.body.contains("_kept"))
            let three = (1...3).map { ("pics", "\($0).png", "image/png", Self.png + [UInt8($0)]) }
            let many = try await send(browser, right(ticket), files: three)
            #expect(many.status == .unprocessableContent && many.body.contains("Please add at most 2 files."))
            #expect(try await stored(house).isEmpty)
        }
    }

    @Test func `a robot that fills the trap is thanked, and its files are not even written`() async throws {
        try await serve { (house, browser) async throws in
            let answer = try await send(
                browser, [("website", "http://spam.example")] + right(""), files: [("pics", "a.png", "image/png", Self.png)])
            #expect(answer.status == .seeOther)
            #expect(try await stored(house).isEmpty && house.site.tally.all["form robot"] == 1)
            await #expect(throws: (any Error).self) { try await house.store.blobs.get(sha256Hex(Self.png)) }
        }
    }

    @Test func `haste and a page of last month are sent again by hand`() async throws {
        try await serve { (house, browser) async throws in
            let page = try await browser.get("/forms/contact?lang=en")
            let ticket = try #require(field("_once", in: page.body))
            let quick = try await send(browser, right(ticket))
            #expect(
                quick.status == .unprocessableContent && quick.body.contains("That was very quick")
                    && field("_once", in: quick.body) == ticket)
            house.clock.advance(by: .seconds(8 * 86_400))
            let stale = try await send(browser, right(ticket))
            #expect(
                stale.status == .unprocessableContent && stale.body.contains("all you wrote is still here")
                    && stale.body.contains("It broke."))
            let fresh = try #require(field("_once", in: stale.body))
            #expect(fresh != ticket)
            house.clock.advance(by: .seconds(5))
            #expect(try await send(browser, right(fresh)).status == .seeOther)
            #expect(try await stored(house).count == 1)
        }
    }

    @Test func `a form on another page needs no ticket, and the same words are one message for a while`() async throws {
        try await serve { (house, browser) async throws in
            let fields = [
                "mail": "mei@x.example", "words": "Hello", "agree": "on", "utm_medium": "ad", "_next": "https://shop.example/thanks?x=1",
            ]
            for _ in 0..<3 {
                let answer = try await browser.post(
                    "/forms/contact", fields, accept: "text/html", ["Referer": "https://shop.example/contact"])
                #expect(answer.status == .seeOther && answer.headers[.location] == "https://shop.example/thanks?x=1")
                house.clock.advance(by: .seconds(240))
            }
            let documents = try await stored(house)
            #expect(documents.count == 1)
            #expect(self.fields(documents[0]).suffix(2) == ["utm_medium=ad", "page=https://shop.example/contact"])
            var elsewhere = fields
            elsewhere["_next"] = "https://evil.example/"
            #expect(try await browser.post("/forms/contact", elsewhere).headers[.location] == "/forms/contact?sent=1&lang=en")
        }
    }

    @Test func `programs hear which field is wrong`() async throws {
        try await serve { (house, browser) async throws in
            let answer = try await browser.send(
                .post, "/forms/contact?lang=en", body: #"{"mail":"x","words":"w"}"#, accept: "application/json",
                ["Content-Type": "application/json"])
            #expect(answer.status == .unprocessableContent)
            let root = try JSONValue.parse(Array(answer.body.utf8))
            #expect(root["fields"]?["agree"]?.string == "Please tick this box to go on." && root["fields"]?["mail"] != nil)
            let good = try await browser.send(
                .post, "/forms/contact", body: #"{"mail":"a@x.example","words":"w","agree":true}"#, accept: "application/json",
                ["Content-Type": "application/json", "Idempotency-Key": "k1"])
            #expect(good.status == .accepted && good.body == #"{"ok":true}"#)
            #expect(try await stored(house).count == 1)
        }
    }

    @Test func `a network that sends too much waits as a whole`() async throws {
        try await serve(Self.text + "\nprotect: {per_network: 3}") { (house, browser) async throws in
            var browser = browser
            for last in 1...3 {
                browser.address = "192.0.2.\(last)"
                #expect(try await browser.post("/forms/contact", ["mail": "x"]).status == .unprocessableContent)
            }
            browser.address = "192.0.2.99"
            #expect(try await browser.post("/forms/contact", ["mail": "x"]).status == .tooManyRequests)
            browser.address = "198.51.100.1"
            #expect(try await browser.post("/forms/contact", ["mail": "x"]).status == .unprocessableContent)
        }
    }

    @Test func `who solves the puzzle is let in at once, others more slowly`() async throws {
        try await serve(Self.text + "\nprotect: {puzzle: 8}", { $0.perHour = 18 }) { (house, browser) async throws in
            let page = try await browser.get("/forms/contact")
            #expect(
                page.body.contains("data-puzzle=\"8\"") && page.header("Content-Security-Policy")?.contains("script-src 'self'; ") == true)
            let ticket = try await ticket(house, browser)
            let work = try #require((0..<100_000).first { FormTicket.isSolved(ticket, answer: "\($0)", bits: 8) })
            func post(_ work: String, _ words: String) async throws -> HTTPResponse.Status {
                try await send(browser, right(ticket).map { $0.0 == "words" ? ($0.0, words) : $0 } + [("_work", work)]).status
            }
            for n in 0..<5 { #expect(try await post("\(work)", "solved \(n)") == .seeOther) }
            for n in 0..<3 { #expect(try await post("", "not solved \(n)") == .seeOther) }
            #expect(try await post("", "once more") == .unprocessableContent)
            // A solution does not last for ever.
            #expect(try await post("\(work)", "solved again") == .unprocessableContent)
        }
    }

    @Test func `a body that breaks off or is too large stores nothing`() async throws {
        try await serve { (house, browser) async throws in
            let ticket = try await ticket(house, browser)
            let head =
                "--XX\r\nContent-Disposition: form-data; name=\"_once\"\r\n\r\n\(ticket)\r\n--XX\r\nContent-Disposition: form-data; name=\"words\"\r\n\r\nhalf"
            let type = ["Content-Type": "multipart/form-data; boundary=XX"]
            #expect(try await browser.send(.post, "/forms/contact", body: head, type).status == .badRequest)
            let large = head + String(repeating: "x", count: 300 << 10)
            #expect(try await browser.send(.post, "/forms/contact", body: large, type).status == .contentTooLarge)
            #expect(try await stored(house).isEmpty)
        }
    }

    @Test func `the snippet holds the form's fields and says which pages may frame it`() throws {
        let page = try FormPage.read(Self.text, file: "contact.yaml")
        let form = PublicForm(name: "contact", title: "x", queue: "Support")
        let text = FormSnippet.text(form, page, publicURL: "https://care.example")
        #expect(text.contains("<iframe src=\"https://care.example/forms/contact\" title=\"Warranty\""))
        #expect(text.contains("enctype=\"multipart/form-data\"") && text.contains("name=\"pics\" accept=\"image/*\" multiple"))
        #expect(text.contains("name=\"website\"") && !text.contains("frame_ancestors"))
        #expect(FormSnippet.text(form, nil, publicURL: "https://care.example").contains("name=\"message\""))
    }
}

private func sha256Hex(_ bytes: [UInt8]) -> String { hex(SHA256.hash(data: bytes)) }
