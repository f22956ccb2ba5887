import Domain
import Testing

@testable import Daemon

@Suite struct OAuthSettingsTests {
    static let mailbox = "accounts:\n  support:\n    kind: imap\n    url: imaps://m.example\n    user: a@b.example\n    oauth: "

    private func read(_ oauth: String, more: String = "") throws -> Settings {
        try Settings.decode(Self.mailbox + oauth + "\n" + more, file: "hongyan.yaml", environment: ["S": "secret"])
    }

    @Test func `a provider knows its addresses and scopes`() throws {
        let microsoft = try #require(try read("{provider: microsoft, client_id: c, tenant: contoso}").accounts[0].oauth)
        #expect(microsoft.flow == .device)
        #expect(microsoft.tokenURL == "https://login.microsoftonline.com/contoso/oauth2/v2.0/token")
        #expect(microsoft.deviceURL == "https://login.microsoftonline.com/contoso/oauth2/v2.0/devicecode")
        #expect(microsoft.scopes.last == "offline_access")
        let google = try #require(try read("{provider: google, client_id: c, client_secret: {env: S}}").accounts[0].oauth)
        #expect(google.flow == .loopback)
        #expect(google.clientSecret?.reveal() == "secret")
        #expect(google.scopes == ["https://mail.google.com/"])
    }

    @Test func `a sender shares an account's permission by its name`() throws {
        let settings = try read(
            "{provider: microsoft, client_id: c}",
            more: "senders:\n  out: {kind: smtp, url: \"smtp://m.example\", from: a@b.example, oauth: support}\n")
        #expect(settings.senders[0].tokenName == "support")
        #expect(settings.oauth.keys.sorted() == ["support"])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var oauth: String
        var more = ""
        var says: String
        var testDescription: String { says }
    }

    @Test(
        "what cannot work is told with its place and the fix",
        arguments: [
            Bad(
                oauth: "{client_id: c}",
                says: "hongyan.yaml:6:12: `oauth` needs a `provider` (google, microsoft) or a `token_url`; add one"),
            Bad(
                oauth: "{provider: google, client_id: c, flow: device}",
                says:
                    "hongyan.yaml:6:51: Google gives no mailbox permission by device code; write `flow: loopback` or `flow: service_account`"
            ),
            Bad(
                oauth: "{client_id: c, token_url: \"http://t.example/token\"}",
                says: "hongyan.yaml:6:38: `token_url` is `http://t.example/token`; secrets go there, so start it with https://"),
            Bad(
                oauth: "{client_id: c, token_url: \"https://t.example\", flow: client_credentials}",
                says: "hongyan.yaml:6:12: client credentials need a `client_secret`; write {credential: name}, {env: NAME} or {file: path}"),
            Bad(
                oauth: "{provider: microsoft, client_id: c}",
                more: "senders:\n  out: {kind: smtp, url: \"smtp://m.example\", from: a@b.example, oauth: sales}\n",
                says: "hongyan.yaml:8:8: sender `out` shares the permission of `sales`, which is no account with `oauth`; correct the name"),
            Bad(
                oauth: "{provider: microsoft, client_id: c}", more: "alerts: {after: 1m}\n",
                says: "hongyan.yaml:7:9: `alerts` tells nobody; add `mail: ops@example.com` or `webhook: https://…`"),
        ])
    func errors(bad: Bad) throws {
        #expect {
            try read(bad.oauth, more: bad.more)
        } throws: { "\($0)" == bad.says }
    }

    @Test func `only an answer with our state counts`() {
        let code = try? LoopbackListener.found(in: "http://127.0.0.1:1/?state=s&code=a%2Fb+c#x", state: "s")?.get()
        #expect(code == "a/b c")
        #expect(LoopbackListener.found(in: "/?code=a&state=other", state: "s") == nil)
        #expect(LoopbackListener.found(in: "/favicon.ico", state: "s") == nil)
        if case .failure(let error) = LoopbackListener.found(in: "/?error=access_denied&state=s", state: "s") {
            #expect(error.description == "the permission was refused (access_denied)")
        } else {
            Issue.record("a refusal is an answer too")
        }
    }
}
