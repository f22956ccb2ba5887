/// The public half of a key in DNS (RFC 6376 §3.6.1).
public struct DKIMRecord: Sendable, Hashable {
    /// `rsa` or `ed25519`.
    public var keyType: String
    /// Base64 without white space; empty for a key that was withdrawn.
    public var publicKey: String
    /// `t=y`: receivers treat the mail as if it were not signed.
    public var isTest: Bool
    /// `h=` without sha256 forbids every signature made today.
    public var takesSHA256: Bool

    /// Nil when it is no key record.
    public init?(_ text: String) {
        guard let tags = TagList(text), let key = tags["p"], tags["v"].map({ $0 == "DKIM1" }) ?? true else { return nil }
        publicKey = key.filter { !$0.isWhitespace }
        keyType = ASCII.lowercased(tags["k"] ?? "rsa")
        isTest = (tags["t"] ?? "").split(separator: ":").contains { ASCII.trim(String($0)) == "y" }
        takesSHA256 = tags["h"].map { $0.split(separator: ":").contains { ASCII.trim(String($0)) == "sha256" } } ?? true
    }
}
