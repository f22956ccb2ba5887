import Domain
import Foundation
import TestServers
import Testing

@testable import Formats

@Suite struct OutgoingMailTests {
    static func mail(_ subject: String = "Your order", text: String = "Hello\n", html: String? = nil) -> OutgoingMail {
        OutgoingMail(
            from: MailAddress(name: "Care", address: "care@example.com"), to: [MailAddress(name: "张伟", address: "zw@example.cn")],
            subject: subject,
            messageID: "h.s.1.abcdef@example.com", date: Timestamp(seconds: 1_795_339_800), text: text, html: html)
    }

    @Test func `a plain mail is exactly this`() throws {
        var mail = Self.mail()
        mail.replyTo = MailAddress(name: "Care, Team 2", address: "care+x@example.com")
        mail.inReplyTo = "b@x"
        mail.references = ["a@x", "b@x"]
        mail.extra = [("Auto-Submitted", "auto-replied"), ("List-Unsubscribe", "<https://example.com/u/1>, <mailto:u@example.com>")]
        let expected = """
            From: Care <care@example.com>
            To: =?UTF-8?B?5byg5Lyf?= <zw@example.cn>
            Reply-To: "Care, Team 2" <care+x@example.com>
            Subject: Your order
            Date: Sun, 22 Nov 2026 09:30:00 +0000
            Message-ID: <h.s.1.abcdef@example.com>
            In-Reply-To: <b@x>
            References: <a@x> <b@x>
            Auto-Submitted: auto-replied
            List-Unsubscribe: <https://example.com/u/1>, <mailto:u@example.com>
            MIME-Version: 1.0
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: 7bit

            Hello

            """
        #expect(String(decoding: try mail.bytes(), as: UTF8.self).replacing("\r\n", with: "\n") == expected)
    }

    static let subjects = [
        "", "Your order", "您的订单已经发货,请查收。", String(repeating: "很长的主题 ", count: 60), "Grüße aus Köln", "emoji 👩‍👩‍👧👍🏽 in the middle 😡",
        String(repeating: "👩‍👩‍👧‍👦", count: 40), String(repeating: "word and more words ", count: 60) + "end", "=?utf-8?q?not_a_word?=",
        "a  b   c", String(repeating: "x", count: 300), "Re: [#1042] \"quoted\" <angle>, comma; =", "é",
        String(repeating: "e\u{301}\u{323}", count: 200),
    ]

    @Test("what is written is read back the same", arguments: subjects)
    func roundTrip(subject: String) throws {
        let text = "\(subject)\n\nFrom here\n.dot\ntrailing blank \n" + String(repeating: "long ", count: 300) + "\n您好 = é\n"
        var mail = Self.mail(subject, text: text, html: "<p>\(subject)</p>\n<!-- \(String(repeating: "y", count: 2000)) -->\n")
        mail.from.name = TextTrim.snippet(subject, max: 60)
        mail.extra = [("X-Note", subject)]
        let bytes = try mail.bytes()
        try Self.checkLines(bytes)
        let read = try MailParser.parse(bytes)
        #expect(read.subject == subject)
        #expect(read.header("X-Note") == subject)
        #expect(read.text == text.replacing("\r\n", with: "\n"))
        #expect(read.html == mail.html)
        #expect(read.from == [mail.from])
        #expect(read.to == mail.to)
        #expect(read.messageID == mail.messageID)
        #expect(read.date == mail.date)
        #expect(read.contentType == "multipart/alternative")
        #expect(try mail.bytes() == bytes)
    }

    /// RFC 5322 §2.1.1, RFC 2047 §2.
    static func checkLines(_ bytes: [UInt8]) throws {
        #expect(bytes.allSatisfy { $0 < 0x80 })
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.utf8.split(separator: ASCII.lf, omittingEmptySubsequences: false)
        #expect(lines.last?.isEmpty == true)
        for line in lines.dropLast() {
            #expect(line.last == ASCII.cr, "a line ends without CR")
            #expect(line.dropLast().contains(ASCII.cr) == false)
            #expect(line.count <= 999)
            for word in line.split(separator: ASCII.space) where word.starts(with: "=?UTF-8?".utf8) {
                let bare = word.last == ASCII.cr ? word.dropLast() : word
                #expect(bare.count <= 75)
                let decoded = HeaderText.decodeWords(Array(bare))
                #expect(Charset.isUTF8(decoded), "a character is split over two words")
            }
        }
    }

    struct Bad: Sendable { var change: @Sendable (inout OutgoingMail) -> Void; var says: String }

    @Test(
        "a mail that would break a rule is an error that names the header",
        arguments: [
            Bad(
                change: { $0.subject = "a\r\nBcc: x@y.z" },
                says: "header Subject holds a line break or another control character; remove it"),
            Bad(change: { $0.from.name = "a\nb" }, says: "header From holds a line break or another control character; remove it"),
            Bad(change: { $0.extra = [("X-A", "b\u{0}")] }, says: "header X-A holds a line break or another control character; remove it"),
            Bad(change: { $0.extra = [("X A", "b")] }, says: "\"X A\" is no header name; use letters, digits and hyphens"),
            Bad(change: { $0.extra = [("", "b")] }, says: "\"\" is no header name; use letters, digits and hyphens"),
            Bad(change: { $0.extra = [("subject", "b")] }, says: "header subject is written twice; leave it out of the extra headers"),
            Bad(
                change: { $0.extra = [("Content-Type", "b")] },
                says: "header Content-Type is written twice; leave it out of the extra headers"),
            Bad(
                change: { $0.extra = [("X-A", "b"), ("x-a", "c")] }, says: "header x-a is written twice; leave it out of the extra headers"),
            Bad(
                change: { $0.extra = [("X-A", String(repeating: "b", count: 1000))] },
                says: "header X-A has a word of more than 900 bytes, which no line may hold; shorten it"),
            Bad(change: { $0.to = [] }, says: "the mail has no recipient; give one address in To"),
            Bad(
                change: { $0.to = [MailAddress(address: "a@b>\r\nX: y")] },
                says: "header To: \"a@b>\\r\\nX: y\" is no address; write name@example.com in ASCII"),
            Bad(
                change: { $0.to = [MailAddress(address: "张@例.cn")] },
                says: "header To: \"张@例.cn\" is no address; write name@example.com in ASCII"),
            Bad(
                change: { $0.to = [MailAddress(address: "nobody")] },
                says: "header To: \"nobody\" is no address; write name@example.com in ASCII"),
            Bad(
                change: { $0.messageID = "<a@b>" },
                says: "header Message-ID: \"<a@b>\" is no message id; write unique@example.com without <>"),
            Bad(
                change: { $0.inReplyTo = "a b@c" },
                says: "header In-Reply-To: \"a b@c\" is no message id; write unique@example.com without <>"),
        ])
    func rejects(_ bad: Bad) {
        var mail = Self.mail()
        bad.change(&mail)
        let error = #expect(throws: OutgoingMailError.self) { try mail.bytes() }
        #expect(error?.description == bad.says)
    }

    @Test func `the boundary never stands in the text`() throws {
        let plain = try Self.mail(text: "x", html: "<p>x</p>").bytes()
        let boundary = "--=_hy_" + StableHash.hex("h.s.1.abcdef@example.com")
        #expect(ASCII.lowercased(String(decoding: plain, as: UTF8.self)).contains(boundary))
        let tricky = try MailParser.parse(try Self.mail(text: "a\n\(boundary)\nb\n", html: "<p>x</p>").bytes())
        #expect(tricky.text == "a\n\(boundary)\nb\n")
    }

    @Test(.enabled(if: python != nil), .timeLimit(.minutes(10)))
    func `an independent reader understands it`() throws {
        for subject in Self.subjects where subject.count < 1000 {
            let mail = Self.mail(subject, text: "text \(subject)\n", html: "<p>\(subject)</p>\n")
            let script = """
                import sys, email, email.policy, json
                m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
                parts = [p.get_content().replace("\\r\\n", "\\n") for p in m.iter_parts()]
                print(json.dumps([m["Subject"], m["To"].addresses[0].display_name, m["Message-ID"], *parts, len(m.defects)]))
                """
            let answer = try JSONValue.parse(try Program.run([try #require(Self.python), "-c", script], input: try mail.bytes()))
            let expected = [subject, "张伟", "<\(mail.messageID)>", mail.text, mail.html ?? ""].map { JSONValue.string($0) } + [.number("0")]
            #expect(answer == .array(expected))
        }
    }

    static let python: String? = ["/usr/bin/python3", "/usr/local/bin/python3"].first { FileManager.default.isExecutableFile(atPath: $0) }
}
