import Crypto
import Domain
import Foundation
import Logging
import Synchronization
import Testing
import _CryptoExtras

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct OAuthTests {
    @Test func `the proof key's challenge is the one of RFC 7636, appendix B`() {
        #expect(
            ProofKey(verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        #expect(ProofKey().verifier != ProofKey().verifier)
        #expect(ProofKey().verifier.utf8.count == 43)
    }

    @Test func `an assertion is signed by the organisation's key and says who speaks for whom`() throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        var oauth = OAuth(flow: .serviceAccount, clientID: "robot@project", tokenURL: "https://t.example/token", scopes: ["mail"])
        oauth.privateKey = Secret(key.pemRepresentation)
        oauth.subject = "care@example.com"
        oauth.keyID = "k1"
        let parts = try JSONWebToken.assertion(oauth, now: Timestamp(microseconds: 1_000_000_000)).split(separator: ".").map(String.init)
        try #require(parts.count == 3)
        func decoded(_ text: String) throws -> Data {
            let standard = text.replacing("-", with: "+").replacing("_", with: "/")
            return try #require(Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4)))
        }
        #expect(String(decoding: try decoded(parts[0]), as: UTF8.self) == #"{"alg":"RS256","kid":"k1","typ":"JWT"}"#)
        #expect(
            String(decoding: try decoded(parts[1]), as: UTF8.self)
                == #"{"aud":"https://t.example/token","exp":4600,"iat":1000,"iss":"robot@project","scope":"mail","sub":"care@example.com"}"#
        )
        let signature = _RSA.Signing.RSASignature(rawRepresentation: try decoded(parts[2]))
        let digest = SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        #expect(key.publicKey.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5))
    }

    @Test func `a key that is none is told, without showing it`() {
        var oauth = OAuth(flow: .serviceAccount, clientID: "r", tokenURL: "https://t.example", scopes: [])
        oauth.privateKey = Secret("not a key")
        #expect(throws: OAuthError.key("the service account's `key` is no RSA private key in PEM; download a new one")) {
            try JSONWebToken.assertion(oauth, now: Timestamp(microseconds: 0))
        }
    }

    @Test func `fields are escaped as a form wants them`() {
        #expect(OAuthClient.form([("scope", "a b&c=中"), ("x", "~-._")]) == "scope=a%20b%26c%3D%E4%B8%AD&x=~-._")
    }

    @Test(
        "what a refusal means is said in words",
        arguments: [
            (
                OAuthError.refused(host: "h", name: "invalid_grant", description: nil),
                "h refused (invalid_grant); the permission was withdrawn or has run out", false
            ),
            (
                .refused(host: "h", name: "invalid_client", description: "bad"),
                "h refused (invalid_client: bad); check `client_id` and `client_secret`", false
            ),
            (.refused(host: "h", name: "temporarily_unavailable", description: nil), "h refused (temporarily_unavailable)", true),
            (.trouble(host: "h", status: 503), "h has trouble of its own (503); it is asked again", true),
        ])
    func refusals(error: OAuthError, words: String, isTemporary: Bool) {
        #expect(error.description == words)
        #expect(error.isTemporary == isTemporary)
    }
}
