import Domain

/// JSON Feed 1.0 and 1.1.
enum JSONFeed {
    static func read(_ bytes: [UInt8], url: String) throws(FeedError) -> Feed {
        let document: JSONValue
        do { document = try JSONValue.parse(bytes) } catch { throw .notAFeed(url: url, looksLike: "broken JSON (\(error))") }
        guard let items = document["items"]?.array else {
            if let message = message(document) {
                throw .notAFeed(url: url, looksLike: "a JSON answer that says \(message.debugDescription)")
            }
            throw .notAFeed(url: url, looksLike: "JSON without items")
        }
        var feed = Feed()
        feed.title = document["title"]?.string ?? ""
        feed.link = document["home_page_url"]?.string.flatMap { URLText.resolve($0, base: url) }
        feed.language = document["language"]?.string
        feed.description = HTMLText.escaped(document["description"]?.string ?? "")
        feed.image = (document["icon"] ?? document["favicon"])?.string.flatMap { URLText.resolve($0, base: url) }
        let owner = author(document)
        feed.author = owner
        var growth = FeedLinks.growthMax
        for item in items.prefix(FeedParser.entriesMax) { feed.entries.append(entry(item, owner, url, &growth)) }
        return feed
    }

    /// What an error answer usually holds.
    private static func message(_ document: JSONValue) -> String? {
        for name in ["error", "message", "errmsg", "detail", "error_description"] {
            guard let value = document[name] else { continue }
            let text = value["message"]?.plain ?? value.plain
            if !text.isEmpty { return TextTrim.snippet(text, max: 100) }
        }
        return nil
    }

    private static func entry(_ item: JSONValue, _ owner: FeedAuthor?, _ url: String, _ growth: inout Int) -> FeedEntry {
        var entry = FeedEntry()
        entry.id = item["id"]?.plain ?? ""
        entry.title = TextTrim.oneLine(item["title"]?.string ?? "")
        entry.link = (item["url"]?.string ?? item["external_url"]?.string).flatMap { URLText.resolve($0, base: url) }
        entry.author = author(item) ?? owner
        entry.published = item["date_published"]?.string.flatMap(DateText.anyFeedDate)
        entry.updated = item["date_modified"]?.string.flatMap(DateText.anyFeedDate)
        var bodies = FeedBodies()
        if let html = item["content_html"]?.string {
            bodies.set(.full, FeedLinks.absolute(Array(html.utf8), base: url, growth: &growth), rank: 0)
        } else if let text = item["content_text"]?.string ?? item["summary"]?.string {
            let lines = HTMLText.escaped(text).split(separator: "\n", omittingEmptySubsequences: false)
            bodies.set(.full, Array("<p>\(lines.joined(separator: "<br>\n"))</p>".utf8), rank: 0)
        }
        for attachment in item["attachments"]?.array ?? [] where entry.enclosures.count < 100 {
            guard let reference = attachment["url"]?.string, let address = URLText.resolve(reference, base: url) else { continue }
            let size = attachment["size_in_bytes"]?.plain ?? ""
            entry.enclosures.append(FeedEnclosure(url: address, type: attachment["mime_type"]?.string, sizeBytes: Int64(size)))
        }
        if let summary = item["summary"]?.string { bodies.set(.short, Array(HTMLText.escaped(summary).utf8), rank: 0) }
        entry.image = (item["image"] ?? item["banner_image"])?.string.flatMap { URLText.resolve($0, base: url) }
        entry.categories = (item["tags"]?.array ?? []).prefix(FeedParser.categoriesMax).map(\.plain).filter { !$0.isEmpty }
        entry.complete(bodies)
        return entry
    }

    /// `authors` of 1.1, `author` of 1.0.
    private static func author(_ value: JSONValue) -> FeedAuthor? {
        guard let person = value["authors"]?.array?.first ?? value["author"] else { return nil }
        let uri = person["url"]?.string
        guard let name = person["name"]?.string ?? person.string ?? uri else { return nil }
        return FeedAuthor(name: name, uri: uri)
    }
}
