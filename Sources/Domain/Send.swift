/// One row of the send ledger: a message to one recipient, from plan to outcome.
public struct Send: Sendable, Hashable, Codable {
    public var id: ID<Send>
    /// `journey/step/customer/occurrence` or `reply/ticket/draft`. Unique in the database, so nothing is planned twice.
    public var key: String
    public var kind: Kind
    public var purpose: Purpose
    public var state: State
    public var customer: ID<Customer>?
    public var ticket: ID<Ticket>?
    public var enrolment: ID<Enrolment>?
    /// The outbound interaction that shows in the conversation, if there is one.
    public var interaction: ID<Interaction>?
    /// Lower-cased address.
    public var recipient: String
    /// Name of the sender account; the default one when nil.
    public var sender: String?
    public var journey: String?
    public var step: String?
    /// The journey folder's content hash when this was planned.
    public var version: String?
    public var dueAt: Timestamp
    public var attempts: Int
    /// Stable across retries; without angle brackets.
    public var messageID: String?
    public var subject: String?
    /// Markdown. For a journey it is the step's Mustache template, filled with `vars` when it is sent; for a reply the agent's own text.
    public var text: String?
    public var vars: [String: String]
    /// Preference topic of marketing mail; the unsubscribe link turns off just this.
    public var topic: String?
    /// `en` or `zh`: chooses the layout's words.
    public var locale: String
    public var inReplyTo: String?
    public var references: [String]
    /// What else an answer carries: copies, files, the words it quotes.
    public var details: Details
    /// The other side's last words, or ours when it never came to that.
    public var response: String?
    public var createdAt: Timestamp
    public var finishedAt: Timestamp?

    public init(
        id: ID<Send>, key: String, kind: Kind, purpose: Purpose, recipient: String, dueAt: Timestamp, createdAt: Timestamp
    ) {
        self.id = id
        self.key = key
        self.kind = kind
        self.purpose = purpose
        state = .planned
        self.recipient = recipient
        self.dueAt = dueAt
        attempts = 0
        references = []
        vars = [:]
        details = Details()
        locale = "en"
        self.createdAt = createdAt
    }

    public enum Kind: String, Sendable, Codable, CaseIterable {
        case journey, reply
        /// “We have got your message”, written by a machine.
        case acknowledgement
        /// Tells the operator, in plain Markdown.
        case alert

        /// Written by a machine to a customer.
        public var isAutomatic: Bool { self == .journey || self == .acknowledgement }
    }

    /// One mail to several people is a row for each of them, with the same Message-ID and the same header.
    public struct Details: Sendable, Hashable, Codable {
        /// Addresses of the To field; the recipient's when empty.
        public var to: [String]
        public var cc: [String]
        public var files: [Attachment]
        /// The message that is quoted below the new words.
        public var quotes: ID<Interaction>?
        /// A machine's answer to a message (RFC 3834): no return path, so that no machine answers it.
        public var isAutomatic: Bool
        /// Where answers are wanted when that is not the sender's own address: `support+…@example.com`.
        public var replyTo: String?
        /// Whether the text ends in our signed mark, `[h.s.…]`.
        public var isMarked = false
        /// Set for an answer that goes back through a channel instead of by mail.
        public var channel: ChannelAnswer?

        public init(
            to: [String] = [], cc: [String] = [], files: [Attachment] = [], quotes: ID<Interaction>? = nil, isAutomatic: Bool = false
        ) {
            self.to = to
            self.cc = cc
            self.files = files
            self.quotes = quotes
            self.isAutomatic = isAutomatic
        }

        private enum CodingKeys: String, CodingKey {
            case to, cc, files, quotes, isAutomatic = "automatic", replyTo = "reply_to", isMarked = "marked", channel
        }

        /// Rows written by an older program lack what was added since.
        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            to = try values.decodeIfPresent([String].self, forKey: .to) ?? []
            cc = try values.decodeIfPresent([String].self, forKey: .cc) ?? []
            files = try values.decodeIfPresent([Attachment].self, forKey: .files) ?? []
            quotes = try values.decodeIfPresent(ID<Interaction>.self, forKey: .quotes)
            isAutomatic = try values.decodeIfPresent(Bool.self, forKey: .isAutomatic) ?? false
            replyTo = try values.decodeIfPresent(String.self, forKey: .replyTo)
            isMarked = try values.decodeIfPresent(Bool.self, forKey: .isMarked) ?? false
            channel = try values.decodeIfPresent(ChannelAnswer.self, forKey: .channel)
        }
    }

    /// An answer over the account that the question came by. One too long for the network is several rows: each plans the next when it is
    /// accepted, so that they arrive in order.
    public struct ChannelAnswer: Sendable, Hashable, Codable {
        public var account: String
        /// The message that is answered.
        public var answers: ID<Interaction>
        /// What follows this row's text, in rows of its own.
        public var rest: [String]
        /// Which part this is, from 1.
        public var part: Int
        /// The other side knows a repeated answer by its id, so one whose fate is unknown may be sent again.
        public var mayRepeat: Bool

        public init(account: String, answers: ID<Interaction>, rest: [String] = [], part: Int = 1, mayRepeat: Bool = false) {
            self.account = account
            self.answers = answers
            self.rest = rest
            self.part = part
            self.mayRepeat = mayRepeat
        }

        private enum CodingKeys: String, CodingKey { case account, answers, rest, part, mayRepeat = "may_repeat" }
    }

    /// Decides consent, the resend rule and the headers.
    public enum Purpose: String, Sendable, Codable, CaseIterable {
        case marketing, service, transactional

        /// Whether a message whose fate is unknown may be sent again, with the same Message-ID.
        public var resendsUncertain: Bool { self != .marketing }
    }

    public enum State: String, Sendable, Codable, CaseIterable {
        case planned
        case claimed
        /// The final dot may have left us; from here on only an answer tells what became of it.
        case handedOver = "handed_over"
        case accepted
        /// Refused for now; it is planned again for later.
        case deferred
        case rejected
        /// SMTP's blind spot between the final dot and the 250.
        case uncertain
        case skipped
        case held

        public var isFinal: Bool {
            switch self {
            case .accepted, .rejected, .uncertain, .skipped: true
            case .planned, .claimed, .handedOver, .deferred, .held: false
            }
        }
    }
}

/// What became of one delivery attempt. Expected results are values; only the unexpected throws.
public enum DeliveryOutcome: Sendable, Equatable {
    case accepted(String)
    case deferred(after: Duration, String)
    case rejected(String)
    /// The bytes may or may not have been taken.
    case uncertain(String)

    /// Reads an SMTP reply (RFC 5321 §4.2.1): 2xx taken, 4xx try again, anything else final.
    public init(smtpCode: Int, text: String, retryAfter: Duration) {
        self =
            switch smtpCode {
            case 200..<300: .accepted("\(smtpCode) \(text)")
            case 400..<500: .deferred(after: retryAfter, "\(smtpCode) \(text)")
            default: .rejected("\(smtpCode) \(text)")
            }
    }
}

/// How long to wait before trying a deferred message again, and when to give up (RFC 5321 §4.5.4.1).
public struct RetrySchedule: Sendable, Equatable {
    public var first: Duration
    public var longest: Duration
    public var giveUpAfter: Duration

    public init(first: Duration = .seconds(60), longest: Duration = .seconds(4 * 3600), giveUpAfter: Duration = .seconds(5 * 86400)) {
        self.first = first
        self.longest = longest
        self.giveUpAfter = giveUpAfter
    }

    /// 1, 2, 4, … minutes, at most four hours. `attempt` counts from 1.
    public func wait(afterAttempt attempt: Int) -> Duration { min(first * (1 << min(max(attempt - 1, 0), 16)), longest) }
}

/// One customer's way through one journey.
public struct Enrolment: Sendable, Hashable, Codable {
    public var id: ID<Enrolment>
    public var journey: String
    /// Content hash of the folder the customer entered with.
    public var version: String
    public var customer: ID<Customer>
    /// Which time this is: `1`, or the year for a birthday.
    public var occurrence: String
    /// The ticket whose event started it; an answer joins it.
    public var ticket: ID<Ticket>?
    /// The order whose event started it.
    public var order: ID<Order>?
    public var state: State
    /// File name of the next step without extension; nil when no step is left.
    public var step: String?
    public var enteredAt: Timestamp
    public var nextAt: Timestamp?

    public enum State: String, Sendable, Codable, CaseIterable { case active, finished, left }

    public init(
        id: ID<Enrolment>, journey: String, version: String, customer: ID<Customer>, occurrence: String, ticket: ID<Ticket>?,
        state: State = .active, step: String?, enteredAt: Timestamp, nextAt: Timestamp?, order: ID<Order>? = nil
    ) {
        self.order = order
        self.id = id
        self.journey = journey
        self.version = version
        self.customer = customer
        self.occurrence = occurrence
        self.ticket = ticket
        self.state = state
        self.step = step
        self.enteredAt = enteredAt
        self.nextAt = nextAt
    }
}
