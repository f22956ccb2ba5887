/// A source of messages as the operator configured it. Secrets are already read; a value of this type is never printed.
public struct Account: Sendable, Hashable {
    public var name: String
    public var kind: Kind
    /// `imaps://mail.example.com`, `https://…/feed.xml`, `file:///…/entries.csv`; for a folder, its path.
    public var url: String
    public var user: String?
    public var password: Secret?
    /// An OAuth 2 access token for XOAUTH2/OAUTHBEARER instead of a password.
    public var accessToken: Secret?
    /// How to get such tokens for ever.
    public var oauth: OAuth?
    public var folders: [String]
    public var interval: Duration
    /// Queue for its tickets unless a rule says otherwise.
    public var queue: String
    /// The addresses people write to; mail from one of them is our own.
    public var addresses: [String]
    /// The sender account that answers; the default one when nil.
    public var sender: String?
    public var tls: TLS
    public var form: FormMapping?
    /// Form tools that mail to this mailbox; the first that matches reads the mail.
    public var mailForms: [MailForm]
    /// How far back the first poll reaches: everything, or nothing older than now.
    public var start: Start
    public var sizeBytesMax: Int
    /// What becomes of an answer to a closed ticket; the house's default when nil.
    public var closed: ClosedPolicy?
    /// What is sent back to a person who writes; nothing when nil.
    public var acknowledge: Acknowledgement?
    /// Whether mail to `support+anything@…` reaches `support@…`: our answers ask to be answered at a signed address then.
    public var plusAddressing = false
    /// What becomes of a mail on its server once it is stored here.
    public var after = After.keep
    /// Of a kind of source that a channel file describes.
    public var channel: ChannelAccount?
    /// Nobody said how often it is asked: that follows from how often something comes.
    public var isAdaptive = false

    public enum Kind: String, Sendable, CaseIterable { case imap, pop3, feed, form, folder, channel, spool }
    public enum Start: String, Sendable, CaseIterable { case all, latest }

    /// Only mails that are stored whole are touched, and only those that were read since this was asked for.
    public enum After: Sendable, Hashable {
        case keep, seen, delete
        /// Into another folder of the same mailbox; made when it is missing.
        case move(String)
    }

    public init(name: String, kind: Kind, url: String) {
        self.name = name
        self.kind = kind
        self.url = url
        folders = ["INBOX"]
        interval = .seconds(60)
        queue = "Support"
        addresses = []
        mailForms = []
        tls = TLS()
        start = .all
        sizeBytesMax = 50 << 20
    }
}

/// What an account gives to its channel file.
public struct ChannelAccount: Sendable, Hashable {
    /// The file's name without `.yaml`.
    public var name: String
    /// What the file asks for, by name; a list has several values. Whatever is a secret or not, it is kept as one.
    public var inputs: [String: [Secret]]
    /// Changes with the file, so that a changed file starts the account anew.
    public var digest: String
    /// Of a spool: the stream whose records are in its files.
    public var stream: String?

    public init(name: String, inputs: [String: [Secret]] = [:], digest: String = "") {
        self.name = name
        self.inputs = inputs
        self.digest = digest
    }
}

/// What becomes of a person's answer to a closed ticket.
public enum ClosedPolicy: Sendable, Hashable {
    case reopen
    /// A new ticket that mentions the closed one.
    case new
    /// The closed one is opened again while nothing has happened on it for less than this.
    case newAfter(Duration)
}

/// An automatic answer to a person: “we have got your message, it is #1042”.
public struct Acknowledgement: Sendable, Hashable {
    public enum Occasion: String, Sendable, CaseIterable {
        /// When a ticket is opened.
        case ticket
        /// With every message, when there was none for `every`.
        case message
    }

    /// Name of a file in templates/replies.
    public var template: String
    public var occasion: Occasion
    /// At most one to a person in this time, and one on a ticket.
    public var every: Duration

    public init(template: String, occasion: Occasion = .ticket, every: Duration = .seconds(86_400)) {
        self.template = template
        self.occasion = occasion
        self.every = every
    }
}

/// What the operator says about a queue.
public struct QueuePolicy: Sendable, Hashable {
    public var name: String
    public var closed: ClosedPolicy?
    public var acknowledge: Acknowledgement?
    public init(name: String) { self.name = name }
}

/// How to protect a connection. The default is the safe one.
public struct TLS: Sendable, Hashable {
    /// PEM file to trust instead of the system's.
    public var caFile: String?
    /// Plain text is refused unless the operator allowed it (loopback servers, tests).
    public var allowPlain: Bool
    public init(caFile: String? = nil, allowPlain: Bool = false) {
        self.caFile = caFile
        self.allowPlain = allowPlain
    }
}

/// Which part of a form's export is what. Paths are the JSONPath subset of `Formats`; for CSV they name columns.
public struct FormMapping: Sendable, Hashable {
    public enum Format: String, Sendable, CaseIterable { case json, csv }
    public var format: Format
    /// Path of the list of entries in a JSON document: `$.entries[*]`.
    public var records: String
    public var id: String?
    public var occurredAt: String?
    public var name: String?
    public var email: String?
    public var phone: String?
    public var subject: String?
    public var text: String?

    public init(format: Format, records: String = "$[*]") {
        self.format = format
        self.records = records
    }
}

/// A place to send from, as the operator configured it.
public struct Sender: Sendable, Hashable {
    public var name: String
    public var kind: Kind
    /// `smtp://host:25`, `smtps://host`, or the folder's path; empty for direct delivery.
    public var url: String
    public var user: String?
    public var password: Secret?
    public var accessToken: Secret?
    public var oauth: OAuth?
    /// The name its tokens are kept under: an account's whose permission it shares, or its own; nil without OAuth.
    public var tokenName: String?
    public var tls: TLS
    /// `Care <care@example.com>`.
    public var from: String
    /// Connections at the same time.
    public var concurrency: Int
    /// What we call ourselves in EHLO.
    public var helo: String?
    /// The keys that sign its mail (RFC 6376), each with a signature of its own.
    public var dkim: [DKIMIdentity]
    /// Where bounces come back: `bounce@example.com` makes each mail's return path `bounce+<token>@example.com` (VERP). `from` when nil.
    public var bounces: String?
    /// Where mail that unsubscribes is read; nil when nobody reads mail to this sender.
    public var unsubscribe: String?
    /// Whether recipients such as 用户@例子.中国 may be written to (RFC 6531); many servers still refuse them.
    public var smtputf8: Bool

    public var limits: SendLimits
    /// Of direct delivery.
    public var encryption: MailEncryption
    /// Whether direct delivery may go to servers inside private networks; otherwise somebody's MX record could lead into ours.
    public var allowsPrivate: Bool
    /// Where the servers of direct delivery listen.
    public var port: Int
    /// Of the kind `channel`.
    public var channel: Account?

    /// `mx` delivers straight to the servers of each recipient's domain; `channel` stands for an account whose channel takes answers.
    public enum Kind: String, Sendable {
        case smtp, folder, mx, channel

        /// What may stand in the configuration.
        public static let configurable: [Kind] = [.smtp, .folder, .mx]
    }

    /// The name of the sender that answers over a channel account. No configured sender's name holds a colon.
    public static func channelName(_ account: String) -> String { "channel:\(account)" }

    /// Answers over a channel account, one after the other.
    public init(channel account: Account) {
        self.init(name: Self.channelName(account.name), kind: .channel, url: "", from: "")
        concurrency = 1
        self.channel = account
    }

    public init(name: String, kind: Kind, url: String, from: String) {
        self.name = name
        self.kind = kind
        self.url = url
        self.from = from
        tls = TLS()
        concurrency = kind == .mx ? 16 : 2
        limits = SendLimits()
        encryption = .opportunistic
        allowsPrivate = false
        port = 25
        dkim = []
        smtputf8 = false
    }
}

/// A key that signs mail in the name of a domain (RFC 6376 §3.6): its public half stands at `selector._domainkey.domain`.
public struct DKIMIdentity: Sendable, Hashable {
    /// A-labels (`xn--…`).
    public var domain: String
    public var selector: String
    /// The private key, as PEM text.
    public var key: Secret

    public init(domain: String, selector: String, key: Secret) {
        self.domain = domain
        self.selector = selector
        self.key = key
    }
}

/// A public HTML form served at `/forms/<name>`.
public struct PublicForm: Sendable, Hashable {
    public var name: String
    public var title: String
    public var queue: String
    /// Where a browser goes afterwards; a thank-you page of ours when nil.
    public var redirect: String?
    /// A field that people do not see and robots fill in.
    public var honeypot: String
    public var sizeBytesMax: Int
    /// Posts per address and hour.
    public var perHour: Int

    public init(name: String, title: String, queue: String) {
        self.name = name
        self.title = title
        self.queue = queue
        honeypot = "website"
        sizeBytesMax = 256 << 10
        perHour = 60
    }
}

/// A password or token. Prints as `•••`, so that no log line or error can hold it.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String
    public init(_ value: String) { self.value = value }
    /// The only way to the value; search for its uses to see where secrets go.
    public func reveal() -> String { value }
    public var description: String { "•••" }
    public var debugDescription: String { "•••" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// How an account is doing.
public struct AccountHealth: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case waiting, working, failing, stopped
        /// Our database takes nothing.
        case paused
        /// Somebody asked for it.
        case onHold = "on_hold"
    }
    public var account: String
    public var state: State
    public var lastSuccessAt: Timestamp?
    public var lastAttemptAt: Timestamp?
    public var nextAttemptAt: Timestamp?
    /// In words an operator can act on.
    public var lastError: String?
    public var failuresInARow: Int
    /// Items stored since the account exists.
    public var itemsStored: Int64
    public var detail = AccountDetail()

    public init(account: String, state: State = .waiting) {
        self.account = account
        self.state = state
        failuresInARow = 0
        itemsStored = 0
    }
}

/// How an account is doing beside whether it works.
public struct AccountDetail: Sendable, Hashable, Codable {
    /// When something new came for the last time.
    public var lastItemAt: Timestamp?
    /// The longest time between two things that came, in seconds.
    public var longestSilence: Int64 = 0
    /// Requests to the source since the account exists.
    public var requests: Int64 = 0
    /// How many requests the source said it still allows, and until when that counts.
    public var budget: Budget?
    /// How long an account without a fixed interval waits at the moment, in seconds.
    public var pace: Int64?
    public var streams: [String: AccountStream] = [:]

    public struct Budget: Sendable, Hashable, Codable {
        public var requests: Int
        public var until: Timestamp

        public init(requests: Int, until: Timestamp) {
            self.requests = requests
            self.until = until
        }
    }

    /// Gaps before the longest of them means something.
    public static let itemsNeeded = 20
    /// Nobody is told of a silence shorter than this.
    public static let silenceMin = Duration.seconds(6 * 3600)

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case lastItemAt = "last_item_at", longestSilence = "longest_silence", requests, budget, pace, streams
    }

    /// Rows written by an older program lack what was added since.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        lastItemAt = try values.decodeIfPresent(Timestamp.self, forKey: .lastItemAt)
        longestSilence = try values.decodeIfPresent(Int64.self, forKey: .longestSilence) ?? 0
        requests = try values.decodeIfPresent(Int64.self, forKey: .requests) ?? 0
        budget = try values.decodeIfPresent(Budget.self, forKey: .budget)
        pace = try values.decodeIfPresent(Int64.self, forKey: .pace)
        streams = try values.decodeIfPresent([String: AccountStream].self, forKey: .streams) ?? [:]
    }

    public mutating func came(at now: Timestamp) {
        if let last = lastItemAt { longestSilence = max(longestSilence, (now - last).components.seconds) }
        lastItemAt = now
    }

    /// How long nothing has come, when that is longer than it ever was; nil when all is as usual.
    public func unusualSilence(itemsStored: Int64, now: Timestamp) -> Duration? {
        guard let last = lastItemAt, itemsStored >= Self.itemsNeeded else { return nil }
        let silence = now - last
        return silence > max(.seconds(longestSilence * 3 / 2), Self.silenceMin) ? silence : nil
    }
}

/// One of the things an account reads separately.
public struct AccountStream: Sendable, Hashable, Codable {
    public var lastSuccessAt: Timestamp?
    public var itemsStored: Int64 = 0
    /// Between something being written and our storing it, in seconds, for the newest that came.
    public var lag: Int64?
    /// Pages that were there and are still to be read.
    public var hasBacklog = false
    public var error: String?
    public init() {}
}

/// What a folder held on its server at the last comparison, and what of that is stored here.
public struct FolderCount: Sendable, Hashable {
    public var account: String
    public var folder: String
    /// Mails on the server that the account wants.
    public var server: Int
    /// Of these, stored here.
    public var ours: Int
    /// Found missing by a comparison and fetched then, since the folder is known.
    public var late: Int
    public var checkedAt: Timestamp

    public init(account: String, folder: String, server: Int, ours: Int, late: Int = 0, checkedAt: Timestamp) {
        self.account = account
        self.folder = folder
        self.server = server
        self.ours = ours
        self.late = late
        self.checkedAt = checkedAt
    }
}
