import Domain
import Store

// What a bounce means for its ticket: an answer that did not arrive is not given.
extension Placing {
    /// An agent's answer came back for good: the ticket is open again, so that somebody sees it. A closed one stays closed, marked.
    /// - Returns: whether the ticket was opened again.
    func takeReturn(_ message: Interaction, into ticket: inout Ticket) throws -> Bool {
        guard message.nature == .bounce else { return false }
        for back in try transaction.returns.told(by: message.id) where back.kind == .bounced {
            guard let send = try transaction.sends.get(back.send), send.kind == .reply, send.ticket == ticket.id else { continue }
            let before = ticket.status
            if before == .pending || before == .solved { ticket.status = .open }
            let moved = ticket.status == before ? before.rawValue : "\(before.rawValue) → \(ticket.status.rawValue)"
            try transaction.reasons.add(
                Reason(
                    at: transaction.now, about: .ticket, subject: ticket.id.rawValue, decision: "status",
                    text: "\(moved): the answer to \(send.recipient) did not arrive (\(back.reason.rawValue): \(back.words))"))
            return ticket.status != before
        }
        return false
    }
}
