// Desk: where a message gets its place and its answer.
//
// In: new interactions (rows), the operator's rules, what agents do. Out: customers, tickets, answers in the send ledger, events, and a
// reason for every decision, each message in one transaction. Never: a socket, a mail server, an answer to automatic mail.
public import Domain
public import Rules
public import Store
import Synchronization

/// The desk's own knowledge, shared by the service that places messages and by everybody who acts for an agent.
public final class Desk: Sendable {
    public let store: Store
    private let current: Mutex<DeskSettings>

    public init(store: Store, settings: DeskSettings) {
        self.store = store
        current = Mutex(settings)
    }

    public var settings: DeskSettings { current.withLock { $0 } }

    /// Takes effect with the next message. The caller reads the new files first, so that a wrong one leaves the old set in force.
    public func reload(_ settings: DeskSettings) { current.withLock { $0 = settings } }
}

/// What the operator configured, as far as the desk needs it.
public struct DeskSettings: Sendable {
    public static let defaultQueue = "Support"

    public var rules: RoutingRules
    /// Account or form to queue.
    public var queues: [String: String]
    /// Account to the sender that answers for it.
    public var senders: [String: String]
    /// Domain of each sender's From address; our Message-IDs end in it.
    public var domains: [String: String]
    /// Sender of accounts that name none.
    public var defaultSender: String?
    /// How long a reply without ids joins by its subject.
    public var subjectJoinsWithin: Duration = .seconds(30 * 86_400)
    /// Domains whose people count as one participant, by the operator's word.
    public var trustedDomains: Set<String> = []
    /// What becomes of answers to closed tickets where neither queue nor account says so.
    public var closed = ClosedPolicy.new
    /// By queue, before what an account says.
    public var queuePolicies: [String: QueuePolicy] = [:]
    /// By account.
    public var closedPolicies: [String: ClosedPolicy] = [:]
    public var acknowledgements: [String: Acknowledgement] = [:]
    /// Texts of templates/replies by name.
    public var replyTexts: [String: ReplyText] = [:]
    public var loops = LoopGuard()
    /// Lower-cased addresses that are ours; no copy and no receipt goes there.
    public var ownAddresses: Set<String> = []
    public var replies = ReplySettings()
    /// By account, lower-cased: where people write to.
    public var addresses: [String: [String]] = [:]
    /// By account: the address whose `+…` variants reach the account, too.
    public var plusAddresses: [String: String] = [:]
    /// Whether answers carry a signed mark in their text.
    public var marksText = false
    /// By account: those whose channel takes answers.
    public var channels: [String: ChannelAnswers] = [:]

    public init(rules: RoutingRules = RoutingRules()) {
        self.rules = rules
        queues = [:]
        senders = [:]
        domains = [:]
    }

    /// - Parameters:
    ///   - senders: the first one answers for accounts that name none.
    ///   - formAccount: the account name under which the messages of a public form arrive.
    public init(
        rules: RoutingRules = RoutingRules(), accounts: [Account], forms: [PublicForm], senders: [Sender],
        formAccount: (PublicForm) -> String = { "form:\($0.name)" }
    ) {
        self.init(rules: rules)
        for form in forms { queues[formAccount(form)] = form.queue }
        for account in accounts {
            queues[account.name] = account.queue
            self.senders[account.name] = account.sender
            closedPolicies[account.name] = account.closed
            acknowledgements[account.name] = account.acknowledge
            addresses[account.name] = account.addresses.map { $0.lowercased() }
            if account.plusAddressing { plusAddresses[account.name] = account.addresses.first?.lowercased() }
        }
        for sender in senders {
            domains[sender.name] = Self.domain(of: sender.from)
            ownAddresses.formUnion([Self.address(of: sender.from), sender.bounces, sender.unsubscribe].compactMap { $0?.lowercased() })
        }
        ownAddresses.formUnion(accounts.flatMap(\.addresses).map { $0.lowercased() })
        defaultSender = senders.first?.name
    }

    func queue(of account: String) -> String { queues[account] ?? Self.defaultQueue }

    /// The domain of the sender that answers for this account.
    func domain(of account: String) -> String {
        (senders[account] ?? defaultSender).flatMap { domains[$0] } ?? "localhost"
    }

    func closedPolicy(of ticket: Ticket) -> ClosedPolicy {
        queuePolicies[ticket.queue]?.closed ?? closedPolicies[ticket.account] ?? closed
    }

    func acknowledgement(of ticket: Ticket) -> Acknowledgement? {
        queuePolicies[ticket.queue]?.acknowledge ?? acknowledgements[ticket.account]
    }

    /// Whether an address is ours, with or without `+…`.
    func isOwn(_ address: String) -> Bool {
        let address = address.lowercased()
        return ownAddresses.contains(address) || ownAddresses.contains(Self.withoutDetail(address))
    }

    var ownDomains: Set<String> { Set(ownAddresses.compactMap(MailDomain.of)) }

    /// `support+anything@example.com` → `support@example.com`
    static func withoutDetail(_ address: String) -> String {
        guard let at = address.lastIndex(of: "@"), let plus = address[..<at].firstIndex(of: "+") else { return address }
        return String(address[..<plus] + address[at...])
    }

    /// `Care <care@example.com>` → `care@example.com`
    static func address(of from: String) -> String {
        guard let start = from.lastIndex(of: "<"), let end = from.lastIndex(of: ">"), start < end else { return from.trimmed }
        return String(from[from.index(after: start)..<end])
    }

    /// `Care <care@example.com>` → `example.com`
    static func domain(of from: String) -> String {
        let domain = from.split(separator: "@").last.map { $0.prefix { $0 != ">" && $0 != " " } } ?? ""
        return from.contains("@") && !domain.isEmpty ? domain.lowercased() : "localhost"
    }
}

/// An automatic answer's words: Mustache and Markdown, with the values `ticket`, `subject` and `queue`.
public struct ReplyText: Sendable, Hashable {
    /// What the text may print.
    public static let names = ["ticket", "subject", "queue"]

    public var text: String
    /// By language: `zh`.
    public var translations: [String: String]

    public init(_ text: String, translations: [String: String] = [:]) {
        self.text = text
        self.translations = translations
    }

    /// - Returns: the text for this reader, and `en` or `zh` for the frame around it.
    func text(for language: String?) -> (text: String, locale: String) {
        let main = language.map { String($0.lowercased().prefix { $0 != "-" && $0 != "_" }) } ?? "en"
        return (translations[main] ?? text, main == "zh" && translations[main] != nil ? "zh" : "en")
    }
}

/// How answers look unless the agent says otherwise.
public struct ReplySettings: Sendable, Hashable {
    /// Whether the message that is answered is quoted below the answer.
    public var quotes = false
    /// Of all files of one answer. In a mail they grow by a third, and many servers take 25 MB.
    public var filesBytesMax = 18 << 20

    public init() {}
}
