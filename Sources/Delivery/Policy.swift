import Domain
import Store

/// Whether a row may go out now. Asked right before it is sent, because consent may end between plan and delivery.
enum Verdict: Sendable, Hashable {
    case send
    /// For good.
    case skip(String)
    /// Until the operator changed something and releases the row.
    case hold(String)

    /// - Parameter senderIsKnown: whether the row's sender account exists.
    static func on(_ send: Send, senderIsKnown: Bool, in transaction: Transaction) throws -> Verdict {
        guard EmailAddress(send.recipient) != nil else {
            return .skip("\(send.recipient.debugDescription) is no address mail can be sent to")
        }
        // An agent's answer goes out in any case: the customer has just written from there.
        if send.kind == .journey {
            if let why = try transaction.subscriptions.suppression(address: send.recipient, purpose: send.purpose) {
                return .skip("\(send.recipient) is suppressed: \(why)")
            }
            if send.purpose == .marketing, let customer = send.customer,
                try !transaction.subscriptions.isSubscribed(customer, topic: send.topic ?? "")
            {
                return .skip(send.topic.map { "the customer unsubscribed from \($0)" } ?? "the customer unsubscribed")
            }
        }
        guard senderIsKnown else {
            let name = send.sender.map { "sender \($0) is not configured" } ?? "no sender is configured"
            return .hold("\(name); add it to the configuration and release this row")
        }
        return .send
    }
}
