public import Domain

/// Where a mail dialogue goes and who logs in.
public struct LineEndpoint: Sendable {
    /// `imap://`, `imaps://`, `smtp://`, `smtps://`, `pop3://` or `pop3s://` with host and optional port. The forms without s need
    /// STARTTLS unless `tls.allowPlain` is set. User, password and path in it are not used.
    public var url: String
    /// Without one nobody logs in (an open relay on loopback).
    public var user: String?
    public var password: Secret?
    /// For XOAUTH2 or OAUTHBEARER instead of a password.
    public var accessToken: Secret?
    public var tls: TLS
    /// What we call ourselves in EHLO; this machine's name when nil.
    public var helo: String?
    /// Until the login is done.
    public var connectTimeout: Duration
    /// Overrules what `tls` says about encryption; its CA file stays in force.
    public var encryption: LineEncryption?
    /// Where the host is, when that is known already; nobody is asked then, so what was checked is what is connected to.
    public var addresses: [IPAddress] = []

    public init(
        _ url: String, user: String? = nil, password: Secret? = nil, accessToken: Secret? = nil, tls: TLS = TLS(), helo: String? = nil,
        connectTimeout: Duration = .seconds(30)
    ) {
        self.url = url
        self.user = user
        self.password = password
        self.accessToken = accessToken
        self.tls = tls
        self.helo = helo
        self.connectTimeout = connectTimeout
    }
}

/// How a mail dialogue is encrypted by STARTTLS (RFC 3207).
public enum LineEncryption: Sendable, Hashable {
    case none
    /// When it is offered, whoever's certificate: against those who listen, not against those who pretend (RFC 7435).
    case whenOffered
    /// With a certificate for the host's name, or not at all.
    case verified
}
