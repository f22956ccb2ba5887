import Domain
import Foundation
import Logging
import Rules
import Store
import Synchronization

@testable import Desk

/// A desk with a store in a folder of its own, and a clock that moves only when told.
final class Office: Sendable {
    let store: Store
    let desk: Desk
    let time: StandingClock
    let agent: Agent
    private let url: String
    private let folder: String

    static let start = Timestamp(seconds: 1_795_000_000)

    /// - Parameter everywhere: whether the test runs on PostgreSQL, too, when `HONGYAN_TEST_POSTGRES` holds its URL.
    static func with(
        rules: String = "", everywhere: Bool = false, settings: (inout DeskSettings) -> Void = { _ in },
        _ body: (Office) async throws -> Void
    ) async throws {
        let name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }
        let folder = NSTemporaryDirectory() + "hongyan-desk-\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = ProcessInfo.processInfo.environment["HONGYAN_TEST_POSTGRES"].map { ["\($0)?schema=\(name)"] } ?? []
        for url in ["sqlite://\(folder)/hongyan.sqlite3"] + (everywhere ? server : []) {
            let office = try await Office(url: url, folder: folder, rules: rules)
            var changed = office.desk.settings
            settings(&changed)
            office.desk.reload(changed)
            do {
                try await body(office)
                await office.store.close()
            } catch {
                await office.store.close()
                throw error
            }
        }
    }

    private init(url: String, folder: String, rules: String) async throws {
        self.url = url
        self.folder = folder
        time = StandingClock(Self.start)
        store = try await Store.open(url, blobs: folder + "/blobs", node: 1, time: time, logger: Self.quiet)
        try await store.migrate()
        var support = Account(name: "support", kind: .imap, url: "imaps://mail.example")
        support.addresses = ["help@shop.example"]
        var settings = DeskSettings(
            rules: try RoutingRules.parse(rules, file: "routing.yaml"),
            accounts: [support, Account(name: "news", kind: .imap, url: "imaps://x")],
            forms: [PublicForm(name: "contact", title: "Contact", queue: "Web")],
            senders: [Sender(name: "care", kind: .folder, url: "/out", from: "Care <care@shop.example>")])
        settings.queues["support"] = "Support"
        desk = Desk(store: store, settings: settings)
        agent = try await store.write { transaction in
            let id = try transaction.agents.create(login: "ada", name: "Ada", passwordHash: "x", locale: "en")
            return Agent(id: id, login: "ada", name: "Ada", locale: "en")
        }
    }

    /// Another node's desk on the same database.
    func neighbour() async throws -> Desk {
        let other = try await Store.open(url, blobs: folder + "/blobs", node: 2, time: time, logger: Self.quiet)
        try await other.migrate()
        return Desk(store: other, settings: desk.settings)
    }

    /// Scores “angry” and “happy” and nothing else, so that a test can tell who was scored.
    func service(_ other: Desk? = nil, owner: String = "desk-1") -> DeskService {
        DeskService(desk: other ?? desk, owner: owner, logger: Self.quiet) { _, body in
            let score = body.contains("angry") ? -0.8 : body.contains("happy") ? 0.7 : 0
            let label: Mood.Label = score < 0 ? .negative : score > 0 ? .positive : .neutral
            let words = score == 0 ? [] : [Mood.Word(text: score < 0 ? "angry" : "happy", weight: score)]
            return ("en", Mood(score: score, label: label, confidence: 0.9, words: words, model: "en-1"))
        }
    }

    func deliver(_ mails: [Mail], ids: [String: String] = [:]) async throws {
        let now = time.now()
        try await store.write { transaction in
            for mail in mails { try transaction.interactions.add(mail.interaction(transaction.newID(), now: now, ids: ids), spool: nil) }
        }
    }

    func placeAll(_ service: DeskService? = nil) async throws {
        let service = service ?? self.service()
        while try await service.placeNext() > 0 {}
    }

    func claim(_ store: Store) async throws -> [ScoredMessage] {
        try await store.write { try $0.interactions.claimNew(owner: "x", lease: .seconds(60), limit: 1).map { ScoredMessage(message: $0) } }
    }

    /// The stored message of a mail.
    func stored(_ key: String) async throws -> Interaction? {
        try await store.read { transaction in
            for ticket in try transaction.tickets.list(.all, limit: 100) {
                if let found = try transaction.interactions.ofTicket(ticket.id, limit: 500).first(where: { $0.externalID == key }) {
                    return found
                }
            }
            return try transaction.interactions.unfiled(limit: 500).first { $0.externalID == key }
        }
    }

    func ticketNumber(of key: String) async throws -> Int64? {
        guard let ticket = try await stored(key)?.ticket else { return nil }
        return try await store.read { try $0.tickets.get(ticket)?.number }
    }

    func ticket(_ number: Int64) async throws -> Ticket? { try await store.read { try $0.tickets.get(number: number) } }

    func reasons(_ about: Reason.About, _ id: Int64) async throws -> [String] {
        try await store.read { try $0.reasons.about(about, id).map { "\($0.decision): \($0.text)" } }
    }

    /// All events there are. PostgreSQL shows them only when no older transaction runs, be it another test's: a last event tells.
    func events() async throws -> [Event.Kind] {
        let mark = ["mark": "\(UInt64.random(in: 0...UInt64.max))"]
        try await store.write { try $0.events.append(Event(at: $0.now, kind: .accountChanged, data: mark)) }
        var events = try await store.read { try $0.events.read(after: 0, limit: 1000) }
        while events.last?.data != mark {
            try await Task.sleep(for: .milliseconds(10))
            events = try await store.read { try $0.events.read(after: 0, limit: 1000) }
        }
        return events.map(\.kind).filter { $0 != .accountChanged }
    }

    func reply(_ number: Int64, draft: String, text: String = "Here is our answer.", solve: Bool = false) async throws -> ReplyResult {
        let (desk, agent) = (desk, agent)
        return try await store.write { transaction in
            guard let ticket = try transaction.tickets.get(number: number) else { return .unknownTicket }
            return try desk.reply(transaction, ticket: ticket.id, agent: agent, draft: draft, text: text, solve: solve)
        }
    }

    func setStatus(_ number: Int64, _ status: Ticket.Status) async throws -> ChangeResult {
        let (desk, agent) = (desk, agent)
        return try await store.write { transaction in
            guard let ticket = try transaction.tickets.get(number: number) else { return .unknownTicket }
            return try desk.setStatus(transaction, ticket: ticket.id, agent: agent, to: status)
        }
    }

    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }
}

final class StandingClock: TimeSource {
    private let current: Mutex<Timestamp>
    init(_ start: Timestamp) { current = Mutex(start) }
    func now() -> Timestamp { current.withLock { $0 } }
    func advance(_ duration: Duration) { current.withLock { $0 = $0 + duration } }
}

/// A message as a test writes it. Its `key` is its external id; its Message-ID is `key@mail` unless said otherwise.
struct Mail: Sendable {
    var key: String
    var from = "ann@example.com"
    var name: String? = "Ann Lee"
    var phone: String?
    var subject = "Lamp"
    var body = "The lamp is broken."
    /// Keys of mails, `own:draft` for the id of an answer of ours, or whole ids.
    var inReplyTo: [String] = []
    var references: [String] = []
    var nature = Interaction.Nature.human
    var account = "support"
    var kind = Interaction.Kind.mail
    /// Before now.
    var age: Duration = .zero
    var to = ["help@shop.example"]
    /// Header fields that are kept; `own:draft` in one stands for the signed name of an answer of ours, as in the body.
    var fields: [String: String] = [:]
    var messageID: String?

    func interaction(_ id: ID<Interaction>, now: Timestamp, ids: [String: String]) -> Interaction {
        func whole(_ key: String) -> String { ids[key] ?? (key.contains("@") ? key : "\(key)@mail") }
        var message = Interaction(
            id: id, account: account, externalID: key, kind: kind, nature: nature, occurredAt: now - age, receivedAt: now,
            author: Interaction.Author(name: name, email: from.isEmpty ? nil : from, phone: phone), recipients: to, subject: subject,
            body: body)
        func marked(_ text: String) -> String {
            ids.reduce(text) { $0.replacing($1.key, with: $1.value.prefix { $0 != "@" }) }
        }
        if kind == .mail { message.messageID = messageID ?? "\(key)@mail" }
        message.body = marked(body)
        message.fields = fields.map { Interaction.Field(name: $0.key, value: marked($0.value)) }
        message.inReplyTo = inReplyTo.map(whole)
        message.references = references.map(whole)
        return message
    }
}

extension ReplyResult {
    /// The answer, if it was planned.
    var reply: Reply? { if case .planned(let reply) = self { reply } else { nil } }
}
