public import Domain

/// Rows of one sender that wait for one domain, of one urgency.
public struct SendQueue: Sendable, Hashable {
    /// `0 example.com`: people's answers; `1 …` transactional, `2 …` service, `3 …` marketing mail.
    public let name: String
    /// When its first row is due.
    public let dueAt: Timestamp

    public var domain: Substring { name.dropFirst(2) }

    static func name(of send: Send) -> String {
        let urgency =
            switch (send.kind, send.purpose) {
            case (.reply, _): "0 "
            case (_, .transactional): "1 "
            case (_, .service): "2 "
            case (_, .marketing): "3 "
            }
        let recipient = send.recipient.lowercased()
        return urgency + (recipient.lastIndex(of: "@").map { String(recipient[recipient.index(after: $0)...]) } ?? "")
    }
}

/// Where a claim takes rows from.
public struct SendShare: Sendable, Hashable {
    public var lane: String
    public var queue: String
    public var limit: Int

    public init(lane: String, queue: String, limit: Int) {
        self.lane = lane
        self.queue = queue
        self.limit = limit
    }
}

extension Sends {
    /// Senders' names with rows that wait; an empty one stands for rows that name none.
    public static let lanesMax = 1000

    private static let isWaiting = "state IN ('planned', 'deferred')"

    /// Steps from lane to lane by the index; nothing in between is read.
    public func lanes() throws -> [String] {
        let sends = transaction.dialect.table("sends", by: "sends_queue")
        let sql = """
            WITH RECURSIVE walk(lane) AS (
                SELECT (SELECT min(lane) FROM \(sends) WHERE \(Self.isWaiting))
                UNION ALL
                SELECT (SELECT min(lane) FROM \(sends) WHERE \(Self.isWaiting) AND lane > walk.lane) FROM walk WHERE walk.lane IS NOT NULL)
            SELECT lane FROM walk WHERE lane IS NOT NULL LIMIT \(Self.lanesMax)
            """
        return try transaction.query(sql).map { row in
            var row = row
            return try row.text()
        }
    }

    /// When the next lease ends.
    public func nextLeaseEnd() throws -> Timestamp? {
        let sends = transaction.dialect.table("sends", by: "sends_leased")
        var row = try transaction.first("SELECT min(lease_until) FROM \(sends) WHERE state IN ('claimed', 'handed_over')")
        return try row?.optionalTime()
    }

    /// The queues of a sender behind `after`, in the order of their names. Costs one step in the index for each, however long it is.
    public func queues(lane: String, after: String, limit: Int) throws -> [SendQueue] {
        let sends = transaction.dialect.table("sends", by: "sends_queue")
        let sql = """
            WITH RECURSIVE walk(queue) AS (
                SELECT (SELECT min(queue) FROM \(sends) WHERE lane = $1 AND \(Self.isWaiting) AND queue > $2)
                UNION ALL
                SELECT (SELECT min(queue) FROM \(sends) WHERE lane = $1 AND \(Self.isWaiting) AND queue > walk.queue)
                FROM walk WHERE walk.queue IS NOT NULL)
            SELECT queue, (SELECT min(due_at) FROM \(sends) WHERE lane = $1 AND \(Self.isWaiting) AND sends.queue = walk.queue)
            FROM walk WHERE queue IS NOT NULL LIMIT $3
            """
        return try transaction.query(sql, lane, after, limit).compactMap { row in
            var row = row
            let name = try row.text()
            return try row.optionalTime().map { SendQueue(name: name, dueAt: $0) }
        }
    }

    /// Takes due rows of these queues to deliver, the oldest of each first, and counts the attempt. First it settles expired leases.
    public func claim(owner: String, lease: Duration, from shares: [SendShare]) throws -> [Send] {
        try settleExpired()
        let sends = transaction.dialect.table("sends", by: "sends_queue")
        let sql = """
            SELECT id FROM \(sends) WHERE lane = $1 AND queue = $2 AND \(Self.isWaiting) AND due_at <= $3 ORDER BY due_at, id
            LIMIT $4 \(transaction.dialect.skipLocked)
            """
        var picked: [Int64] = []
        for share in shares {
            for var row in try transaction.query(sql, share.lane, share.queue, transaction.now, share.limit) {
                picked.append(try row.integer())
            }
        }
        return picked.isEmpty ? [] : try take(picked, owner: owner, lease: lease)
    }

    func take(_ ids: [Int64], owner: String, lease: Duration) throws -> [Send] {
        let sql = """
            UPDATE sends SET state = 'claimed', attempts = attempts + 1, lease_owner = $1, lease_until = $2,
                first_tried_at = COALESCE(first_tried_at, $3)
            WHERE id IN (\(transaction.dialect.integers(in: "$4"))) AND \(Self.isWaiting) RETURNING \(Self.columns)
            """
        let claimed = try transaction.query(sql, owner, transaction.now + lease, transaction.now, JSONText.encode(ids)).map(Self.send)
            .sorted { ($0.dueAt, $0.id) < ($1.dueAt, $1.id) }
        for send in claimed { try announce(send, .claimed) }
        return claimed
    }
}
