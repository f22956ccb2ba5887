import Domain
import Store

/// Who wrote. Only people become customers; the caller sees to that.
struct Identification {
    static let nameScalarsMax = 120

    let transaction: Transaction

    /// The customer who has the message's strongest known identity, or a new one.
    func identify(_ message: Interaction, at: Timestamp) throws -> (Customer, isNew: Bool) {
        let identities = message.author.identities
        if let id = try transaction.customers.find(identities), let known = try transaction.customers.get(id) {
            try recognise(known, message, identities)
            return (known, false)
        }
        let customer = Customer(
            id: transaction.newID(), name: message.author.displayName.oneLine(scalarsMax: Self.nameScalarsMax), language: message.language,
            createdAt: at, lastSeenAt: min(message.occurredAt, transaction.now), identities: identities, lastMood: message.mood?.score)
        try transaction.customers.create(customer)
        let by = identities.first.map { "\(Self.words($0)) is new here" } ?? "the message says nothing that tells people apart"
        try explain(message, "a new customer, \(customer.name): \(by)")
        return (customer, true)
    }

    /// What the message says about a customer we knew before it.
    func seen(_ customer: Customer, _ message: Interaction) throws {
        try transaction.customers.seen(
            customer.id, at: min(message.occurredAt, transaction.now), mood: message.mood?.score,
            name: message.author.name?.oneLine(scalarsMax: Self.nameScalarsMax), language: message.language)
    }

    private func recognise(_ customer: Customer, _ message: Interaction, _ identities: [Identity]) throws {
        var told = identities.filter { customer.identities.contains($0) }.map(Self.words)
        for identity in identities where !customer.identities.contains(identity) {
            if try transaction.customers.link(customer.id, identity) {
                told.append("\(Self.words(identity)) is new and theirs from now on")
            } else {
                told.append("\(Self.words(identity)) belongs to somebody else and stays there")
            }
        }
        try explain(message, "\(customer.name), known by " + told.joined(separator: "; "))
    }

    private static func words(_ identity: Identity) -> String {
        switch identity.kind {
        case .email: "address \(identity.value)"
        case .phone: "phone \(identity.value)"
        case .handle: "handle \(identity.value)"
        case .shop: "customer number \(identity.value)"
        }
    }

    private func explain(_ message: Interaction, _ text: String) throws {
        try transaction.reasons.add(
            Reason(at: transaction.now, about: .interaction, subject: message.id.rawValue, decision: "identity", text: text))
    }
}
