import Testing

@testable import Formats

@Suite struct HeaderGrammarTests {
    struct Text: Sendable {
        var raw: [UInt8]; var says: String
        init(_ raw: String, _ says: String) { self.raw = Array(raw.utf8); self.says = says }
        init(bytes: [UInt8], _ says: String) { raw = bytes; self.says = says }
    }

    @Test(
        "encoded-words are read in right and wrong forms",
        arguments: [
            Text("=?utf-8?q?Hallo_Welt?=", "Hallo Welt"), Text("=?ISO-8859-1*fr?Q?caf=E9?= au lait", "café au lait"),
            Text("=?utf-8?q?a?=  =?utf-8?q?b?=\r\n =?iso-8859-1?q?c?=", "abc"), Text("=?utf-8?q?a?= b", "a b"),
            Text("=?utf-8?b?5L2g5aW?= =?utf-8?b?9?=", "你好"), Text("=?utf-8?q?=E4=BD?= =?utf-8?q?=A0?=", "你"),
            Text("=?utf-8?b?5L2g5aW9", "你好"), Text("=?utf-8?q?never ended", "=?utf-8?q?never ended"),
            Text("=?utf-8?Q?Hello\r\n _there?=", "Hello there"), Text("=?utf-8?B?SGVs\r\n bG8=?= you", "Hello you"),
            Text("=?iso-8859-1?q?blanks in it?=", "blanks in it"), Text("[SPAM]=?utf-8?q?Win?=", "[SPAM] Win"),
            Text("caf=?utf-8?q?=C3=A9?=s", "cafés"), Text("=?gb2312?B?5L2g5aW95L2g5aW9?=", "你好你好"),
            Text("=?utf-8?q?100%_=3D_all=?=", "100% = all="), Text("let's = try =? this =?= too", "let's = try =? this =?= too"),
            Text("=?nonsense?q?=C3=A9t=C3=A9?=", "été"), Text(bytes: Array("prix ".utf8) + [0xE9, 0x74, 0xE9], "prix été"),
            Text(bytes: Array("=?iso-8859-1?q?".utf8) + [0xE9] + [0x74, 0xE9] + Array("?=".utf8), "été"),
        ])
    func words(_ test: Text) { #expect(HeaderText.decode(test.raw, hint: nil) == test.says) }

    @Test func `a list parted by commas keeps the commas of its encoded-words`() {
        let items = HeaderText.list(Array("=?utf-8?q?a,b?=, c d,\r\n e,, ".utf8), hint: nil)
        #expect(items == ["a,b", "c d", "e"])
    }

    struct Media: Sendable {
        var raw: String; var type: String?; var parameters: [String]
        init(_ raw: String, _ type: String?, _ parameters: [String] = []) { self.raw = raw; self.type = type; self.parameters = parameters }
    }

    @Test(
        "a content type is read in right and wrong forms",
        arguments: [
            Media("Text/HTML; Charset=\"UTF-8\"", "text/html", ["charset=UTF-8"]),
            Media("(a) text (b) / (c) plain (d); charset=us-ascii (e)", "text/plain", ["charset=us-ascii"]),
            Media("text/plain charset=utf-8", "text/plain", ["charset=utf-8"]),
            Media("multipart/mixed;\r\n boundary=\"a\r\n\tb\"", "multipart/mixed", ["boundary=a b"]),
            Media("text/plain; a=1\r\n b=2", "text/plain", ["a=1", "b=2"]),
            Media("text", "text/plain"), Media("text/", "text/plain"), Media("a/b/c", "text/plain"), Media("<odd \"stuff\">", "text/plain"),
            Media("", nil), Media("/plain", nil), Media("; charset=x", nil, ["charset=x"]),
            Media("a/b;;; = ; =x; flag; name=", "a/b", ["flag="]),
            Media("a/b; name=\"half", "a/b", ["name=half"]),
            Media("a/b; name=\"Jim \\\"Bob\\\" Jill\"", "a/b", ["name=Jim \"Bob\" Jill"]),
            Media("a/b; name=\"my \"best\" file.txt\"; x=1", "a/b", ["name=my \"best\" file.txt", "x=1"]),
            Media("a/b; name=\"C:\\dir\\f.txt\"", "a/b", ["name=C:\\dir\\f.txt"]),
            Media("a/b; name=copy (2) of it.txt", "a/b", ["name=copy (2) of it.txt"]),
            Media("a/b; name==?utf-8?q?a?= =?utf-8?q?b?=.txt", "a/b", ["name=ab.txt"]),
            Media("a/b; name=\"x.txt\"; name*=utf-8''%E4%BD%A0.txt", "a/b", ["name=你.txt"]),
            Media("a/b; n*1=b; n*0*=iso-8859-1'en'%E9", "a/b", ["n=éb"]),
            Media("a/b; n*0=us-ascii'en'My; n*1*=%20file", "a/b", ["n=My file"]),
            Media("a/b; n*0=\"us-ascii'en'My\"; n*1*=%20file", "a/b", ["n=us-ascii'en'My file"]),
            Media("a/b; n*0*==?utf-8?q?a?=; n*1=.txt", "a/b", ["n=a.txt"]),
        ])
    func media(_ test: Media) {
        let type = MediaType(Array(test.raw.utf8), hint: nil)
        #expect(type.contentType == test.type)
        #expect(type.parameters.map { "\($0.name)=\($0.value)" } == test.parameters)
    }

    @Test func `a disposition is the word it begins with, and a parameter without a value says nothing`() {
        let disposition = MediaType(Array("Attachment/x; filename; filename=\"a.txt\"".utf8), hint: nil)
        #expect(disposition.disposition == "attachment")
        #expect(disposition.parameter("filename") == "a.txt")
        #expect(MediaType([], hint: nil).disposition == nil)
    }

    @Test func `a value of a megabyte and ten thousand parameters is read up to the limit`() {
        let many = "a/b" + (0..<10_000).map { "; p\($0)*0*=x" }.joined()
        #expect(MediaType(Array(many.utf8), hint: nil).parameters.count == MediaType.parametersMax)
        let quotes = "a/b; name=\"" + String(repeating: "\" ", count: 2000) + "x"
        #expect(MediaType(Array(quotes.utf8), hint: nil).parameter("name") == nil)
        let long = "a/b; name=" + String(repeating: "x ", count: 500_000)
        #expect(MediaType(Array(long.utf8), hint: nil).parameter("name")?.utf8.count == 999_999)
    }

    @Test(
        "message ids are read from brackets, else from words",
        arguments: [
            Text("<a@b> <c@d>", "a@b c@d"), Text("<a@b><c@d>", "a@b c@d"), Text("<very-long\r\n -id@b>", "very-long-id@b"),
            Text("Your message of Sunday <a@b>", "a@b"), Text("<a@b <c@d>", "a@b c@d"), Text("<a@b> <c@d", "a@b c@d"),
            Text("a@b, c@d", "a@b c@d"),
            Text("plain", "plain"), Text("two words", ""), Text("<>", ""), Text("=?utf-8?q?=3Ca=40b=3E_=3Cc=40d=3E?=", "a@b c@d"),
        ])
    func ids(_ test: Text) { #expect(MessageIDs.parse(test.raw).joined(separator: " ") == test.says) }

    @Test func `blanks alone on a line do not end a header whose next line goes on with an address`() {
        let bytes = Array("To: Ann\n   \n <a@b.c>\nSubject: x\n\n <a@b.c>\n".utf8)
        let block = HeaderBlock(bytes)
        #expect(block.fields.map(\.name) == ["To", "Subject"])
        #expect(block.end == bytes.count - " <a@b.c>\n".utf8.count)
    }
}

@Suite struct HeaderProbeTests {
    @Test func `a field is shown by its own grammar, a value alone by every one`() throws {
        let date = try HeaderProbe.result(Array("Date: Sun, 22 Nov 2026 09:30:00 +0800\r\n".utf8))
        #expect(date.json == #"{"header":"Date","date":"2026-11-22T01:30:00Z"}"#)
        let value = try HeaderProbe.result(Array("Ann <a@b.c>\nCc: next@field.example\n".utf8))
        #expect(value["addresses"]?.json == #"[{"name":"Ann","address":"a@b.c"}]"#)
        #expect(value["valid"] == .bool(true))
        #expect(value["date"] == .null)
        #expect(value["text"] == .string("Ann <a@b.c>"))
    }

    @Test func `the page for people has a line for each thing`() throws {
        let page = try HeaderProbe.page(Array("To: Ann <a@b.c>, d@e.f\n".utf8))
        #expect(page == "header: To\naddresses: 2\n  Ann <a@b.c>\n  d@e.f\nvalid: no")
    }
}
