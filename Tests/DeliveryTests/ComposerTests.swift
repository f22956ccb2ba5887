import Domain
import Formats
import Foundation
import Store
import Testing

@testable import Delivery

@Suite struct ComposerTests {
    /// The header fields as they stand in the bytes: folded lines joined, in order.
    private static func fields(_ bytes: [UInt8]) -> [(name: String, value: String)] {
        let text = String(decoding: bytes, as: UTF8.self)
        let head = text.components(separatedBy: "\r\n\r\n")[0].replacingOccurrences(of: "\r\n ", with: " ")
        return head.components(separatedBy: "\r\n").map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }
    }

    private static func value(_ name: String, _ bytes: [UInt8]) -> String? { fields(bytes).first { $0.name == name }?.value }

    private func compose(
        _ house: House, _ send: Send, publicURL: String = "https://care.example", replyTo: String? = nil
    ) throws -> Composer.Composed {
        let base = try house.composer(publicURL: publicURL)
        let composer = Composer(
            layouts: base.layouts, publicURL: publicURL, replyTo: replyTo, signer: base.signer, templates: base.templates)
        return try composer.compose(send, from: house.folderSender(), now: house.time.now())
    }

    @Test("a mail has each of the fields that may stand only once exactly once", arguments: Send.Purpose.allCases)
    func once(purpose: Send.Purpose) async throws {
        try await House.with { house in
            let mail = try compose(house, try await house.send("a", purpose: purpose), replyTo: "Desk <desk@shop.example>")
            let names = Self.fields(mail.bytes).map { $0.name.lowercased() }
            for name in ["from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type", "feedback-id"] {
                #expect(names.filter { $0 == name }.count == 1, "\(name)")
            }
            #expect(Set(names).count == names.count)
        }
    }

    @Test func `lines are short, end in CRLF, and nothing is lost in long Chinese words`() async throws {
        try await House.with { house in
            let word = String(repeating: "鸿雁传书", count: 300)
            let send = try await house.send("a") { send in
                send.subject = "{{first_name}}" + word
                send.text = "Hello {{first_name}} " + word + String(repeating: "x", count: 3000)
                send.locale = "zh"
            }
            let mail = try compose(house, send)
            var before: UInt8 = 0
            for byte in mail.bytes {
                if byte == 10 { #expect(before == 13) } else { #expect(before != 13) }
                #expect(byte < 0x80)
                before = byte
            }
            for line in mail.bytes.split(separator: 10) { #expect(line.count <= 999) }
            for (name, value) in Self.fields(mail.bytes) where name == "Subject" {
                #expect(value.split(separator: " ").allSatisfy { $0.hasPrefix("=?") && $0.hasSuffix("?=") && $0.utf8.count <= 75 })
            }
            let parsed = try MailParser.parse(mail.bytes)
            #expect(parsed.subject == "Ana" + word)
            #expect(parsed.text.contains(word))
        }
    }

    @Test func `text comes first, then HTML, and both say the same`() async throws {
        try await House.with { house in
            let mail = try compose(
                house, try await house.send("a") { $0.text = "Hello **{{first_name}}**, [look](https://shop.example/x)." })
            let parsed = try MailParser.parse(mail.bytes)
            #expect(parsed.contentType == "multipart/alternative")
            #expect(parsed.text.hasPrefix("Hello Ana, look"))
            #expect(parsed.html?.contains("<strong>Ana</strong>") == true)
            let all = String(decoding: mail.bytes, as: UTF8.self)
            let plain = try #require(all.range(of: "text/plain")), html = try #require(all.range(of: "text/html"))
            #expect(plain.lowerBound < html.lowerBound)
        }
    }

    @Test func `marketing mail can be left with one click, https first`() async throws {
        try await House.with { house in
            let customer = try await house.customer("ana@example.com")
            let send = try await house.send("a") { $0.customer = customer }
            let mail = try compose(house, send)
            let field = try #require(Self.value("List-Unsubscribe", mail.bytes))
            #expect(field.hasPrefix("<https://care.example/u/") && field.hasSuffix(">"))
            #expect(!field.contains(","))
            #expect(Self.value("List-Unsubscribe-Post", mail.bytes) == "List-Unsubscribe=One-Click")
            #expect(Self.value("List-Id", mail.bytes) == "<tips.shop.example>")
            let token = String(field.dropFirst("<https://care.example/u/".count).dropLast())
            #expect(house.store.signer.verifyToken("u", token) == ["\(customer)", "tips", "\(send.id)"])
            let parsed = try MailParser.parse(mail.bytes)
            #expect(parsed.html?.contains("https://care.example/u/\(token)") == true)
            #expect(parsed.text.contains("https://care.example/u/\(token)"))
        }
    }

    @Test func `without https there is a link but no promise of one click`() async throws {
        try await House.with { house in
            let mail = try compose(house, try await house.send("a"), publicURL: "http://127.0.0.1:8080")
            #expect(Self.value("List-Unsubscribe", mail.bytes)?.hasPrefix("<http://127.0.0.1:8080/u/") == true)
            #expect(Self.value("List-Unsubscribe-Post", mail.bytes) == nil)
        }
    }

    @Test("service and transactional mail offers nothing to leave", arguments: [Send.Purpose.service, .transactional])
    func noList(purpose: Send.Purpose) async throws {
        try await House.with { house in
            let mail = try compose(house, try await house.send("a", purpose: purpose))
            let names = Set(Self.fields(mail.bytes).map(\.name))
            #expect(names.isDisjoint(with: ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Precedence"]))
            #expect(!(try MailParser.parse(mail.bytes).text.contains("/u/")))
        }
    }

    @Test func `a journey's mail says that a machine wrote it, and an answer does not`() async throws {
        try await House.with { house in
            let journey = try compose(house, try await house.send("a"))
            #expect(Self.value("Auto-Submitted", journey.bytes) == "auto-generated")
            #expect(Self.value("X-Auto-Response-Suppress", journey.bytes) == "All")
            let parts = try #require(Self.value("Feedback-ID", journey.bytes)).split(separator: ":", omittingEmptySubsequences: false)
            #expect(parts.count == 4)
            #expect(Array(parts[0...2]) == ["10-hello", "welcome", "marketing"])
            #expect((5...15).contains(parts[3].count))

            let reply = try await house.send("reply/1/1", purpose: .service, kind: .reply) { send in
                send.subject = "Re: {{not a template}}"
                send.text = "Dear Ana,\nyour {{order}} is *here*."
                send.inReplyTo = "a1@example.com"
                send.references = ["a0@example.com", "a1@example.com"]
            }
            let answer = try compose(house, reply)
            let names = Set(Self.fields(answer.bytes).map(\.name))
            #expect(names.isDisjoint(with: ["Auto-Submitted", "X-Auto-Response-Suppress", "Feedback-ID", "List-Unsubscribe"]))
            #expect(names.contains("X-Hongyan-Loop"))
            #expect(Self.value("In-Reply-To", answer.bytes) == "<a1@example.com>")
            #expect(Self.value("References", answer.bytes) == "<a0@example.com> <a1@example.com>")
            let parsed = try MailParser.parse(answer.bytes)
            #expect(parsed.subject == "Re: {{not a template}}")
            #expect(parsed.text.hasPrefix("Dear Ana,\nyour {{order}} is"))
            #expect(parsed.html?.contains("<br") == true)
            #expect(!parsed.text.contains("Sent by"))
        }
    }

    @Test func `the Message-ID is ours, and the same mail has the same bytes`() async throws {
        try await House.with { house in
            let send = try await house.send("a")
            let mail = try compose(house, send)
            #expect(house.store.signer.verifyMessageID(mail.messageID)?.id == send.id.rawValue)
            #expect(mail.messageID.hasSuffix("@shop.example"))
            #expect(Self.value("Message-ID", mail.bytes) == "<\(mail.messageID)>")
            house.time.move(by: .seconds(3600))
            #expect(try compose(house, send).bytes == mail.bytes)
        }
    }

    @Test func `a value cannot bring a header of its own`() async throws {
        try await House.with { house in
            let mail = try compose(
                house, try await house.send("a") { $0.vars = ["first_name": "Ana\r\nBcc: all@example.com\r\n\r\n<script>x</script>"] })
            #expect(Self.value("Bcc", mail.bytes) == nil)
            #expect(Self.value("Subject", mail.bytes) == "Welcome, Ana Bcc: all@example.com <script>x</script>")
            #expect(try MailParser.parse(mail.bytes).html?.contains("<script") == false)
        }
    }

    @Test(
        "a value stays text in a layout's HTML, whatever mark follows a quote",
        arguments: ["", "\u{301}", "\u{200D}", "\u{FE0F}", "\u{20DD}"])
    func layoutValue(mark: String) throws {
        let page = "<p title=\"{{subject}}\" class='{{subject}}'>{{#unsubscribe_url}}{{sent_by}}{{/unsubscribe_url}}</p>{{{body}}}"
        let layouts = try Layouts([.mailHTML: page + "{{unsubscribe_url}}", .mailText: "{{body}} {{unsubscribe_url}}", .replyHTML: page])
        let value = ["\"", "'", "<", ">", "&"].map { $0 + mark }.joined()
        let safe = ["&quot;", "&#39;", "&lt;", "&gt;", "&amp;"].map { $0 + mark }.joined()
        let data = LayoutData(subject: value, body: "<b>hi</b>", sentBy: value, unsubscribeURL: "https://x/?\"\(mark)", words: .english)
        let html = "<p title=\"\(safe)\" class='\(safe)'>Sent by \(safe)</p><b>hi</b>"
        #expect(Array(layouts.render(.replyHTML, data).utf8) == Array(html.utf8))
        #expect(Array(layouts.render(.mailHTML, data).utf8) == Array((html + "https://x/?&quot;\(mark)").utf8))
        #expect(Array(layouts.render(.mailText, data).utf8) == Array("<b>hi</b> https://x/?\"\(mark)".utf8))
    }

    @Test func `a long thread keeps its first and its newest references`() async throws {
        try await House.with { house in
            let send = try await house.send("a", kind: .reply) { $0.references = (0..<100).map { "m\($0)@example.com" } }
            let ids = try #require(Self.value("References", try compose(house, send).bytes)).split(separator: " ")
            #expect(ids.count == Composer.referencesMax)
            #expect(ids.first == "<m0@example.com>" && ids.last == "<m99@example.com>")
        }
    }

    @Test("each language has its words", arguments: [("en", "Unsubscribe", "lang=\"en\""), ("zh", "退订", "lang=\"zh-CN\"")])
    func words(locale: String, unsubscribe: String, lang: String) async throws {
        try await House.with { house in
            let parsed = try MailParser.parse(try compose(house, try await house.send("a") { $0.locale = locale }).bytes)
            #expect(parsed.text.contains(unsubscribe))
            #expect(parsed.html?.contains(unsubscribe) == true)
            #expect(parsed.html?.contains(lang) == true)
        }
    }

    @Test func `a sender without an address is named`() async throws {
        try await House.with { house in
            var sender = house.folderSender("care")
            sender.from = "Care"
            let send = try await house.send("a")
            let error = #expect(throws: ComposeError.self) { try house.composer().compose(send, from: sender, now: house.time.now()) }
            #expect(error?.description == "sender care has no usable `from`; write `Care <care@example.com>`")
        }
    }

    @Test func `a layout that would lose the text or the way out is refused`() throws {
        func load(_ html: String) throws -> Layouts {
            try Layouts([.mailHTML: html, .mailText: "{{body}} {{unsubscribe_url}}", .replyHTML: "{{{body}}}"])
        }
        #expect(throws: Never.self) { try load("{{{body}}} {{unsubscribe_url}}") }
        var error = #expect(throws: LayoutError.self) { try load("{{{body}}}") }
        #expect(error?.description == "layout mail.html.mustache does not show unsubscribe_url; marketing mail must")
        error = #expect(throws: LayoutError.self) { try load("{{unsubscribe_url}}") }
        #expect(error?.description == "layout mail.html.mustache does not show the text; write {{{body}}}")
        error = #expect(throws: LayoutError.self) { try load("{{#body}}") }
        #expect(error?.description.hasPrefix("layout mail.html.mustache line 1: ") == true)
        error = #expect(throws: LayoutError.self) { try Layouts.load(from: "/nonexistent") }
        #expect(
            error?.description
                == "cannot read the layout /nonexistent/mail.html.mustache; "
                + "restore the file or correct the templates folder in the configuration"
        )
    }
}
