import Domain
import Store

/// Watches the pace of one writer: a machine that does not say that it is one is told by that alone.
struct LoopWatch {
    let transaction: Transaction
    let rule: LoopGuard
    var tripped: [Breaker] = []

    /// Whether a message may open its ticket again. One that may not is kept there all the same.
    mutating func mayReopen(_ ticket: Ticket, by message: Interaction) throws -> Bool {
        let address = message.author.email?.lowercased() ?? ""
        let limit = (rule.reopens.map(\.count).max() ?? 0) + 1
        let since = transaction.now - LoopGuard.longest(rule.reopens)
        let cleared = try transaction.loops.clearedAt(address) ?? Timestamp(rawValue: .min)
        let times = try transaction.loops.reopenings(ticket.id, since: max(since, cleared), limit: limit)
        if let cap = LoopGuard.reached(rule.reopens, by: times, now: transaction.now) {
            let because = "#\(ticket.number) was opened again \(cap.words) already"
            try explain(ticket, "it stays \(ticket.status.rawValue): \(because)")
            try trip(message, because, ticket)
            return false
        }
        try transaction.loops.noteReopening(ticket.id)
        return true
    }

    /// Counts a message that has just been placed.
    mutating func arrived(_ message: Interaction, on ticket: Ticket) throws {
        guard let address = message.author.email?.lowercased(), message.kind == .mail, !message.isImported else { return }
        let longest = max(LoopGuard.longest(rule.inbound), LoopGuard.longest(rule.opened))
        // An old mail that is read today says nothing about today.
        guard message.occurredAt > transaction.now - longest else { return }
        let cleared = try transaction.loops.clearedAt(address) ?? Timestamp(rawValue: .min)
        if ticket.messageCount > (rule.inbound.map(\.count).min() ?? .max) {
            let times = try transaction.loops.inbound(
                from: address, ticket: ticket.id, since: max(transaction.now - longest, cleared), limit: LoopGuard.countMax)
            if let cap = LoopGuard.exceeded(rule.inbound, by: times, now: transaction.now) {
                try trip(message, "more than \(cap.words) messages came from it on #\(ticket.number)", ticket)
                return
            }
        }
        guard ticket.messageCount == 1, !rule.opened.isEmpty else { return }
        let opened = try transaction.tickets.opened(
            by: ticket.customer, since: max(transaction.now - longest, cleared), limit: LoopGuard.countMax)
        guard let cap = LoopGuard.exceeded(rule.opened, by: opened, now: transaction.now) else { return }
        try trip(message, "it has opened more than \(cap.words) tickets", ticket)
    }

    private mutating func trip(_ message: Interaction, _ because: String, _ ticket: Ticket) throws {
        guard let address = message.author.email,
            let breaker = try transaction.loops.trip(
                address, reason: because, for: rule.breaks, customer: message.customer, ticket: ticket.id)
        else { return }
        tripped.append(breaker)
        try explain(ticket, breaker.refusal)
    }

    private func explain(_ ticket: Ticket, _ text: String) throws {
        try transaction.reasons.add(
            Reason(at: transaction.now, about: .ticket, subject: ticket.id.rawValue, decision: "loop", text: text))
    }
}
