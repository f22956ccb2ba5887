public import Domain

public enum TicketView: Sendable, Hashable {
    case mine(ID<Agent>)
    case unassigned
    case open
    case lowMood
    case queue(String)
    case status(Ticket.Status)
    case customer(ID<Customer>)
    case all
}

/// How many tickets each view holds; every view but `all` and `byStatus` counts open ones only.
public struct TicketCounts: Sendable, Hashable {
    public var mine: Int64
    public var unassigned: Int64
    public var open: Int64
    public var lowMood: Int64
    public var all: Int64
    public var byStatus: [Ticket.Status: Int64]

    public init(
        mine: Int64 = 0, unassigned: Int64 = 0, open: Int64 = 0, lowMood: Int64 = 0, all: Int64 = 0, byStatus: [Ticket.Status: Int64] = [:]
    ) {
        self.mine = mine
        self.unassigned = unassigned
        self.open = open
        self.lowMood = lowMood
        self.all = all
        self.byStatus = byStatus
    }
}

extension Tickets {
    /// Messages a search looks into, newest first; beyond them it sees subjects, names and numbers only.
    static let searchedMessagesMax = 20_000

    private static let isOpen = "is_open = 1"

    /// Newest activity first; `before` continues below the last page's `updatedAt`.
    public func list(_ view: TicketView, limit: Int, before: Timestamp? = nil) throws -> [Ticket] {
        let before = before ?? Timestamp(rawValue: .max)
        func rows(_ condition: String, _ value: (any SQLParameter)? = nil) throws -> [Row] {
            let sql =
                "\(Self.select) WHERE \(condition) AND merged_into IS NULL AND updated_at < $1 ORDER BY updated_at DESC, id DESC LIMIT $2"
            guard let value else { return try transaction.query(sql, before, limit) }
            return try transaction.query(sql, before, limit, value)
        }
        let rows =
            switch view {
            case .mine(let agent): try rows("assignee_id = $3 AND \(Self.isOpen)", agent)
            case .unassigned: try rows("assignee_id IS NULL AND \(Self.isOpen)")
            case .open: try rows(Self.isOpen)
            case .lowMood: try rows("last_mood <= \(Self.lowMood) AND \(Self.isOpen)")
            case .queue(let name): try rows("queue = $3 AND \(Self.isOpen)", name)
            case .status(let status): try rows("status = $3", status)
            case .customer(let customer): try rows("customer_id = $3", customer)
            case .all: try rows("1 = 1")
            }
        return try rows.map(Self.ticket)
    }

    public func counts(agent: ID<Agent>?) throws -> TicketCounts {
        var counts = TicketCounts()
        for var row in try transaction.query("SELECT status, count(*) FROM tickets GROUP BY status") {
            counts.byStatus[try row.name()] = try row.integer()
        }
        // A ticket that went into another one is no matter of its own; it is closed, and in no list.
        counts.byStatus[.closed, default: 0] -= try count("SELECT count(*) FROM tickets WHERE merged_into IS NOT NULL")
        if counts.byStatus[.closed] == 0 { counts.byStatus[.closed] = nil }
        counts.all = counts.byStatus.values.reduce(0, +)
        counts.open = counts.byStatus.filter(\.key.isOpen).values.reduce(0, +)
        if let agent { counts.mine = try count("SELECT count(*) FROM tickets WHERE assignee_id = $1 AND \(Self.isOpen)", agent) }
        counts.unassigned = try count("SELECT count(*) FROM tickets WHERE assignee_id IS NULL AND \(Self.isOpen)")
        counts.lowMood = try count("SELECT count(*) FROM tickets WHERE last_mood <= \(Self.lowMood) AND \(Self.isOpen)")
        return counts
    }

    /// Queues that have tickets, by name, with how many of them are open.
    public func queues() throws -> [(name: String, open: Int64)] {
        try transaction.query(
            "SELECT queue, CAST(sum(is_open) AS bigint) FROM tickets GROUP BY queue ORDER BY queue"
        ).map { row in
            var row = row
            return (try row.text(), try row.integer())
        }
    }

    /// Newest activity first. Looks into subjects, customers' names and addresses, ticket numbers (`#1042`) and messages.
    public func search(_ text: String, limit: Int) throws -> [Ticket] {
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !words.isEmpty else { return [] }
        if let number = Int64(words.hasPrefix("#") ? words.dropFirst() : words[...]), let ticket = try get(number: number) {
            return [ticket]
        }
        let pattern = "%\(Self.literal(words.lowercased()))%"
        let sql = """
            \(Self.select) WHERE lower(subject) LIKE $1 ESCAPE '!' OR lower(customer_name) LIKE $1 ESCAPE '!'
                OR customer_id IN (SELECT customer_id FROM identities WHERE value LIKE $1 ESCAPE '!')
                OR id IN (SELECT ticket_id FROM (
                    SELECT ticket_id, body FROM interactions WHERE ticket_id IS NOT NULL ORDER BY id DESC LIMIT \(Self.searchedMessagesMax)
                ) AS newest WHERE lower(body) LIKE $1 ESCAPE '!')
            ORDER BY updated_at DESC, id DESC LIMIT $2
            """
        return try transaction.query(sql, pattern, limit).map(Self.ticket)
    }
}
