/// How an account gets its access tokens (OAuth 2, RFC 6749) instead of a password.
public struct OAuth: Sendable, Hashable {
    /// Who says yes, and how.
    public enum Flow: String, Sendable, CaseIterable {
        /// A person types a code on any machine with a browser (RFC 8628). Microsoft.
        case device
        /// A person's browser comes back to this machine, or its address is pasted (RFC 8252, PKCE). Google.
        case loopback
        /// A key of the organisation speaks for a mailbox (RFC 7523). Google Workspace.
        case serviceAccount = "service_account"
        /// The program speaks for itself (RFC 6749 §4.4). Microsoft 365 with application permissions.
        case clientCredentials = "client_credentials"

        /// Whether a person has to agree once, with `hongyan auth`.
        public var needsPerson: Bool { self == .device || self == .loopback }
    }

    public var flow: Flow
    public var clientID: String
    public var clientSecret: Secret?
    public var scopes: [String]
    public var tokenURL: String
    public var authorizationURL: String?
    public var deviceURL: String?
    /// The organisation's signing key in PEM (PKCS #8 or PKCS #1), for `serviceAccount`.
    public var privateKey: Secret?
    /// The `kid` of that key.
    public var keyID: String?
    /// The mailbox a service account speaks for.
    public var subject: String?
    public var tls: TLS

    public init(flow: Flow, clientID: String, tokenURL: String, scopes: [String]) {
        self.flow = flow
        self.clientID = clientID
        self.tokenURL = tokenURL
        self.scopes = scopes
        tls = TLS()
    }
}

/// What an authorisation server gave. Its secrets print as `•••`.
public struct OAuthGrant: Sendable, Hashable {
    public var accessToken: Secret
    /// Nil when the flow can ask again by itself.
    public var refreshToken: Secret?
    public var issuedAt: Timestamp
    public var expiresAt: Timestamp
    /// When the refresh token ends, where the server says so.
    public var refreshExpiresAt: Timestamp?

    public init(
        accessToken: Secret, refreshToken: Secret?, issuedAt: Timestamp, expiresAt: Timestamp, refreshExpiresAt: Timestamp? = nil
    ) {
        self.accessToken = accessToken
        self.refreshToken = refreshToken
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.refreshExpiresAt = refreshExpiresAt
    }

    /// A new token is fetched after this much of its life, so that a slow server never leaves us without one.
    public static let refreshAtLifeShare = 0.8

    public var refreshAt: Timestamp { issuedAt + (expiresAt - issuedAt) * Self.refreshAtLifeShare }
}
