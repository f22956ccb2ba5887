public import Domain

/// From claim to outcome. Who holds the lease may change a row; only the truth from the other side may change it later.
extension Sends {
    /// Expired leases settled in one claim.
    static let settledMax = 200

    /// Takes due rows to deliver and counts the attempt. First it settles expired leases: `claimed` is planned again; `handed_over` becomes
    /// `uncertain` or, where the purpose allows it, is planned again with the same Message-ID.
    public func claim(owner: String, lease: Duration, limit: Int) throws -> [Send] {
        try settleExpired()
        let sql = """
            SELECT id FROM \(transaction.dialect.table("sends", by: "sends_waiting"))
            WHERE state IN ('planned', 'deferred') AND due_at <= $1 ORDER BY due_at, id
            LIMIT $2 \(transaction.dialect.skipLocked)
            """
        let picked = try transaction.query(sql, transaction.now, limit).map { row in
            var row = row
            return try row.integer()
        }
        return picked.isEmpty ? [] : try take(picked, owner: owner, lease: lease)
    }

    /// Gives back a claimed row on which no work was begun: it is planned and due as before, and the attempt is not counted.
    /// - Returns: false when the row is not that claim's any more.
    @discardableResult
    public func unclaim(_ id: ID<Send>, owner: String) throws -> Bool {
        let isGivenBack =
            try transaction.execute(
                """
                UPDATE sends SET state = 'planned', attempts = attempts - 1, lease_owner = NULL, lease_until = 0,
                    first_tried_at = CASE WHEN attempts > 1 THEN first_tried_at END
                WHERE id = $1 AND state = 'claimed' AND lease_owner = $2
                """, id, owner) > 0
        if isGivenBack { try announce(id, .planned) }
        return isGivenBack
    }

    /// Says that the final dot may leave us now.
    /// - Returns: false when the lease was lost; do not send then.
    public func handOver(_ id: ID<Send>, messageID: String, owner: String) throws -> Bool {
        let sql = """
            UPDATE sends SET state = 'handed_over', message_id = $2
            WHERE id = $1 AND state = 'claimed' AND lease_owner = $3 AND lease_until > $4 RETURNING \(Self.announced)
            """
        guard var row = try transaction.first(sql, id, messageID, owner, transaction.now) else { return false }
        try announce(id, .handedOver, &row)
        return true
    }

    /// Stores what became of an attempt. A word of acceptance or refusal also counts when it comes late, after the lease ended; a message
    /// that is accepted then is not sent again.
    /// - Returns: false when the row was settled otherwise meanwhile.
    @discardableResult
    public func record(_ id: ID<Send>, _ outcome: DeliveryOutcome, retry: RetrySchedule) throws -> Bool {
        switch outcome {
        case .accepted(let words):
            return try finish(id, .accepted, words, from: [.planned, .claimed, .handedOver, .deferred, .uncertain, .held])
        case .rejected(let words):
            return try finish(id, .rejected, words, from: [.claimed, .handedOver, .uncertain])
        case .deferred(let wait, let words):
            guard let attempt = try attempt(id) else { return false }
            guard !attempt.isOver(retry, at: transaction.now) else {
                return try finish(
                    id, .rejected, "gave up after \(attempt.number) attempts; the last answer was: \(words)", from: [.claimed, .handedOver])
            }
            return try postpone(id, .deferred, wait: max(wait, retry.wait(afterAttempt: attempt.number)), words)
        case .uncertain(let words):
            guard let attempt = try attempt(id) else { return false }
            guard attempt.repetition.resends, !attempt.isOver(retry, at: transaction.now) else {
                try explain(id, "uncertain", "It may have arrived and is not sent again: \(words)")
                return try finish(id, .uncertain, words, from: [.claimed, .handedOver])
            }
            try explain(id, "send", "It may have arrived and is sent again \(attempt.repetition.same): \(words)")
            return try postpone(id, .planned, wait: retry.wait(afterAttempt: attempt.number), words)
        }
    }

    /// For good, with its reason. Nothing may have left us yet.
    /// - Returns: false when it is too late.
    @discardableResult
    public func skip(_ id: ID<Send>, reason: String) throws -> Bool {
        guard try finish(id, .skipped, reason, from: [.planned, .claimed, .deferred, .held]) else { return false }
        try explain(id, "skip", reason)
        return true
    }

    /// Until somebody releases it.
    /// - Returns: false when it is too late.
    @discardableResult
    public func hold(_ id: ID<Send>, reason: String) throws -> Bool {
        let isHeld =
            try transaction.execute(
                """
                UPDATE sends SET state = 'held', response = $2, lease_owner = NULL, lease_until = 0
                WHERE id = $1 AND state IN ('planned', 'claimed', 'deferred')
                """, id, reason) > 0
        guard isHeld else { return false }
        try explain(id, "hold", reason)
        try announce(id, .held)
        return true
    }

    /// A held row is planned again.
    /// - Returns: false when it is not held.
    @discardableResult
    public func release(_ id: ID<Send>) throws -> Bool {
        let isReleased =
            try transaction.execute(
                "UPDATE sends SET state = 'planned', response = NULL, interruptions = 0 WHERE id = $1 AND state = 'held'", id) > 0
        if isReleased { try announce(id, .planned) }
        return isReleased
    }

    private struct Attempt {
        let number: Int
        let firstAt: Timestamp
        let repetition: Repetition

        func isOver(_ retry: RetrySchedule, at now: Timestamp) -> Bool { now - firstAt >= retry.giveUpAfter }
    }

    /// Nil when nobody is delivering it.
    private func attempt(_ id: ID<Send>) throws -> Attempt? {
        let sql = """
            SELECT attempts, COALESCE(first_tried_at, $2), purpose, details FROM sends
            WHERE id = $1 AND state IN ('claimed', 'handed_over')
            """
        guard var row = try transaction.first(sql, id, transaction.now) else { return nil }
        let (number, firstAt) = (Int(try row.integer()), try row.time())
        return Attempt(number: number, firstAt: firstAt, repetition: try Repetition(&row))
    }

    /// Whether a message of unknown fate is sent again, and what it is.
    private struct Repetition {
        let resends: Bool
        /// `as marketing mail`
        let kind: String
        /// `with the same Message-ID, as service mail`
        let same: String

        /// Reads `purpose, details`.
        init(_ row: inout Row) throws {
            let purpose: Send.Purpose = try row.name()
            let details = try JSONText.decode(Send.Details.self, try row.text(), empty: Send.Details())
            if let channel = details.channel {
                resends = channel.mayRepeat
                kind = "since \(channel.account) does not know repeated answers"
                same = "with the same id"
            } else {
                resends = purpose.resendsUncertain
                kind = "as \(purpose.rawValue) mail"
                same = "with the same Message-ID, \(kind)"
            }
        }
    }

    private func finish(_ id: ID<Send>, _ state: Send.State, _ words: String, from states: [Send.State]) throws -> Bool {
        let names = states.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        let sql = """
            UPDATE sends SET state = $2, response = $3, finished_at = $4, lease_owner = NULL, lease_until = 0
            WHERE id = $1 AND state IN (\(names)) RETURNING \(Self.announced)
            """
        guard var row = try transaction.first(sql, id, state, words, transaction.now) else { return false }
        try announce(id, state, &row)
        return true
    }

    private func postpone(_ id: ID<Send>, _ state: Send.State, wait: Duration, _ words: String) throws -> Bool {
        let isPostponed =
            try transaction.execute(
                """
                UPDATE sends SET state = $2, response = $3, due_at = $4, lease_owner = NULL, lease_until = 0
                WHERE id = $1 AND state IN ('claimed', 'handed_over')
                """, id, state, words, transaction.now + wait) > 0
        if isPostponed { try announce(id, state) }
        return isPostponed
    }

    func settleExpired() throws {
        let sql = """
            SELECT id, state, interruptions, purpose, details FROM \(transaction.dialect.table("sends", by: "sends_leased"))
            WHERE state IN ('claimed', 'handed_over') AND lease_until <= $1
            ORDER BY lease_until, id LIMIT $2 \(transaction.dialect.skipLocked)
            """
        for var row in try transaction.query(sql, transaction.now, Self.settledMax) {
            let id: ID<Send> = try row.id()
            let state: Send.State = try row.name()
            let interruptions = try row.integer() + 1
            let repetition = try Repetition(&row)
            if state == .handedOver, !repetition.resends {
                let words = "the delivery was cut off after the message may have left; the other side's answer is not known"
                try explain(id, "uncertain", "It may have arrived and is not sent again, \(repetition.kind): \(words).")
                _ = try finish(id, .uncertain, words, from: [.handedOver])
            } else if interruptions >= Self.interruptionsMax {
                let words = "its delivery was cut off \(interruptions) times; look at the log, then release it"
                try replan(id, .held, interruptions, words)
                try explain(id, "hold", "Held: \(words).")
            } else {
                let words = state == .claimed ? "cut off before the message left" : "cut off after the message may have left"
                try replan(id, .planned, interruptions, words)
                let how = state == .claimed ? "It is sent again" : "It is sent again \(repetition.same)"
                try explain(id, "send", "\(how): the delivery was \(words).")
            }
        }
    }

    private func replan(_ id: ID<Send>, _ state: Send.State, _ interruptions: Int64, _ words: String) throws {
        try transaction.execute(
            "UPDATE sends SET state = $2, interruptions = $3, response = $4, lease_owner = NULL, lease_until = 0 WHERE id = $1",
            id, state, interruptions, words)
        try announce(id, state)
    }
}
