import Testing

@testable import Transport

@Suite struct SMTPReplyTests {
    @Test("a reply means the same however it is cut into pieces", arguments: [1, 2, 5, 1000])
    func replies(chunk: Int) throws {
        let bytes = Array("220 ready\r\n250-one\r\n250-two\r\n250 three\r\n354\r\n550-5.1.1 no\n550 5.1.1 such user\r\n".utf8)
        var parser = SMTPReplyParser()
        var found: [SMTPReply] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            parser.feed(Array(bytes[start..<min(start + chunk, bytes.count)]))
            while let reply = try parser.next() { found.append(reply) }
        }
        #expect(
            found == [
                SMTPReply(code: 220, lines: ["ready"]), SMTPReply(code: 250, lines: ["one", "two", "three"]),
                SMTPReply(code: 354, lines: [""]),
                SMTPReply(code: 550, lines: ["5.1.1 no", "5.1.1 such user"]),
            ])
        #expect(found[3].text == "5.1.1 no 5.1.1 such user")
    }

    @Test(
        "what is no reply is named",
        arguments: [
            ("hello there\r\n", "it said hello there"), ("25\r\n", "it said 25"), ("2500 x\r\n", "it said 2500 x"),
            ("250-a\r\n251 b\r\n", "it said 251 b within a reply of code 250"),
            ("250 " + String(repeating: "x", count: 5000), "a reply line is longer than 4096 bytes"),
            ("250 " + String(repeating: "x", count: 5000) + "\r\n", "a reply line is longer than 4096 bytes"),
            (String(repeating: "250-x\r\n", count: 257), "a reply has more than 256 lines"),
        ])
    func bad(bytes: String, says: String) {
        var parser = SMTPReplyParser()
        parser.feed(Array(bytes.utf8))
        let error = #expect(throws: SMTPSyntaxError.self) { try parser.next() }
        #expect(error?.reason == says)
    }

    @Test func `extensions are read whatever their case`() {
        let reply = SMTPReply(
            code: 250, lines: ["relay.example at your service", "size 35882577", "PIPELINING", "AUTH PLAIN LOGIN", "dsn"])
        let extensions = SMTPExtensions(reply)
        #expect(extensions.names == ["SIZE", "PIPELINING", "AUTH", "DSN"])
        #expect(extensions.sizeBytesMax == 35_882_577)
        #expect(SMTPExtensions(SMTPReply(code: 250, lines: ["x", "SIZE 0"])).sizeBytesMax == nil)
    }
}

@Suite struct SMTPBodyEncoderTests {
    static let cases: [(String, String)] = [
        ("a\r\nb\r\n", "a\r\nb\r\n"), ("a\nb", "a\r\nb\r\n"), (".\r\n", "..\r\n"), (".a\r\n..b\n.c", "..a\r\n...b\r\n..c\r\n"),
        ("a\r.b\r\n", "a\r\n..b\r\n"), ("a\r\r\n.\r", "a\r\n\r\n..\r\n"), ("", ""), ("\n\n", "\r\n\r\n"), ("a.\r\nb.", "a.\r\nb.\r\n"),
    ]

    @Test("lines end with CRLF and leading dots are doubled", arguments: cases, [1, 2, 3, 100])
    func encodes(_ texts: (String, String), chunk: Int) {
        let bytes = Array(texts.0.utf8)
        var encoder = SMTPBodyEncoder()
        var sent: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) { sent += encoder.encode(bytes[start..<min(start + chunk, bytes.count)]) }
        sent += encoder.lineEnd()
        #expect(String(decoding: sent, as: UTF8.self) == texts.1)
        // Nothing in it can pass for the end of the message.
        #expect(!("\r\n" + String(decoding: sent, as: UTF8.self)).contains("\r\n.\r\n"))
    }
}

@Suite struct SMTPEnvelopeTests {
    private func envelope(_ from: String, _ to: [String], _ bytes: [UInt8] = [], _ names: Set<String> = [], size: Int? = nil) throws
        -> SMTPEnvelope
    {
        var extensions = SMTPExtensions()
        extensions.names = names
        extensions.sizeBytesMax = size
        return try SMTPEnvelope(from: from, to: to, bytes: bytes, extensions: extensions)
    }

    @Test func `MAIL FROM says only what the message needs and the server offers`() throws {
        let all: Set<String> = ["SIZE", "8BITMIME", "SMTPUTF8"]
        #expect(try envelope("a@b.example", ["c@d.example"], [65]).mail == "MAIL FROM:<a@b.example>\r\n")
        #expect(try envelope("", ["c@d.example"], [65], all).mail == "MAIL FROM:<> SIZE=1\r\n")
        #expect(
            try envelope("a@b.example", ["用户@例子.example"], [200], all).mail == "MAIL FROM:<a@b.example> SIZE=1 BODY=8BITMIME SMTPUTF8\r\n")
    }

    @Test(
        "a message no such server takes is refused before anything is sent",
        arguments: [
            (["用户@d.example"], 1, "the server takes no address such as 用户@d.example, because it does not know SMTPUTF8"),
            (["c@d.example"], 11, "the message has 11 bytes and the server takes at most 10"),
            ([], 1, "the message has 0 recipients; write 1 to 100"),
            (
                ["c@d.example>\r\nRCPT TO:<x@y.example"], 1,
                "c@d.example>??RCPT TO:<x@y.example is not a mail address; write one such as name@example.com"
            ),
            (["c d@e.example"], 1, "c d@e.example is not a mail address; write one such as name@example.com"),
            (["nobody"], 1, "nobody is not a mail address; write one such as name@example.com"),
        ])
    func refused(to: [String], bytes: Int, says: String) {
        let error = #expect(throws: SMTPEnvelope.Refusal.self) {
            try envelope("a@b.example", to, [UInt8](repeating: 65, count: bytes), ["SIZE"], size: 10)
        }
        #expect(error?.reason == says)
    }
}
