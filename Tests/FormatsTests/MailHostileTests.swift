import Dispatch
import Testing

@testable import Formats

/// Mails made to hang, crash or balloon a parser. Each ends as an error or as a reading within bounds.
@Suite struct MailHostileTests {
    @Test func `a header line of a megabyte is read`() throws {
        let line = String(repeating: "=?utf-8?q?a?= ", count: 75_000)
        let mail = try MailParser.parse(Array("Subject: \(line)\nFrom: a@b.c\n\nhi\n".utf8))
        #expect(mail.subject.utf8.count <= 1 << 20)
        #expect(mail.from.map(\.address) == ["a@b.c"])
        #expect(mail.text == "hi\n")
    }

    @Test func `a hundred thousand recipients are read up to a bound`() throws {
        let people = (0..<100_000).map { "p\($0)@example.com" }.joined(separator: ",\n ")
        let mail = try MailParser.parse(Array("From: a@b.c\nTo: \(people)\n\nhi\n".utf8))
        #expect(mail.to.first?.address == "p0@example.com")
        #expect(mail.to.count <= 100_000)
        #expect(mail.text == "hi\n")
    }

    @Test("ten thousand messages inside each other are an error", arguments: ["message/rfc822", "multipart/digest"])
    func nestedMessages(type: String) async {
        let level = type == "message/rfc822" ? "Content-Type: message/rfc822\n\n" : "Content-Type: multipart/digest; boundary=b\n\n--b\n\n"
        let mail = Array(String(repeating: level, count: 10_000).utf8)
        let error = await Self.onSmallStack { Self.error(of: mail) }
        #expect(error == .nestedTooDeep(max: MailParser.depthMax))
    }

    @Test func `messages inside messages up to the depth are read on a small stack`() async {
        let mail = Array((String(repeating: "Content-Type: message/rfc822\n\n", count: 99) + "\nhi\n").utf8)
        let error = await Self.onSmallStack { Self.error(of: mail) }
        #expect(error == nil)
    }

    @Test func `envelopes in envelopes are opened a few times only`() async throws {
        var content = "Content-Type: text/plain\n\ncore"
        for _ in 0..<12 {
            let envelope = Charset.string(Base64.encode(Self.envelope(content), lineLength: 76))
            content = "Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n\(envelope)"
        }
        let bytes = Array(content.utf8)
        let mail = await Self.onSmallStack { try? MailParser.parse(bytes) }
        #expect(mail?.text == "")
        #expect(mail?.attachments.isEmpty == false)
    }

    /// SignedData with stated lengths.
    private static func envelope(_ content: String) -> [UInt8] {
        func wrap(_ tag: UInt8, _ body: [UInt8]) -> [UInt8] {
            let n = body.count
            return [tag, 0x84, UInt8(n >> 24 & 255), UInt8(n >> 16 & 255), UInt8(n >> 8 & 255), UInt8(n & 255)] + body
        }
        let oid: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07]
        let inner = wrap(0x30, oid + [1] + wrap(0xA0, wrap(0x04, Array(content.utf8))))
        return wrap(0x30, oid + [2] + wrap(0xA0, wrap(0x30, [0x02, 0x01, 0x01, 0x31, 0x00] + inner + [0x31, 0x00])))
    }

    @Test func `lines that look like boundaries cost no more than other lines`() throws {
        var text = "From: a@b.c\n"
        for level in 0..<90 { text += "Content-Type: multipart/mixed; boundary=\"------------\(level)\"\n\n--------------\(level)\n" }
        text += "Content-Type: text/plain\n\n" + String(repeating: "--------------\n--\n", count: 50_000)
        let mail = try MailParser.parse(Array(text.utf8))
        #expect(mail.text.utf8.count > 800_000)
    }

    @Test func `brackets of ASN1 without end are no recursion`() {
        #expect(CMS.read([UInt8](repeating: 0x30, count: 1 << 16)) == nil)
        #expect(CMS.read(Array(repeatElement([0x30, 0x80] as [UInt8], count: 1 << 15).joined())) == nil)
        let oid: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]
        for length in 0..<64 { _ = CMS.read([0x30, 0x80] + oid + [UInt8](repeating: 0xA0, count: length)) }
    }

    @Test func `a calendar of a million lines and one of a thousand components inside each other are bounded`() {
        let head = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n"
        let long = Array((head + String(repeating: "ATTENDEE:mailto:a@b.c\n y\n", count: 500_000)).utf8)
        let invitation = Invitation(long, label: nil)
        #expect(invitation?.attendees.count == Invitation.attendeesMax)
        let deep = Array(("BEGIN:VCALENDAR\n" + String(repeating: "BEGIN:VEVENT\n", count: 1000) + "SUMMARY:x\n").utf8)
        #expect(Invitation(deep, label: nil) == nil)
        let wide = Array((head + "DESCRIPTION:" + String(repeating: "y\n ", count: 300_000)).utf8)
        #expect((Invitation(wide, label: nil)?.description.utf8.count ?? 0) <= Invitation.valueBytesMax + 10)
    }

    @Test func `thousands of files in the text are bounded`() throws {
        let mail = try MailParser.parse(Array(("Subject: x\n\n" + String(repeating: "begin 644 a\n#86)C\n`\nend\n", count: 5000)).utf8))
        #expect(mail.attachments.count == UUCode.filesMax)
    }

    @Test func `any single byte of a mail can be wrong`() throws {
        let text = """
            From: a@b.c
            Content-Type: multipart/mixed; boundary=b

            --b
            Content-Type: multipart/alternative; boundary=c

            --c
            Content-Type: text/plain; charset=gb18030
            Content-Transfer-Encoding: quoted-printable

            =C4=E3=BA=C3
            --c
            Content-Type: text/html

            <p>x
            --c--
            --b
            Content-Type: message/rfc822
            Content-Transfer-Encoding: base64

            U3ViamVjdDogeAoKb25lCg==
            --b--

            """
        let whole = Array(text.utf8)
        for place in whole.indices {
            for byte: UInt8 in [0x00, 0x0A, 0x20, 0x22, 0x2D, 0x3A, 0xFF] {
                var broken = whole
                broken[place] = byte
                #expect(throws: Never.self) { try MailParser.parse(broken) }
            }
        }
    }

    // MARK: -

    private static func error(of mail: [UInt8]) -> MailError? {
        do { _ = try MailParser.parse(mail) } catch { return error }
        return nil
    }

    /// On a thread of Dispatch's, as the daemon's own threads are.
    private static func onSmallStack<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "test").async { continuation.resume(returning: work()) }
        }
    }
}
