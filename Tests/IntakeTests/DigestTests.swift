import Channels
import Domain
import Foundation
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct DigestTests {
    static let plain = """
        From: Wang Fang <Fang@Example.CN>
        To: Support <support@shop.example>, support@shop.example
        Cc: boss@shop.example
        Reply-To: other@example.cn
        Subject: =?UTF-8?B?6YCA5qy+?=
        Date: Fri, 20 Nov 2026 08:00:00 +0000
        Message-ID: <m1@example.cn>
        In-Reply-To: <m0@shop.example>
        References: <a@shop.example> <m0@shop.example>
        Content-Type: text/plain; charset=utf-8

        订单还没到
        """

    @Test func `a mail becomes an interaction with its reason and its event, and its bytes stay`() async throws {
        try await House.with { house in
            try await house.spool("box", House.mail("INBOX/7/1", Self.plain))
            try await house.drain(house.digest())
            let mail = try #require(try await house.interactions().first)
            #expect(mail.account == "box")
            #expect(mail.externalID == "INBOX/7/1")
            #expect(mail.author == Interaction.Author(name: "Wang Fang", email: "fang@example.cn"))
            #expect(mail.recipients == ["support@shop.example", "boss@shop.example"])
            #expect(mail.subject == "退款")
            #expect(mail.body.hasPrefix("订单还没到"))
            #expect(mail.messageID == "m1@example.cn")
            #expect(mail.inReplyTo == ["m0@shop.example"])
            #expect(mail.references == ["a@shop.example", "m0@shop.example"])
            #expect(mail.fields.contains(Interaction.Field(name: "Reply-To", value: "other@example.cn")))
            #expect(mail.nature == .human)
            let stored = try await house.events(.messageStored)
            #expect(stored.map(\.interaction) == [mail.id])
            let reasons = try await house.store.read { try $0.reasons.about(.interaction, mail.id.rawValue) }
            #expect(reasons.map(\.text) == ["a person wrote it: nothing in the header speaks of a machine"])
            let counts = try await house.store.read { try $0.spool.counts() }
            #expect(counts["done"] == 1)
        }
    }

    @Test func `attachments go to the blob store`() async throws {
        try await House.with { house in
            let text = """
                From: a@b.example
                Message-ID: <att@b.example>
                MIME-Version: 1.0
                Content-Type: multipart/mixed; boundary=x

                --x
                Content-Type: text/plain

                See file
                --x
                Content-Type: application/pdf; name=bill.pdf
                Content-Disposition: attachment; filename=bill.pdf
                Content-Transfer-Encoding: base64

                UERG
                --x--
                """
            try await house.spool("box", House.mail("1", text))
            try await house.drain(house.digest())
            let file = try #require(try await house.interactions().first?.attachments.first)
            #expect(file.name == "bill.pdf")
            #expect(file.sizeBytes == 3)
            #expect(try await house.store.blobs.get(file.hash) == Array("PDF".utf8))
        }
    }

    @Test func `a copy of a mail is recognised, another mail with the same Message-ID is not`() async throws {
        try await House.with { house in
            let other = Self.plain.replacing("订单还没到", with: "订单到了")
            try await house.spool(
                "box", House.mail("INBOX/7/1", Self.plain), House.mail("INBOX/8/1", Self.plain), House.mail("INBOX/8/2", other))
            try await house.drain(house.digest())
            let mails = try await house.interactions()
            #expect(Set(mails.map(\.externalID)) == ["INBOX/7/1", "INBOX/8/2"])
            let first = try #require(mails.first { $0.externalID == "INBOX/7/1" })
            let reasons = try await house.store.read { try $0.reasons.about(.interaction, first.id.rawValue) }
            #expect(reasons.map(\.text).last == "the same mail arrived again as INBOX/8/1 and was not doubled")
            #expect(try await house.events(.messageStored).count == 2)
        }
    }

    @Test func `our own mail is recognised by signature, mark and address`() async throws {
        try await House.with { house in
            let id = house.store.signer.messageID(kind: "s", id: 42, domain: "shop.example")
            let mark = house.store.signer.digest("loop").prefix(16)
            try await house.spool(
                "box", House.mail("1", "From: a@b.example\nMessage-ID: <\(id)>\n\nx"),
                House.mail("2", "From: a@b.example\nX-Hongyan-Loop: \(mark)\n\nx"), House.mail("3", "From: Care@shop.example\n\nx"),
                House.mail("4", "From: a@b.example\nIn-Reply-To: <\(id)>\n\nx"))
            try await house.drain(house.digest())
            let natures = Dictionary(uniqueKeysWithValues: try await house.interactions().map { ($0.externalID, $0.nature) })
            #expect(natures == ["1": .ownLoop, "2": .ownLoop, "3": .ownLoop, "4": .human])
        }
    }

    @Test func `a web form that mails in our name is its writer's mail, not our own`() async throws {
        try await House.with { house in
            try await house.spool(
                "box", House.mail("1", "From: Shop <care@shop.example>\nReply-To: Ann <ann@example.com>\nSubject: Contact\n\nHello"))
            try await house.drain(house.digest())
            let mail = try #require(try await house.interactions().first)
            #expect(mail.nature == .human)
            #expect(mail.author == Interaction.Author(name: "Ann", email: "ann@example.com"))
            let reasons = try await house.store.read { try $0.reasons.about(.interaction, mail.id.rawValue) }
            #expect(reasons.map(\.text) == ["a person wrote it through a form of ours: the answer is wanted at ann@example.com"])
        }
    }

    @Test func `the server's count of conversations stands for what the mail says of itself`() async throws {
        try await House.with { house in
            var item = House.mail("1", "From: ann@example.com\nSubject: Chair\nX-GM-THRID: 666\n\nHello")
            item.meta[MetaKey.threadID] = "1234567890123456789"
            try await house.spool("box", item)
            try await house.drain(house.digest())
            let mail = try #require(try await house.interactions().first)
            #expect(mail.fields.filter { $0.name == "X-GM-THRID" }.map(\.value) == ["1234567890123456789"])
        }
    }

    @Test func `a mail of which only the header came says so where its text would be`() async throws {
        try await House.with { house in
            var item = House.mail("1", "From: ann@example.com\nSubject: Photos\n\n")
            item.meta[MetaKey.cut] = "This mail has 61 MB, more than the limit of 50 MB; only its header was taken."
            try await house.spool("box", item)
            try await house.drain(house.digest())
            let mail = try #require(try await house.interactions().first)
            #expect(mail.subject == "Photos")
            #expect(mail.author.email == "ann@example.com")
            #expect(mail.body == "This mail has 61 MB, more than the limit of 50 MB; only its header was taken.")
        }
    }

    @Test func `a mail in an unknown charset with broken encoding is still read`() async throws {
        try await House.with { house in
            let text = """
                From: ann@example.com
                Subject: =?x-nowhere?B?!!!?= order
                MIME-Version: 1.0
                Content-Type: text/plain; charset=x-nowhere
                Content-Transfer-Encoding: base64

                SGVsbG8=*** not base64 at all
                """
            try await house.spool("box", House.mail("1", text))
            try await house.drain(house.digest())
            let mail = try #require(try await house.interactions().first)
            #expect(mail.author.email == "ann@example.com")
            #expect(mail.body.hasPrefix("Hello"))
            #expect(try await house.quarantined().isEmpty)
        }
    }

    struct Poison {
        var item: RawItem
        var says: String
    }

    static let laughs = """
        <?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
        <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">
        <!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">]><rss version="2.0"><channel><item><guid>1</guid><title>&g;</title></item></channel></rss>
        """

    @Test(
        "what cannot be read is tried three times, then kept in quarantine with its reason, while the rest passes",
        arguments: [
            Poison(
                item: RawItem(externalID: "bad", kind: .mail, bytes: []),
                says: "the mail has no bytes; fetch it again from the server"),
            Poison(
                item: RawItem(externalID: "bad", kind: .mail, bytes: [0, 1, 2, 0xFF, 0xFE, 0x80]),
                says: "these bytes are no mail: not one header field was found; look at the raw bytes"),
            Poison(
                item: RawItem(externalID: "bad", kind: .mail, bytes: [], meta: [MetaKey.cut: "The mail server gave no text."]),
                says: "The mail server gave no text."),
            Poison(
                item: RawItem(externalID: "bad", kind: .form, bytes: Array("<html>Sign in".utf8)),
                says: "box: the form's address gave a web page instead of data; check the address, and whether it wants a login"),
            Poison(
                item: RawItem(
                    externalID: "bad", kind: .form, bytes: Array(#"{"form":"f","fields":[["a",""]]}"#.utf8),
                    meta: [MetaKey.format: "public-form"]),
                says: "box: the form has no fields; look at the page that posts it"),
        ])
    func quarantines(_ poison: Poison) async throws {
        try await House.with { house in
            try await house.spool("box", House.mail("good 1", Self.plain), poison.item, House.mail("good 2", "From: a@b.example\n\nHi"))
            try await house.drain(house.digest())
            #expect(Set(try await house.interactions().map(\.externalID)) == ["good 1", "good 2"])
            #expect(try await house.quarantined().count == 1)
            let held = try #require(try await house.quarantined().first)
            #expect(held.externalID == "bad")
            #expect(held.error == poison.says)
            #expect(held.attempts == 3)
            let whole = try await house.store.read { try $0.spool.get(held.id) }
            #expect(whole?.bytes == poison.item.bytes)
            let events = try await house.events(.messageQuarantined)
            #expect(events.map(\.data) == [["account": "box", "external_id": "bad", "spool": "\(held.id)", "error": poison.says]])
        }
    }

    @Test(
        "a feed that is no feed ends in quarantine with the feed's address in the reason",
        arguments: [Array("this is no XML".utf8), Array(laughs.utf8), Array("<html><body>Hello</body></html>".utf8)])
    func quarantinesFeeds(_ bytes: [UInt8]) async throws {
        try await House.with { house in
            let bad = RawItem(externalID: "bad", kind: .post, bytes: bytes, meta: [MetaKey.url: "https://blog.example/feed"])
            try await house.spool("news", bad, Self.feed("good", ["1"]))
            try await house.drain(house.digest())
            #expect(try await house.interactions().map(\.externalID) == ["1"])
            let error = try #require(try await house.quarantined().first?.error)
            #expect(error.hasPrefix("https://blog.example/feed: "), "\(error)")
        }
    }

    static func feed(_ id: String, _ entries: [String]) -> RawItem {
        let items = entries.map { "<item><guid>\($0)</guid><title>Post \($0)</title><description>Words</description></item>" }.joined()
        let xml = "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>T</title>\(items)</channel></rss>"
        return RawItem(externalID: id, kind: .post, bytes: Array(xml.utf8), meta: [MetaKey.url: "https://blog.example/feed"])
    }

    @Test func `a feed's entries are stored once however often it comes, and its document is not kept`() async throws {
        try await House.with { house in
            try await house.spool("news", Self.feed("first", ["2", "1"]), Self.feed("second", ["3", "2", "1"]))
            try await house.drain(house.digest())
            #expect(try await house.interactions().map(\.externalID) == ["1", "2", "3"])
            #expect(try await house.events(.messageStored).count == 3)
            #expect(try await house.quarantined().isEmpty)
        }
    }

    @Test func `a document with thousands of entries is stored whole`() async throws {
        try await House.with { house in
            try await house.spool("news", Self.feed("big", (1...1203).map { "\($0)" }))
            try await house.drain(house.digest())
            #expect(try await house.store.read { try $0.interactions.count() } == 1203)
            #expect(try await house.store.read { try $0.spool.counts() }["done"] == 1)
        }
    }

    @Test func `a public form's post becomes a form message of its author`() async throws {
        try await House.with { house in
            let form = PublicForm(name: "contact", title: "Contact", queue: "Support")
            let item = try FormPost.accept(
                form: form, fields: [("姓名", "王芳"), ("邮箱", "fang@example.cn"), ("留言", "您好")], remote: "192.0.2.7", id: "p1",
                at: Timestamp(seconds: 1_700_000_000))
            try await house.spool(FormPost.account("contact"), item)
            try await house.drain(house.digest())
            let post = try #require(try await house.interactions().first)
            #expect(post.account == "form:contact")
            #expect(post.externalID == "p1")
            #expect(post.kind == .form)
            #expect(post.author == Interaction.Author(name: "王芳", email: "fang@example.cn"))
            #expect(post.body == "您好")
        }
    }

    @Test(
        "a public form refuses what says nothing or too much",
        arguments: [
            ([("name", "  "), ("text", "")], "the form contact was sent without any field filled in; fill in at least one"),
            (
                [("text", String(repeating: "x", count: 300_000))],
                "the form contact was sent with 300004 bytes, more than the 262144 allowed; shorten the message"
            ),
            (Array(repeating: ("a", "b"), count: 201), "the form contact was sent with more than 200 fields; send fewer"),
        ] as [([(String, String)], String)])
    func refuses(_ fields: [(String, String)], _ says: String) {
        let error = #expect(throws: FormPostError.self) {
            try FormPost.accept(
                form: PublicForm(name: "contact", title: "Contact", queue: "Support"), fields: fields, remote: "192.0.2.7", id: "p1",
                at: Timestamp(seconds: 0))
        }
        #expect(error?.description == says)
    }

    @Test func `the service digests what comes while it waits`() async throws {
        try await House.with { house in
            let service = Task { [digest = house.digest()] in try await digest.run() }
            try await house.spool("box", House.mail("1", Self.plain))
            var ticket = 0
            while try await house.store.read({ try $0.interactions.count() }) == 0 {
                ticket = await house.store.signals.wait(.interactions, after: ticket, atMost: .milliseconds(200))
            }
            service.cancel()
            try await service.value
        }
    }
}
