public import Domain

/// Why an automatic mail is not sent.
public struct LoopRefusal: Sendable, Hashable {
    /// Lower-cased.
    public var address: String
    /// What is stored with the row: `breaker: robot@example.com …`.
    public var reason: String
    /// Why the breaker of this address trips now; nil when it is open already, or when it is not this address's fault.
    public var tripsBecause: String?
    /// Whether the row may go later, when the operator says so.
    public var mayGoLater: Bool
}

extension Loops {
    /// Whether one more automatic mail may go to its recipient; nil when it may. Asked when it is planned and again right before it leaves.
    /// - Parameter isLeaving: at delivery what still waits does not count: a row's neighbours in the queue say nothing yet.
    public func refusal(of send: Send, by rule: LoopGuard, isLeaving: Bool) throws -> LoopRefusal? {
        guard send.kind.isAutomatic, !send.recipient.isEmpty else { return nil }
        let address = send.recipient.lowercased()
        if let breaker = try breaker(address) {
            return LoopRefusal(address: address, reason: breaker.refusal, tripsBecause: nil, mayGoLater: false)
        }
        let others = try automaticMail(to: address, leaving: isLeaving ? send.id : nil).filter { $0.id != send.id }
        let aboutTicket = send.ticket == nil ? [] : others.filter { $0.ticket == send.ticket }
        if let because = try tooMany(others, rule.recipient, address, "went to it")
            ?? tooMany(aboutTicket, rule.ticket, address, "went to it about one ticket")
        {
            let reason = "breaker: \(address) gets no automatic mail: \(because)"
            return LoopRefusal(address: address, reason: reason, tripsBecause: because, mayGoLater: false)
        }
        guard send.kind == .acknowledgement || (rule.countsJourneys && send.purpose != .marketing) else { return nil }
        let name = send.sender.map { "sender \($0)" } ?? "the default sender"
        for (scope, caps, who) in [(Scope.sender(send.sender), rule.sender, name), (.house, rule.all, "the whole house")] {
            guard let cap = try reached(scope, caps, rule, isLeaving: isLeaving, send.id) else { continue }
            let isJourney = send.kind == .journey
            let advice = isJourney ? "; look at what caused them, then release this row" : ""
            return LoopRefusal(
                address: address, reason: "cap: \(who) has sent \(cap.words) automatic mails, which is the most it may\(advice)",
                tripsBecause: nil, mayGoLater: isJourney)
        }
        return nil
    }

    /// Opens the breaker a refusal speaks of.
    /// - Returns: nil when it was open already.
    @discardableResult
    public func apply(_ refusal: LoopRefusal, _ send: Send, by rule: LoopGuard) throws -> Breaker? {
        guard let because = refusal.tripsBecause else { return nil }
        return try trip(refusal.address, reason: because, for: rule.breaks, customer: send.customer, ticket: send.ticket)
    }

    private func tooMany(_ mails: [Mail], _ caps: [LoopGuard.Cap], _ address: String, _ what: String) throws -> String? {
        guard LoopGuard.reached(caps, by: mails.map(\.at), now: transaction.now) != nil else { return nil }
        // What the operator has looked at and cleared begins anew.
        let since = try clearedAt(address) ?? Timestamp(rawValue: .min)
        let times = mails.map(\.at).filter { $0 > since }
        return LoopGuard.reached(caps, by: times, now: transaction.now).map { "\($0.words) automatic mails \(what) already" }
    }

    private func reached(
        _ scope: Scope, _ caps: [LoopGuard.Cap], _ rule: LoopGuard, isLeaving: Bool, _ id: ID<Send>
    ) throws -> LoopGuard.Cap? {
        guard let most = caps.map(\.count).max() else { return nil }
        let since = transaction.now - LoopGuard.longest(caps)
        let mails = try automaticMail(
            of: scope, withJourneys: rule.countsJourneys, leaving: isLeaving ? id : nil, since: since, limit: most + 1)
        return LoopGuard.reached(caps, by: mails.filter { $0.id != id }.map(\.at), now: transaction.now)
    }
}
