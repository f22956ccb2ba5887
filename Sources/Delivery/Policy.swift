import Domain
import Store

/// Whether a row may go out now. Asked right before it is sent, because consent may end between plan and delivery.
enum Verdict: Sendable, Hashable {
    case send
    /// For good.
    case skip(String)
    /// Until the operator changed something and releases the row.
    case hold(String)
    /// One automatic mail too many.
    case loop(LoopRefusal)

    /// - Parameters:
    ///   - senderIsKnown: whether the row's sender account exists.
    ///   - allowsUTF8: whether that sender may write to addresses outside ASCII.
    static func on(
        _ send: Send, senderIsKnown: Bool, allowsUTF8: Bool = false, loops: LoopGuard = LoopGuard(), in transaction: Transaction
    ) throws -> Verdict {
        if send.details.channel == nil, EmailAddress(send.recipient, allowsUTF8: allowsUTF8) == nil {
            guard EmailAddress(send.recipient, allowsUTF8: true) == nil else {
                return .skip("\(send.recipient) needs a server that knows SMTPUTF8; set `smtputf8: true` for the sender if its server does")
            }
            return .skip("\(send.recipient.debugDescription) is no address mail can be sent to")
        }
        // An agent's answer goes out in any case: the customer has just written from there.
        if send.kind.isAutomatic {
            if let refusal = try transaction.loops.refusal(of: send, by: loops, isLeaving: true) { return .loop(refusal) }
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
            if let channel = send.details.channel {
                return .hold("account \(channel.account) is not configured, or its channel takes no answers any more")
            }
            let name = send.sender.map { "sender \($0) is not configured" } ?? "no sender is configured"
            return .hold("\(name); add it to the configuration and release this row")
        }
        return .send
    }
}
