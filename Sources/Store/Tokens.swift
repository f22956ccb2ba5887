import Crypto
public import Domain
import FoundationEssentials

/// Access and refresh tokens, sealed with a key that is not in the database: a copy of the database alone opens no mailbox.
public struct TokenSeal: Sendable {
    public static let keyBytes = 32

    private let key: SymmetricKey

    /// - Parameter secret: 32 random bytes, or a longer text; anything shorter is the caller's mistake.
    public init(secret: [UInt8]) {
        precondition(secret.count >= Self.keyBytes, "a token key has at least 32 bytes")
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Array("hongyan tokens".utf8), outputByteCount: Self.keyBytes)
    }

    /// Any text, in base64; `purpose` is authenticated.
    public func seal(_ text: String, purpose: String) throws -> String {
        guard let box = try AES.GCM.seal(Array(text.utf8), using: key, authenticating: Array(purpose.utf8)).combined else {
            throw StoreError(.statement, "\(purpose) could not be sealed")
        }
        return box.base64EncodedString()
    }

    public func open(_ sealed: String, purpose: String) throws -> String {
        guard let bytes = Data(base64Encoded: sealed) else { throw StoreError(.statement, "\(purpose) is not sealed") }
        let plain = try AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: key, authenticating: Array(purpose.utf8))
        return String(decoding: plain, as: UTF8.self)
    }

    /// For the sessions of one channel account.
    public func vault(ofChannel account: String) -> Vault {
        let purpose = "channel \(account)"
        return Vault(seal: { try seal($0, purpose: purpose) }, open: { try open($0, purpose: purpose) })
    }

    private struct Sealed: Codable {
        var access: String
        var refresh: String?
    }

    /// AES-256-GCM; the account's name is authenticated, so that nobody can put one account's token under another's name.
    func seal(_ grant: OAuthGrant, _ account: String) throws -> [UInt8] {
        let plain = try JSONEncoder().encode(Sealed(access: grant.accessToken.reveal(), refresh: grant.refreshToken?.reveal()))
        guard let box = try AES.GCM.seal(plain, using: key, authenticating: Array(account.utf8)).combined else {
            throw StoreError(.statement, "the token of \(account) could not be sealed")
        }
        return Array(box)
    }

    func open(_ sealed: [UInt8], _ account: String) throws -> (access: Secret, refresh: Secret?) {
        do {
            let plain = try AES.GCM.open(AES.GCM.SealedBox(combined: Data(sealed)), using: key, authenticating: Array(account.utf8))
            let tokens = try JSONDecoder().decode(Sealed.self, from: plain)
            return (Secret(tokens.access), tokens.refresh.map { Secret($0) })
        } catch {
            throw StoreError(
                .statement,
                "the token of \(account) was sealed with another key; put the old token.key back (or `token_key`), "
                    + "or run: hongyan auth \(account)"
            )
        }
    }
}

/// How an account's permission is doing; no secret in it.
public struct TokenState: Sendable, Hashable {
    public var account: String
    public var expiresAt: Timestamp?
    /// When a person has to agree again, where the server says so.
    public var refreshExpiresAt: Timestamp?
    /// The longest that a permission was given for. One whose end moves on with each renewal always has about this much left.
    public var refreshLife: Duration?
    /// Why there is no token any more, in words.
    public var problem: String?
    public var changedAt: Timestamp
}

public struct Tokens {
    let transaction: Transaction

    public func load(_ account: String, _ seal: TokenSeal) throws -> OAuthGrant? {
        let sql = "SELECT sealed, issued_at, expires_at, refresh_expires_at FROM oauth_tokens WHERE account = $1 AND sealed IS NOT NULL"
        guard var row = try transaction.first(sql, account), let sealed = try row.optionalBlob() else { return nil }
        let (access, refresh) = try seal.open(sealed, account)
        return OAuthGrant(
            accessToken: access, refreshToken: refresh, issuedAt: try row.time(), expiresAt: try row.time(),
            refreshExpiresAt: try row.optionalTime())
    }

    /// Also ends a problem.
    public func save(_ account: String, _ grant: OAuthGrant, _ seal: TokenSeal) throws {
        try transaction.execute(
            """
            INSERT INTO oauth_tokens (account, sealed, issued_at, expires_at, refresh_expires_at, refresh_life, problem, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, NULL, $7)
            ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, issued_at = excluded.issued_at,
                expires_at = excluded.expires_at, refresh_expires_at = excluded.refresh_expires_at, problem = NULL,
                refresh_life = CASE WHEN oauth_tokens.refresh_life > excluded.refresh_life THEN oauth_tokens.refresh_life
                    ELSE excluded.refresh_life END,
                changed_at = excluded.changed_at
            """, account, try seal.seal(grant, account), grant.issuedAt, grant.expiresAt, grant.refreshExpiresAt,
            grant.refreshExpiresAt.map { $0.microseconds - grant.issuedAt.microseconds }, transaction.now)
    }

    public func mark(_ account: String, problem: String?) throws {
        try transaction.execute(
            """
            INSERT INTO oauth_tokens (account, problem, issued_at, expires_at, changed_at) VALUES ($1, $2, 0, 0, $3)
            ON CONFLICT (account) DO UPDATE SET problem = excluded.problem, changed_at = excluded.changed_at
            """, account, problem, transaction.now)
    }

    public func states() throws -> [TokenState] {
        try transaction.query(
            """
            SELECT account, CASE WHEN sealed IS NULL THEN NULL ELSE expires_at END, refresh_expires_at, refresh_life, problem,
                changed_at
            FROM oauth_tokens ORDER BY account
            """
        ).map { row in
            var row = row
            return TokenState(
                account: try row.text(), expiresAt: try row.optionalTime(), refreshExpiresAt: try row.optionalTime(),
                refreshLife: try row.optionalInteger().map { .microseconds($0) }, problem: try row.optionalText(), changedAt: try row.time()
            )
        }
    }
}
