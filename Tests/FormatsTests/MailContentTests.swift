import Domain
import Testing

@testable import Formats

/// What stands in a mail beside plain words: envelopes, files in the text, invitations, pictures.
@Suite struct MailContentTests {
    private static func parse(_ text: String) throws -> ParsedMail { try MailParser.parse(Array(text.utf8)) }

    private static func multipart(_ type: String, _ parts: String...) -> String {
        "From: ann@example.com\nContent-Type: multipart/\(type); boundary=b\n\n" + parts.map { "--b\n\($0)\n" }.joined() + "--b--\n"
    }

    // MARK: files in the text

    @Test func `a uuencoded file in the text becomes an attachment, the words around it stay`() throws {
        let mail = try Self.parse("Subject: x\n\nbefore\nbegin 644 a b.txt\n%:&5L;&\\\n`\nend\nafter\nbegin the day well\n")
        #expect(mail.text == "before\nafter\nbegin the day well\n")
        #expect(mail.attachments.map(\.name) == ["a b.txt"])
        #expect(mail.attachments.first?.bytes == Array("hello".utf8))
    }

    @Test func `a uuencoded file that was cut off gives what came`() throws {
        let mail = try Self.parse("Subject: x\n\nbegin 644 a.gif\n%1TE&.#EA\n")
        #expect(mail.attachments.map(\.name) == ["a.gif"])
        #expect(mail.attachments.first?.bytes.prefix(3) == ArraySlice("GIF".utf8))
    }

    @Test func `a yEnc file in the text becomes an attachment`() throws {
        let data: [UInt8] = Array("hello".utf8) + [0x00, 0x13, 0xD6]
        var body: [UInt8] = []
        for byte in data {
            let coded = byte &+ 42
            body += [0x00, 0x0A, 0x0D, 0x3D].contains(coded) ? [0x3D, coded &+ 64] : [coded]
        }
        let bytes =
            Array("Subject: x\nContent-Type: text/plain; charset=x-unknown\n\nhi\n=ybegin line=128 size=8 name=a.bin\n".utf8) + body
            + Array("\n=yend size=8\nbye\n".utf8)
        let mail = try MailParser.parse(bytes)
        #expect(mail.text == "hi\nbye\n")
        #expect(mail.attachments.map(\.bytes) == [data])
        #expect(mail.attachments.map(\.name) == ["a.bin"])
    }

    // MARK: pictures

    @Test func `a picture that the HTML shows is inline, one that it does not is an attachment, whatever they declare`() throws {
        let picture = "Content-Type: image/gif\nContent-Transfer-Encoding: base64\nContent-ID:"
        let mail = try Self.parse(
            Self.multipart(
                "related", "Content-Type: text/html\n\n<img src='CID:a%40x'> <img src=\"cid:b@x\">", "\(picture) <a@x>\n\nR0lGODlh",
                "\(picture) <b@x>\nContent-Disposition: attachment; filename=b.gif\n\nR0lGODlh",
                "\(picture) <c@x>\nContent-Disposition: inline; filename=c.gif\n\nR0lGODlh"))
        #expect(mail.attachments.map(\.isInline) == [true, true, false])
        #expect(mail.attachments.map(\.detectedType) == ["image/gif", "image/gif", "image/gif"])
        #expect(mail.attachments.map(\.disposition) == ["", "attachment", "inline"])
    }

    @Test(
        "what a file is shows in its first bytes",
        arguments: [
            ("iVBORw0KGgo=", "image/png"), ("JVBERi0xLjQ=", "application/pdf"), ("/9j/4AAQ", "image/jpeg"),
            ("UEsDBBQAAAA=", "application/zip"),
            ("UklGRgAAAABXRUJQ", "image/webp"), ("PCFET0NUWVBFIGh0bWw+", "text/html"), ("0M8R4KGxGuE=", "application/x-ole-storage"),
            ("aGVsbG8=", nil),
        ] as [(String, String?)])
    func detects(digits: String, type: String?) throws {
        let mail = try Self.parse("Content-Type: application/octet-stream; name=a\nContent-Transfer-Encoding: base64\n\n\(digits)")
        #expect(mail.attachments.first?.detectedType == type)
        #expect(mail.attachments.first?.type == "application/octet-stream")
    }

    // MARK: enriched text, digests, forwards

    @Test func `enriched text is read with its looks`() throws {
        let mail = try Self.parse(
            "Content-Type: text/enriched\n\n<bold>Hi</bold> a<<b\nsame line\n\n\nnew <color><param>red</param>line</color>\n")
        #expect(mail.text == "Hi a<b same line\n\nnew line")
        #expect(mail.html == "<b>Hi</b> a&lt;b same line<br>\n<br>\nnew line ")
    }

    @Test func `the messages of a digest are text and attachments`() throws {
        let mail = try Self.parse(Self.multipart("digest", "\nFrom: a@x\nSubject: One\n\nfirst", "\nFrom: b@x\nSubject: Two\n\nsecond"))
        #expect(mail.text == "From: a@x\nSubject: One\n\nfirst\n\nFrom: b@x\nSubject: Two\n\nsecond\n")
        #expect(mail.attachments.map(\.name) == ["One.eml", "Two.eml"])
    }

    @Test func `of a Mac's double file only the half that others can read is kept`() throws {
        let mail = try Self.parse(
            Self.multipart("appledouble", "Content-Type: application/applefile\n\nfork", "Content-Type: image/png; name=a.png\n\npicture"))
        #expect(mail.attachments.map(\.name) == ["a.png"])
    }

    // MARK: invitations

    static let calendar = """
        BEGIN:VCALENDAR
        METHOD:REQUEST
        BEGIN:VEVENT
        SUMMARY:Talk about the
          return\\, again
        DTSTART;TZID=Europe/Berlin:20261123T093000
        DTEND;TZID=Europe/Berlin:20261123T100000
        LOCATION:Room 4
        ORGANIZER;CN="Ann Lee":mailto:ann@example.com
        BEGIN:VALARM
        SUMMARY:Reminder
        END:VALARM
        END:VEVENT
        END:VCALENDAR
        """

    @Test func `an invitation is read out, and kept as a file`() throws {
        let mail = try Self.parse(Self.multipart("mixed", "\nSee you", "Content-Type: text/calendar; method=REQUEST\n\n\(Self.calendar)"))
        #expect(
            mail.text == """
                See you

                Invitation: Talk about the return, again
                When: 2026-11-23 09:30 Europe/Berlin – 2026-11-23 10:00 Europe/Berlin
                Where: Room 4
                Organiser: Ann Lee <ann@example.com>
                """)
        #expect(mail.attachments.map(\.type) == ["text/calendar"])
    }

    @Test func `a cancelled meeting in Chinese is read out in Chinese`() throws {
        let calendar = "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:退货讨论\nDTSTART:20261123\nEND:VEVENT\nEND:VCALENDAR"
        let mail = try Self.parse("Content-Type: text/calendar; charset=utf-8\n\n\(calendar)")
        #expect(mail.text == "会议取消：退货讨论\n时间：2026-11-23")
    }

    // MARK: signatures and encryption

    /// ContentInfo of SignedData around `content`, lengths not stated, the content in two pieces, as OpenSSL streams it.
    static func signed(_ content: String) -> [UInt8] {
        let oid: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07]
        let half = content.utf8.count / 2
        let first = Array(content.utf8.prefix(half))
        let second = Array(content.utf8.dropFirst(half))
        let octets: [UInt8] = [0x24, 0x80, 0x04, UInt8(first.count)] + first + [0x04, UInt8(second.count)] + second + [0, 0]
        let inner: [UInt8] = [0x30, 0x80] + oid + [1, 0xA0, 0x80] + octets + [0, 0, 0, 0]
        let data: [UInt8] = [0x30, 0x80, 0x02, 0x01, 0x01, 0x31, 0x00] + inner + [0x31, 0x00, 0, 0]
        return [0x30, 0x80] + oid + [2, 0xA0, 0x80] + data + [0, 0, 0, 0]
    }

    @Test func `the words of an opaque S/MIME signature are read, and say that nobody verified them`() throws {
        let envelope = Charset.string(Base64.encode(Self.signed("Content-Type: text/plain\r\n\r\nI agree."), lineLength: 76))
        let mail = try Self.parse(
            "X-Hongyan-Seal: verified\nContent-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n\(envelope)"
        )
        #expect(mail.text == "I agree.")
        #expect(mail.headers(MailSeal.field) == ["signed with S/MIME; not verified"])
        #expect(mail.attachments.map(\.name) == ["smime.p7m"])
    }

    @Test func `a signature inside the text goes, dashes come back`() throws {
        let mail = try Self.parse(
            """
            Subject: x

            -----BEGIN PGP SIGNED MESSAGE-----
            Hash: SHA512

            Dear all,
            - -- 
            Ann
            -----BEGIN PGP SIGNATURE-----

            iQEz
            -----END PGP SIGNATURE-----
            footer

            """)
        #expect(mail.text == "Dear all,\n-- \nAnn\nfooter\n")
        #expect(mail.headers(MailSeal.field) == ["signed with OpenPGP; not verified"])
    }

    @Test func `an encrypted mail says so in place of its words`() throws {
        let mail = try Self.parse(
            Self.multipart(
                "encrypted; protocol=\"application/pgp-encrypted\"", "Content-Type: application/pgp-encrypted\n\nVersion: 1",
                "Content-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----"))
        #expect(mail.text.hasPrefix("This mail is encrypted with OpenPGP. There is no key for it here"))
        #expect(mail.text.contains("此邮件已用 OpenPGP 加密"))
        #expect(mail.headers(MailSeal.field) == ["encrypted with OpenPGP; not decrypted"])
        #expect(mail.attachments.map(\.name).last == "encrypted.asc")
    }
}
