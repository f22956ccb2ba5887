import Domain

/// RSS 0.9x–2.0, RDF (RSS 1.0), Atom 0.3 and 1.0, CDF, JSON Feed.
public enum FeedParser {
    public static let bytesMax = 64 << 20
    public static let entriesMax = 10_000
    static let categoriesMax = 100
    private static let headBytesMax = 4096

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

    /// Its first element says so, or its doctype; that something inside speaks of HTML means nothing.
    private static func looksLikeHTML(_ text: ArraySlice<UInt8>) -> Bool {
        let start = text.prefix(headBytesMax).map(ASCII.lower)
        return start.withUnsafeBufferPointer { start in
            var i = 0
            while let at = ByteScan.find(0x3C, in: start, from: i), at + 1 < start.count {
                let rest = start[(at + 1)...]
                if rest.starts(with: "!doctype html".utf8) { return true }
                if rest.starts(with: "!--".utf8) {
                    i = ByteScan.find("-->", in: start, from: at + 4).map { $0 + 3 } ?? start.count
                } else if start[at + 1] == 0x21 || start[at + 1] == 0x3F {
                    i = ByteScan.find(0x3E, in: start, from: at + 2).map { $0 + 1 } ?? start.count
                } else {
                    let name = rest.prefix { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x3A }
                    return ["html", "head", "body"].contains { name.elementsEqual($0.utf8) }
                }
            }
            return false
        }
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
