import Foundation
import Domain
import TestServers
import Testing

@testable import Formats

private let gpg = ["/usr/bin/gpg", "/usr/local/bin/gpg"].first { FileManager.default.isExecutableFile(atPath: $0) }

/// With GnuPG itself: it makes the keys and the mails, we verify and open them.
@Suite(.serialized, .enabled(if: gpg != nil)) struct MailKeysTests {
    private static func run(_ arguments: [String], _ input: String, home: URL) throws -> String {
        let words = ["--homedir", home.path, "--batch", "--yes", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"]
        return try program([gpg ?? ""] + words + arguments, input)
    }

    /// Its path is short, for the socket of GnuPG's agent must fit into 100 bytes.
    private static func makeHome() throws -> URL {
        let name = "hk\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0...99999))"
        let home = FileManager.default.temporaryDirectory.appending(path: name)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return home
    }

    /// Its agent would go on for a while, or for ever.
    private static func remove(_ home: URL) {
        _ = try? Program.run(["/usr/bin/gpgconf", "--homedir", home.path, "--kill", "all"])
        try? FileManager.default.removeItem(at: home)
    }

    /// A home with one key, for one mail.
    private static func withHome<R>(_ work: (URL) throws -> R) throws -> R {
        let home = try makeHome()
        defer { remove(home) }
        _ = try run(["--quick-gen-key", "Ann Lee <ann@example.com>", "default", "default", "never"], "", home: home)
        return try work(home)
    }

    /// Everything that blocks runs on a thread of its own.
    private static func onThread(_ work: @escaping @Sendable () throws -> ParsedMail) async throws -> ParsedMail {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
        }
    }

    private static func read(
        _ make: @escaping @Sendable (_ gpg: ([String], String) throws -> String) throws -> String
    ) async throws -> ParsedMail {
        try await onThread {
            try withHome { home in
                let text = try make { try run($0, $1, home: home) }
                return try MailParser.parse(Array(text.utf8), keys: MailKeys(folder: home.path))
            }
        }
    }

    @Test("an encrypted mail is read with the key", .timeLimit(.minutes(10)))
    func decrypts() async throws {
        let mail = try await Self.read { gpg in
            let body = try gpg(
                ["--armor", "--trust-model", "always", "--sign", "-r", "ann@example.com", "--encrypt"],
                "Content-Type: text/plain\n\nThe code is 4711.\n")
            return """
                Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b

                --b
                Content-Type: application/pgp-encrypted

                Version: 1

                --b
                Content-Type: application/octet-stream

                \(body)
                --b--

                """
        }
        #expect(mail.text == "The code is 4711.\n")
        #expect(mail.seals.first?.value == "encrypted with OpenPGP; decrypted")
        #expect(mail.seals.last?.value.hasPrefix("signed with OpenPGP; verified, ") == true, "\(mail.seals)")
        #expect(mail.attachments.isEmpty)
    }

    private static func signed(_ gpg: ([String], String) throws -> String, changed: Bool) throws -> String {
        let content = "Content-Type: text/plain\r\n\r\nI agree to the price."
        let signature = try gpg(["--armor", "--detach-sign"], content)
        return """
            Content-Type: multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary=b

            --b
            Content-Type: text/plain

            I agree to the price\(changed ? " of 1" : "").
            --b
            Content-Type: application/pgp-signature

            \(signature)
            --b--

            """
    }

    @Test("a signature is verified, whatever the line ends became on the way", .timeLimit(.minutes(10)))
    func verifies() async throws {
        let mail = try await Self.read { gpg in try Self.signed(gpg, changed: false) }
        #expect(mail.text == "I agree to the price.")
        #expect(mail.headers(MailSeal.field).first?.contains("verified, ") == true, "\(mail.seals)")
        #expect(mail.headers(MailSeal.field).first?.contains("ann@example.com") == true, "\(mail.seals)")
    }

    @Test("a changed word breaks the signature, and the words are still shown", .timeLimit(.minutes(10)))
    func findsChanges() async throws {
        let mail = try await Self.read { gpg in try Self.signed(gpg, changed: true) }
        #expect(mail.text == "I agree to the price of 1.")
        #expect(mail.headers(MailSeal.field) == ["signed with OpenPGP; bad signature, the content was changed on the way"])
    }

    @Test("what is armoured in the text is verified or opened as well", .timeLimit(.minutes(10)))
    func readsArmour() async throws {
        let signed = try await Self.read { gpg in "Subject: x\n\n" + (try gpg(["--clear-sign"], "- yes\n")) }
        #expect(signed.text == "- yes\n")
        #expect(signed.seals.first?.value.contains("verified, ") == true, "\(signed.seals)")
        let encrypted = try await Self.read { gpg in
            "Subject: x\n\n" + (try gpg(["--armor", "--trust-model", "always", "-r", "ann@example.com", "--encrypt"], "secret words\n"))
        }
        #expect(encrypted.text == "secret words\n")
    }

    @Test("an envelope that no key opens says so", .timeLimit(.minutes(10)))
    func staysClosed() async throws {
        let mail = try await Self.read { _ in
            """
            Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b

            --b
            Content-Type: application/pgp-encrypted

            Version: 1
            --b
            Content-Type: application/octet-stream; name=encrypted.asc

            nothing
            --b--

            """
        }
        #expect(mail.text.hasPrefix("This mail is encrypted with OpenPGP."))
        #expect(mail.attachments.map(\.name).last == "encrypted.asc")
        #expect(mail.seals.map(\.value) == ["encrypted with OpenPGP; not decrypted"])
    }

    // MARK: S/MIME

    /// A home whose agent asks a script for passphrases, which gives an empty one: a key for a service has none.
    private static func withCertificate<R>(_ work: (_ home: URL, _ certificate: String) throws -> R) throws -> R {
        let home = try makeHome()
        defer { remove(home) }
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: home.appending(path: name))
        }
        try write("pinentry", "#!/bin/sh\necho OK\nwhile read -r line; do echo OK; case $line in BYE*) exit;; esac; done\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: home.path + "/pinentry")
        try write("gpg-agent.conf", "pinentry-program \(home.path)/pinentry\n")
        try write("gpgsm.conf", "disable-crl-checks\n")
        try write(
            "parameters",
            "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign, encrypt\nSerial: random\nName-DN: CN=Ann Lee\nName-Email: ann@example.com\n")
        let gpgsm = ["/usr/bin/gpgsm", "--homedir", home.path, "--batch", "--quiet"]
        _ = try program(gpgsm + ["--armor", "--output", home.path + "/cert.pem", "--gen-key", home.path + "/parameters"])
        _ = try program(gpgsm + ["--import", home.path + "/cert.pem"])
        let list = try program(gpgsm + ["--with-colons", "--list-keys"])
        let print = list.split(separator: "\n").first { $0.hasPrefix("fpr:") }.flatMap { $0.split(separator: ":").last } ?? ""
        try write("trustlist.txt", "\(print) S relax\n")
        return try work(home, home.path + "/cert.pem")
    }

    private static func program(_ words: [String], _ input: String = "") throws -> String {
        String(decoding: try Program.run(words, input: Array(input.utf8)), as: UTF8.self)
    }

    private static func readSealed(
        _ make: @escaping @Sendable (_ home: URL, _ certificate: String) throws -> String
    ) async throws -> ParsedMail {
        try await onThread {
            try withCertificate { home, certificate in
                let text = try make(home, certificate)
                return try MailParser.parse(Array(text.utf8), keys: MailKeys(folder: home.path))
            }
        }
    }

    @Test("S/MIME is opened with the key", .timeLimit(.minutes(10)))
    func opensSMIME() async throws {
        let mail = try await Self.readSealed { _, certificate in
            try Self.program(
                ["/usr/bin/openssl", "smime", "-encrypt", "-aes256", certificate], "Content-Type: text/plain\n\nThe code is 4711.\n")
        }
        #expect(mail.text == "The code is 4711.\n")
        #expect(mail.seals.map(\.value) == ["encrypted with S/MIME; decrypted"])
    }

    @Test("an S/MIME signature is verified, and a changed word breaks it", arguments: [false, true])
    func verifiesSMIME(isChanged: Bool) async throws {
        let mail = try await Self.readSealed { home, _ in
            let content = "Content-Type: text/plain\r\n\r\nI agree to the price.\r\n"
            let signature = try Self.program(
                ["/usr/bin/gpgsm", "--homedir", home.path, "--batch", "--quiet", "--base64", "--detach-sign"], content)
            let shown = isChanged ? content.replacingOccurrences(of: "price", with: "price of 1") : content
            return """
                Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=b\r
                \r
                --b\r
                \(shown)\r
                --b\r
                Content-Type: application/pkcs7-signature; name=smime.p7s\r
                Content-Transfer-Encoding: base64\r
                \r
                \(signature)\r
                --b--\r

                """
        }
        let value = try #require(mail.seals.first?.value)
        #expect(value.hasPrefix(isChanged ? "signed with S/MIME; bad signature" : "signed with S/MIME; verified, "), "\(value)")
        #expect(isChanged || value.hasSuffix("verified, Ann Lee <ann@example.com>"), "\(value)")
    }
}

@Suite struct DisguiseTests {
    @Test(
        "a file that is not what it claims is told",
        arguments: [
            ("application/pdf", "application/x-msdownload", true), ("image/png", "text/html", true), ("image/jpeg", "image/png", false),
            ("application/octet-stream", "application/pdf", false), ("application/octet-stream", "application/x-elf", true),
            ("application/x-msdownload", "application/x-msdownload", false), ("application/msword", "application/zip", false),
        ])
    func tells(declared: String, detected: String, isDisguised: Bool) {
        var file = ParsedAttachment(name: "a", type: declared, bytes: [])
        file.detectedType = detected
        #expect((file.disguise != nil) == isDisguised)
    }
}
