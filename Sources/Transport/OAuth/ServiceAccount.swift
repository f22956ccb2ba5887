public import Domain
import FoundationEssentials

/// A key that speaks for a program: what a service account's JSON file holds.
public struct ServiceAccount: Sendable {
    private let settings: OAuth

    /// - Parameters:
    ///   - key: the JSON file of a service account, or an RSA private key in PEM.
    ///   - issuer: who signs; needed beside a PEM key.
    ///   - subject: whom it speaks for.
    public init(key: Secret, issuer: String?, subject: String?, scope: String, tokenURL: String) throws {
        struct File: Decodable {
            var email: String
            var key: String
            var keyID: String?

            enum CodingKeys: String, CodingKey {
                case email = "client_email"
                case key = "private_key"
                case keyID = "private_key_id"
            }
        }
        let text = key.reveal()
        var settings = OAuth(
            flow: .serviceAccount, clientID: issuer ?? "", tokenURL: tokenURL, scopes: scope.split(separator: " ").map(String.init))
        if text.contains("\"private_key\""), let file = try? JSONDecoder().decode(File.self, from: Data(text.utf8)) {
            settings.clientID = issuer.flatMap { $0.isEmpty ? nil : $0 } ?? file.email
            settings.privateKey = Secret(file.key)
            settings.keyID = file.keyID
        } else {
            settings.privateKey = key
        }
        if let subject, !subject.isEmpty { settings.subject = subject }
        self.settings = settings
    }

    /// The signed assertion to exchange for a token (RFC 7523 §2.1).
    public func assertion(now: Timestamp) throws -> String { try JSONWebToken.assertion(settings, now: now) }
}
