import Domain
import Formats

/// One kind of source, as its file in `channels/` describes it: how to ask, what to take, how to answer. Accounts name it and give its
/// inputs.
public struct ChannelFile: Sendable {
    public var name: String
    /// The page of the source's own documentation it was written from.
    public var docs: String
    public var version = 1
    /// One sentence for people, in English and in Chinese.
    public var about = ""
    public var aboutChinese = ""
    public var inputs: [Input] = []
    var auth = Authorization.none
    var base: ChannelExpression?
    /// Other hosts that requests may go to.
    var hosts: [ChannelExpression] = []
    var rate: Rate?
    var ok: [Condition] = []
    var errors: [ErrorRule] = []
    var check: Check?
    public var streams: [Stream] = []
    public var reply: Reply?
    public var push: Push?

    /// What an account must or may give.
    public struct Input: Sendable {
        public enum Kind: String, Sendable, CaseIterable { case text, url, secret, list, number, flag }
        public var name: String
        public var kind: Kind
        public var isRequired = false
        public var preset: [String] = []
        public var about = ""
    }

    // MARK: Requests

    /// A JSON tree whose leaves are templates.
    indirect enum Tree: Sendable {
        case leaf(ChannelExpression)
        /// `true`, `1000`, written without quotation marks.
        case constant(JSONValue)
        case list([Tree])
        case object([(name: String, value: Tree)])
    }

    struct Request: Sendable {
        var method = "GET"
        var path: ChannelExpression?
        /// In place of base and path.
        var url: ChannelExpression?
        var query: [(name: String, value: Tree)] = []
        var headers: [(name: String, value: ChannelExpression)] = []
        var json: Tree?
        var form: [(name: String, value: Tree)] = []
        var body: ChannelExpression?
        var timeout: Duration?
    }

    /// Where a value of the engine's goes in a request.
    enum Place: Sendable { case query(String), json(String), form(String), path(String), header(String) }

    indirect enum Authorization: Sendable {
        case none
        case bearer(ChannelExpression)
        case basic(user: ChannelExpression, password: ChannelExpression, isOptional: Bool)
        case header(name: String, value: ChannelExpression)
        case query(name: String, value: ChannelExpression)
        case session(Session)
        case oauth2(OAuth2)
        case sign(Signature)
    }

    struct Session: Sendable {
        var login: Request
        var refresh: Request?
        /// What is kept of the answer, by the name it is known as.
        var save: [(name: String, path: ChannelExpression)] = []
        /// Seconds the session lives, from the answer; else `renewBefore` counts from the login.
        var expiresIn: ChannelExpression?
        var renewBefore: Duration?
        var send: [(place: Place, value: ChannelExpression)] = []
    }

    /// RFC 6749, RFC 7523.
    struct OAuth2: Sendable {
        enum Grant: String, Sendable, CaseIterable {
            case refreshToken = "refresh_token", clientCredentials = "client_credentials", jwtBearer = "jwt_bearer"
        }
        enum ClientAuthorization: String, Sendable, CaseIterable { case basic, body }
        var grant = Grant.refreshToken
        var tokenURL: ChannelExpression
        var clientID: ChannelExpression?
        var clientSecret: ChannelExpression?
        var refreshToken: ChannelExpression?
        var scope: ChannelExpression?
        var client = ClientAuthorization.body
        var issuer: ChannelExpression?
        var subject: ChannelExpression?
        var key: ChannelExpression?
        var send: [(place: Place, value: ChannelExpression)] = []
    }

    struct Signature: Sendable {
        enum Algorithm: String, Sendable, CaseIterable {
            case md5, sha1, sha256, hmacSHA1 = "hmac_sha1", hmacSHA256 = "hmac_sha256"
            /// SHA-1 over the sorted parts, as WeChat signs its callbacks; the parts are parted by line ends.
            case sha1Sorted = "sha1_sorted"
            case none
        }
        enum Encoding: String, Sendable, CaseIterable { case hex, base64 }
        var algorithm = Algorithm.sha256
        var key: ChannelExpression?
        /// What is signed.
        var string: ChannelExpression
        var place: Place
        var encoding = Encoding.hex
    }

    struct Rate: Sendable {
        var requests: Int
        var per: Duration
        var remaining: ChannelExpression?
        /// An instant, or seconds from now.
        var reset: ChannelExpression?
        var cost = 1
    }

    // MARK: Answers

    struct Condition: Sendable {
        enum Test: Sendable { case isIn([String]), isNotIn([String]), exists(Bool) }
        var path: JSONPath
        var test: Test

        func holds(_ scope: ChannelScope) -> Bool {
            let value = scope.value(path)
            switch test {
            case .isIn(let wanted): return value.map { wanted.contains(Self.spelled($0)) } ?? false
            case .isNotIn(let unwanted): return value.map { !unwanted.contains(Self.spelled($0)) } ?? true
            case .exists(let wanted): return (value.map { !$0.isVoid } ?? false) == wanted
            }
        }

        /// As JSON writes it, strings without their quotation marks.
        static func spelled(_ value: JSONValue) -> String { value.string ?? value.json }
    }

    public enum Remedy: String, Sendable, CaseIterable { case retry, backoff, reauth, skip, ignore, stop, resetCursor = "reset_cursor" }

    struct ErrorRule: Sendable {
        var status: [Int] = []
        var body: [(path: JSONPath, values: [String])] = []
        var remedy: Remedy
        var wait: ChannelExpression?
        var waitTime: Duration?
        var say: String?
    }

    struct Check: Sendable {
        var request: Request
        var expect: ChannelExpression?
        var save: [(name: String, path: ChannelExpression)] = []
    }

    // MARK: Streams

    public struct Stream: Sendable {
        public enum Format: String, Sendable, CaseIterable { case json, jsonl, csv, xml }
        public enum Product: String, Sendable, CaseIterable {
            case interaction, order, customer
            var words: String { self == .customer ? "a customer" : "an \(rawValue)" }
        }
        /// What a server packs with gzip is unpacked on the way, whether the file says so or not.
        enum Decoding: String, Sendable, CaseIterable { case base64 }

        public var name: String
        public var every = Duration.seconds(300)
        public var format = Format.json
        var decode: Decoding?
        /// Where the document stands when it is inside a member.
        var body: ChannelExpression?
        public var product = Product.interaction
        var request = Request()
        var each: Each?
        var records: JSONPath
        var conditions: [Condition] = []
        var cursor = Cursor()
        var page = Page()
        var lookups: [Lookup] = []
        var revision: ChannelExpression?
        var map = Mapping()
        /// Rows of one id are lines of one order.
        var isGrouped = false
    }

    struct Each: Sendable {
        var name: String
        /// A list in the configuration, or …
        var list: ChannelExpression?
        /// … what a request finds.
        var request: Request?
        var records: JSONPath?
        var page: Page?
    }

    struct Cursor: Sendable {
        enum Kind: String, Sendable, CaseIterable { case id, time, seen, token, all }
        enum Order: String, Sendable, CaseIterable { case asc, desc }
        enum Comparison: String, Sendable, CaseIterable { case number, text }
        var kind = Kind.seen
        var path: ChannelExpression?
        var place: Place?
        var format: DateFormat?
        var zone = "UTC"
        var overlap = Duration.zero
        var order = Order.asc
        var comparison = Comparison.number
        var add = 0
        /// Sending the cursor makes the source forget what is before it: it is sent only after that is stored.
        var commitsWhenStored = false
        var usesETag = false
    }

    struct Page: Sendable {
        enum Kind: String, Sendable, CaseIterable {
            case none, cursor, token, nextURL = "next_url", link, page, offset, lastRecord = "last_record"
        }
        static let countMax = 50
        /// Newest first, a poll that ends early leaves a hole.
        static let countMaxNewestFirst = 10_000
        var kind = Kind.none
        var path: ChannelExpression?
        var place: Place?
        var size: Int?
        var start: Int?
        var more: ChannelExpression?
        var max: Int?
    }

    struct Lookup: Sendable {
        var name: String
        var request: Request
        /// Of a record: what it is looked up by. Nil for a definition that is fetched once.
        var keys: ChannelExpression?
        var batch = 50
        var records: JSONPath?
        var index: JSONPath?
        var cache = Duration.seconds(3600)
    }

    struct Mapping: Sendable {
        /// `author.name` → expression, in the file's order.
        var targets: [(name: String, value: ChannelExpression)] = []
        var fields: [(name: String, value: ChannelExpression)] = []
        var pairs: Pairs?
        /// `attachments` of an interaction, `items` of an order.
        var parts: Parts?
        /// How amounts are written; nil as decimal numbers.
        var amounts: ChannelAmounts?

        struct Pairs: Sendable {
            var list: ChannelExpression
            var key: ChannelExpression
            var value: ChannelExpression
        }

        struct Parts: Sendable {
            var name: String
            var list: ChannelExpression
            var members: [(name: String, value: ChannelExpression)]
        }
    }

    // MARK: The way back, and the way in without asking

    public struct Reply: Sendable {
        public enum Unit: String, Sendable, CaseIterable { case characters = "chars", graphemes, bytes }
        public var limit: Int?
        public var unit = Unit.characters
        public var splits = false
        /// How long after the customer's last message an answer may be sent, and how many.
        public var openFor: Duration?
        public var messagesMax: Int?
        /// The request carries a name of ours, by which the source knows a repeated answer.
        public var mayRepeat = false
        var request: Request
        var sentID: ChannelExpression?
        var auth: Authorization?
    }

    public struct Push: Sendable {
        /// The stream whose records are pushed: what is also polled has one id then, and is stored once.
        public var stream: String?
        public var format = Stream.Format.json
        var verify: Verification
        /// Of accounts that give a key for it.
        var seal: Seal?
        var challenge: Challenge?
        public var status = 200
        public var answer = ""
        var records: JSONPath
        var conditions: [Condition] = []
        var map = Mapping()

        struct Verification: Sendable {
            var place: Place
            var signature: Signature
            var prefix = ""
            /// Whether the body alone is signed: its bytes count then, whatever they mean.
            var signsBody = false
            /// When the push was signed; nothing older or younger than `within` is believed.
            var timestamp: ChannelExpression?
            var within = Duration.seconds(300)
        }

        /// A body that is sealed for us. Its `verify` takes the other one's place.
        struct Seal: Sendable {
            /// Where the sealed text stands in the body.
            var value: ChannelExpression
            /// 43 characters of base64; nothing is sealed while it is empty.
            var key: ChannelExpression
            /// Whom it must be for.
            var receiver: ChannelExpression?
            var verify: Verification
        }

        /// What the source asks once to see that the address is ours: the value is given back.
        struct Challenge: Sendable {
            /// The query parameter that holds it, or …
            var query: String?
            /// … where in the body it stands.
            var body: ChannelExpression?
            /// Of an answer in JSON: the member's name.
            var member: String?
            /// The query parameter that proves who asks; without it the signature does.
            var verifiedBy: String?
            var equals: ChannelExpression?
        }
    }

    /// What may stand in a `map`, by what it makes.
    static func targets(_ product: Stream.Product) -> [String] {
        switch product {
        case .interaction:
            [
                "external_id", "thread_id", "parent_id", "occurred_at", "author.id", "author.handle", "author.name", "author.email",
                "author.phone", "author.followers", "author.url", "subject", "text", "html", "permalink", "language", "rating",
            ]
        case .order:
            [
                "external_id", "occurred_at", "updated_at", "number", "status", "state", "currency", "total", "refunded", "paid_at",
                "fulfilled_at", "cancelled_at", "refunded_at", "customer.id", "customer.email", "customer.phone", "customer.name",
                "permalink",
            ]
        case .customer:
            [
                "external_id", "occurred_at", "updated_at", "email", "phone", "name", "locale", "tags", "spent", "orders", "currency",
                "accepts_marketing", "consent_at",
            ]
        }
    }
}
