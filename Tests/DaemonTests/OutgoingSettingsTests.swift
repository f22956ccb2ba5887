import Desk
import Domain
import Foundation
import Rules
import Testing

@testable import Daemon

/// How outgoing mail is configured: signatures, return path, quotations.
@Suite struct OutgoingSettingsTests {
    private static func with<T>(_ body: (String) throws -> T) throws -> T {
        let folder = NSTemporaryDirectory() + "hongyan-settings-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    private static func settings(_ sender: String, _ folder: String, more: String = "") throws -> Settings {
        try Settings.decode(
            "senders:\n  care:\n    kind: folder\n    path: /x\n    from: Care <care@shop.example>\n\(sender)\(more)",
            file: "\(folder)/hongyan.yaml",
            environment: [:])
    }

    private static func keys(_ folder: String) throws {
        for (selector, isEd25519) in [("r1", false), ("e1", true)] {
            _ = try Operations.newDKIMKey(
                domain: "shop.example", selector: selector, isEd25519: isEd25519, file: "\(folder)/\(selector).pem")
        }
    }

    @Test func `keys, return path and quotations are read`() throws {
        try Self.with { folder in
            try Self.keys(folder)
            let dkim =
                "    dkim:\n      - {domain: Shop.example, selector: r1, key: r1.pem}\n      - {domain: 例子.中国, selector: e1, key: e1.pem}\n"
            let accounts = "accounts:\n  in: {kind: folder, path: /y, addresses: [care@shop.example]}\n"
            let settings = try Self.settings(
                dkim + "    bounces: Bounce@shop.example\n", folder, more: "replies: {quote: last, attachments_max: 5MB}\n" + accounts)
            let sender = try #require(settings.senders.first)
            #expect(sender.dkim.map(\.domain) == ["shop.example", "xn--fsqu00a.xn--fiqs8s"])
            #expect(sender.bounces == "bounce@shop.example")
            #expect(sender.unsubscribe == "care@shop.example", "an account reads mail to the sender")
            #expect(settings.replies.quotes && settings.replies.filesBytesMax == 5 << 20)
            #expect(try Self.settings("", folder).senders.first?.unsubscribe == nil, "nobody reads it")
        }
    }

    @Test func `a key is made for its owner alone, and never written over`() throws {
        try Self.with { folder in
            let said = try Operations.newDKIMKey(domain: "Shop.example", selector: "HY1", isEd25519: false, file: "\(folder)/k.pem")
            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/k.pem")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(said.contains("hy1._domainkey.shop.example. IN TXT (\n  \"v=DKIM1; k=rsa; p="))
            for line in said.split(separator: "\n") where line.hasPrefix("  \"") { #expect(line.utf8.count <= 258) }
            let error = #expect(throws: CommandError.self) {
                try Operations.newDKIMKey(domain: "shop.example", selector: "hy1", isEd25519: true, file: "\(folder)/k.pem")
            }
            #expect(error?.description.contains("a key is never written over") == true)
        }
    }

    struct Bad: Sendable {
        var yaml: String
        var says: String
    }

    @Test(
        "a wrong setting is told with its place and the fix",
        arguments: [
            Bad(
                yaml: "    dkim:\n      - {domain: shop.example, selector: r1, key: none.pem}\n",
                says:
                    "hongyan.yaml:7:51: cannot read the key FOLDER/none.pem: No such file or directory; make one with: hongyan dkim new DOMAIN SELECTOR"
            ),
            Bad(
                yaml: "    dkim:\n      - {domain: shop.example, selector: r1, key: open.pem}\n",
                says:
                    "hongyan.yaml:7:51: the key FOLDER/open.pem may be read or changed by others (mode 0644); run: chmod 600 FOLDER/open.pem"
            ),
            Bad(
                yaml: "    dkim:\n      - {domain: shop.example, selector: r1, key: text.pem}\n",
                says: "hongyan.yaml:7:51: the key file is no PEM file; it must begin with -----BEGIN PRIVATE KEY-----"),
            Bad(
                yaml: "    dkim:\n      - {domain: shop, selector: r1, key: r1.pem}\n",
                says: "hongyan.yaml:7:18: `domain` is `shop`; write the domain that signs, such as example.com"),
            Bad(
                yaml: "    dkim:\n      - {domain: shop.example, selector: a b, key: r1.pem}\n",
                says: "hongyan.yaml:7:42: `selector` is `a b`; write letters, digits, hyphens and dots, such as hy1"),
            Bad(
                yaml:
                    "    dkim:\n      - {domain: shop.example, selector: r1, key: r1.pem}\n      - {domain: shop.example, selector: R1, key: e1.pem}\n",
                says: "hongyan.yaml:8:42: the key R1._domainkey.shop.example is named twice; remove one"),
            Bad(
                yaml: "    bounces: nobody\n",
                says: "hongyan.yaml:6:14: `bounces` is `nobody`; write one address such as bounce@example.com"),
            Bad(
                yaml: "    bounces: a+b@shop.example\n",
                says: "hongyan.yaml:6:14: `bounces` is `a+b@shop.example`; write a name of at most 33 characters without + before the @"),
            Bad(yaml: "replies: {quote: all}\n", says: "hongyan.yaml:6:18: `all` is not a way to quote; use none or last"),
        ])
    func rejects(_ bad: Bad) throws {
        try Self.with { folder in
            try Self.keys(folder)
            _ = FileManager.default.createFile(
                atPath: "\(folder)/open.pem", contents: FileManager.default.contents(atPath: "\(folder)/r1.pem"),
                attributes: [.posixPermissions: 0o644])
            _ = FileManager.default.createFile(
                atPath: "\(folder)/text.pem", contents: Data("hello".utf8), attributes: [.posixPermissions: 0o600])
            let error = #expect(throws: RuleError.self) { try Self.settings(bad.yaml, folder) }
            #expect(
                error?.description.replacing("\(folder)/hongyan.yaml", with: "hongyan.yaml").replacing(folder, with: "FOLDER") == bad.says)
        }
    }
}
