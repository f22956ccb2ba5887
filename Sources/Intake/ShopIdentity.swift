import Domain
import Store

/// Whose an order or a shop's record is. The shop's own number tells best, then the mail address, then the phone; two people are never
/// made one on less: a phone is shared in families, and a shop's till writes many people's addresses under one number.
struct ShopIdentity {
    let transaction: Transaction

    /// What an order or a record says about a person.
    struct Hints {
        var account: String
        var number: String?
        var emails: [String] = []
        var phones: [String] = []
        var name: String?
        var language: String?
        /// When the shop first knew them.
        var since: Timestamp
        var seenAt: Timestamp
        /// A record says of a person what is theirs; an order may bear somebody else's address.
        var isRecord: Bool

        var shop: Identity? { number.map { Identity(kind: .shop, value: "\(account)/\($0)") } }
        var mails: [Identity] { emails.map { Identity(kind: .email, value: $0) } }
        var calls: [Identity] { phones.map { Identity(kind: .phone, value: $0) } }
        var all: [Identity] { (shop.map { [$0] } ?? []) + mails + calls }
    }

    struct Found {
        var customer: ID<Customer>
        var isNew: Bool
        /// One sentence.
        var reason: String
        /// What was learnt about somebody known; empty when nothing was.
        var learnt: [String] = []
    }

    /// - Returns: nil when nothing tells who it was.
    func find(_ hints: Hints) throws -> Found? {
        guard !hints.all.isEmpty else { return nil }
        if let shop = hints.shop, let id = try transaction.customers.find([shop]) {
            return try recognise(id, hints, by: shop, mayGive: hints.mails + hints.calls, isSure: hints.isRecord)
        }
        for mail in hints.mails {
            guard let id = try transaction.customers.find([mail]) else { continue }
            return try recognise(id, hints, by: mail, mayGive: hints.all, isSure: hints.isRecord)
        }
        for call in hints.calls {
            guard let id = try transaction.customers.find([call]), let known = try transaction.customers.get(id) else { continue }
            if let other = known.email, !hints.emails.isEmpty {
                let note = "; \(Self.words(call)) belongs to \(known.name), who writes from \(other): too little to make them one"
                return try create(hints, note: note)
            }
            if hints.shop != nil, let other = known.identities.first(where: { Self.isOf(hints.account, $0) }) {
                return try create(hints, note: "; \(Self.words(call)) belongs to \(known.name), whom the shop knows as \(other.value)")
            }
            return try recognise(id, hints, by: call, mayGive: hints.all, isSure: hints.isRecord)
        }
        return try create(hints, note: "")
    }

    private static func isOf(_ account: String, _ identity: Identity) -> Bool {
        identity.kind == .shop && identity.value.hasPrefix(account + "/")
    }

    private func create(_ hints: Hints, note: String) throws -> Found {
        var free: [Identity] = []
        for identity in hints.all where try transaction.customers.find([identity]) == nil { free.append(identity) }
        let name = hints.name.flatMap { $0.isEmpty ? nil : $0 } ?? hints.emails.first ?? hints.phones.first ?? hints.number ?? "?"
        let customer = Customer(
            id: transaction.newID(), name: name, language: hints.language, createdAt: min(hints.since, transaction.now),
            lastSeenAt: min(hints.seenAt, transaction.now), identities: free)
        try transaction.customers.create(customer)
        // Somebody else's transaction may have made them in this moment.
        if let first = free.first, let owner = try transaction.customers.find([first]), owner != customer.id {
            try transaction.customers.forget(customer.id)
            return try recognise(owner, hints, by: first, mayGive: [], isSure: false)
        }
        let by = free.first.map { "\(Self.words($0)) is new here" } ?? "nothing of what it says is free"
        return Found(customer: customer.id, isNew: true, reason: "a new customer, \(name): \(by)\(note)")
    }

    /// - Parameter isSure: whether what is said belongs to this person; otherwise only gaps are filled.
    private func recognise(
        _ id: ID<Customer>, _ hints: Hints, by: Identity, mayGive: [Identity], isSure: Bool
    ) throws -> Found {
        guard let known = try transaction.customers.get(id) else { throw ItemError(description: "there is no customer \(id) any more") }
        var told = ["known by \(Self.words(by))"]
        var learnt: [String] = []
        for identity in mayGive where identity != by && !known.identities.contains(identity) {
            let hasOther = known.identities.contains { $0.kind == identity.kind }
            if identity.kind != .shop, hasOther, !isSure {
                told.append("\(Self.words(identity)) is not known as theirs and stays with the order")
            } else if try transaction.customers.link(id, identity) {
                told.append("\(Self.words(identity)) is new and theirs from now on")
                learnt.append(Self.words(identity))
            } else {
                told.append("\(Self.words(identity)) belongs to somebody else and stays there")
            }
        }
        let isNamed = !known.name.isEmpty && known.name != known.email && !known.identities.contains { $0.value == known.name }
        if !isNamed, let name = hints.name, !name.isEmpty, name != known.name {
            try transaction.customers.rename(id, to: name)
            learnt.append("name \(name)")
        }
        if isSure { try transaction.customers.known(id, since: hints.since) }
        if known.language == nil, let language = hints.language { learnt.append("language \(language)") }
        try transaction.customers.seen(id, at: min(hints.seenAt, transaction.now), mood: nil, name: nil, language: hints.language)
        return Found(customer: id, isNew: false, reason: "\(known.name), " + told.joined(separator: "; "), learnt: learnt)
    }

    static func words(_ identity: Identity) -> String {
        switch identity.kind {
        case .email: "address \(identity.value)"
        case .phone: "phone \(identity.value)"
        case .handle: "handle \(identity.value)"
        case .shop: "customer number \(identity.value)"
        }
    }
}
