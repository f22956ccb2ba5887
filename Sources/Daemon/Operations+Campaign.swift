import Domain
import Formats
import Glibc
import Journeys
import Store

/// A letter to the people of a list.
public struct CampaignOrder: Sendable {
    public var name: String
    /// Folder of the letter.
    public var letter: String
    /// CSV file.
    public var people: String
    public var purpose: String
    public var topic: String?
    public var sender: String?
    /// Column of the addresses; found by its name when nil.
    public var column: String?
    /// Only counts and checks.
    public var isRehearsal: Bool

    public init(
        name: String, letter: String, people: String, purpose: String, topic: String?, sender: String?, column: String?, isRehearsal: Bool
    ) {
        self.name = name
        self.letter = letter
        self.people = people
        self.purpose = purpose
        self.topic = topic
        self.sender = sender
        self.column = column
        self.isRehearsal = isRehearsal
    }
}

extension Operations {
    /// People planned in one transaction: few enough that the daemon's own writes get their turn in between.
    static let peoplePerTransaction = 250
    static let progressEvery = 10_000
    private static let addressColumns = ["email", "e-mail", "mail", "address", "邮箱", "电子邮箱", "电子邮件", "邮件"]
    private static let nameColumns = ["name", "full name", "姓名", "名字"]
    private static let languageColumns = ["lang", "language", "locale", "语言"]

    struct CampaignCount: Sendable {
        var planned = 0
        var known = 0
        var unusable = 0
    }

    /// Plans one row of the ledger for each person. Started again, it plans who is missing; nobody gets the letter twice.
    /// - Throws: `CommandError`, `RuleError`, `CSVFileError`.
    public static func campaign(_ order: CampaignOrder, configuration: String) async throws -> String {
        guard let purpose = Send.Purpose(rawValue: order.purpose) else {
            let known = Send.Purpose.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandError("--purpose is `\(order.purpose)`; write \(known)")
        }
        let isPlain = order.name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || "-_.".utf8.contains($0)
        }
        guard isPlain, !order.name.isEmpty, order.name.utf8.count <= 64 else {
            throw CommandError(
                "--name is `\(order.name)`; use letters, digits, - _ and . (64 at most). It is what keeps a second start from sending twice"
            )
        }
        let settings = try Settings.load(configuration, needsSecrets: false)
        if let sender = order.sender, !settings.senders.contains(where: { $0.name == sender }) {
            throw CommandError(
                "there is no sender `\(sender)`; the configuration has \(settings.senders.map(\.name).joined(separator: ", "))")
        }
        guard !settings.senders.isEmpty else { throw CommandError("there is nothing to send with; add a `senders` section") }
        return try await withStore(configuration) { store in
            var file = try CSVFile(path: order.people)
            var count = CampaignCount()
            var told = 0
            var letter: Letter?
            while let rows = try file.next() {
                let checked = try letter ?? Letter.load(order.letter, columns: rows.first?.fields.map(\.name) ?? [])
                letter = checked
                for start in stride(from: 0, to: rows.count, by: peoplePerTransaction) {
                    let part = rows[start..<min(start + peoplePerTransaction, rows.count)]
                    let people = try part.compactMap { row -> Person? in try Person(row, order) }
                    count.unusable += part.count - people.count
                    let planned =
                        order.isRehearsal ? try await known(people, order, store) : try await plan(people, order, purpose, checked, store)
                    count.planned += planned
                    count.known += people.count - planned
                }
                if (count.planned + count.known) / progressEvery > told {
                    told = (count.planned + count.known) / progressEvery
                    Daemon.complain("\(count.planned + count.known) people…")
                }
            }
            let would = order.isRehearsal ? "would be planned" : "planned"
            return
                "Campaign \(order.name): \(count.planned) mails \(would), \(count.known) were there before, "
                + "\(count.unusable) rows without an address. Who unsubscribed is skipped with that reason when the mail is due."
        }
    }

    struct Person: Sendable {
        let address: String
        let name: String
        let language: String?
        let values: [String: String]

        /// Nil for a row without an address.
        init?(_ row: CSVRow, _ order: CampaignOrder) throws {
            func first(_ names: [String]) -> String? { names.lazy.compactMap { row[$0] }.first }
            guard let written = first(order.column.map { [$0] } ?? Operations.addressColumns) else {
                let columns = row.fields.map(\.name).joined(separator: ", ")
                throw CommandError("no column holds addresses (\(columns)); name one `email`, or write --column")
            }
            let address = written.trimmed.lowercased()
            guard address.contains("@"), address.utf8.count <= 320 else { return nil }
            self.address = address
            name = first(Operations.nameColumns)?.trimmed ?? ""
            language = first(Operations.languageColumns)?.trimmed.lowercased()
            var values: [String: String] = [:]
            for field in row.fields where !field.value.isEmpty { values[field.name] = field.value }
            self.values = values
        }
    }

    private static func known(_ people: [Person], _ order: CampaignOrder, _ store: Store) async throws -> Int {
        try await store.read { transaction in
            try people.count(where: { try transaction.sends.get(key: Letter.key(order.name, $0.address)) == nil })
        }
    }

    private static func plan(
        _ people: [Person], _ order: CampaignOrder, _ purpose: Send.Purpose, _ letter: Letter, _ store: Store
    ) async throws -> Int {
        try await store.write { transaction in
            try people.count(where: { person in
                let identity = Identity(kind: .email, value: person.address)
                let customer: ID<Customer>
                if let known = try transaction.customers.find([identity]) {
                    customer = known
                } else {
                    let new = Customer(
                        id: transaction.newID(), name: person.name, language: person.language, createdAt: transaction.now,
                        lastSeenAt: transaction.now, identities: [identity])
                    try transaction.customers.create(new)
                    customer = new.id
                }
                var send = letter.send(
                    campaign: order.name, to: person.address, customer: customer, purpose: purpose, language: person.language,
                    values: person.values, id: transaction.newID(), at: transaction.now)
                send.topic = order.topic
                send.sender = order.sender
                return try transaction.sends.plan(send)
            })
        }
    }
}
