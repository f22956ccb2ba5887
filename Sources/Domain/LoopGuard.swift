/// How much automatic mail may go where, and what stops it. Machines that answer machines without saying so are told by their pace alone.
public struct LoopGuard: Sendable, Hashable {
    /// At most so many within that time.
    public struct Cap: Sendable, Hashable {
        public var count: Int
        public var within: Duration
        public init(_ count: Int, within: Duration) {
            self.count = count
            self.within = within
        }

        /// `10 in 10 min`
        public var words: String {
            let seconds = within.components.seconds
            let time =
                seconds % 86_400 == 0 && seconds > 0
                ? "\(seconds / 86_400) d"
                : seconds % 3600 == 0 && seconds > 0
                    ? "\(seconds / 3600) h"
                    : seconds % 60 == 0
                        ? "\(seconds / 60) min" : "\(seconds) s"
            return "\(count) in \(time)"
        }
    }

    /// Automatic mail to one address, whatever it is about.
    public var recipient: [Cap]
    /// Automatic mail to one address about one ticket.
    public var ticket: [Cap]
    /// Acknowledgements by one sender account, and of the whole house: a flood of forged addresses is not answered one by one.
    public var sender: [Cap]
    public var all: [Cap]
    /// Whether `sender` and `all` hold journeys that are not marketing, too.
    public var countsJourneys: Bool
    /// Messages from one address on one ticket; nobody types that fast for that long.
    public var inbound: [Cap]
    /// Tickets opened by one customer.
    public var opened: [Cap]
    /// How often one ticket may be opened again.
    public var reopens: [Cap]
    /// How long a breaker stays open unless somebody clears it.
    public var breaks: Duration

    /// Windows longer than this are not looked at; the ledger's newest rows have to tell.
    public static let countMax = 1000

    public init() {
        let map = [
            Cap(10, within: .seconds(600)), Cap(15, within: .seconds(1800)), Cap(25, within: .seconds(3600)),
            Cap(50, within: .seconds(10_800)), Cap(100, within: .seconds(36_000)),
        ]
        recipient = map
        ticket = map
        sender = [Cap(300, within: .seconds(600)), Cap(1000, within: .seconds(3600))]
        all = [Cap(500, within: .seconds(600)), Cap(1000, within: .seconds(3600))]
        countsJourneys = false
        inbound = [Cap(10, within: .seconds(600)), Cap(25, within: .seconds(3600))]
        opened = [Cap(20, within: .seconds(3600))]
        reopens = [Cap(5, within: .seconds(3600)), Cap(20, within: .seconds(86_400))]
        breaks = .seconds(86_400)
    }

    /// The first cap that one more would go beyond.
    /// - Parameter times: when each of the others happened, in any order.
    public static func reached(_ caps: [Cap], by times: [Timestamp], now: Timestamp) -> Cap? {
        caps.first { cap in times.count { $0 > now - cap.within } >= cap.count }
    }

    /// The first cap that what happened went beyond.
    public static func exceeded(_ caps: [Cap], by times: [Timestamp], now: Timestamp) -> Cap? {
        caps.first { cap in times.count { $0 > now - cap.within } > cap.count }
    }

    public static func longest(_ caps: [Cap]) -> Duration { caps.map(\.within).max() ?? .zero }
}

/// Automatic mail to one address is off, because it looks like a machine that answers a machine.
public struct Breaker: Sendable, Hashable, Codable {
    /// Lower-cased.
    public var address: String
    /// One sentence for people.
    public var reason: String
    public var trippedAt: Timestamp
    public var until: Timestamp
    /// How often it has tripped.
    public var count: Int

    public init(address: String, reason: String, trippedAt: Timestamp, until: Timestamp, count: Int = 1) {
        self.address = address
        self.reason = reason
        self.trippedAt = trippedAt
        self.until = until
        self.count = count
    }

    /// Why a mail is not sent: `breaker: robot@example.com (…)`.
    public var refusal: String { "breaker: \(address) gets no automatic mail until \(until): \(reason)" }
}

/// Messages that changed their ticket, so that it can be taken back.
public struct TicketMove: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable { case merge, split }

    public var id: ID<TicketMove>
    public var kind: Kind
    public var from: ID<Ticket>
    public var to: ID<Ticket>
    /// Login of who did it.
    public var agent: String
    public var at: Timestamp
    public var messages: [ID<Interaction>]
    /// What `from` was before a merge closed it.
    public var statusBefore: Ticket.Status?
    public var undoneAt: Timestamp?

    public init(
        id: ID<TicketMove>, kind: Kind, from: ID<Ticket>, to: ID<Ticket>, agent: String, at: Timestamp, messages: [ID<Interaction>],
        statusBefore: Ticket.Status? = nil
    ) {
        self.id = id
        self.kind = kind
        self.from = from
        self.to = to
        self.agent = agent
        self.at = at
        self.messages = messages
        self.statusBefore = statusBefore
    }
}
