import Domain
import Foundation
import Testing

@testable import Formats

/// What the standards ask of a mail's parts and addresses, beside what `OutgoingMailTests` holds.
@Suite struct OutgoingPartsTests {
    private static func mail(html: String? = nil, files: [OutgoingMail.File] = []) -> OutgoingMail {
        var mail = OutgoingMailTests.mail(html: html)
        mail.files = files
        return mail
    }

    private static let every = [UInt8](0...255) + [UInt8](repeating: 0x0D, count: 100)

    @Test(
        "a file's name comes back as it was, whatever it is written in (RFC 2231)",
        arguments: [
            "order.pdf", "a b; c=d, e.txt", "rechnung für müller.pdf", "发票 2026年11月.pdf", "100% 'sicher'*.txt",
            String(repeating: "很长的文件名", count: 20) + ".xlsx", String(repeating: "long-name-", count: 14) + ".txt",
        ])
    func names(name: String) throws {
        let bytes = try Self.mail(files: [.init(name: name, type: "application/pdf", bytes: Self.every)]).bytes()
        try OutgoingMailTests.checkLines(bytes)
        for line in bytes.split(separator: ASCII.lf) { #expect(line.count <= 79, "a parameter is folded") }
        let read = try MailParser.parse(bytes)
        #expect(read.attachments.map(\.name) == [FileName.safe(name, type: "application/pdf", number: 1)])
        #expect(read.attachments.first?.bytes == Self.every)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("name=\"=?"), "RFC 2047 §5 forbids encoded-words in parameters")
    }

    @Test func `an ASCII name is a quoted string and another one is extended, never both`() throws {
        #expect(FilePart.parameter("filename", "a \"b\".txt") == ";\r\n filename=\"a \\\"b\\\".txt\"")
        #expect(FilePart.parameter("filename", "é.txt") == ";\r\n filename*=UTF-8''%C3%A9.txt")
        let long = FilePart.parameter("filename", String(repeating: "é", count: 40))
        #expect(long.hasPrefix(";\r\n filename*0*=UTF-8''%C3%A9"))
        #expect(long.contains(";\r\n filename*1*=%"))
    }

    @Test func `plain text comes first, then HTML with its images, then the files`() throws {
        let picture = OutgoingMail.File(name: "p.png", type: "image/png", bytes: [1, 2, 3], contentID: "p1@example.com")
        let unused = OutgoingMail.File(name: "q.png", type: "image/png", bytes: [4], contentID: "q1@example.com")
        let paper = OutgoingMail.File(name: "a.pdf", type: "application/pdf", bytes: [5])
        let bytes = try Self.mail(html: "<p><img src=\"cid:p1@example.com\"></p>", files: [picture, unused, paper]).bytes()
        try OutgoingMailTests.checkLines(bytes)
        let types = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").filter { $0.hasPrefix("Content-Type: ") }
            .map { $0.dropFirst("Content-Type: ".count).prefix { $0 != ";" } }
        #expect(
            types == [
                "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "image/png",
                "application/pdf",
            ])
        let read = try MailParser.parse(bytes)
        #expect(read.attachments.map(\.name) == ["p.png", "q.png", "a.pdf"])
        #expect(read.attachments.map(\.contentID) == ["p1@example.com", "q1@example.com", nil])
        #expect(read.html?.contains("cid:p1@example.com") == true)
        #expect(read.text == "Hello\n")
    }

    @Test(
        "a type that a header cannot hold, or that must not be base64, goes as bytes",
        arguments: [
            ("message/rfc822", "application/octet-stream"), ("multipart/mixed", "application/octet-stream"),
            ("", "application/octet-stream"),
            ("text/plain\r\nBcc: x", "application/octet-stream"), ("image/svg+xml", "image/svg+xml"), ("Text/CSV", "text/csv"),
        ])
    func types(type: String, written: String) throws {
        let bytes = try Self.mail(files: [.init(name: "x.bin", type: type, bytes: [1])]).bytes()
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("Content-Type: \(written);\r\n name=\"x.bin\"\r\n"))
        #expect(!text.contains("Bcc"))
    }

    @Test("a content id that could end its header is left out", arguments: ["a>\r\nBcc: x@y.z", "a b", "", "<a@b>"])
    func contentIDs(id: String) throws {
        let text = String(
            decoding: try Self.mail(files: [.init(name: "x", type: "image/png", bytes: [1], contentID: id)]).bytes(), as: UTF8.self)
        #expect(!text.contains("Content-ID") && !text.contains("Bcc"))
    }

    @Test(
        "a domain is written in A-labels",
        arguments: [
            ("care@例子.中国", "care@xn--fsqu00a.xn--fiqs8s"), ("a@Bücher.example", "a@xn--bcher-kva.example"), ("a@faß.de", "a@xn--fa-hia.de"),
            ("A.b@Example.COM", "A.b@Example.COM"),
        ])
    func domains(address: String, written: String) throws {
        var mail = Self.mail()
        mail.to = [MailAddress(address: address)]
        #expect(String(decoding: try mail.bytes(), as: UTF8.self).contains("\r\nTo: \(written)\r\n"))
    }

    @Test("what is no domain is refused", arguments: ["a@-x.example", "a@x..example", "a@\u{2060}", "a@x\u{0}.中国", "a@\u{202E}例.cn"])
    func noDomains(address: String) {
        var mail = Self.mail()
        mail.to = [MailAddress(address: address)]
        #expect(throws: OutgoingMailError.self) { try mail.bytes() }
    }

    @Test func `an address outside ASCII needs leave`() throws {
        var mail = Self.mail()
        mail.to = [MailAddress(name: "张", address: "用户@例子.中国")]
        #expect(throws: OutgoingMailError.badAddress(header: "To", address: "用户@例子.中国")) { try mail.bytes() }
        mail.allowsUTF8Addresses = true
        #expect(String(decoding: try mail.bytes(), as: UTF8.self).contains("<用户@xn--fsqu00a.xn--fiqs8s>"))
        mail.to = [MailAddress(address: "用\r\nBcc: x@例子.中国")]
        #expect(throws: OutgoingMailError.self) { try mail.bytes() }
    }

    @Test func `bare line ends in texts and values never reach the wire`() throws {
        var mail = Self.mail(html: "<p>a\rb\nc\r\nd</p>")
        mail.text = "a\rb\nc\r\nd\u{0}e"
        let bytes = try mail.bytes()
        try OutgoingMailTests.checkLines(bytes)
        #expect(!bytes.contains(0))
    }

    @Test func `each field that may stand once stands once, however many files there are`() throws {
        let bytes = try Self.mail(html: "<p>x</p>", files: [.init(name: "a", type: "text/plain", bytes: [1])]).bytes()
        let head = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n\r\n")[0]
        let names = head.components(separatedBy: "\r\n").filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != ":" }.lowercased() }
        #expect(names == ["from", "to", "subject", "date", "message-id", "mime-version", "content-type"])
    }

    @Test(
        "a quotation keeps its lines, its depth and its bound",
        arguments: [
            ("a\n\nb\n", "> a\n>\n> b"), ("new\n> old\n>> older", "> new\n>> old\n>>> older"), ("\n\nx\n \n", "> x"), ("", ">"),
            ("1234567890123456789é", "> 1234567890123456789\n> […]"),
        ])
    func quotes(body: String, quoted: String) {
        #expect(QuotedText.text(body, bytesMax: 20) == quoted)
    }

    @Test func `quoted text becomes no markup`() {
        #expect(QuotedText.html("a <b>\n\"c\" & d", bytesMax: 100) == "a &lt;b&gt;<br>\n&quot;c&quot; &amp; d")
    }
}
