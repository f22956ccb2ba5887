import Crypto

/// Proves that a Message-ID or a link came from us: HMAC-SHA256 with the instance's secret.
public struct Signer: Sendable {
    static let macBytes = 16
    static let messageIDMacBytes = 8
    /// Longer texts are not ours.
    static let textMax = 4096

    private let key: SymmetricKey

    public init(secret: [UInt8]) { key = SymmetricKey(data: secret) }

    /// `h.<kind>.<id in base 32>.<16 hex digits of MAC>@domain`, without angle brackets. Kind `s` is a `Send`.
    public func messageID(kind: Character, id: Int64, domain: String) -> String {
        let name = "h.\(kind).\(String(id, radix: 32))"
        return "\(name).\(Self.hex(mac("message-id", Array(name.utf8)).prefix(Self.messageIDMacBytes)))@\(domain)"
    }

    /// Takes it with or without angle brackets and whatever the domain. Nil unless we made it.
    public func verifyMessageID(_ text: String) -> (kind: Character, id: Int64)? {
        // Every id of every mail is asked; only few look like ours at all.
        guard text.utf8.count <= Self.textMax, text.utf8.contains(UInt8(ascii: "h")) || text.utf8.contains(UInt8(ascii: "H")),
            text.utf8.reduce(0, { $0 + ($1 == UInt8(ascii: ".") ? 1 : 0) }) >= 3
        else { return nil }
        let bare = text.split(whereSeparator: { $0.isWhitespace || $0 == "<" || $0 == ">" }).first ?? ""
        let parts = (bare.split(separator: "@").first ?? "").lowercased().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "h", parts[1].count == 1, let kind = parts[1].first, let id = Int64(parts[2], radix: 32) else {
            return nil
        }
        // Some mail systems change the case of what is before the @.
        let expected = messageID(kind: kind, id: id, domain: "").dropLast().split(separator: ".").last ?? ""
        return Self.isSame(Array(expected.utf8), Array(parts[3].utf8)) ? (kind, id) : nil
    }

    /// What tells whose mail a bounce is about, in the return path and as the envelope's id (VERP; RFC 3461 §4.4):
    /// `<id in base 32>-<16 hex digits of MAC>`, at most 30 bytes. Means the same in upper case, which some systems make of it.
    public func returnPath(id: Int64) -> String {
        let name = String(id, radix: 32)
        return name + "-" + Self.hex(mac("return-path", Array(name.utf8)).prefix(Self.messageIDMacBytes))
    }

    /// Takes the token alone or an address that ends in it before the @: `bounce+<token>@example.com`. Nil unless we made it.
    public func verifyReturnPath(_ text: String) -> Int64? {
        guard text.utf8.count <= Self.textMax else { return nil }
        let local = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        let token = (local.split(separator: "+").last ?? "").lowercased().filter { $0 != "<" }
        guard let dash = token.firstIndex(of: "-"), let id = Int64(token[..<dash], radix: 32), id >= 0 else { return nil }
        return Self.isSame(Array(returnPath(id: id).utf8), Array(token.utf8)) ? id : nil
    }

    /// URL-safe text that holds `parts` in the clear and a MAC of 16 bytes.
    public func token(_ kind: Character, _ parts: [String]) -> String {
        // Lengths before the parts, so that no part can reach into the next.
        let payload = parts.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
        return Self.base64URL(Array(mac("token \(kind)", payload).prefix(Self.macBytes)) + payload)
    }

    /// The parts of a token of this kind. Nil unless we made it.
    public func verifyToken(_ kind: Character, _ token: String) -> [String]? {
        guard token.utf8.count <= Self.textMax, let bytes = Self.bytes(base64URL: token), bytes.count >= Self.macBytes else { return nil }
        let payload = Array(bytes.dropFirst(Self.macBytes))
        let expected = mac("token \(kind)", payload).prefix(Self.macBytes)
        return Self.isSame(Array(expected), Array(bytes.prefix(Self.macBytes))) ? Self.parts(payload) : nil
    }

    /// Keyed hash in hex, to compare what must not be stored.
    public func digest(_ text: String) -> String { Self.hex(mac("digest", Array(text.utf8))) }

    /// `purpose` keeps the three uses apart: what is signed for one means nothing to another.
    private func mac(_ purpose: String, _ bytes: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("hongyan \(purpose)\n".utf8) + bytes, using: key))
    }

    private static func parts(_ payload: [UInt8]) -> [String]? {
        var parts: [String] = []
        var rest = payload[...]
        while !rest.isEmpty {
            guard let colon = rest.firstIndex(of: UInt8(ascii: ":")), let count = Int(String(decoding: rest[..<colon], as: UTF8.self))
            else {
                return nil
            }
            let start = colon + 1
            guard count >= 0, count <= rest.endIndex - start else { return nil }
            parts.append(String(decoding: rest[start..<start + count], as: UTF8.self))
            rest = rest[(start + count)...]
        }
        return parts
    }

    /// Takes as long for a wrong guess as for a right one.
    private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// RFC 4648 §5, without padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var held = 0
        var bits = 0
        for byte in bytes {
            held = held << 8 | Int(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[held >> bits & 63])
            }
            held &= (1 << bits) - 1
        }
        if bits > 0 { text.append(alphabet[held << (6 - bits) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    private static func bytes(base64URL text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var held = 0
        var bits = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            held = held << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(held >> bits & 255))
                held &= (1 << bits) - 1
            }
        }
        return held == 0 ? bytes : nil  // left-over bits must be zero, so that one token has one spelling
    }
}
