import Testing

@testable import Formats

@Suite struct MIMEStructureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var mail: String
        /// Types, children in brackets; a leaf's text in quotes.
        var tree: String
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "a mail without MIME", mail: "Subject: x\n\nhello\n", tree: "text/plain 'hello\\n'"),
        Case(
            name: "the boundary of the outer part ends an inner one that was cut off",
            mail:
                "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--a\n\ntwo\n--a--\n",
            tree: "multipart/mixed[multipart/mixed[text/plain 'one'] text/plain 'two']"),
        Case(
            name: "a boundary that begins like another one",
            mail:
                "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\none\n--ab--\n--a\n\ntwo\n--a--\n",
            tree: "multipart/mixed[multipart/mixed[text/plain 'one'] text/plain 'two']"),
        Case(
            name: "no end at all", mail: "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a\n\ntwo",
            tree: "multipart/mixed[text/plain 'one' text/plain 'two']"),
        Case(
            name: "an empty part between two boundaries", mail: "Content-Type: multipart/mixed; boundary=a\n\n--a\n--a\n\ntwo\n--a--\n",
            tree: "multipart/mixed[text/plain '' text/plain 'two']"),
        Case(
            name: "blanks behind the boundary", mail: "Content-Type: multipart/mixed; boundary=\"a  \"\n\n--a \t\n\none\n--a--  \n",
            tree: "multipart/mixed[text/plain 'one']"),
        Case(
            name: "a boundary that is declared wrongly is guessed",
            mail: "Content-Type: multipart/mixed; boundary=wrong\n\nhello\n--right\nContent-Type: text/html\n\n<p>\n--right--\n",
            tree: "multipart/mixed[text/html '<p>']"),
        Case(
            name: "a part behind the closing boundary is still a part",
            mail: "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a--\n--a\n\ntwo\n--a--\n",
            tree: "multipart/mixed[text/plain 'one' text/plain 'two']"),
        Case(
            name: "two types in one header: the boundary between them is missing",
            mail:
                "Content-Type: multipart/mixed; boundary=a\nContent-Type: text/plain\n\none\n--a\nContent-Type: text/html\n\ntwo\n--a--\n",
            tree: "multipart/mixed[text/plain 'one' text/html 'two']"),
        Case(
            name: "a message in a message",
            mail: "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nSubject: x\n\none\n--a--\n",
            tree: "multipart/mixed[message/rfc822[text/plain 'one']]"),
        Case(
            name: "a message that is encoded as a whole",
            mail: "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKb25lCg==\n",
            tree: "message/rfc822[text/plain 'one\\n']"),
        Case(
            name: "the parts of a digest are messages",
            mail: "Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\none\n--a--\n",
            tree: "multipart/digest[message/rfc822[text/plain 'one']]"),
        Case(
            name: "a parameter that lost its indent in an attached message",
            mail: "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed;\nboundary=a\n\n--a\n\none\n--a--\n",
            tree: "message/rfc822[multipart/mixed[text/plain 'one']]"),
        Case(
            name: "Windows' line ends", mail: "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\none\r\n--a--\r\n",
            tree: "multipart/mixed[text/plain 'one']"),
    ]

    @Test("a mail is taken apart as its author meant it", arguments: cases)
    func structure(test: Case) throws {
        let mail = try MailParser.parse(Array(test.mail.utf8))
        #expect(Self.tree(try #require(mail.structure)) == test.tree)
    }

    struct Encoded: Sendable {
        var encoding: String
        var body: String
        var text: String
    }

    @Test(
        "transfer encodings are read in right and wrong forms",
        arguments: [
            Encoded(encoding: "base64", body: "aGVsbG8=", text: "hello"),
            Encoded(encoding: "base64", body: "aGVsbG8", text: "hello"),
            Encoded(encoding: "base64", body: "aGVsbG8K\nd29ybGQ=\n", text: "hello\nworld"),
            Encoded(encoding: "base64", body: "aGVsbG8K\nd29ybGQ=\n____\nThe list\n", text: "hello\nworld\n____\nThe list\n"),
            Encoded(encoding: "base64", body: "This was never encoded, it only says so.", text: "This was never encoded, it only says so."),
            Encoded(encoding: "quoted-printable", body: "a=C3=A9 =\nb=3Dc  \nd=ZZ=", text: "aé b=c\nd=ZZ"),
            Encoded(encoding: "QUOTED-PRINTABLE", body: "soft=  \n break", text: "soft break"),
            Encoded(encoding: "x-uuencode", body: "begin 644 a\n%:&5L;&\\\n`\nend\n", text: "hello"),
            Encoded(encoding: "rot13", body: "as it is", text: "as it is"),
        ])
    func decodes(test: Encoded) throws {
        let mail = try MailParser.parse(
            Array("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: \(test.encoding)\n\n\(test.body)".utf8))
        #expect(mail.text == test.text)
    }

    @Test func `parts know where they stand and decode when asked`() throws {
        let text = "Content-Type: multipart/mixed; boundary=a\n\npreamble\n--a\nContent-Type: image/png; name=a.png\nContent-ID: <x@y>\n"
        let mail = try MailParser.parse(
            Array((text + "Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nAAEC\n--a--\nepilogue\n").utf8))
        let root = try #require(mail.structure)
        #expect(Charset.string(Array(root.source[root.preamble])) == "preamble")
        #expect(Charset.string(Array(root.source[root.epilogue])) == "epilogue\n")
        let part = try #require(root.children.first)
        #expect((part.name, part.contentID, part.dispositionValue) == ("a.png", "x@y", "attachment"))
        #expect(part.decoded() == [0, 1, 2])
        #expect(MIMEPart.sha256(part.decoded()) == "ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc")
    }

    private static func tree(_ part: MIMEPart) -> String {
        if part.isMultipart || part.isMessage { return "\(part.type)[\(part.children.map(tree).joined(separator: " "))]" }
        return
            "\(part.type) '\(Charset.string(part.decoded()).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n"))'"
    }
}
