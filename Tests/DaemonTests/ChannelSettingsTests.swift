import Domain
import Rules
import Testing

@testable import Daemon

@Suite struct ChannelSettingsTests {
    static let root = String(#filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 })

    private static func decode(_ account: String) throws -> Settings {
        try Settings.decode(
            "share: \(root)\naccounts:\n  a: {kind: channel, \(account)}\n", file: "hongyan.yaml", environment: ["TOKEN": "t0ken"])
    }

    @Test func `an account of a channel gives what its file asks for`() throws {
        let settings = try Self.decode("channel: mastodon, config: {base: \"https://social.example\", token: {env: TOKEN}}")
        let account = try #require(settings.accounts.first)
        #expect(account.kind == .channel && account.start == .latest && account.channel?.name == "mastodon")
        #expect(account.channel?.inputs["base"]?.map { $0.reveal() } == ["https://social.example"])
        #expect(account.channel?.inputs["token"]?.map { $0.reveal() } == ["t0ken"] && !"\(settings)".contains("t0ken"))
        #expect(settings.channels["mastodon"] != nil)
    }

    @Test func `an account that is only pushed to is taken, and seldom polled`() throws {
        let settings = try Self.decode("channel: dingtalk, config: {app_secret: {env: TOKEN}}")
        #expect(settings.accounts[0].channel?.name == "dingtalk" && settings.accounts[0].interval == .seconds(300))
    }

    @Test func `a list is a list`() throws {
        let settings = try Self.decode("channel: typeform, config: {token: {env: TOKEN}, forms: [a1, b2]}")
        #expect(settings.accounts[0].channel?.inputs["forms"]?.map { $0.reveal() } == ["a1", "b2"])
    }

    @Test(
        "a wrong account of a channel is told with its place and the fix",
        arguments: [
            ("channel: mastodo", "there is no channel `mastodo`; did you mean `mastodon`?"),
            ("channel: ../x", "there is no channel `../x`"),
            ("channel: mastodon, config: {token: {env: TOKEN}}", "`base` is missing; mastodon needs it"),
            (
                "channel: mastodon, config: {base: \"https://s.example\", tokem: {env: TOKEN}}",
                "`tokem` is not a key here; did you mean `token`?"
            ),
            ("channel: mastodon, config: {base: \"https://s.example\", token: plain}", "`token` must not stand in this file"),
            ("channel: whatsapp", "`phone_number_id` is missing; whatsapp needs it"),
            ("channel: orders-csv", "`url` is missing; orders-csv needs it"),
            ("url: \"https://x.example\"", "`channel` is missing"),
        ])
    func mistakes(account: String, says: String) {
        let error = #expect(throws: RuleError.self) { try Self.decode(account) }
        #expect(
            error?.description.contains(says) == true && error?.description.hasPrefix("hongyan.yaml:") == true,
            "\(error?.description ?? "none")")
    }

    private static func spool(_ account: String) throws -> Settings {
        try Settings.decode("share: \(root)\naccounts:\n  a: {kind: spool, \(account)}\n", file: "hongyan.yaml", environment: [:])
    }

    @Test func `a spool needs a folder, and of a channel only what its records need`() throws {
        let mail = try Self.spool("path: /var/spool/in")
        #expect(mail.accounts[0].kind == .spool && mail.accounts[0].start == .all && mail.accounts[0].channel == nil)
        let pushed = try Self.spool("path: /var/spool/in, channel: whatsapp")
        #expect(pushed.accounts[0].channel?.name == "whatsapp" && pushed.channels["whatsapp"] != nil)
        let rows = try Self.spool("path: /var/spool/in, channel: csv-export, stream: rows, config: {id: Number}")
        #expect(rows.accounts[0].channel?.stream == "rows" && rows.accounts[0].channel?.inputs["id"]?.map { $0.reveal() } == ["Number"])
    }

    @Test(
        "a wrong spool is told with its place and the fix",
        arguments: [
            ("channel: whatsapp", "`path` is missing"), ("path: /x, channel: csv-export, stream: row", "did you mean `rows`?"),
            ("path: /x, start: all", "remove `start`"), ("path: /x, config: {id: a}", "`config` is for accounts that name a `channel`"),
            ("path: /x, channel: orders-csv", "brings only orders or customers"),
        ])
    func wrongSpools(account: String, says: String) {
        let error = #expect(throws: RuleError.self) { try Self.spool(account) }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "none")")
    }
}
