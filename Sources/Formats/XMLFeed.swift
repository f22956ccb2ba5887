import Domain

/// The XML dialects. They are read by one table, because real feeds mix them.
struct XMLFeed {
    private let url: String
    private var budget = EntityBudget()
    private var feed = Feed()
    private var feedAuthor: FeedAuthor?

    private init(url: String) { self.url = url }

    static func read(_ root: XMLNode, url: String) throws(FeedError) -> Feed {
        var reader = XMLFeed(url: url)
        switch root.localName {
        case "rss", "rdf", "channel": reader.rss(root)
        case "feed": reader.container(root, base: reader.base(of: root, url))
        case "entry": reader.append(root, base: url)
        case "html": throw .notAFeed(url: url, looksLike: "an HTML page")
        default: throw .notAFeed(url: url, looksLike: "an XML document <\(root.localName)>")
        }
        if reader.budget.isSpent { throw .entityExpansion(url: url) }
        return reader.feed
    }

    /// RSS nests items in the channel, RSS 1.0 puts them beside it.
    private mutating func rss(_ root: XMLNode) {
        let base = base(of: root, url)
        let channels = root.localName == "channel" ? [root] : root.elements.filter { $0.localName == "channel" }
        for channel in channels { container(channel, base: self.base(of: channel, base)) }
        for child in root.elements where child.localName == "item" { append(child, base: base) }
    }

    private func base(of node: XMLNode, _ outer: String) -> String {
        node.attribute("base").flatMap { URLText.resolve($0, base: outer) } ?? outer
    }

    /// A channel or an Atom feed.
    private mutating func container(_ node: XMLNode, base: String) {
        for child in node.elements {
            switch child.name {
            case "title", "atom:title", "dc:title": if feed.title.isEmpty { feed.title = words(child) }
            case "link", "atom:link": if let link = link(child, base), feed.link == nil || child.name == "link" { feed.link = link }
            case "language", "dc:language": feed.language = ASCII.trim(child.text(&budget))
            case "atom:author", "author", "managingeditor", "dc:creator": if feedAuthor == nil { feedAuthor = author(child) }
            default: break
            }
        }
        if feed.language == nil { feed.language = node.attribute("lang") }
        for child in node.elements where child.localName == "item" || child.localName == "entry" { append(child, base: base) }
    }

    private mutating func append(_ node: XMLNode, base outer: String) {
        guard feed.entries.count < FeedParser.entriesMax else { return }
        let base = base(of: node, outer)
        var entry = FeedEntry()
        var bodies: [(rank: Int, html: String)] = []
        var guid: String?
        for child in node.elements {
            switch child.name {
            case "title", "atom:title", "dc:title", "media:title": if entry.title.isEmpty { entry.title = words(child) }
            case "guid":
                let text = ASCII.trim(child.text(&budget))
                entry.id = text
                if child.attribute("ispermalink") != "false", child.attribute("isPermaLink") != "false" { guid = text }
            case "id", "atom:id": entry.id = ASCII.trim(child.text(&budget))
            case "dc:identifier": if entry.id.isEmpty { entry.id = ASCII.trim(child.text(&budget)) }
            case "link", "atom:link":
                if child.attribute("rel") == "enclosure" {
                    enclosure(child, base, into: &entry)
                } else if let link = link(child, base) {
                    if entry.link == nil || child.attribute("rel") == "alternate" { entry.link = link }
                }
            case "enclosure", "media:content": enclosure(child, base, into: &entry)
            case "content:encoded", "xhtml:body", "body": bodies.append((3, html(child)))
            case "atom:content", "content": bodies.append((3, html(child)))
            case "description", "atom:summary", "summary", "dc:description", "itunes:summary", "media:description":
                bodies.append((child.name == "description" || child.localName == "summary" ? 2 : 1, html(child)))
            case "media:group": for inner in child.elements where inner.name == "media:content" { enclosure(inner, base, into: &entry) }
            default: dateOrAuthor(child, into: &entry)
            }
        }
        if entry.id.isEmpty { entry.id = node.attribute("about") ?? "" }
        if entry.link == nil, let guid, URLText.scheme(guid)?.hasPrefix("http") == true { entry.link = guid }
        if entry.author == nil { entry.author = feedAuthor }
        for body in bodies where !ASCII.trim(body.html).isEmpty {
            if entry.html.isEmpty || body.rank > (bodies.first { $0.html == entry.html }?.rank ?? 0) { entry.html = body.html }
        }
        entry.complete()
        feed.entries.append(entry)
    }

    private mutating func dateOrAuthor(_ child: XMLNode, into entry: inout FeedEntry) {
        switch child.name {
        case "pubdate", "atom:published", "published", "atom:issued", "issued", "dcterms:issued", "dcterms:created", "dc:date",
            "dcterms:date":
            if entry.published == nil { entry.published = DateText.anyFeedDate(child.text(&budget)) }
        case "atom:created", "created": if entry.published == nil { entry.published = DateText.anyFeedDate(child.text(&budget)) }
        case "atom:updated", "updated", "atom:modified", "modified", "dcterms:modified", "lastbuilddate":
            if entry.updated == nil { entry.updated = DateText.anyFeedDate(child.text(&budget)) }
        case "author", "atom:author", "dc:creator", "itunes:author", "media:credit", "dc:contributor":
            if entry.author == nil || child.localName == "author" { entry.author = author(child) ?? entry.author }
        case "atom:source", "source":
            if entry.author == nil, let inner = child.elements.first(where: { $0.localName == "author" }) { entry.author = author(inner) }
        default: break
        }
    }

    /// `href` of Atom's links to the page itself, or the text of RSS's.
    private mutating func link(_ node: XMLNode, _ base: String) -> String? {
        let base = self.base(of: node, base)
        if let href = node.attribute("href") {
            let rel = node.attribute("rel") ?? "alternate"
            return rel == "alternate" || rel == "" || rel.hasSuffix("/alternate") ? URLText.resolve(href, base: base) : nil
        }
        return URLText.resolve(node.text(&budget), base: base)
    }

    private mutating func enclosure(_ node: XMLNode, _ base: String, into entry: inout FeedEntry) {
        guard entry.enclosures.count < 100, let reference = node.attribute("url") ?? node.attribute("href"),
            let url = URLText.resolve(reference, base: self.base(of: node, base)), !entry.enclosures.contains(where: { $0.url == url })
        else { return }
        let size = (node.attribute("length") ?? node.attribute("filesize") ?? node.attribute("fileSize")).flatMap { Int64(ASCII.trim($0)) }
        entry.enclosures.append(FeedEnclosure(url: url, type: node.attribute("type"), sizeBytes: size))
    }

    /// Atom's name, email and uri, or RSS's `a@b (Name)`.
    private mutating func author(_ node: XMLNode) -> FeedAuthor? {
        let parts = node.elements
        if parts.isEmpty {
            let text = ASCII.trim(node.text(&budget))
            if text.isEmpty { return nil }
            guard text.contains("@"), let address = MailAddress.list(text).first, address.address.contains("@") else {
                return FeedAuthor(name: text)
            }
            return FeedAuthor(name: address.name.isEmpty ? address.address : address.name, email: address.address)
        }
        func part(_ names: String...) -> String? {
            let text = parts.first { names.contains($0.localName) }.map { ASCII.trim($0.text(&budget)) }
            return text?.isEmpty == false ? text : nil
        }
        let name = part("name", "title")
        let email = part("email", "mbox").map(ASCII.lowercased)
        let uri = part("uri", "url", "homepage").flatMap { URLText.resolve($0, base: url) }
        guard name != nil || email != nil || uri != nil else { return nil }
        return FeedAuthor(name: name ?? email ?? uri ?? "", email: email, uri: uri)
    }

    /// A title as plain text on one line, whether it holds markup or not.
    private mutating func words(_ node: XMLNode) -> String {
        let isXHTML = node.attribute("type") == "xhtml"
        let isPlain = ["text", "text/plain"].contains(node.attribute("type") ?? "") && node.attribute("mode") == nil
        var raw = isXHTML || !node.elements.isEmpty ? node.innerHTML(&budget) : node.text(&budget)
        if node.attribute("mode") == "base64" { raw = Charset.text(Base64.decode(Array(raw.utf8)[...]), label: nil) }
        let isMarkup = isXHTML || (!isPlain && Self.hasMarkup(raw))
        return TextTrim.oneLine(isMarkup ? HTMLText.text(raw) : raw)
    }

    /// A tag or an entity; `a < b & c` has neither.
    static func hasMarkup(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        for i in bytes.indices.dropLast() {
            if bytes[i] == 0x3C, ASCII.isLetter(bytes[i + 1]) || bytes[i + 1] == 0x2F || bytes[i + 1] == 0x21 { return true }
            if bytes[i] == 0x26, ASCII.isLetter(bytes[i + 1]) || bytes[i + 1] == 0x23, bytes[(i + 1)...].prefix(12).contains(0x3B) {
                return true
            }
        }
        return false
    }

    /// A body as HTML, from escaped HTML, real elements, Base64 or plain text.
    private mutating func html(_ node: XMLNode) -> String {
        let type = ASCII.lowercased(node.attribute("type") ?? "")
        let mode = node.attribute("mode")
        let hasElements = !node.elements.isEmpty
        if mode == "base64" { return Charset.text(Base64.decode(Array(node.text(&budget).utf8)[...]), label: nil) }
        if type == "xhtml" || mode == "xml" || (hasElements && mode != "escaped") || node.name == "xhtml:body" {
            return ASCII.trim(node.innerHTML(&budget))
        }
        let text = ASCII.trim(node.text(&budget))
        let isPlain =
            (type == "text" || type == "text/plain") && mode != "escaped"
            || (type.isEmpty && node.name.hasPrefix("atom:") && !Self.hasMarkup(text))
        return isPlain ? HTMLText.escaped(text) : text
    }
}
