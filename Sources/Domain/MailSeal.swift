/// That a mail is signed or encrypted, and what came of it (RFC 8551, RFC 3156).
public struct MailSeal: Sendable, Hashable {
    public enum Kind: String, Sendable { case signed, encrypted }
    public enum System: String, Sendable {
        case smime = "S/MIME"
        case openPGP = "OpenPGP"
    }
    public enum Finding: Sendable, Hashable {
        /// Nobody looked, or there is no key to look with.
        case unopened
        /// The signature fits the content, or the content was decrypted. `by` is the signer as the key names them; empty for encryption.
        case good(by: String)
        /// The signature fits, but its key is expired or nobody here vouches for it.
        case unsure(by: String)
        /// The signature does not fit, its key was revoked, or the envelope is damaged.
        case bad(why: String)
    }

    /// The header field under which the finding stands among the mail's own. A field of that name that came with the mail is dropped.
    public static let field = "X-Hongyan-Seal"

    public var kind: Kind
    public var system: System
    public var finding: Finding

    public init(_ kind: Kind, by system: System, finding: Finding = .unopened) {
        self.kind = kind
        self.system = system
        self.finding = finding
    }

    /// A sentence for people.
    public var value: String {
        switch (kind, finding) {
        case (.signed, .unopened): "signed with \(system.rawValue); not verified"
        case (.signed, .good(let signer)): "signed with \(system.rawValue); verified, \(signer)"
        case (.signed, .unsure(let signer)): "signed with \(system.rawValue); fits, but nobody vouches for the key, \(signer)"
        case (.signed, .bad(let why)): "signed with \(system.rawValue); bad signature, \(why)"
        case (.encrypted, .good), (.encrypted, .unsure): "encrypted with \(system.rawValue); decrypted"
        case (.encrypted, .unopened): "encrypted with \(system.rawValue); not decrypted"
        case (.encrypted, .bad(let why)): "encrypted with \(system.rawValue); not decrypted, \(why)"
        }
    }

    /// `signed S/MIME good Ann Lee <ann@example.com>`: as it is kept.
    public var stored: String {
        let (name, words) =
            switch finding {
            case .unopened: ("unopened", "")
            case .good(let by): ("good", by)
            case .unsure(let by): ("unsure", by)
            case .bad(let why): ("bad", why)
            }
        return "\(kind.rawValue) \(system.rawValue) \(name) \(words)"
    }

    public init?(stored: String) {
        let parts = stored.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let kind = Kind(rawValue: parts[0]), let system = System(rawValue: parts[1]) else { return nil }
        let finding: Finding
        switch parts[2] {
        case "unopened": finding = .unopened
        case "good": finding = .good(by: parts[3])
        case "unsure": finding = .unsure(by: parts[3])
        case "bad": finding = .bad(why: parts[3])
        default: return nil
        }
        self.init(kind, by: system, finding: finding)
    }
}
