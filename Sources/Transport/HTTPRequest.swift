public import Domain

/// One HTTP request. TLS is always verified; redirects follow the rules of `TransferLoop.http`.
public struct HTTPRequest: Sendable {
    public var method: String
    /// `http://`, `https://`, or `file://` when `allowFile` is set. User and password in it become Basic authentication.
    public var url: String
    /// Sent as they are; a value with a line break is refused.
    public var headers: [(String, String)]
    public var body: [UInt8]?
    public var connectTimeout: Duration
    /// For everything, redirects included.
    public var totalTimeout: Duration
    /// How long not a single byte may move.
    public var stallTimeout: Duration
    /// Of the body after decompression.
    public var sizeBytesMax: Int
    /// 0 hands the redirect itself back.
    public var redirectsMax: Int
    public var tls: TLS
    /// `http://host:port`, `socks5h://…`; the environment's (`https_proxy`, `no_proxy`) when nil.
    public var proxy: String?
    public var allowFile: Bool
    /// Whether loopback, private and link-local addresses may be asked. A redirect never leads from a public address to one of these.
    public var allowPrivate: Bool
    /// Whether a redirect may lead from one place inside a private network to another. Within the same origin it always may.
    public var allowPrivateRedirects: Bool
    /// The request must not be made twice by us: it gets a connection of its own. On one that lay open, the first sign that the server
    /// hung up is an answer that does not come, and libcurl then sends the request again, though it may have been done.
    public var isOnce: Bool

    public init(_ method: String = "GET", _ url: String) {
        self.method = method
        self.url = url
        headers = []
        connectTimeout = .seconds(15)
        totalTimeout = .seconds(120)
        stallTimeout = .seconds(30)
        sizeBytesMax = 32 << 20
        redirectsMax = 5
        tls = TLS()
        allowFile = false
        allowPrivate = true
        allowPrivateRedirects = true
        isOnce = false
    }
}

/// What came back. A status of 400 and above is an answer like any other, not an error.
public struct HTTPResponse: Sendable {
    public var status: Int
    /// In the order they came; of the last response when there were redirects.
    public var headers: [(name: String, value: String)]
    /// Decompressed.
    public var body: [UInt8]
    /// After redirects, without user and password.
    public var url: String
    /// Where to ask from now on: the end of the permanent redirects (301, 308) at the beginning of the way.
    public var movedTo: String?
    /// No public address sent us there, so that one of a private network may be meant.
    public var isMovedInside = false

    public init(status: Int, headers: [(name: String, value: String)], body: [UInt8], url: String) {
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
    }

    /// The first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}
