import Domain
import Rules
import Testing

@Suite struct RoutingRulesTests {
    static let rules = """
        - name: partner
          when: {address: ["*@partner.example"]}
          then: {queue: Partners, priority: high}
        - name: invoice
          when: {account: [support, shop], subject: [invoice, 发票, credit note]}
          then: {queue: Billing, assign: ada}
        - name: billing box
          when: {address: billing@}
          then: {queue: Billing}
        - name: shop
          when: {queue: Shop}
          then: {priority: low}
        """

    struct Case: Sendable, CustomTestStringConvertible {
        var account = "support"
        var queue = "Support"
        var addresses = ["ann@example.com", "help@hongyan.example"]
        var subject = "Hello"
        let goesTo: String
        var rule: String?
        let because: String
        var testDescription: String { because }
    }

    @Test(
        "the first rule that matches decides, and says why",
        arguments: [
            Case(goesTo: "Support", because: "no rule matched: queue Support of account `support`"),
            Case(
                addresses: ["Bob@Partner.example"], subject: "Invoice", goesTo: "Partners", rule: "partner",
                because: "rule `partner` matched address Bob@Partner.example: queue Partners, priority high"),
            Case(
                addresses: ["bob@notpartner.example"], goesTo: "Support", because: "no rule matched: queue Support of account `support`"),
            Case(
                subject: "Your INVOICE, please", goesTo: "Billing", rule: "invoice",
                because: "rule `invoice` matched account `support` and subject word “invoice”: queue Billing, assigned to ada"),
            Case(subject: "Invoices", goesTo: "Support", because: "no rule matched: queue Support of account `support`"),
            Case(
                subject: "请补开发票谢谢", goesTo: "Billing", rule: "invoice",
                because: "rule `invoice` matched account `support` and subject word “发票”: queue Billing, assigned to ada"),
            Case(
                subject: "请寄invoice给我", goesTo: "Billing", rule: "invoice",
                because: "rule `invoice` matched account `support` and subject word “invoice”: queue Billing, assigned to ada"),
            Case(
                subject: "A credit note", goesTo: "Billing", rule: "invoice",
                because: "rule `invoice` matched account `support` and subject word “credit note”: queue Billing, assigned to ada"),
            Case(account: "news", subject: "invoice", goesTo: "Support", because: "no rule matched: queue Support of account `news`"),
            Case(
                addresses: ["ann@example.com", "billing@hongyan.example"], goesTo: "Billing", rule: "billing box",
                because: "rule `billing box` matched address billing@hongyan.example: queue Billing"),
            Case(
                queue: "Shop", goesTo: "Shop", rule: "shop", because: "rule `shop` matched queue Shop: queue Shop, priority low"),
        ])
    func decides(_ it: Case) throws {
        let rules = try RoutingRules.parse(Self.rules, file: "routing.yaml")
        let decision = rules.decide(
            RoutingFacts(account: it.account, queue: it.queue, addresses: it.addresses, subject: it.subject))
        #expect(decision.queue == it.goesTo)
        #expect(decision.rule == it.rule)
        #expect(decision.reason == it.because)
    }

    @Test("a rule without conditions matches everything")
    func catchAll() throws {
        let rules = try RoutingRules.parse("- {name: all, then: {queue: Triage}}", file: "routing.yaml")
        let decision = rules.decide(RoutingFacts(account: "a", queue: "Support", addresses: [], subject: ""))
        #expect(decision.reason == "rule `all` matches everything: queue Triage")
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let yaml: String
        let says: String
        var testDescription: String { says }
    }

    @Test(
        "a wrong rule is refused with its place",
        arguments: [
            Bad(
                yaml: "- name: billing\n  when:\n    subjct: [invoice]\n  then: {queue: B}",
                says: "routing.yaml:3:5: `subjct` is not a key here; did you mean `subject`?"),
            Bad(
                yaml: "- name: billing\n  then: {priority: hihg}",
                says: "routing.yaml:2:20: `hihg` is not a value of `priority`; did you mean `high`?"),
            Bad(yaml: "- name: billing", says: "routing.yaml:1:3: `then` is missing; add it"),
            Bad(
                yaml: "- name: billing\n  then: {}",
                says: "routing.yaml:2:9: rule `billing` does nothing; write queue, priority or assign under `then`"),
            Bad(
                yaml: "- {name: a, then: {queue: A}}\n- {name: a, then: {queue: B}}",
                says: "routing.yaml:2:3: there are two rules named `a`; rename one"),
            Bad(
                yaml: "- {name: a, when: {account: [supprt]}, then: {queue: A}}",
                says: "routing.yaml:1:30: `supprt` is not an account of the configuration; did you mean `support`?"),
            Bad(yaml: "name: a", says: "routing.yaml:1:1: this must be a list; write `- item` lines or [a, b]"),
        ])
    func rejects(_ bad: Bad) {
        let error = #expect(throws: RuleError.self) {
            try RoutingRules.parse(bad.yaml, file: "routing.yaml", accounts: ["support", "shop"])
        }
        #expect(error?.description == bad.says)
    }

    @Test("an empty file has no rules", arguments: ["", "# none yet\n", "[]"])
    func empty(text: String) throws {
        #expect(try RoutingRules.parse(text, file: "routing.yaml").rules.isEmpty)
    }
}
