public import Domain

/// What a machine says about a mail of ours: a bounce, a complaint, an absence, a receipt. Read from standard reports (RFC 3464, RFC 5965,
/// RFC 8098) and from the free text that mail servers have written instead for forty years.
public struct MachineReport: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Delivery failed, is late, or (when it was asked for) succeeded: `recipients` say which.
        case bounce
        /// Somebody pressed "spam", or a mailbox provider unsubscribes for them.
        case complaint
        /// A vacation rule or another program answered.
        case autoReply
        case outOfOffice
        /// A read receipt (RFC 8098): not a bounce.
        case receipt
        /// A person's other address, told by a program.
        case addressChanged
        /// "Confirm that you are human": an anti-spam program wants an answer.
        case challenge
    }

    public var kind: Kind
    /// Every address it speaks of, each once. Of an auto-reply, whoever is away.
    public var recipients: [Recipient]
    /// The mail it is about, as far as the report quotes it.
    public var original: Original
    /// One sentence for people.
    public var evidence: String

    public struct Recipient: Sendable, Hashable {
        /// As we wrote it (Original-Recipient), else as the other side calls it; case kept. Empty when the report names nobody.
        public var address: String
        /// Where it was sent on to, when that is another address.
        public var finalAddress: String?
        public var action: Action
        /// As stated, `5.1.1` (RFC 3463); nil when nobody stated one.
        public var status: String?
        /// 421…599; nil when none was quoted.
        public var replyCode: Int?
        public var reason: BounceReason
        /// The server's words, on one line.
        public var words: String
        /// Of a complaint: `abuse`, `opt-out`, … (RFC 5965 §3.5), lower case.
        public var feedbackType: String?
        /// Of a moved address: the new one.
        public var newAddress: String?

        public init(
            address: String, finalAddress: String? = nil, action: Action, status: String? = nil, replyCode: Int? = nil,
            reason: BounceReason, words: String = "", feedbackType: String? = nil, newAddress: String? = nil
        ) {
            self.address = address
            self.finalAddress = finalAddress
            self.action = action
            self.status = status
            self.replyCode = replyCode
            self.reason = reason
            self.words = words
            self.feedbackType = feedbackType
            self.newAddress = newAddress
        }

        /// Nobody tries any more.
        public var isPermanent: Bool { action == .failed }
        /// The address is dead: it failed for good, for a reason that lies in the address.
        public var isDead: Bool { reason.isAboutAddress && action != .delivered }
    }

    /// RFC 3464 §2.3.3, with `relayed` and `expanded` as kinds of success.
    public enum Action: String, Sendable, Hashable, CaseIterable { case failed, delayed, delivered, none }

    public struct Original: Sendable, Hashable {
        /// Without angle brackets.
        public var messageID: String?
        public var from: String?
        public var to: [String] = []
        public var subject: String?
        /// RFC 3461 ENVID, as it came back.
        public var envelopeID: String?
        /// It went through a mailing list, so its `To` is the list.
        public var isList = false
        /// Its `X-…` fields, in order.
        public var fields: [Field] = []

        public init() {}

        public struct Field: Sendable, Hashable {
            public var name: String
            public var value: String
        }
    }

    public static let recipientsMax = 1000
    /// Characters of the server's words that are kept.
    public static let wordsMax = 600

    /// Reads a parsed mail. Nil when no machine reports anything in it.
    public static func read(_ mail: ParsedMail) -> MachineReport? {
        // Most mail is from people: their text is not searched for a machine's words.
        ReportReader.mayBeReport(mail) ? ReportReader(mail).read() : nil
    }
}
