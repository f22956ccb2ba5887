import Formats

/// An address a mail server will take: the common part of RFC 5321 §4.1.2, without quoted local parts and address literals. A domain in
/// another script is written in A-labels.
struct EmailAddress: Sendable, Hashable {
    let local: String
    let domain: String

    static let localBytesMax = 64
    static let domainBytesMax = 255
    static let labelBytesMax = 63

    /// - Parameter allowsUTF8: whether the local part may hold other characters than ASCII (RFC 6531 §3.3).
    init?(_ text: String, allowsUTF8: Bool = false) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, Self.isLocal(parts[0], allowsUTF8), let name = MailDomain.ascii(String(parts[1])), Self.isDomain(name[...])
        else { return nil }
        local = String(parts[0])
        domain = name
    }

    /// As an envelope has it.
    var text: String { "\(local)@\(domain)" }

    private static func isLocal(_ text: Substring, _ allowsUTF8: Bool) -> Bool {
        guard !text.isEmpty, text.utf8.count <= localBytesMax, text.first != ".", text.last != "." else { return false }
        var before: UInt8 = 0
        for byte in text.utf8 {
            guard isLetterOrDigit(byte) || byte >= 0x80 && allowsUTF8 || "!#$%&'*+-/=?^_`{|}~.".utf8.contains(byte) else { return false }
            if byte == UInt8(ascii: "."), before == byte { return false }
            before = byte
        }
        return true
    }

    private static func isDomain(_ text: Substring) -> Bool {
        guard !text.isEmpty, text.utf8.count <= domainBytesMax else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.count <= labelBytesMax && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
