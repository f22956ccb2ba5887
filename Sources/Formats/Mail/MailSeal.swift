/// That a mail is signed or encrypted, and what came of it (RFC 8551, RFC 3156).
public struct MailSeal: Sendable, Hashable {
    public enum Kind: String, Sendable { case signed, encrypted }
    public enum System: String, Sendable {
        case smime = "S/MIME"
        case openPGP = "OpenPGP"
    }

    /// The field under which the finding stands among the mail's own. A field of that name that came with the mail is dropped.
    public static let field = "X-Hongyan-Seal"

    public var kind: Kind
    public var system: System

    init(_ kind: Kind, by system: System) {
        self.kind = kind
        self.system = system
    }

    /// As it stands in the field: nobody checked the signature, nobody opened the envelope.
    public var value: String {
        switch kind {
        case .signed: "signed with \(system.rawValue); not verified"
        case .encrypted: "encrypted with \(system.rawValue); not decrypted"
        }
    }

    /// What stands in place of words that cannot be read.
    var note: String {
        """
        This mail is encrypted with \(system.rawValue). There is no key for it here: ask the sender to write in clear, or open it in the \
        mail program that has the key.
        此邮件已用 \(system.rawValue) 加密，这里没有密钥：请发件人改发未加密的邮件，或在持有密钥的邮件程序中打开。
        """
    }
}

/// OpenPGP in the text itself (RFC 4880 §7): the signed words without their armour.
enum PGPText {
    static func content(of bytes: [UInt8], seals: inout [MailSeal]) -> [UInt8] {
        guard let dashes = ASCII.find("-----BEGIN PGP ", in: bytes[...]) else { return bytes }
        let start = bytes[dashes...]
        if dashes == 0 || bytes[dashes - 1] == ASCII.lf {
            if start.starts(with: "-----BEGIN PGP MESSAGE-----".utf8) { seals.append(MailSeal(.encrypted, by: .openPGP)) }
            if start.starts(with: "-----BEGIN PGP SIGNED MESSAGE-----".utf8) { return signed(bytes, from: dashes, seals: &seals) }
        }
        return bytes
    }

    private static func signed(_ bytes: [UInt8], from start: Int, seals: inout [MailSeal]) -> [UInt8] {
        let armour = bytes[start...]
        guard let signature = ASCII.find("\n-----BEGIN PGP SIGNATURE-----", in: armour) else { return bytes }
        var i = TextLine(armour, at: start).next
        while i < signature {  // `Hash:` lines up to an empty one
            let line = TextLine(armour, at: i)
            i = line.next
            if ASCII.trim(line.text).isEmpty { break }
        }
        var out = Array(bytes[..<start])
        while i <= signature, i < bytes.count {
            let line = TextLine(bytes[..<(signature + 1)], at: i)
            out += line.text.starts(with: "- ".utf8) ? line.text.dropFirst(2) : line.text
            out.append(ASCII.lf)
            i = line.next
        }
        if let end = ASCII.find("-----END PGP SIGNATURE-----", in: bytes[signature...]) {
            out += bytes[TextLine(bytes[...], at: end).next...]
        }
        seals.append(MailSeal(.signed, by: .openPGP))
        return out
    }
}
