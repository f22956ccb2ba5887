import Dispatch
import Testing

@testable import Formats

@Suite struct MailLimitTests {
    @Test func `a mail without bytes is an error that says so`() {
        let error = #expect(throws: MailError.self) { try MailParser.parse([]) }
        #expect(error?.description == "the mail has no bytes; fetch it again from the server")
    }

    @Test func `ten thousand nested parts are an error, not an overflow, even on a small stack`() async {
        let mail = Self.nested(10_000)
        let error = await Self.onSmallStack { Self.error(of: mail) }
        #expect(error == .nestedTooDeep(max: MailParser.depthMax))
    }

    @Test func `nesting deeper than the limit is an error, nesting up to it is read`() async throws {
        let error = await Self.onSmallStack { Self.error(of: Self.nested(1500)) }
        #expect(error?.description == "the mail's parts are nested more than 100 deep; read it in the mailbox")
        #expect(try MailParser.parse(Self.nested(90)).text == "hello\n")
    }

    @Test func `more parts than the limit are an error`() {
        let parts = String(repeating: "--x\n\nhi\n", count: MailParser.partsMax + 1)
        let error = Self.error(of: Array("Content-Type: multipart/mixed; boundary=x\n\n\(parts)--x--\n".utf8))
        #expect(error == .tooManyParts(max: MailParser.partsMax))
        #expect(error?.description == "the mail has more than 2000 parts; read it in the mailbox")
    }

    @Test func `a header larger than the limit is an error`() {
        let mail = Array("X-A: ".utf8) + [UInt8](repeating: 0x61, count: HeaderBlock.bytesMax + 1) + Array("\n\nx\n".utf8)
        #expect(Self.error(of: mail) == .headerTooLarge(bytes: mail.count - 2, max: HeaderBlock.bytesMax))
    }

    @Test func `an attachment of fifty megabytes comes out whole`() throws {
        let lines = (50 << 20) / 57  // of 57 bytes, written as 76 digits
        let line = Array((String(repeating: "paWl", count: 19) + "\n").utf8)
        var body: [UInt8] = []
        for _ in 0..<lines { body += line }
        let head = """
            From: a@b.c
            Content-Type: multipart/mixed; boundary=x

            --x

            see the film
            --x
            Content-Type: video/mp4; name=film.mp4
            Content-Disposition: attachment
            Content-Transfer-Encoding: base64


            """
        let mail = try MailParser.parse(Array(head.utf8) + body + Array("--x--\n".utf8))
        #expect(mail.text == "see the film")
        #expect(mail.attachments.map(\.name) == ["film.mp4"])
        #expect(mail.attachments.first?.bytes.count == lines * 57)
        #expect(mail.attachments.first?.bytes.last == 0xA5)
    }

    @Test func `of a very long chain of references the first and the newest are kept`() throws {
        let ids = (0..<3000).map { "<\($0)@x>" }.joined(separator: "\n ")
        let mail = try MailParser.parse(Array("References: \(ids)\n\nx\n".utf8))
        #expect(mail.references.count == MailParser.referencesMax)
        #expect(mail.references.first == "0@x")
        #expect(mail.references.last == "2999@x")
    }

    @Test func `every beginning of a mail can be parsed`() throws {
        let whole = Array(Self.nested(3)) + Array("tail".utf8)
        for length in 1..<whole.count { _ = try MailParser.parse(Array(whole[..<length])) }
    }

    @Test func `header fields are found in any case`() throws {
        let mail = try MailParser.parse(Array("Subject: a\nX-Auto: one\nx-auto: two\n\n".utf8))
        #expect(mail.header("SUBJECT") == "a")
        #expect(mail.headers("X-AUTO") == ["one", "two"])
        #expect(mail.header("Date") == nil)
    }

    // MARK: -

    private static func error(of mail: [UInt8]) -> MailError? {
        do { _ = try MailParser.parse(mail) } catch { return error }
        return nil
    }

    private static func nested(_ depth: Int) -> [UInt8] {
        var text = "From: a@b.c\n"
        for level in 0..<depth { text += "Content-Type: multipart/mixed; boundary=\"d\(level)\"\n\n--d\(level)\n" }
        text += "Content-Type: text/plain\n\nhello\n\n"
        for level in (0..<depth).reversed() { text += "--d\(level)--\n" }
        return Array(text.utf8)
    }

    /// On a thread of Dispatch's, as the daemon's own threads are.
    private static func onSmallStack<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "test").async { continuation.resume(returning: work()) }
        }
    }
}
