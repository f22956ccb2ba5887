/// RSS 0.9x–2.0, RDF (RSS 1.0), Atom 0.3 and 1.0, JSON Feed.
public enum FeedParser {
    public static let sizeBytesMax = 20 << 20

    /// - Parameters:
    ///   - contentType: the response's `Content-Type`, for its charset.
    ///   - url: where it came from, to make links absolute and for messages.
    public static func parse(_ bytes: [UInt8], contentType: String?, url: String) throws(FeedError) -> Feed {
        throw .empty(url: url)
    }
}
