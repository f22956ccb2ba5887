import Crypto
import Domain
import FoundationEssentials
import _CryptoExtras

/// The assertion of a service account (RFC 7523 §2.1), signed with RS256 (RFC 7518 §3.3).
enum JSONWebToken {
    /// Google takes no more.
    static let life: Int64 = 3600

    static func assertion(_ settings: OAuth, now: Timestamp) throws -> String {
        guard let pem = settings.privateKey else { throw OAuthError.setting("`key` is missing; a service account signs with it") }
        let key: _RSA.Signing.PrivateKey
        do { key = try _RSA.Signing.PrivateKey(pemRepresentation: pem.reveal()) } catch {
            throw OAuthError.key("the service account's `key` is no RSA private key in PEM; download a new one")
        }
        let issued = now.microseconds / 1_000_000
        let header = Header(kid: settings.keyID)
        let claims = Claims(
            iss: settings.clientID, sub: settings.subject, scope: settings.scopes.joined(separator: " "), aud: settings.tokenURL,
            iat: issued,
            exp: issued + life)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let input = Base64URL.encode(try encoder.encode(header)) + "." + Base64URL.encode(try encoder.encode(claims))
        let signature = try key.signature(for: SHA256.hash(data: Data(input.utf8)), padding: .insecurePKCS1v1_5)
        return input + "." + Base64URL.encode(signature.rawRepresentation)
    }

    private struct Header: Encodable {
        var alg = "RS256"
        var typ = "JWT"
        var kid: String?
    }

    private struct Claims: Encodable {
        var iss: String
        var sub: String?
        var scope: String
        var aud: String
        var iat: Int64
        var exp: Int64
    }
}

/// Proof Key for Code Exchange (RFC 7636): the code is worth nothing to whoever overhears it.
public struct ProofKey: Sendable {
    public let verifier: String
    /// S256 of the verifier.
    public let challenge: String

    public init() {
        let key = SymmetricKey(size: .bits256)
        self.init(verifier: Base64URL.encode(key.withUnsafeBytes { Data($0) }))
    }

    init(verifier: String) {
        self.verifier = verifier
        challenge = Base64URL.encode(Data(SHA256.hash(data: Data(verifier.utf8))))
    }
}

/// RFC 4648 §5 without padding.
enum Base64URL {
    static func encode(_ data: Data) -> String {
        String(
            data.base64EncodedString().compactMap { character -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }
}
