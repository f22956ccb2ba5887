import Channels
import Domain
import Foundation
import Store
import Testing

@testable import Intake

/// Mails that must not cost their size in memory, and mails that kill.
@Suite(.timeLimit(.minutes(10))) struct LargeMailTests {
    /// Two megabytes that no compression makes small.
    static let photo = (0..<(2 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }

    static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
    }

    static let mail = """
        From: Ann <ann@example.com>\r
        Subject: Photos\r
        Message-ID: <1@example.com>\r
        Content-Type: multipart/mixed; boundary="outer"\r
        \r
        --outer\r
        Content-Type: multipart/alternative;\r
         boundary=inner\r
        \r
        --inner\r
        Content-Type: text/plain\r
        \r
        Here they are.\r
        --inner\r
        Content-Type: text/html\r
        \r
        <p>Here they are.</p>\r
        --inner--\r
        --outer\r
        Content-Type: image/jpeg; name="a.jpg"\r
        Content-Transfer-Encoding: base64\r
        Content-Disposition: attachment; filename="a.jpg"\r
        \r
        \(base64(photo))\r
        --outer\r
        Content-Type: text/csv; name="b.csv"\r
        Content-Transfer-Encoding: quoted-printable\r
        Content-Disposition: attachment; filename="b.csv"\r
        \r
        \(String(repeating: "caf=C3=A9;1=\r\n0;x\r\n", count: 20_000))\r
        --outer\r
        Content-Type: image/png; name="c.png"\r
        Content-Transfer-Encoding: base64\r
        \r
        aGVsbG8=\r
        --outer--\r

        """

    @Test("large parts go to their own blobs, the rest is a small mail", arguments: [1 << 20, 4096, 77])
    func slims(_ pieceBytes: Int) async throws {
        try await House.with { house in
            var slimmer = MailSlimmer(blobs: house.store.blobs)
            let bytes = Array(Self.mail.utf8)
            for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
                try await slimmer.feed(Array(bytes[start..<min(start + pieceBytes, bytes.count)]))
            }
            let (slim, aside) = try await slimmer.finish()
            #expect(slim.count < 4096)
            #expect(aside.blobs.count == 2)
            let text = String(decoding: slim, as: UTF8.self)
            #expect(text.contains("Here they are."))
            #expect(text.contains("aGVsbG8="))
        }
    }

    @Test func `a large mail in a blob is read like any other, and its files are whole`() async throws {
        try await House.with { house in
            let writer = try await house.store.blobs.writer()
            try await writer.write(Array(Self.mail.utf8))
            let blob = try await writer.finish()
            var item = RawItem(externalID: "1", kind: .mail, bytes: [])
            item.stored = StoredBytes(hash: blob.hash, sizeBytes: blob.sizeBytes)
            try await house.spool("box", item)
            try await house.drain(house.digest())
            let mail = try #require(try await house.interactions().first)
            #expect(mail.subject == "Photos")
            #expect(mail.body.contains("Here they are."))
            #expect(mail.attachments.map(\.name) == ["a.jpg", "b.csv", "c.png"])
            #expect(try await house.store.blobs.get(mail.attachments[0].hash) == Self.photo)
            #expect(mail.attachments[0].sizeBytes == Self.photo.count)
            let table = String(repeating: "café;10;x\r\n", count: 20_000)
            let got = String(decoding: try await house.store.blobs.get(mail.attachments[1].hash), as: UTF8.self)
            #expect(got == table)
            #expect(try await house.store.blobs.get(mail.attachments[2].hash) == Array("hello".utf8))
        }
    }

    @Test func `a part becomes the whole in its place`() async throws {
        try await House.with { house in
            var part = House.mail("1", "From: ann@example.com\nSubject: Photos\nMessage-ID: <1@example.com>\n\nHere")
            part.meta[MetaKey.cut] = "too large"
            part.isCut = true
            try await house.spool("box", part)
            try await house.drain(house.digest())
            let cut = try #require(try await house.interactions().first)
            #expect(cut.cut == "too large")
            let writer = try await house.store.blobs.writer()
            try await writer.write(Array(Self.mail.utf8))
            let blob = try await writer.finish()
            var whole = RawItem(externalID: "1", kind: .mail, bytes: [], meta: [MetaKey.whole: "1"])
            whole.stored = StoredBytes(hash: blob.hash, sizeBytes: blob.sizeBytes)
            try await house.store.write { [whole] in _ = try $0.spool.complete("box", whole) }
            try await house.drain(house.digest())
            let found = try #require(try await house.store.read { try $0.interactions.get(cut.id) })
            #expect(found.cut == nil)
            #expect(found.attachments.count == 3)
            #expect(found.body.contains("Here they are."))
            #expect(try await house.store.read { try $0.interactions.count() } == 1)
        }
    }

    @Test("what was in hand at two deaths is tried elsewhere; only the guilty is set aside", arguments: [true, false])
    func trial(_ isGuilty: Bool) async throws {
        try await House.with { house in
            try await house.spool("box", House.mail("1", "From: ann@example.com\nMessage-ID: <1@example.com>\n\nHello"))
            // The program dies twice with it in hand: nobody finishes these claims.
            for _ in 0..<2 {
                _ = try await house.store.write { try $0.spool.claim(owner: "dead", lease: .zero, limit: 10, deathsMax: 9) }
            }
            let service = DigestService(
                store: house.store, accounts: [], owner: "test", logger: House.logger,
                trial: Trial { _ in isGuilty ? .fatal("Reading it kills the program.") : .harmless })
            try await house.drain(service)
            #expect(try await house.quarantined().map(\.error) == (isGuilty ? ["Reading it kills the program."] : []))
            #expect(try await house.store.read { try $0.interactions.count() } == (isGuilty ? 0 : 1))
        }
    }
}
