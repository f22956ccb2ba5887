/// Proves that a Message-ID or a link came from us: HMAC-SHA256 with the instance's secret.
public struct Signer: Sendable {
    let secret: [UInt8]

    /// `h.<kind>.<id in base 32>.<16 hex digits of MAC>@domain`, without angle brackets. Kind `s` is a `Send`.
    public func messageID(kind: Character, id: Int64, domain: String) -> String { "" }

    /// Takes it with or without angle brackets and whatever the domain. Nil unless we made it.
    public func verifyMessageID(_ text: String) -> (kind: Character, id: Int64)? { nil }

    /// URL-safe text that holds `parts` in the clear and a MAC of 16 bytes.
    public func token(_ kind: Character, _ parts: [String]) -> String { "" }

    /// The parts of a token of this kind. Nil unless we made it.
    public func verifyToken(_ kind: Character, _ token: String) -> [String]? { nil }

    /// Keyed hash in hex, to compare what must not be stored.
    public func digest(_ text: String) -> String { "" }
}
