/// One message from one person on one channel, in the shape every later stage reads.
public struct Interaction: Sendable, Hashable, Codable {
    public var id: ID<Interaction>
    /// The account it came through, as named in the configuration.
    public var account: String
    /// The source's own identifier. Unique within the account.
    public var externalID: String
    /// Same for two deliveries of one message (a mail that arrived twice), different for any two different messages.
    public var fingerprint: String?
    public var kind: Kind
    public var direction: Direction
    public var nature: Nature
    public var occurredAt: Timestamp
    public var receivedAt: Timestamp
    public var author: Author
    /// Lower-cased addresses it was sent to (To, Cc, Delivered-To).
    public var recipients: [String]
    public var subject: String
    /// Plain text of the new words and everything below them. HTML is reduced to text by `Formats` before it gets here.
    public var body: String
    /// What the author wrote this time, without the history below and without the signature; nil when nothing was split off `body`.
    public var newWords: String?
    /// The author's signature and what programs added below it; nil when there was none or it stands in `body` only.
    public var signature: String?
    /// The message as the author's program drew it, when there was HTML. Never shown without sanitising.
    public var html: String?
    /// BCP 47, `zh` or `en`; nil while unknown.
    public var language: String?
    public var mood: Mood?
    /// Message-ID without angle brackets (RFC 5322 §3.6.4).
    public var messageID: String?
    public var inReplyTo: [String]
    /// Oldest first, as the header has them.
    public var references: [String]
    /// What a form asked and what was answered, in the form's order; for mail, the few headers that later decisions read.
    public var fields: [Field]
    public var permalink: String?
    public var attachments: [Attachment]
    public var customer: ID<Customer>?
    public var ticket: ID<Ticket>?

    public init(
        id: ID<Interaction>, account: String, externalID: String, kind: Kind, direction: Direction = .inbound, nature: Nature = .human,
        occurredAt: Timestamp, receivedAt: Timestamp, author: Author, recipients: [String] = [], subject: String = "", body: String
    ) {
        self.id = id
        self.account = account
        self.externalID = externalID
        self.kind = kind
        self.direction = direction
        self.nature = nature
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
        self.author = author
        self.recipients = recipients
        self.subject = subject
        self.body = body
        inReplyTo = []
        references = []
        fields = []
        attachments = []
    }

    /// What to judge and to show first: the new words, or all of them.
    public var words: String { newWords ?? body }

    public enum Kind: String, Sendable, Codable, CaseIterable { case mail, form, post }
    public enum Direction: String, Sendable, Codable, CaseIterable { case inbound, outbound, note }

    /// Who is speaking: only `human` opens tickets, creates customers, reopens, is answered or starts a journey (facts: RFC 3834).
    public enum Nature: String, Sendable, Codable, CaseIterable {
        case human
        case autoReply = "auto_reply"
        case outOfOffice = "out_of_office"
        case bounce
        case complaint
        /// An anti-spam program asks the sender to confirm; nobody confirms for us.
        case challenge
        case list
        /// Our own mail come back.
        case ownLoop = "own_loop"
    }

    public struct Author: Sendable, Hashable, Codable {
        public var name: String?
        /// Lower-cased.
        public var email: String?
        /// E.164 where it could be told, else the digits as given.
        public var phone: String?
        public var handle: String?
        /// Where the handle lives: `mastodon.social`, `weibo`, the feed's host.
        public var network: String?

        public init(name: String? = nil, email: String? = nil, phone: String? = nil, handle: String? = nil, network: String? = nil) {
            self.name = name
            self.email = email
            self.phone = phone
            self.handle = handle
            self.network = network
        }

        /// What to call this person in a list.
        public var displayName: String {
            for candidate in [name, handle.map { "@\($0)" }, email, phone] { if let candidate, !candidate.isEmpty { return candidate } }
            return "?"
        }

        /// The ways this person can be recognised, strongest first.
        public var identities: [Identity] {
            var all: [Identity] = []
            if let email, !email.isEmpty { all.append(Identity(kind: .email, value: email.lowercased())) }
            if let phone, !phone.isEmpty { all.append(Identity(kind: .phone, value: phone)) }
            if let handle, !handle.isEmpty { all.append(Identity(kind: .handle, value: "\(network ?? "")/\(handle)".lowercased())) }
            return all
        }
    }

    /// Names of fields that no header can have: why only a part of a mail is here; that somebody brought it in as old mail.
    public static let cutField = "hongyan/cut"
    public static let importedField = "hongyan/imported"
    /// What came of a signature or an encryption: `MailSeal.stored`.
    public static let sealField = "hongyan/seal"
    /// `2 application/x-msdownload`: the attachment of that index (0-based) is no file of the type it claims.
    public static let detectedField = "hongyan/detected"

    /// Old mail that was brought in: it is kept and found, and starts nothing.
    public var isImported: Bool { fields.contains { $0.name == Self.importedField } }
    public var seals: [MailSeal] { fields.lazy.filter { $0.name == Self.sealField }.compactMap { MailSeal(stored: $0.value) } }
    /// Its words are in an envelope that stayed closed: what stands in their place is ours, and says nothing of the writer.
    public var isClosed: Bool {
        seals.contains { seal in
            if case .good = seal.finding { return false }
            return seal.kind == .encrypted
        }
    }
    /// What attachments look like that claim to be something else, by their index.
    public var disguises: [Int: String] {
        fields.reduce(into: [:]) { found, field in
            let words = field.value.split(separator: " ", maxSplits: 1)
            if field.name == Self.detectedField, words.count == 2, let index = Int(words[0]) { found[index] = String(words[1]) }
        }
    }
    /// Why only a part of it is here; nil when it is whole.
    public var cut: String? { fields.first { $0.name == Self.cutField }?.value }

    public struct Field: Sendable, Hashable, Codable {
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
}

/// A file that came with a message; its bytes are in the blob store under `hash`.
public struct Attachment: Sendable, Hashable, Codable {
    public var name: String
    /// Declared media type, lower-cased: `image/png`.
    public var type: String
    public var sizeBytes: Int
    /// SHA-256 of the decoded bytes, lower-case hex.
    public var hash: String
    /// Without angle brackets; set when the HTML may show it by `cid:`.
    public var contentID: String?
    public var isInline: Bool

    /// A detached signature (RFC 3156, RFC 8551).
    public var isSignature: Bool {
        ["application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"].contains(type)
    }

    public init(name: String, type: String, sizeBytes: Int, hash: String, contentID: String? = nil, isInline: Bool = false) {
        self.name = name
        self.type = type
        self.sizeBytes = sizeBytes
        self.hash = hash
        self.contentID = contentID
        self.isInline = isInline
    }
}

/// How a text sounds.
public struct Mood: Sendable, Hashable, Codable {
    public enum Label: String, Sendable, Codable, CaseIterable { case negative, neutral, positive }
    /// −1 (very unhappy) … 1 (very happy).
    public var score: Double
    public var label: Label
    /// 0…1: the model's probability of `label`.
    public var confidence: Double
    /// The words that made it, strongest first; `weight` has the sign of its push.
    public var words: [Word]
    /// Which model said so: `zh-1`, `en-1`.
    public var model: String

    public struct Word: Sendable, Hashable, Codable {
        public var text: String
        public var weight: Double
        public init(text: String, weight: Double) {
            self.text = text
            self.weight = weight
        }
    }

    public init(score: Double, label: Label, confidence: Double, words: [Word], model: String) {
        self.score = score
        self.label = label
        self.confidence = confidence
        self.words = words
        self.model = model
    }
}
