import Crypto
public import Domain
import Formats
import FoundationEssentials
import _CryptoExtras

/// A private key that signs for one domain: RSA of 2048 bits or more (RFC 8301 §3.2), or Ed25519 (RFC 8463).
public struct DKIMKey: Sendable {
    public enum Algorithm: String, Sendable, CaseIterable {
        case rsa = "rsa-sha256"
        case ed25519 = "ed25519-sha256"
    }

    private enum Material: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
    }

    /// RSA in bits; longer keys give records that do not fit into one DNS answer.
    static let rsaBits = 2048

    public let domain: String
    public let selector: String
    private let material: Material

    /// - Throws: `DKIMKeyError`, whose words never hold a part of the key.
    public init(_ identity: DKIMIdentity) throws(DKIMKeyError) {
        try self.init(domain: identity.domain, selector: identity.selector, pem: identity.key.reveal())
    }

    init(domain: String, selector: String, pem: String) throws(DKIMKeyError) {
        self.domain = domain
        self.selector = selector
        guard pem.contains("-----BEGIN ") else { throw .noPEM }
        guard !pem.contains("ENCRYPTED") else { throw .encrypted }
        guard pem.contains("PRIVATE KEY-----") else { throw .notPrivate }
        if let seed = Ed25519PEM.seed(of: pem) {
            guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { throw .unreadable }
            material = .ed25519(key)
        } else if let key = try? _RSA.Signing.PrivateKey(pemRepresentation: pem) {
            material = .rsa(key)
        } else if (try? _RSA.Signing.PrivateKey(unsafePEMRepresentation: pem)) != nil {
            throw .tooShort
        } else {
            throw .unreadable
        }
    }

    private init(domain: String, selector: String, material: Material) {
        self.domain = domain
        self.selector = selector
        self.material = material
    }

    /// A new key and the PEM text (PKCS #8) to keep.
    public static func make(_ algorithm: Algorithm, domain: String, selector: String) throws -> (key: DKIMKey, pem: Secret) {
        switch algorithm {
        case .rsa:
            let key = try _RSA.Signing.PrivateKey(keySize: .init(bitCount: rsaBits))
            return (DKIMKey(domain: domain, selector: selector, material: .rsa(key)), Secret(key.pkcs8PEMRepresentation + "\n"))
        case .ed25519:
            let key = Curve25519.Signing.PrivateKey()
            let pem = Ed25519PEM.pem(seed: Array(key.rawRepresentation))
            return (DKIMKey(domain: domain, selector: selector, material: .ed25519(key)), Secret(pem))
        }
    }

    public var algorithm: Algorithm {
        switch material {
        case .rsa: .rsa
        case .ed25519: .ed25519
        }
    }

    /// The signature over the SHA-256 of what is signed.
    func signature(of digest: SHA256Digest) throws -> [UInt8] {
        switch material {
        case .rsa(let key): Array(try key.signature(for: digest, padding: .insecurePKCS1v1_5).rawRepresentation)
        // RFC 8463 §3: PureEdDSA over the hash, not over the message.
        case .ed25519(let key): Array(try key.signature(for: Data(digest)))
        }
    }

    /// The public half in base64, as the `p=` of the DNS record has it.
    public var publicKey: String {
        switch material {
        case .rsa(let key): key.publicKey.derRepresentation.base64EncodedString()
        case .ed25519(let key): key.publicKey.rawRepresentation.base64EncodedString()
        }
    }

    /// Where the record stands.
    public var recordName: String { "\(selector)._domainkey.\(domain)" }

    /// The record's text (RFC 6376 §3.6.1).
    public var record: String {
        switch material {
        case .rsa: "v=DKIM1; k=rsa; p=\(publicKey)"
        case .ed25519: "v=DKIM1; k=ed25519; p=\(publicKey)"
        }
    }
}

/// What is wrong with a key, to be completed with the file's name.
public enum DKIMKeyError: Error, Sendable, Hashable, CustomStringConvertible {
    case noPEM
    case encrypted
    case notPrivate
    case tooShort
    case unreadable

    public var description: String {
        switch self {
        case .noPEM: "is no PEM file; it must begin with -----BEGIN PRIVATE KEY-----"
        case .encrypted: "is protected by a passphrase, which nobody can type when the daemon starts; write it without one"
        case .notPrivate: "holds no private key; name the file that `hongyan dkim new` wrote"
        case .tooShort:
            "is an RSA key of fewer than \(DKIMKey.rsaBits) bits, which receivers call weak (RFC 8301); make a new one: hongyan dkim new"
        case .unreadable: "is neither an RSA nor an Ed25519 key; make one with: hongyan dkim new"
        }
    }
}

/// Ed25519 in PKCS #8 (RFC 8410 §7), which swift-crypto does not read or write.
private enum Ed25519PEM {
    /// SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 bytes } }
    private static let prefix: [UInt8] = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]
    /// The algorithm and the head of the key, also in files that carry the public key behind it (version 1).
    private static let mark = prefix[5...]

    static func seed(of pem: String) -> [UInt8]? {
        let lines = pem.split(whereSeparator: \.isNewline)
        guard let begin = lines.firstIndex(where: { $0.hasPrefix("-----BEGIN PRIVATE KEY-----") }),
            let end = lines[begin...].firstIndex(where: { $0.hasPrefix("-----END") }),
            let der = Data(base64Encoded: lines[(begin + 1)..<end].joined())
        else { return nil }
        let bytes = Array(der)
        guard bytes.count >= prefix.count + 32, bytes[0] == 0x30, bytes[2] == 2, Array(bytes[5..<16]) == Array(mark) else { return nil }
        return Array(bytes[16..<48])
    }

    static func pem(seed: [UInt8]) -> String {
        "-----BEGIN PRIVATE KEY-----\n" + Data(prefix + seed).base64EncodedString() + "\n-----END PRIVATE KEY-----\n"
    }
}
