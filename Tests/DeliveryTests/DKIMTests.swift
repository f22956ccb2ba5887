import Crypto
import Domain
import Formats
import Foundation
import Store
import TestServers
import Testing

@testable import Delivery

@Suite struct DKIMTests {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.replacing("\n", with: "\r\n").utf8) }
    private static func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

    // MARK: Canonical forms (RFC 6376 §3.4.5)

    @Test(
        "a header field loses what a relay may change",
        arguments: [
            ("A: X", "a:X"), ("B : Y\t\r\n\tZ  ", "b:Y Z"), ("Subject:  two   blanks \t and a tab\t", "subject:two blanks and a tab"),
            ("X-Empty:", "x-empty:"), ("X-Empty: \r\n ", "x-empty:"),
            ("To:\r\n a@example.com,\r\n  b@example.com", "to:a@example.com, b@example.com"),
        ])
    func header(field: String, canonical: String) {
        #expect(Self.text(DKIMCanonical.header(Array(field.utf8))) == canonical)
    }

    @Test(
        "a body loses blanks at line ends and empty lines at its end",
        arguments: [
            (" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"), ("", ""), ("\r\n", ""), ("\r\n\r\n \t\r\n", ""), ("a", "a\r\n"),
            ("a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"),
            ("  \r\na", "\r\na\r\n"), ("\ta  b \r\n", " a b\r\n"),
        ])
    func body(text: String, canonical: String) {
        #expect(Self.text(DKIMCanonical.body(Array(text.utf8)[...])) == canonical)
    }

    @Test func `a mail is split into its fields and its body`() {
        let (fields, body) = DKIMCanonical.split(Self.bytes("From: a\nSubject: b\n c\n\td\nX:\n\nbody\n\nmore\n"))
        #expect(fields.map(\.name) == ["from", "subject", "x"])
        #expect(fields.map { Self.text($0.bytes) } == ["From: a", "Subject: b\r\n c\r\n\td", "X:"])
        #expect(Self.text(body) == "body\r\n\r\nmore\r\n")
        #expect(DKIMCanonical.split(Self.bytes("From: a\n")).body.isEmpty)
    }

    // MARK: The signed message of RFC 8463, appendix A

    private static let dinner = bytes(
        """
        From: Joe SixPack <joe@football.example.com>
        To: Suzie Q <suzie@shopping.example.net>
        Subject: Is dinner ready?
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
        Message-ID: <20030712040037.46341.5F8J@football.example.com>

        Hi.

        We lost the game.  Are you hungry yet?

        Joe.

        """)

    @Test func `the example of RFC 8463 comes out byte for byte`() throws {
        let (fields, body) = DKIMCanonical.split(Self.dinner)
        let hash = Data(SHA256.hash(data: DKIMCanonical.body(body))).base64EncodedString()
        #expect(hash == "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=")
        let seed = try #require(Data(base64Encoded: "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="))
        let der = Data([0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]) + seed
        let pem = "-----BEGIN PRIVATE KEY-----\n\(der.base64EncodedString())\n-----END PRIVATE KEY-----\n"
        let key = try DKIMKey(domain: "football.example.com", selector: "brisbane", pem: pem)
        #expect(key.publicKey == "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        #expect(key.record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        let field = """
            DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r
             d=football.example.com; i=@football.example.com;\r
             q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r
             subject : date : message-id : from : subject : date;\r
             bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r
             b=
            """
        let names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"]
        let covered = DKIMSigner.covered(fields, names) + DKIMCanonical.header(Array(field.utf8))
        let known = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
        // Some libraries randomise Ed25519: the known signature is checked with the key instead of compared.
        let publicKey = try Curve25519.Signing.PublicKey(rawRepresentation: try #require(Data(base64Encoded: key.publicKey)))
        let digest = SHA256.hash(data: covered)
        #expect(publicKey.isValidSignature(try #require(Data(base64Encoded: known)), for: Data(digest)))
        #expect(publicKey.isValidSignature(Data(try key.signature(of: digest)), for: Data(digest)))
    }

    // MARK: What is signed

    @Test func `every field that may stand once is signed once more, and nothing is half signed`() throws {
        let mail = Self.bytes("From: a\nTo: b\nSubject: c\nList-Unsubscribe: <https://x>\nList-Unsubscribe-Post: y\nFeedback-ID: z\n\nx\n")
        let names = DKIMSigner.names(DKIMCanonical.split(mail).fields)
        for name in ["from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"] {
            #expect(names.filter { $0 == name }.count == 2, "\(name)")
        }
        for name in ["cc", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version", "content-type"] {
            #expect(names.filter { $0 == name }.count == 1, "\(name): nobody can add one")
        }
        #expect(!names.contains("list-id"), "a list that passes it on may add its own")
        let signer = DKIMSigner(keys: [try DKIMKey.make(.ed25519, domain: "shop.example", selector: "e1").key])
        let signed = Self.text(try signer.signed(mail, at: Timestamp(seconds: 1_795_339_800)))
        let tags = signed.components(separatedBy: "\r\nFrom: ")[0].split(separator: ";").map { $0.split(separator: "=")[0] }
            .map { $0.replacing("DKIM-Signature:", with: "").trimmingCharacters(in: .whitespacesAndNewlines) }
        #expect(tags == ["v", "a", "c", "d", "s", "t", "x", "h", "bh", "b"], "no l=: text could be added below what was signed")
        #expect(signed.contains("t=1795339800; x=1796549400;"))
        for line in Self.text(try signer.signed(mail, at: Timestamp(seconds: 1))).split(separator: "\r\n") {
            #expect(line.utf8.count <= 78)
        }
    }

    @Test(
        "a bad key says what is wrong and shows none of it",
        arguments: [
            ("", DKIMKeyError.noPEM), ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", .notPrivate),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", .encrypted),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", .unreadable),
        ])
    func badKeys(pem: String, error: DKIMKeyError) {
        #expect(throws: error) { try DKIMKey(domain: "x.example", selector: "s", pem: pem) }
        #expect(!error.description.contains("AAAA"))
    }

    // MARK: An independent reader

    static let python = "/usr/bin/python3"
    private static let hasDKIMPy: Bool = {
        guard FileManager.default.isExecutableFile(atPath: python) else { return false }
        return (try? run(["-c", "import dkim, nacl"], input: [])) != nil
    }()

    private static func run(_ arguments: [String], input: [UInt8]) throws -> String {
        String(decoding: try Program.run([python] + arguments, input: input), as: UTF8.self)
    }

    /// `True` or `False` for each signature, top first.
    private static func verify(_ mail: [UInt8], _ keys: [DKIMKey]) throws -> [String] {
        let records = Dictionary(uniqueKeysWithValues: keys.map { ($0.recordName + ".", $0.record) })
        let json = String(decoding: try JSONEncoder().encode(records), as: UTF8.self)
        let script = """
            import sys, json, dkim
            records = json.loads(sys.argv[1])
            mail = dkim.DKIM(sys.stdin.buffer.read())
            found = lambda name, timeout=5: records[name.decode() if isinstance(name, bytes) else name].encode()
            for index in range(int(sys.argv[2])):
                try: print(mail.verify(idx=index, dnsfunc=found))
                except dkim.ValidationError: print(False)  # how it says that the body is another one
            """
        return try run(["-c", script, json, "\(keys.count)"], input: mail).split(separator: "\n").map(String.init)
    }

    @Test(.enabled(if: hasDKIMPy, "python3-dkim is not installed"), .timeLimit(.minutes(10)))
    func `dkimpy finds both signatures of a composed mail good, and bad after any change`() async throws {
        try await House.with { house in
            let (rsa, rsaPEM) = try DKIMKey.make(.rsa, domain: "shop.example", selector: "r1")
            let (edwards, edwardsPEM) = try DKIMKey.make(.ed25519, domain: "shop.example", selector: "e1")
            var sender = house.folderSender()
            sender.unsubscribe = "care@shop.example"
            sender.dkim = [
                DKIMIdentity(domain: "shop.example", selector: "r1", key: rsaPEM),
                DKIMIdentity(domain: "shop.example", selector: "e1", key: edwardsPEM),
            ]
            let keys = [rsa, edwards]
            let send = try await house.send("a") { send in
                send.subject = "{{first_name}} 您的订单  已发货 \t " + String(repeating: "very long ", count: 30)
                send.text = "Hello {{first_name}}  \n\n您的包裹\n\n\n" + String(repeating: "x", count: 2000) + "\n\n\n"
            }
            let mail = try house.composer().compose(send, from: sender, now: house.time.now()).bytes
            #expect(try Self.verify(mail, keys) == ["True", "True"])
            let whole = Self.text(mail)
            // A relay may fold and pad; nobody may add, change or lengthen.
            #expect(try Self.verify(Array(whole.replacing("\r\nTo: ", with: "\r\nTO:   ").utf8), keys) == ["True", "True"])
            #expect(try Self.verify(Array((whole + "\r\n\r\n").utf8), keys) == ["True", "True"])
            for change in [
                whole.replacing("From: ", with: "From: x@evil.example\r\nFrom: "),
                whole.replacing("\r\nTo: ", with: "\r\nCc: x@evil.example\r\nTo: "),
                whole.replacing("\r\nTo: ", with: "\r\nReply-To: x@evil.example\r\nTo: "), whole + "More words.\r\n",
                whole.replacing("<https://care.example/u/", with: "<https://evil.example/u/"),
                whole.replacing("List-Unsubscribe=One-Click", with: "List-Unsubscribe=Two-Click"),
                whole.replacing("\r\nFeedback-ID: ", with: "\r\nFeedback-ID: x\r\nFeedback-ID: "),
            ] {
                #expect(change != whole)
                #expect(try Self.verify(Array(change.utf8), keys) == ["False", "False"])
            }
        }
    }

    @Test(.enabled(if: hasDKIMPy, "python3-dkim is not installed"), .timeLimit(.minutes(10)))
    func `dkimpy verifies an answer with files and a quotation`() async throws {
        try await House.with { house in
            let (key, pem) = try DKIMKey.make(.rsa, domain: "shop.example", selector: "r1")
            var sender = house.folderSender()
            sender.dkim = [DKIMIdentity(domain: "shop.example", selector: "r1", key: pem)]
            let hash = try await house.store.blobs.put([UInt8](0...255))
            let send = try await house.send("reply/1/1", purpose: .transactional, kind: .reply) { send in
                send.subject = "Re: 发票"
                send.text = "See below."
                send.details.files = [Attachment(name: "发票.pdf", type: "application/pdf", sizeBytes: 256, hash: hash)]
            }
            let mail = try await house.composer().compose(send, from: sender, now: house.time.now(), store: house.store)
            #expect(try Self.verify(mail.bytes, [key]) == ["True"])
            #expect(try MailParser.parse(mail.bytes).attachments.first?.bytes == [UInt8](0...255))
        }
    }

    @Test(.enabled(if: hasDKIMPy, "python3-dkim is not installed"), .timeLimit(.minutes(10)))
    func `keys that openssl made are read`() throws {
        for (kind, extra) in [("RSA", ["-pkeyopt", "rsa_keygen_bits:2048"]), ("ed25519", [])] {
            let pem = try Self.run(
                [
                    "-c",
                    "import subprocess, sys; print(subprocess.run(['openssl', 'genpkey', '-algorithm'] + sys.argv[1:], "
                        + "capture_output=True, text=True, check=True).stdout)", kind,
                ] + extra, input: [])
            let key = try DKIMKey(domain: "shop.example", selector: "s", pem: pem)
            let signed = try DKIMSigner(keys: [key]).signed(Self.dinner, at: SystemTime().now())  // dkimpy refuses what is over
            #expect(try Self.verify(signed, [key]) == ["True"], "\(kind)")
        }
    }
}
