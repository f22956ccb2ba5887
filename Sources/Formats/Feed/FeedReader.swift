import Domain

/// The XML dialects. They are read by one table, because real feeds mix them.
struct FeedReader {
    let xml: LooseXML
    /// The base of links that have no other.
    let home: String
    private let hasOwnBase: Bool
    var feed = Feed()
    /// The last author read, because most feeds have one.
    private var lastAuthor: (text: [UInt8], author: FeedAuthor?) = ([], nil)

    private init(_ xml: LooseXML, home: String, hasOwnBase: Bool) {
        self.xml = xml
        self.home = home
        self.hasOwnBase = hasOwnBase
    }

    static func read(_ xml: LooseXML, url: String, response: FeedResponse) throws(FeedError) -> Feed {
        let home = response.contentLocation.flatMap { URLText.resolve($0, base: url) } ?? url
        var reader = FeedReader(xml, home: home, hasOwnBase: response.contentLocation != nil)
        guard let root = reader.root() else {
            guard let first = xml.root else { throw .broken(url: url, reason: "it holds no element") }
            let name = ASCII.lowercased(String(decoding: xml.localName(first), as: UTF8.self))
            if name == "html" { throw .notAFeed(url: url, looksLike: "an HTML page") }
            throw .notAFeed(url: url, looksLike: "an XML document <\(name)>")
        }
        reader.document(root)
        if reader.xml.budget.isSpent { throw .entityExpansion(url: url) }
        if reader.feed.language == nil {
            reader.feed.language = response.contentLanguage.flatMap { $0.split(separator: ",").first }.map { ASCII.trim(String($0)) }
        }
        return reader.feed
    }

    private static let baseBytesMax = 2000
    private static let roots: Set<XMLName> = [.rss, .rdf, .channel, .feed, .entry, .item]

    /// The feed's element; others may stand around it in what a broken program wrote.
    private func root() -> Int? {
        for node in xml.roots where Self.roots.contains(xml.nodes[node].name) { return node }
        for node in xml.roots where xml.nodes[node].name != .html {
            for inner in xml.elements(node) where [.rss, .rdf, .feed].contains(xml.nodes[inner].name) { return inner }
        }
        return nil
    }

    /// RSS nests items in the channel, RSS 1.0 puts them beside it.
    private mutating func document(_ root: Int) {
        let base = base(of: root, home)
        language(of: root)
        switch xml.nodes[root].name {
        case .entry, .item: return entry(root, base: home)
        case .feed, .channel: return container(root, base: base)
        default: break
        }
        var hasChannel = false
        for child in xml.elements(root) {
            switch xml.nodes[child].name {
            case .channel:
                hasChannel = true
                container(child, base: self.base(of: child, base))
            case .item, .entry: entry(child, base: base)
            case .image where hasChannel: image(child, base)
            default: break
            }
        }
        if !hasChannel { fields(root, base: base) }
    }

    private mutating func language(of node: Int) {
        if let language = xml.attribute("lang", of: node) { feed.language = language.replacing("_", with: "-") }
    }

    func base(of node: Int, _ outer: String) -> String {
        guard let written = xml.attribute("base", of: node), let base = URLText.resolve(written, base: outer) else { return outer }
        return base.utf8.count <= Self.baseBytesMax ? base : outer
    }

    /// RSS knows no base of its own: relative links of items start from the site, whoever serves the feed.
    private func itemBase(_ node: Int, _ base: String) -> String {
        guard base == home, !hasOwnBase, xml.nodes[node].name == .channel else { return base }
        let own = xml.elements(node).first { xml.nodes[$0].space == .atom && xml.attribute("rel", of: $0) == "self" }
        let site = own.flatMap { xml.attribute("href", of: $0) } ?? feed.link ?? ""
        return URLText.scheme(site)?.hasPrefix("http") == true ? site : base
    }

    /// A channel or an Atom feed.
    private mutating func container(_ node: Int, base: String) {
        language(of: node)
        fields(node, base: base)
        let base = itemBase(node, base)
        for child in xml.elements(node) {
            switch xml.nodes[child].name {
            case .item, .entry: entry(child, base: base)
            case .items: for item in xml.elements(child) where xml.nodes[item].name == .item { entry(item, base: base) }
            default: break
            }
        }
        if let href = xml.attribute("href", of: node), feed.link == nil { feed.link = URLText.resolve(href, base: base) }  // CDF
    }

    private mutating func fields(_ node: Int, base: String) {
        var ranks = FeedRanks()
        for child in xml.elements(node) {
            let (space, name) = (xml.nodes[child].space, xml.nodes[child].name)
            if space == .other { continue }
            switch name {
            case .title where space != .media || feed.title.isEmpty:
                if ranks.wins(.title, space) { feed.title = words(child, base).orElse(feed.title) }
            case .link where space == .bare || space == .atom: link(child, base, &ranks)
            case .description where space != .media && ranks.wins(.body, space), .subtitle where ranks.wins(.body, space),
                .tagline where ranks.wins(.body, space), .abstract where ranks.wins(.body, space),
                .summary where feed.description.isEmpty:
                feed.description = html(child, base).orElse(feed.description)
            case .language: feed.language = words(child, base).orElse(feed.language ?? "")
            case .copyright where space != .media, .rights: feed.rights = html(child, base).orElse(feed.rights)
            case .author, .managingeditor, .creator, .owner:
                if ranks.wins(.author, space == .itunes ? .itunes : .bare) || feed.author == nil {
                    feed.author = author(child, base) ?? feed.author
                }
            case .id, .guid, .identifier: if feed.id == nil { feed.id = identifier(child, base) }
            case .updated, .modified, .lastbuilddate, .pubdate, .date, .published, .issued, .lastmod:
                date(child, name, &feed.updated, &ranks)
            case .category, .subject, .keywords, .tags: categories(child, into: &feed.categories)
            case .image, .logo, .icon: image(child, base)
            case .newfeedurl: feed.newURL = URLText.resolve(line(child), base: base)
            case .ttl, .skiphours, .skipdays, .updateperiod, .updatefrequency: break
            default: break
            }
        }
        refresh(node)
    }

    private func date(_ node: Int, _ name: XMLName, _ kept: inout Timestamp?, _ ranks: inout FeedRanks) {
        let rank = [XMLName.updated, .modified, .lastbuilddate, .lastmod].contains(name) ? XMLSpace.bare : .other
        guard ranks.wins(.date, rank), let time = FeedDate.read(xml.text(node)) else { return }
        kept = time
    }

    private mutating func link(_ node: Int, _ base: String, _ ranks: inout FeedRanks) {
        guard let found = page(node, base) else { return }
        // An element of the channel's own comes before one that a program put in beside it.
        if feed.link == nil || ranks.wins(.link, xml.nodes[node].space) { feed.link = found }
    }

    private mutating func image(_ node: Int, _ base: String) {
        guard feed.image == nil else { return }
        let inner = xml.elements(node).first { xml.nodes[$0].name == .url }
        let reference = inner.map(line) ?? xml.attribute("href", of: node) ?? xml.attribute("resource", of: node) ?? line(node)
        feed.image = URLText.resolve(reference, base: self.base(of: node, base))
    }

    private mutating func refresh(_ node: Int) {
        var refresh = FeedRefresh()
        var frequency = 1
        var period: String?
        for child in xml.elements(node) {
            switch xml.nodes[child].name {
            case .ttl: if let minutes = Int(line(child)), minutes > 0 { refresh.minutes = min(minutes, FeedRefresh.minutesMax) }
            case .skiphours: for hour in xml.elements(child) where xml.nodes[hour].name == .hour { refresh.skip(hour: line(hour)) }
            case .skipdays: for day in xml.elements(child) where xml.nodes[day].name == .day { refresh.skip(day: line(day)) }
            case .updateperiod: period = line(child)
            case .updatefrequency: frequency = Int(line(child)) ?? 1
            default: break
            }
        }
        if let period { refresh.update(period: period, frequency: frequency) }
        if !refresh.isEmpty { feed.refresh = refresh }
    }

    /// Text on one line, as it stands.
    func line(_ node: Int) -> String { FeedText.oneLine(xml.text(node)) }

    /// Where an Atom link to the page leads, or the text of RSS's.
    func page(_ node: Int, _ base: String) -> String? {
        let base = self.base(of: node, base)
        guard let href = xml.attribute("href", of: node) else { return URLText.resolve(line(node), base: base) }
        if href.isEmpty, base != home { return base }  // RFC 3986 §4.4
        let rel = xml.attribute("rel", of: node) ?? "alternate"
        return rel == "alternate" || rel == "" || rel.hasSuffix("/alternate") ? URLText.resolve(href, base: base) : nil
    }

    func identifier(_ node: Int, _ base: String) -> String? {
        let text = line(node)
        if text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../") {
            return URLText.resolve(text, base: self.base(of: node, base)) ?? text
        }
        return text.isEmpty ? nil : text
    }

    /// A category's words, from its attributes or its text; some elements list several.
    func categories(_ node: Int, into list: inout [String]) {
        let (space, name) = (xml.nodes[node].space, xml.nodes[node].name)
        let listed = name == .keywords || name == .tags
        let text =
            xml.attribute("term", of: node) ?? (space == .itunes && name == .category ? xml.attribute("text", of: node) : nil) ?? line(node)
        let parts = listed ? text.split(whereSeparator: { $0 == "," || $0 == ";" }).map { ASCII.trim(String($0)) } : [text]
        for part in parts where !part.isEmpty && list.count < FeedParser.categoriesMax && !list.contains(part) { list.append(part) }
        if let label = xml.attribute("label", of: node), text.isEmpty, !label.isEmpty, list.count < FeedParser.categoriesMax,
            !list.contains(label)
        {
            list.append(label)
        }
        for inner in xml.elements(node) where xml.nodes[inner].name == .category { categories(inner, into: &list) }
    }

    mutating func author(_ node: Int, _ base: String) -> FeedAuthor? {
        if xml.hasElements(node) { return person(node, base) }
        let text = xml.text(node)
        if text == lastAuthor.text { return lastAuthor.author }
        lastAuthor = (text, FeedText.author(text))
        return lastAuthor.author
    }

    /// Atom's name, email and address.
    private func person(_ node: Int, _ base: String) -> FeedAuthor? {
        var (name, email, uri): (String?, String?, String?) = (nil, nil, nil)
        for part in xml.elements(node) {
            let text = line(part)
            if text.isEmpty { continue }
            switch xml.nodes[part].name {
            case .name, .title: name = name ?? text
            case .email, .mbox: email = email ?? ASCII.lowercased(text.hasPrefix("mailto:") ? String(text.dropFirst(7)) : text)
            case .uri, .url, .homepage: uri = uri ?? URLText.resolve(text, base: self.base(of: part, base))
            default: break
            }
        }
        guard let shown = name ?? email ?? uri else { return FeedText.author(xml.text(node)) }
        return FeedAuthor(name: shown, email: email, uri: uri)
    }
}

extension String {
    func orElse(_ other: String) -> String { isEmpty ? other : self }
}

/// Which of several elements that say the same counts: the dialect's own before Dublin Core's before others'; the first of equals.
struct FeedRanks {
    enum Field: Int { case title, body, link, author, date, id, published }
    private var best = [Int](repeating: Int.max, count: 8)

    mutating func wins(_ field: Field, _ space: XMLSpace) -> Bool {
        let rank =
            switch space {
            case .bare, .atom: 0
            case .dc, .dcterms: 1
            default: 2
            }
        guard rank < best[field.rawValue] else { return false }
        best[field.rawValue] = rank
        return true
    }
}
