import Domain

/// RSS 0.9x–2.0, RDF (RSS 1.0), Atom 0.3 and 1.0, CDF, JSON Feed.
public enum FeedParser {
    public static let bytesMax = 64 << 20
    public static let entriesMax = 10_000
    static let categoriesMax = 100

    /// - Parameters:
    ///   - contentType: the response's `Content-Type`, for its charset.
    ///   - url: where it came from, to make links absolute and for messages.
    public static func parse(_ bytes: [UInt8], contentType: String?, url: String) throws(FeedError) -> Feed {
        try parse(bytes, url: url, response: FeedResponse(contentType: contentType))
    }

    public static func parse(_ bytes: [UInt8], url: String, response: FeedResponse) throws(FeedError) -> Feed {
        if bytes.count > bytesMax { throw .tooLarge(url: url, bytes: bytes.count, max: bytesMax) }
        guard let first = bytes.first(where: { !ASCII.isSpace($0) && $0 < 0x80 && $0 != 0 }) else { throw .empty(url: url) }
        if first == 0x7B || first == 0x5B { return try JSONFeed.read(bytes, url: url) }
        let decoded = FeedCharset.decode(bytes, contentType: response.contentType)
        guard let start = decoded.bytes.firstIndex(of: 0x3C) else { throw .notAFeed(url: url, looksLike: "plain text") }
        if looksLikeHTML(decoded.bytes[start...]) { throw .notAFeed(url: url, looksLike: "an HTML page") }
        let xml = LooseXML(decoded.bytes)
        var feed = try FeedReader.read(xml, url: url, response: response)
        feed.charset = decoded.name
        return feed
    }

    private static func looksLikeHTML(_ text: ArraySlice<UInt8>) -> Bool {
        let start = text.prefix(1024).map(ASCII.lower)
        return ASCII.find("<!doctype html", in: start) != nil || ASCII.find("<html", in: start) != nil || start.starts(with: "<head".utf8)
            || start.starts(with: "<body".utf8)
    }
}

extension FeedEntry {
    /// Gives an entry the identity and the plain text that follow from the rest.
    mutating func complete(_ bodies: FeedBodies) {
        let fullest = bodies.fullest
        html = Charset.string(fullest)
        text = fullest.withUnsafeBufferPointer { HTMLText.text($0) }
        summary = bodies.hasFull ? Charset.string(bodies.short) : html
        if published == nil { published = bodies.date }
        if link == nil { link = bodies.permalink ?? enclosures.first { !$0.url.isEmpty }?.url }
        if id.isEmpty { id = link ?? "" }
        if id.isEmpty { id = "hash:" + StableHash.hex("\(title)\n\(published?.microseconds ?? updated?.microseconds ?? 0)\n\(text)") }
    }
}
