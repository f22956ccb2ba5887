/// How much a sender asks of the other side at once, and how it goes there.
public struct SendLimits: Sendable, Hashable {
    public struct Destination: Sendable, Hashable {
        /// Connections at the same time.
        public var connections: Int?
        /// Mails begun in a minute.
        public var perMinute: Int?

        public init(connections: Int? = nil, perMinute: Int? = nil) {
            self.connections = connections
            self.perMinute = perMinute
        }
    }

    /// For a destination that is not named below: a relay, a mail provider, or a domain with servers of its own.
    public var usual: Destination
    /// By the provider's name (`MailProvider`) or by domain.
    public var named: [String: Destination]
    /// Mails over one connection; then it is closed (Yahoo wants 20, most take 100).
    public var perConnection: Int

    public init() {
        usual = Destination()
        named = [:]
        perConnection = 50
    }

    public func of(_ destination: String) -> Destination {
        let own = named[destination]
        return Destination(connections: own?.connections ?? usual.connections, perMinute: own?.perMinute ?? usual.perMinute)
    }
}

/// How mail that goes straight to a domain's servers is protected on its way (RFC 7435).
public enum MailEncryption: String, Sendable, Hashable, CaseIterable {
    /// TLS wherever it is offered, whoever's certificate; in the clear where it is not, or fails. A domain's MTA-STS policy overrules it.
    case opportunistic
    /// TLS with a certificate for the server's name, or no delivery.
    case required
}

/// Mail providers whose many domains share servers, and so share limits.
public enum MailProvider {
    /// Ends of MX host names; the longest match counts.
    private static let hosts: [(end: String, provider: String)] = [
        ("google.com", "google"), ("googlemail.com", "google"), ("olc.protection.outlook.com", "outlook"),
        ("protection.outlook.com", "microsoft365"), ("mx.microsoft", "microsoft365"), ("yahoodns.net", "yahoo"), ("qq.com", "qq"),
        ("163.com", "netease"), ("126.com", "netease"), ("netease.com", "netease"), ("ym.163.com", "netease"), ("qiye163.com", "netease"),
        ("mxhichina.com", "aliyun"), ("aliyun.com", "aliyun"), ("icloud.com", "apple"), ("mail.ru", "mailru"), ("yandex.net", "yandex"),
        ("gmx.net", "gmx"), ("sina.com.cn", "sina"), ("sohu.com", "sohu"), ("feishu.cn", "feishu"),
    ]

    /// What is asked of each of them when the operator says nothing: as much as they take from a small sender without complaint.
    public static let usual: [String: SendLimits.Destination] = [
        "google": .init(connections: 6), "outlook": .init(connections: 4), "microsoft365": .init(connections: 6),
        "yahoo": .init(connections: 3), "qq": .init(connections: 2, perMinute: 120), "netease": .init(connections: 2, perMinute: 120),
        "aliyun": .init(connections: 3), "apple": .init(connections: 3),
    ]
    /// For everybody else.
    public static let connectionsElsewhere = 2

    public static let names: Set<String> = Set(hosts.map(\.provider))

    /// Nil for servers of nobody we know.
    public static func of(mxHost host: String) -> String? {
        let host = host.lowercased()
        let known = hosts.filter { host == $0.end || host.hasSuffix("." + $0.end) }
        return known.max { $0.end.utf8.count < $1.end.utf8.count }?.provider
    }
}
