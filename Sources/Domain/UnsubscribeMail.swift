/// The mail that ends a subscription (RFC 2369 §3.2): what our `List-Unsubscribe: <mailto:…>` makes a mail program write.
public enum UnsubscribeMail {
    /// The subject begins with it; the token follows.
    public static let word = "unsubscribe"
    /// The same tokens as in the link.
    public static let tokenKind: Character = "u"
    static let subjectBytesMax = 512

    /// The token of a subject such as `unsubscribe AbC-…`, also of one that some program marked as an answer. Whether we made it is for
    /// the signer to say.
    public static func token(in subject: String) -> String? {
        guard subject.utf8.count <= subjectBytesMax else { return nil }
        let words = subject.split(whereSeparator: \.isWhitespace)
        guard let at = words.firstIndex(where: { $0.lowercased() == word }), at <= 2, at + 1 < words.count else { return nil }
        return words[(at + 1)...].joined()  // a program may have folded it
    }
}
