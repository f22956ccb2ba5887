public import Domain
import Store

extension Desk {
    public static let copiesMax = 50
    public static let filesMax = 20

    /// Who else got a message and would get the answer to it: neither its writer nor we.
    public func others(on message: Interaction, besides recipient: String) -> [String] {
        // The server writes the mailbox that it delivered to there; that is one of ours, whatever it is called.
        let delivered = message.fields.filter { Self.deliveryFields.contains($0.name.lowercased()) }.map { $0.value.lowercased() }
        let own = settings.ownAddresses
        var seen: Set<String> = [recipient.lowercased(), message.author.email?.lowercased() ?? ""]
        var others: [String] = []
        for address in message.recipients.map({ $0.lowercased() }) where others.count < Self.copiesMax {
            guard address.contains("@"), !own.contains(Self.withoutTag(address)), !own.contains(address) else { continue }
            guard !delivered.contains(where: { $0 == address || $0.contains("<\(address)>") }) else { continue }
            if seen.insert(address).inserted { others.append(address) }
        }
        return others
    }

    /// The same, besides whom an answer to this customer goes to.
    public func others(on message: Interaction, customer: Customer?) -> [String] {
        Self.recipient(customer: customer, last: message).map { others(on: message, besides: $0) } ?? []
    }

    /// A row of the ledger for each of them: the same mail, with the same Message-ID and the same header, and a fate of its own.
    func planCopies(of send: Send, _ transaction: Transaction) throws {
        for address in send.details.cc {
            var copy = send
            copy.id = transaction.newID()
            copy.key = "\(send.key)/\(address)"
            copy.recipient = address
            copy.interaction = nil
            copy.details.to = [send.recipient]
            try transaction.sends.plan(copy)
        }
    }

    /// `care+x@example.com` is `care@example.com`.
    private static func withoutTag(_ address: String) -> String {
        guard let at = address.lastIndex(of: "@"), let plus = address[..<at].firstIndex(of: "+") else { return address }
        return String(address[..<plus] + address[at...])
    }

    private static let deliveryFields: Set<String> = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"]
}
