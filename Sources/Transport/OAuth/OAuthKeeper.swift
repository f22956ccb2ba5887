public import Domain
public import Logging

/// Has a valid access token for each account that uses OAuth 2: renews at four fifths of its life, once for all who ask at the same time,
/// and stores what the server gave before anybody uses it, because a server may take each refresh token only once.
public actor OAuthKeeper {
    /// Where tokens live between runs. `guarded` lets only one node at a time renew an account's token.
    public struct Shelf: Sendable {
        public var load: @Sendable (_ account: String) async throws -> OAuthGrant?
        public var save: @Sendable (_ account: String, _ grant: OAuthGrant) async throws -> Void
        /// The renewal was refused for good, in words; nil when all is well again.
        public var mark: @Sendable (_ account: String, _ problem: String?) async throws -> Void
        public var lock: @Sendable (_ account: String) async throws -> Bool
        public var unlock: @Sendable (_ account: String) async -> Void

        public init(
            load: @escaping @Sendable (String) async throws -> OAuthGrant?,
            save: @escaping @Sendable (String, OAuthGrant) async throws -> Void,
            mark: @escaping @Sendable (String, String?) async throws -> Void, lock: @escaping @Sendable (String) async throws -> Bool,
            unlock: @escaping @Sendable (String) async -> Void
        ) {
            self.load = load
            self.save = save
            self.mark = mark
            self.lock = lock
            self.unlock = unlock
        }
    }

    /// How long another node's renewal is waited for.
    static let othersMax = 20
    static let othersWait = Duration.milliseconds(500)

    private var settings: [String: OAuth]
    private let shelf: Shelf
    private let loop: TransferLoop
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private var grants: [String: OAuthGrant] = [:]
    private var renewals: [String: Task<OAuthGrant, any Error>] = [:]

    /// - Parameter settings: by the name the token is kept under: the account's.
    public init(
        _ settings: [String: OAuth], shelf: Shelf, loop: TransferLoop, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.settings = settings
        self.shelf = shelf
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    public func reload(_ settings: [String: OAuth]) {
        for name in self.settings.keys where settings[name] != self.settings[name] { grants[name] = nil }
        self.settings = settings
    }

    /// Forgets what is in memory, so that a person's new permission counts at once.
    public func forget(_ account: String) { grants[account] = nil }

    /// Opens a connection with a valid token in `endpoint`; one that the server refuses all the same is renewed once.
    public func connect<Client: Sendable>(
        _ account: String, _ endpoint: LineEndpoint, by open: @Sendable (LineEndpoint) async throws -> Client
    ) async throws -> Client {
        guard settings[account] != nil else { return try await open(endpoint) }
        var endpoint = endpoint
        let token = try await token(account)
        endpoint.accessToken = token
        do { return try await open(endpoint) } catch let error as TransportError {
            guard case .loginRefused = error, !error.isTemporary else { throw error }
            endpoint.accessToken = try await self.token(account, other: token)
            return try await open(endpoint)
        }
    }

    /// - Parameter other: a token that was refused and must not be given again.
    /// - Throws: `TransportError.authorization` when only a person can help.
    public func token(_ account: String, other: Secret? = nil) async throws -> Secret {
        if let renewal = renewals[account] {
            let grant = try await renewal.value
            if grant.accessToken != other { return grant.accessToken }
        }
        if grants[account] == nil { grants[account] = try await shelf.load(account) }
        if let grant = grants[account], grant.accessToken != other, now() < grant.refreshAt { return grant.accessToken }
        if let renewal = renewals[account] { return try await renewal.value.accessToken }
        let old = grants[account]
        let renewal = Task { try await self.renew(account, old, refused: other) }
        renewals[account] = renewal
        defer { renewals[account] = nil }
        do {
            let grant = try await renewal.value
            grants[account] = grant
            return grant.accessToken
        } catch let error as TransportError where !error.isAuthorization {
            if let old, old.accessToken != other, now() < old.expiresAt { return old.accessToken }  // four fifths are gone, one is left
            throw error
        }
    }

    private func renew(_ account: String, _ old: OAuthGrant?, refused: Secret?) async throws -> OAuthGrant {
        guard let settings = settings[account] else { throw TransportError.authorization(account: account, reason: "it has no `oauth`") }
        var tries = 0
        while !(try await shelf.lock(account)) {
            tries += 1
            guard tries < Self.othersMax else {
                throw TransportError.notReachable(host: account, reason: "another node has been renewing its token for too long")
            }
            try await Task.sleep(for: Self.othersWait)
        }
        do {
            // Somebody else may have renewed it while we waited; its refresh token would then be spent.
            let known = try await shelf.load(account)
            if let known, known.accessToken != old?.accessToken, known.accessToken != refused, now() < known.refreshAt {
                await shelf.unlock(account)
                return known
            }
            let grant = try await OAuthClient(settings, loop: loop, now: now).renew(known ?? old)
            try await shelf.save(account, grant)
            await shelf.unlock(account)
            logger.info("A new access token.", metadata: ["account": "\(account)", "until": "\(grant.expiresAt)"])
            return grant
        } catch {
            await shelf.unlock(account)
            guard let error = error as? OAuthError else { throw error }
            guard !error.isTemporary else { throw TransportError.notReachable(host: account, reason: "\(error)") }
            try await shelf.mark(account, "\(error)")
            throw TransportError.authorization(account: account, reason: "\(error)")
        }
    }
}
