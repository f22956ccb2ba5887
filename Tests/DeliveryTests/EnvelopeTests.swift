import Domain
import Formats
import Foundation
import Store
import Testing

@testable import Delivery

@Suite struct EnvelopeTests {
    private static func lines(_ name: String, _ bytes: [UInt8]) -> [String] {
        let head = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n\r\n")[0].replacing("\r\n ", with: " ")
        return head.components(separatedBy: "\r\n").filter { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    @Test func `each mail has a return path of its own, also after a system changed its letters`() async throws {
        try await House.with { house in
            var sender = house.folderSender()
            sender.bounces = "bounce@shop.example"
            let send = try await house.send("a")
            let mail = try house.composer().compose(send, from: sender, now: house.time.now())
            #expect(mail.from.hasPrefix("bounce+") && mail.from.hasSuffix("@shop.example"))
            #expect(mail.from.prefix { $0 != "@" }.utf8.count <= 64)
            for form in [mail.from, mail.from.uppercased(), "<\(mail.from)>", mail.envelopeID] {
                #expect(house.store.signer.verifyReturnPath(form) == send.id.rawValue, "\(form)")
            }
            #expect(house.store.signer.verifyReturnPath(mail.from.replacing("bounce+", with: "bounce+0")) == nil)
            #expect(Self.lines("From", mail.bytes) == ["Care Team <care@shop.example>"])
        }
    }

    @Test func `without an address for bounces the envelope says From`() async throws {
        try await House.with { house in
            let mail = try house.composer().compose(try await house.send("a"), from: house.folderSender(), now: house.time.now())
            #expect(mail.from == "care@shop.example")
        }
    }

    @Test func `a machine's answer has no return path and says what it is`() async throws {
        try await House.with { house in
            var sender = house.folderSender()
            sender.bounces = "bounce@shop.example"
            let send = try await house.send("ack/1", purpose: .service, kind: .reply) { $0.details.isAutomatic = true }
            let mail = try house.composer().compose(send, from: sender, now: house.time.now())
            #expect(mail.from == "")
            #expect(Self.lines("Auto-Submitted", mail.bytes) == ["auto-replied"])
            #expect(Self.lines("X-Auto-Response-Suppress", mail.bytes) == ["All"])
        }
    }

    @Test func `who cannot post can unsubscribe by mail; https comes first`() async throws {
        try await House.with { house in
            var sender = house.folderSender()
            sender.unsubscribe = "care@shop.example"
            let customer = try await house.customer("ana@example.com")
            let mail = try house.composer().compose(
                try await house.send("a") { $0.customer = customer }, from: sender, now: house.time.now())
            let fields = Self.lines("List-Unsubscribe", mail.bytes)
            #expect(fields.count == 1)
            let urls = try #require(fields.first).components(separatedBy: ", ")
            #expect(urls.count == 2)
            #expect(urls[0].hasPrefix("<https://care.example/u/"))
            let subject = try #require(urls[1].components(separatedBy: "?subject=").last).dropLast().replacing("%20", with: " ")
            #expect(urls[1].hasPrefix("<mailto:care@shop.example?subject=unsubscribe%20"))
            let token = try #require(UnsubscribeMail.token(in: String(subject)))
            #expect(house.store.signer.verifyToken("u", token)?.first == "\(customer)")
        }
    }

    @Test func `copies stand in the header of everybody's mail and the envelope has one address`() async throws {
        try await House.with { house in
            let send = try await house.send("reply/1/1/bo@example.com", to: "bo@example.com", purpose: .transactional, kind: .reply) {
                $0.details.to = ["ana@example.com"]
                $0.details.cc = ["bo@example.com", "cy@例子.中国"]
            }
            let mail = try house.composer().compose(send, from: house.folderSender(), now: house.time.now())
            #expect(mail.to == "bo@example.com")
            #expect(Self.lines("To", mail.bytes) == ["ana@example.com"])
            #expect(Self.lines("Cc", mail.bytes) == ["bo@example.com, cy@xn--fsqu00a.xn--fiqs8s"])
        }
    }

    @Test func `an answer quotes the message below its words and keeps the pictures it shows`() async throws {
        try await House.with { house in
            let picture = try await house.store.blobs.put([1, 2, 3])
            let id = try await house.store.write { transaction in
                var message = Interaction(
                    id: transaction.newID(), account: "support", externalID: "1", kind: .mail,
                    occurredAt: Timestamp(seconds: 1_795_339_800),
                    receivedAt: transaction.now, author: .init(name: "Ana\r\nBcc: x", email: "ana@example.com"), body: "Hi\n> old\nbye")
                message.html = "<p>Hi <img src=\"cid:p@x\"><img src=\"https://evil.example/pixel\"><script>x</script></p>"
                message.attachments = [
                    Attachment(name: "p.png", type: "image/png", sizeBytes: 3, hash: picture, contentID: "p@x", isInline: true),
                    Attachment(name: "other.pdf", type: "application/pdf", sizeBytes: 3, hash: picture),
                ]
                try transaction.interactions.add(message, spool: nil)
                return message.id
            }
            for (locale, above) in [
                ("en", "On 22 Nov 2026, 09:30 UTC, Ana Bcc: x wrote:"), ("zh", "在 2026年11月22日 09:30 UTC，Ana Bcc: x 写道："),
            ] {
                let send = try await house.send("reply/1/\(locale)", purpose: .transactional, kind: .reply) {
                    $0.subject = "Re: x"
                    $0.text = "New **words**."
                    $0.locale = locale
                    $0.details.quotes = id
                }
                let mail = try await house.composer().compose(send, from: house.folderSender(), now: house.time.now(), store: house.store)
                let read = try MailParser.parse(mail.bytes)
                #expect(read.text.contains("New words.\n\n\(above)\n> Hi\n>> old\n> bye\n"))
                #expect(read.html?.contains("<blockquote type=\"cite\">") == true)
                #expect(read.html?.contains("cid:p@x") == true)
                #expect(read.html?.contains("evil.example\" ") == false && read.html?.contains("<script") == false)
                #expect(read.attachments.map(\.name) == ["p.png"])
            }
        }
    }

    @Test func `a file that is gone holds the answer with its name`() async throws {
        try await House.with { house in
            let send = try await house.send("reply/1/1", purpose: .transactional, kind: .reply) {
                $0.details.files = [
                    Attachment(name: "a.pdf", type: "application/pdf", sizeBytes: 1, hash: String(repeating: "0", count: 64))
                ]
            }
            let error = await #expect(throws: ComposeError.self) {
                try await house.composer().compose(send, from: house.folderSender(), now: house.time.now(), store: house.store)
            }
            #expect(error?.description.hasPrefix("the file \"a.pdf\" cannot be read: ") == true)
        }
    }

    @Test func `an address outside ASCII is written to only where the operator says so`() async throws {
        try await House.with { house in
            let send = try await house.send("a", to: "用户@例子.中国", purpose: .service)
            let (no, yes) = try await house.store.read { transaction in
                (
                    try Verdict.on(send, senderIsKnown: true, in: transaction),
                    try Verdict.on(send, senderIsKnown: true, allowsUTF8: true, in: transaction)
                )
            }
            #expect(
                no == .skip("用户@例子.中国 needs a server that knows SMTPUTF8; set `smtputf8: true` for the sender if its server does"))
            #expect(yes == .send)
            var sender = house.folderSender()
            sender.smtputf8 = true
            let mail = try house.composer().compose(send, from: sender, now: house.time.now())
            #expect(mail.to == "用户@xn--fsqu00a.xn--fiqs8s")
        }
    }

    @Test func `a domain in another script is written in A-labels in envelope and header`() async throws {
        try await House.with { house in
            let mail = try house.composer().compose(
                try await house.send("a", to: "ana@bücher.example"), from: house.folderSender(), now: house.time.now())
            #expect(mail.to == "ana@xn--bcher-kva.example")
            #expect(Self.lines("To", mail.bytes) == ["ana@xn--bcher-kva.example"])
        }
    }
}
