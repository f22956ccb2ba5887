import Delivery
import Domain
import Rules
import Testing
import Transport

@testable import Daemon

@Suite struct SendingSettingsTests {
    private func decode(_ text: String) throws -> Settings { try Settings.decode(text, file: "hongyan.yaml", environment: [:]) }

    @Test func `a direct sender has its limits, its encryption and its name servers`() throws {
        let settings = try decode(
            """
            nameservers: [127.0.0.1:5353, 2001:db8::53]
            give_up: {marketing: 12h, other: 3d}
            senders:
              direct:
                kind: mx
                from: Care <care@shop.example>
                tls: required
                helo: mail.shop.example
                limits:
                  connections: 3
                  per_connection: 20
                  destinations:
                    qq: {connections: 1, per_minute: 30}
                    big.example: {connections: 9}
            """)
        let sender = settings.senders[0]
        #expect(sender.kind == .mx && sender.encryption == .required && sender.port == 25 && !sender.allowsPrivate)
        #expect(sender.limits.perConnection == 20)
        #expect(sender.limits.of("qq") == .init(connections: 1, perMinute: 30))
        #expect(sender.limits.of("big.example") == .init(connections: 9))
        #expect(sender.limits.of("other.example") == .init(connections: 3))
        #expect(settings.nameservers.map(\.description) == ["127.0.0.1:5353", "[2001:db8::53]:53"])
        #expect(settings.delivery.retry.giveUpAfter == .seconds(3 * 86_400))
        #expect(settings.delivery.marketingGiveUpAfter == .seconds(43_200))
    }

    struct Bad: Sendable {
        let sender: String
        let says: String
    }
    @Test(
        "what does not go together is said",
        arguments: [
            Bad(
                sender: "{kind: mx, from: a@b.example, url: smtp://x}",
                says: "a sender of kind mx finds its servers itself and has no `url`; remove it"),
            Bad(
                sender: "{kind: smtp, url: smtp://x, from: a@b.example, tls: required}",
                says: "`tls` belongs to a sender of kind mx; remove it"),
            Bad(
                sender: "{kind: mx, from: a@b.example, limits: {destinations: {gogle: {connections: 1}}}}",
                says: "`gogle` is neither a domain nor one of "),
        ])
    func refuses(_ bad: Bad) {
        let error = #expect(throws: RuleError.self) { try decode("senders:\n  out: \(bad.sender)\n") }
        #expect(error?.problem.hasPrefix(bad.says) == true, "\(String(describing: error))")
    }
}
