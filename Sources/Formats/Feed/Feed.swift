public import Domain

/// A web feed, whatever its dialect.
public struct Feed: Sendable, Hashable {
    public var title = ""
    public var id: String?
    public var link: String?
    public var language: String?
    public var author: FeedAuthor?
    public var updated: Timestamp?
    /// HTML, not sanitised, as are the texts of entries.
    public var description = ""
    public var rights = ""
    public var categories: [String] = []
    public var image: String?
    /// Where the feed says it has moved to (`itunes:new-feed-url`).
    public var newURL: String?
    /// How often it is worth asking, in the feed's own words.
    public var refresh = FeedRefresh()
    /// What the bytes were read as, in IANA's words.
    public var charset = "utf-8"
    /// In the document's order, which is usually newest first.
    public var entries: [FeedEntry] = []
    public init() {}
}

public struct FeedEntry: Sendable, Hashable {
    /// Stable across polls: the feed's own id, else the link, else a hash of title, date and text.
    public var id = ""
    /// Plain text.
    public var title = ""
    /// Absolute where the feed says enough to make it so.
    public var link: String?
    public var author: FeedAuthor?
    public var published: Timestamp?
    public var updated: Timestamp?
    /// The fullest body the feed gives, not sanitised, its links absolute.
    public var html = ""
    /// `html` reduced to text.
    public var text = ""
    /// The short text where there is another one; HTML, not sanitised.
    public var summary = ""
    public var rights = ""
    public var categories: [String] = []
    public var enclosures: [FeedEnclosure] = []
    public var image: String?
    /// The page with the comments, the feed of them, and how many there are.
    public var comments: String?
    public var commentsFeed: String?
    public var commentsCount: Int?
    /// Ids or addresses of what it answers (RFC 4685).
    public var inReplyTo: [String] = []
    /// Degrees, north and east.
    public var place: FeedPlace?
    public init() {}
}

public struct FeedPlace: Sendable, Hashable {
    public var latitude: Double
    public var longitude: Double
}

public struct FeedAuthor: Sendable, Hashable {
    public var name: String
    public var email: String?
    public var uri: String?
    public init(name: String, email: String? = nil, uri: String? = nil) {
        self.name = name
        self.email = email
        self.uri = uri
    }
}

public struct FeedEnclosure: Sendable, Hashable {
    public var url: String
    public var type: String?
    public var sizeBytes: Int64?
    public init(url: String, type: String? = nil, sizeBytes: Int64? = nil) {
        self.url = url
        self.type = type
        self.sizeBytes = sizeBytes
    }
}

/// What the response said that the document itself does not.
public struct FeedResponse: Sendable, Hashable {
    public var contentType: String?
    /// The base of relative links where the document names none (RFC 9110 §8.7).
    public var contentLocation: String?
    public var contentLanguage: String?
    public init(contentType: String? = nil, contentLocation: String? = nil, contentLanguage: String? = nil) {
        self.contentType = contentType
        self.contentLocation = contentLocation
        self.contentLanguage = contentLanguage
    }
}

public enum FeedError: Error, Hashable, CustomStringConvertible {
    case empty(url: String)
    case tooLarge(url: String, bytes: Int, max: Int)
    /// `looksLike` is a noun phrase: "an HTML page", "JSON without items".
    case notAFeed(url: String, looksLike: String)
    case broken(url: String, reason: String)
    case entityExpansion(url: String)

    public var description: String {
        switch self {
        case .empty(let url): "\(url): the feed has no bytes; open it in a browser to see whether it still exists"
        case .tooLarge(let url, let bytes, let max):
            "\(url): the feed has \(bytes) bytes, more than the \(max) allowed; ask for fewer entries"
        case .notAFeed(let url, let looksLike): "\(url): no feed but \(looksLike); give the address of the RSS, Atom or JSON feed itself"
        case .broken(let url, let reason): "\(url): the feed cannot be read: \(reason); tell its publisher"
        case .entityExpansion(let url): "\(url): the feed's entities expand without end, which is an attack; remove this feed"
        }
    }
}
