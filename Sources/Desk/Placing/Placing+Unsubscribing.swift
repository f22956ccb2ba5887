import Domain
import Store

extension Placing {
    /// A mail that a mail program wrote because somebody pressed “unsubscribe” (RFC 2369 §3.2). The signed token in its subject is all it
    /// takes, as with the link; it opens no ticket and makes no customer.
    /// - Returns: false when it is a mail like others.
    func unsubscribes(_ message: inout Interaction) throws -> Bool {
        guard message.kind == .mail, message.direction == .inbound, [.human, .autoReply, .list].contains(message.nature),
            let token = UnsubscribeMail.token(in: message.subject),
            let parts = signer.verifyToken(UnsubscribeMail.tokenKind, token), parts.count >= 2, let customer = ID<Customer>(parts[0])
        else { return false }
        let topic = parts[1].isEmpty ? nil : parts[1]
        message.customer = try transaction.customers.get(customer) == nil ? nil : customer
        message.nature = .autoReply
        message.mood = nil
        try transaction.interactions.place(message)
        let about = topic.map { "from \($0)" } ?? "from everything"
        if message.customer != nil {
            try transaction.subscriptions.unsubscribe(customer, topic: topic, source: "mail")
            try transaction.reasons.add(
                Reason(
                    at: transaction.now, about: .customer, subject: customer.rawValue, decision: "unsubscribe",
                    text: "a mail with our signed token unsubscribed \(about)"))
        }
        let text = "no ticket: it only unsubscribes \(about), by the signed token in its subject"
        try transaction.reasons.add(
            Reason(at: transaction.now, about: .interaction, subject: message.id.rawValue, decision: "unsubscribe", text: text))
        return true
    }
}
