/// Reads one mail (RFC 5322, MIME) with everything real mail does wrong. Works in memory on the caller's thread.
public enum MailParser {
    public static func parse(_ bytes: [UInt8]) throws(MailError) -> ParsedMail { throw .empty }
}
