import Domain

/// OpenPGP in the text itself (RFC 4880 §7): the signed words without their armour, the encrypted ones in clear when a key fits.
enum PGPText {
    static func content(of bytes: [UInt8], keys: MailKeys?, seals: inout [MailSeal]) -> [UInt8] {
        guard let dashes = ASCII.find("-----BEGIN PGP ", in: bytes[...]), dashes == 0 || bytes[dashes - 1] == ASCII.lf else { return bytes }
        let start = bytes[dashes...]
        if start.starts(with: "-----BEGIN PGP MESSAGE-----".utf8) { return decrypted(bytes, from: dashes, keys: keys, seals: &seals) }
        if start.starts(with: "-----BEGIN PGP SIGNED MESSAGE-----".utf8) { return signed(bytes, from: dashes, keys: keys, seals: &seals) }
        return bytes
    }

    private static func decrypted(_ bytes: [UInt8], from start: Int, keys: MailKeys?, seals: inout [MailSeal]) -> [UInt8] {
        guard let keys, let end = ASCII.find("-----END PGP MESSAGE-----", in: bytes[start...]) else {
            seals.append(MailSeal(.encrypted, by: .openPGP))
            return bytes
        }
        let next = TextLine(bytes[...], at: end).next
        let opened = keys.decrypt(Array(bytes[start..<next]), system: .openPGP)
        seals += opened.seals
        return opened.content.map { bytes[..<start] + $0 + bytes[next...] } ?? bytes
    }

    private static func signed(_ bytes: [UInt8], from start: Int, keys: MailKeys?, seals: inout [MailSeal]) -> [UInt8] {
        let armour = bytes[start...]
        guard let signature = ASCII.find("\n-----BEGIN PGP SIGNATURE-----", in: armour),
            let end = ASCII.find("-----END PGP SIGNATURE-----", in: bytes[signature...])
        else { return bytes }
        var i = TextLine(armour, at: start).next
        while i < signature {  // `Hash:` lines up to an empty one
            let line = TextLine(armour, at: i)
            i = line.next
            if ASCII.trim(line.text).isEmpty { break }
        }
        var out = Array(bytes[..<start])
        while i <= signature {
            let line = TextLine(bytes[..<(signature + 1)], at: i)
            out += line.text.starts(with: "- ".utf8) ? line.text.dropFirst(2) : line.text
            out.append(ASCII.lf)
            i = line.next
        }
        let next = TextLine(bytes[...], at: end).next
        let finding = keys?.verify(opaque: Array(bytes[start..<next]), system: .openPGP) ?? .unopened
        seals.append(MailSeal(.signed, by: .openPGP, finding: finding))
        return out + bytes[next...]
    }
}
