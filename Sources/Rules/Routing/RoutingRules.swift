public import Domain

/// The rules of `routing.yaml`, in order; the first that matches decides about a new ticket.
///
///     - name: billing
///       when: {address: ["billing@…", "*@partner.example"], subject: [invoice, 发票]}
///       then: {queue: Billing, priority: high}
///
/// All conditions of a rule must hold, each by any of its values. A rule without `when` matches everything.
public struct RoutingRules: Sendable, Hashable {
    static let rulesMax = 1000

    public let rules: [Rule]

    public struct Rule: Sendable, Hashable {
        public let name: String
        let accounts: [String]
        let queues: [String]
        let addresses: [AddressPattern]
        let words: [SubjectWord]
        public let queue: String?
        public let priority: Ticket.Priority?
        public let assign: String?
    }

    /// No rule: every ticket stays in its account's queue.
    public init() { rules = [] }

    /// - Parameters:
    ///   - file: the name errors begin with.
    ///   - accounts: the accounts there are; a rule about another one is an error. Nil does not check.
    public static func parse(_ text: String, file: String, accounts: [String]? = nil) throws(RuleError) -> RoutingRules {
        try RoutingRules(StrictYAML.read(text, file: file), accounts: accounts)
    }

    /// Reads rules that stand inside another file.
    public init(_ node: YAMLNode, accounts: [String]? = nil) throws(RuleError) {
        let items = try node.list()
        guard items.count <= Self.rulesMax else { throw items[Self.rulesMax].error("more than \(Self.rulesMax) rules; put some together") }
        var rules: [Rule] = []
        for item in items {
            let rule = try Self.rule(item, accounts: accounts)
            if rules.contains(where: { $0.name == rule.name }) { throw item.error("there are two rules named `\(rule.name)`; rename one") }
            rules.append(rule)
        }
        self.rules = rules
    }

    /// What the first matching rule says, with the account's own queue where it says nothing.
    public func decide(_ facts: RoutingFacts) -> RoutingDecision {
        let subject = FoldedText(facts.subject)
        for rule in rules {
            guard let because = rule.matches(facts, subject: subject) else { continue }
            let decision = RoutingDecision(
                queue: rule.queue ?? facts.queue, priority: rule.priority ?? .normal, assign: rule.assign, rule: rule.name, reason: "")
            var said = ["queue \(decision.queue)"]
            if let priority = rule.priority { said.append("priority \(priority.rawValue)") }
            if let assign = rule.assign { said.append("assigned to \(assign)") }
            var explained = decision
            explained.reason = "rule `\(rule.name)` \(because): " + said.joined(separator: ", ")
            return explained
        }
        let reason = "no rule matched: queue \(facts.queue) of account `\(facts.account)`"
        return RoutingDecision(queue: facts.queue, priority: .normal, assign: nil, rule: nil, reason: reason)
    }

    private static func rule(_ node: YAMLNode, accounts: [String]?) throws(RuleError) -> Rule {
        let written = try node.mapping(keys: ["name", "when", "then"])
        let name = try written.required("name").string()
        let when = try written["when"]?.mapping(keys: ["account", "address", "subject", "queue"])
        let then = try written.required("then").mapping(keys: ["queue", "priority", "assign"])
        guard !then.entries.isEmpty else {
            throw then.node.error("rule `\(name)` does nothing; write queue, priority or assign under `then`")
        }
        var patterns: [AddressPattern] = []
        for text in try when?["address"]?.strings() ?? [] { patterns.append(AddressPattern(text)) }
        if let node = when?["account"], let accounts { try check(node, against: accounts) }
        return Rule(
            name: name,
            accounts: try when?["account"]?.strings() ?? [],
            queues: try when?["queue"]?.strings() ?? [],
            addresses: patterns,
            words: try (when?["subject"]?.strings() ?? []).map(SubjectWord.init),
            queue: try then["queue"]?.string(),
            priority: try then["priority"]?.oneOf(Ticket.Priority.self),
            assign: try then["assign"]?.string())
    }

    private static func check(_ node: YAMLNode, against accounts: [String]) throws(RuleError) {
        for item in node.isList ? try node.list() : [node] { _ = try item.oneOf(accounts, what: "an account of the configuration") }
    }
}

extension RoutingRules.Rule {
    /// Why it matches; nil when it does not.
    func matches(_ facts: RoutingFacts, subject: FoldedText) -> String? {
        var because: [String] = []
        if !accounts.isEmpty {
            guard accounts.contains(facts.account) else { return nil }
            because.append("account `\(facts.account)`")
        }
        if !queues.isEmpty {
            guard queues.contains(facts.queue) else { return nil }
            because.append("queue \(facts.queue)")
        }
        if !addresses.isEmpty {
            guard let address = facts.addresses.first(where: { address in addresses.contains { $0.matches(address) } }) else { return nil }
            because.append("address \(address)")
        }
        if !words.isEmpty {
            guard let word = words.first(where: { subject.contains($0) }) else { return nil }
            because.append("subject word “\(word.text)”")
        }
        return because.isEmpty ? "matches everything" : "matched " + because.joined(separator: " and ")
    }
}
