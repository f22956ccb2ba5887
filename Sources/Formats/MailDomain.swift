import CIDN

/// Domain names as mail must write them.
public enum MailDomain {
    public static let bytesMax = 253
    public static let labelBytesMax = 63

    /// The A-labels of a domain (IDNA 2008 with the mapping of UTS #46, non-transitional): `例子.中国` → `xn--fsqu00a.xn--fiqs8s`.
    /// Lower-cased. Nil when it is no host name.
    public static func ascii(_ domain: String) -> String? {
        if domain.utf8.allSatisfy({ $0 < 0x80 }) {
            let lowered = ASCII.lowercased(domain)
            return isHost(lowered) ? lowered : nil
        }
        guard domain.utf8.count <= bytesMax * 4, !domain.utf8.contains(0) else { return nil }
        var found: UnsafeMutablePointer<UInt8>?
        let flags = Int32(IDN2_NONTRANSITIONAL.rawValue | IDN2_NFC_INPUT.rawValue)
        let code = domain.withCString { text in
            text.withMemoryRebound(to: UInt8.self, capacity: domain.utf8.count + 1) { idn2_lookup_u8($0, &found, flags) }
        }
        guard code == IDN2_OK.rawValue, let found else { return nil }
        defer { idn2_free(found) }
        let ascii = ASCII.lowercased(String(cString: found))
        return isHost(ascii) ? ascii : nil
    }

    /// An address with its domain in A-labels and its local part as it was. Nil without an @ or with a domain that is no host name.
    public static func asciiAddress(_ address: String) -> String? {
        guard let at = address.lastIndex(of: "@"), let domain = ascii(String(address[address.index(after: at)...])) else { return nil }
        return address[...at] + domain
    }

    /// RFC 1123 §2.1, with the underscore that some mail hosts have.
    private static func isHost(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= bytesMax else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.count <= labelBytesMax && label.first != 0x2D && label.last != 0x2D
                && label.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }
}
