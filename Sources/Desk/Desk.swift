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
    public var replies = ReplySettings()
    /// Lower-cased; no answer of ours goes to one of them as a copy.
    public var ownAddresses: Set<String> = []

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

/// How answers look unless the agent says otherwise.
public struct ReplySettings: Sendable, Hashable {
    /// Whether the message that is answered is quoted below the answer.
    public var quotes = false
    /// Of all files of one answer. In a mail they grow by a third, and many servers take 25 MB.
    public var filesBytesMax = 18 << 20

    public init() {}
}
