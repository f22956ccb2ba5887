@testable import Daemon
import Domain
import Rules
import Testing

@Suite struct MailboxSettingsTests {
    static func account(_ lines: String) throws -> Account {
        let yaml =
            "accounts:\n  box:\n    user: a@b.example\n    password: {env: PW}\n"
            + lines.split(separator: "|").map { "    \($0)\n" }.joined()
        return try Settings.decode(yaml, file: "hongyan.yaml", environment: ["PW": "geheim"]).accounts[0]
    }

    @Test(
        "what becomes of a mail on its server",
        arguments: [
            ("", Account.After.keep), ("|after: keep", .keep), ("|after: seen", .seen), ("|after: delete", .delete),
            ("|after: move Done/2026 old", .move("Done/2026 old")),
        ])
    func after(_ line: String, _ after: Account.After) throws {
        #expect(try Self.account("kind: imap|url: imaps://m.example" + line).after == after)
    }

    @Test func `a POP3 account is read every five minutes and begins with what comes`() throws {
        let account = try Self.account("kind: pop3|url: pop3s://m.example|after: delete")
        #expect(account.kind == .pop3)
        #expect(account.interval == .seconds(300))
        #expect(account.start == .latest)
        #expect(account.after == .delete)
        #expect(account.addresses == ["a@b.example"])
        #expect(!account.tls.allowPlain)
    }

    @Test(
        "only a server on this machine may be spoken to in the clear by `tls: none`",
        arguments: [
            ("imap://127.0.0.1:143", "none", true), ("imap://localhost", "none", true), ("pop3://[::1]", "none", true),
            ("imap://m.example", "starttls", false), ("imaps://m.example", "required", false), ("imap://m.example", "required", false),
        ])
    func tls(_ url: String, _ tls: String, _ allowsPlain: Bool) throws {
        let kind = url.prefix { $0 != ":" }.filter { $0 != "s" }
        #expect(try Self.account("kind: \(kind)|url: \"\(url)\"|tls: \(tls)").tls.allowPlain == allowsPlain)
    }

    @Test(
        "a wrong word is told with the fix",
        arguments: [
            ("kind: imap|url: imaps://m.example|after: archive", "`after` is `archive`; write keep, seen, delete or move FOLDER"),
            ("kind: imap|url: imaps://m.example|after: move", "`after` is `move`; write keep, seen, delete or move FOLDER"),
            ("kind: pop3|url: pop3s://m.example|after: seen", "`after` is `seen`; a pop3 mailbox knows only keep and delete"),
            ("kind: folder|path: /x|after: delete", "`after` is for imap and pop3; nothing is ever changed at a folder"),
            (
                "kind: imap|url: imap://m.example|tls: none",
                "`tls: none` would send the password in the clear; use imaps:// or pop3s://, or leave `tls` out for STARTTLS"
            ),
            (
                "kind: imap|url: imap://localhost.evil.example|tls: none",
                "`tls: none` would send the password in the clear; use imaps:// or pop3s://, or leave `tls` out for STARTTLS"
            ),
            (
                "kind: imap|url: imaps://m.example|tls: starttls",
                "`tls` is `starttls`, which begins in the clear, but imaps:// is encrypted from the start; leave it out"
            ),
        ])
    func rejects(_ lines: String, _ says: String) {
        let error = #expect(throws: RuleError.self) { try Self.account(lines) }
        #expect(error?.description.hasSuffix(says) == true, "\(error?.description ?? "")")
    }
}
