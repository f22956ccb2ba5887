import Domain

/// RSS 0.9x–2.0, RDF (RSS 1.0), Atom 0.3 and 1.0, JSON Feed.
public enum FeedParser {
    public static let bytesMax = 64 << 20
    public static let entriesMax = 10_000

    /// - Parameters:
    ///   - contentType: the response's `Content-Type`, for its charset.
    ///   - url: where it came from, to make links absolute and for messages.
    public static func parse(_ bytes: [UInt8], contentType: String?, url: String) throws(FeedError) -> Feed {
        if bytes.count > bytesMax { throw .tooLarge(url: url, bytes: bytes.count, max: bytesMax) }
        guard let first = bytes.first(where: { !ASCII.isSpace($0) && $0 < 0x80 && $0 != 0 }) else { throw .empty(url: url) }
        if first == 0x7B || first == 0x5B { return try JSONFeed.read(bytes, url: url) }
        let text = XMLRepair.utf8(bytes, contentType: contentType)
        if text.first != 0x3C { throw .notAFeed(url: url, looksLike: "plain text") }
        if looksLikeHTML(text) { throw .notAFeed(url: url, looksLike: "an HTML page") }
        guard let document = XMLDocument(text) else { throw .broken(url: url, reason: "it holds no element") }
        if document.isEntityLoop { throw .entityExpansion(url: url) }
        guard let root = document.root else { throw .broken(url: url, reason: document.problem ?? "it holds no element") }
        return try XMLFeed.read(root, url: url)
    }

    private static func looksLikeHTML(_ text: [UInt8]) -> Bool {
        let start = text.prefix(1024).map(ASCII.lower)
        return ASCII.find("<!doctype html", in: start) != nil || ASCII.find("<html", in: start) != nil || start.starts(with: "<head".utf8)
            || start.starts(with: "<body".utf8)
    }
}

extension FeedEntry {
    /// Gives an entry the identity and the plain text that follow from the rest.
    mutating func complete() {
        title = ASCII.trim(title)
        text = HTMLText.text(html)
        if id.isEmpty { id = link ?? "" }
        if id.isEmpty { id = "hash:" + StableHash.hex("\(title)\n\(published?.microseconds ?? updated?.microseconds ?? 0)\n\(text)") }
    }
}
