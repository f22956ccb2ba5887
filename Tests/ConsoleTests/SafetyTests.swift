import Domain
import FoundationEssentials
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct SafetyTests {
    private static let hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover=\"alert(1)"

    @Test func `a hostile name, subject and body are words, nothing else`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket(subject: Self.hostile, name: Self.hostile, body: Self.hostile) { message in
                message.mood = Mood(
                    score: -0.9, label: .negative, confidence: 0.9,
                    words: [.init(text: "<script>", weight: -1), .init(text: "alert", weight: 1)],
                    model: Self.hostile)
                message.attachments = [Attachment(name: Self.hostile, type: "text/html", sizeBytes: 1, hash: "00")]
                message.recipients = [Self.hostile]
                message.permalink = "javascript:alert(1)"
            }
            let maya = try await house.signIn(house.maya, browser)
            for path in ["/", "/tickets/1001", "/tickets/1001?fragment=conversation", "/?q=\(percentEncoded(Self.hostile))"] {
                let page = try await maya.get(path)
                #expect(page.status == .ok)
                #expect(!page.body.contains("<script>alert"), "\(path)")
                #expect(!page.body.contains("<img"), "\(path)")
                #expect(!page.body.contains("\" onmouseover"), "\(path)")
                #expect(!page.body.contains("javascript:"), "\(path)")
            }
            let page = try await maya.get("/tickets/1001")
            #expect(page.body.contains("<mark>&lt;script&gt;</mark>"))
            #expect(page.body.contains("<mark class=\"up\">alert</mark>"))
        }
    }

    @Test(
        "a quote that hides behind a combining mark is escaped too",
        arguments: ["\"\u{301} onfocus=alert(1) x", "'\u{20DD}", "<\u{338}b>", "&\u{FE0F}lt;"])
    func combining(text: String) throws {
        // One character each, so that swift-mustache sees the special one.
        for character in Pages.guarded(text) where character.unicodeScalars.contains(where: { "\"'<>&".unicodeScalars.contains($0) }) {
            #expect(character.unicodeScalars.count == 1)
        }
        let pages = try Pages(folder: "\(House.root)/templates/pages")
        let html = pages.render("time", ["iso": text, "full": "", "text": ""])
        #expect(html.hasPrefix("<time datetime=\"&"))
        #expect(html.utf8.filter { $0 == UInt8(ascii: "\"") }.count == 4)
        #expect(html.utf8.filter { $0 == UInt8(ascii: "<") }.count == 2)
    }

    @Test func `mail's HTML is shown without scripts, in a document that may load nothing`() async throws {
        try await House.serve { (house, browser) async throws in
            let id = try await html(
                house,
                "<p onclick=alert(1)>Hi<script>alert(1)</script><img src=https://t.example/x.gif>"
                    + "<iframe src=//e.example></iframe><form action=//e.example><input></form><a href=javascript:alert(1)>x</a>"
            )
            let maya = try await house.signIn(house.maya, browser)
            let frame = try await maya.get("/messages/\(id)/html")
            #expect(frame.status == .ok)
            for word in ["<script", "onclick", "<iframe", "<form", "javascript:", " src=\"https://t.example"] {
                #expect(!frame.body.lowercased().contains(word), "\(word)")
            }
            let policy = try #require(frame.headers[.contentSecurityPolicy])
            #expect(policy.contains("default-src 'none'") && policy.contains("sandbox") && policy.contains("img-src data:;"))
            let withImages = try await maya.get("/messages/\(id)/html?images=1")
            #expect(withImages.body.contains("https://t.example/x.gif"))
            #expect(withImages.headers[.contentSecurityPolicy]?.contains("img-src data: https: http:;") == true)
            let page = try await maya.get("/tickets/1001")
            #expect(page.body.contains("sandbox=\"\""))
            #expect(!page.body.contains("t.example"))
        }
    }

    private func html(_ house: House, _ text: String) async throws -> ID<Interaction> {
        let ticket = try await house.ticket { $0.html = text }
        return try #require(await house.store.read { try $0.interactions.ofTicket(ticket.id, limit: 1) }.first).id
    }

    @Test func `an attachment is downloaded, never shown`() async throws {
        try await House.serve { (house, browser) async throws in
            let bytes = Array("<script>alert(1)</script>".utf8)
            let hash = try await house.store.blobs.put(bytes)
            let ticket = try await house.ticket { message in
                message.attachments = [Attachment(name: "发票 \"1\".html", type: "text/html", sizeBytes: bytes.count, hash: hash)]
            }
            let id = try #require(await house.store.read { try $0.interactions.ofTicket(ticket.id, limit: 1) }.first).id
            let maya = try await house.signIn(house.maya, browser)
            let file = try await maya.get("/messages/\(id)/files/0")
            #expect(file.body == "<script>alert(1)</script>")
            #expect(file.headers[.contentType] == "application/octet-stream")
            #expect(
                file.headers[.contentDisposition]
                    == "attachment; filename=\"________1_.html\"; filename*=UTF-8''%E5%8F%91%E7%A5%A8%20%221%22.html")
            #expect(try await maya.get("/messages/\(id)/files/1").status == .notFound)
        }
    }

    @Test(
        "every page forbids inline scripts, sniffing and framing", arguments: ["/login", "/", "/accounts", "/nowhere", "/u/x", "/healthz"])
    func headers(path: String) async throws {
        try await House.serve { (house, browser) async throws in
            let maya = try await house.signIn(house.maya, browser)
            let page = try await maya.get(path)
            let policy = try #require(page.headers[.contentSecurityPolicy])
            #expect(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
            #expect(page.headers[.xContentTypeOptions] == "nosniff")
            #expect(page.header("Referrer-Policy") == "same-origin")
            #expect(!page.body.contains("<style") && !page.body.contains(" style=\"") && !page.body.contains("<script>"))
        }
    }

    @Test(
        "no path leads out of the static folder",
        arguments: [
            "/static/x/../words.en.txt", "/static/x/%2e%2e/Package.swift", "/static/x/..%2fPackage.swift", "/static/x//etc/passwd",
            "/static/x/none.css",
        ])
    func traversal(path: String) async throws {
        try await House.serve { (house, browser) async throws in
            #expect(try await browser.get(path).status == .notFound)
        }
    }

    @Test func `static files are kept for ever under their hash, and asked about elsewhere`() async throws {
        try await House.serve { (house, browser) async throws in
            let hashed = try await browser.get(house.site.statics.url("console.css"))
            #expect(hashed.headers[.cacheControl] == "public, max-age=31536000, immutable")
            #expect(hashed.headers[.contentType] == "text/css; charset=utf-8")
            let stale = try await browser.get("/static/old/console.css")
            #expect(stale.headers[.cacheControl] == "no-cache")
            let etag = try #require(stale.headers[.eTag])
            #expect(try await browser.get("/static/old/console.css", ["If-None-Match": etag]).status == .notModified)
        }
    }

    @Test func `templates put out only our own HTML unescaped`() throws {
        let folder = "\(House.root)/templates/pages"
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".mustache") {
            let text = String(decoding: try #require(FileManager.default.contents(atPath: "\(folder)/\(file)")), as: UTF8.self)
            #expect(!text.contains("{{&"), "\(file)")
            for part in text.split(separator: "{{{").dropFirst() {
                let name = String(part.prefix { $0 != "}" })
                #expect(["body", "quoted", "rich", "spark", "sent", "intro", "tickLabel", "help"].contains(name), "\(file): {{{\(name)}}}")
            }
        }
    }
}
