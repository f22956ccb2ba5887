import Domain

extension FeedReader {
    static let enclosuresMax = 100

    mutating func entry(_ node: Int, base outer: String) {
        guard feed.entries.count < FeedParser.entriesMax else { return }
        let base = base(of: node, outer)
        var entry = FeedEntry()
        var ranks = FeedRanks()
        var bodies = FeedBodies()
        for child in xml.elements(node) {
            let (space, name) = (xml.nodes[child].space, xml.nodes[child].name)
            if space == .other { continue }
            switch name {
            case .title: if ranks.wins(.title, space == .media ? .other : space) { entry.title = words(child, base).orElse(entry.title) }
            case .guid, .id, .identifier: identity(child, base, into: &entry, &bodies, &ranks)
            case .link where space == .bare || space == .atom: link(child, base, into: &entry, &ranks)
            case .enclosure: enclosure(child, base, into: &entry)
            case .content where space == .media: media(child, base, into: &entry, &bodies)
            case .group where space == .media:
                for inner in xml.elements(child) {
                    if xml.nodes[inner].name == .content {
                        media(inner, base, into: &entry, &bodies)
                    } else {
                        mediaField(inner, base, into: &entry, &bodies)
                    }
                }
            case .encoded, .body, .fullitem, .content: bodies.set(.full, html(child, base), rank: name == .encoded ? 1 : 0)
            case .description where space != .media, .summary where space != .itunes, .excerpt, .abstract:
                bodies.set(.short, html(child, base), rank: space == .dc ? 2 : name == .description ? 0 : 1)
            case .summary, .subtitle: bodies.set(.other, html(child, base), rank: name == .summary ? 1 : 2)
            case .pubdate, .published, .issued, .created, .updated, .modified, .date, .lastbuilddate, .lastmod, .available:
                date(child, name, into: &entry, &bodies)
            case .author, .creator, .credit, .contributor, .source: byline(child, base, into: &entry)
            default: extra(child, base, into: &entry, &bodies)
            }
        }
        finish(&entry, node, base, bodies)
        feed.entries.append(entry)
    }

    private mutating func finish(_ entry: inout FeedEntry, _ node: Int, _ base: String, _ bodies: FeedBodies) {
        if entry.id.isEmpty { entry.id = xml.attribute("about", of: node) ?? "" }
        if entry.link == nil, let href = xml.attribute("href", of: node) { entry.link = URLText.resolve(href, base: base) }  // CDF
        if let time = xml.attribute("lastmod", of: node), entry.updated == nil { entry.updated = FeedDate.read(Array(time.utf8)) }
        if entry.author == nil { entry.author = feed.author }
        entry.complete(bodies)
    }

    private func identity(_ node: Int, _ base: String, into entry: inout FeedEntry, _ bodies: inout FeedBodies, _ ranks: inout FeedRanks) {
        guard let id = identifier(node, base), ranks.wins(.id, xml.nodes[node].space) else { return }
        entry.id = id
        if xml.nodes[node].name == .guid, xml.attribute("ispermalink", of: node).map(ASCII.lowercased) != "false", entry.link == nil,
            URLText.scheme(id)?.hasPrefix("http") == true
        {
            bodies.permalink = id
        }
    }

    private func link(_ node: Int, _ base: String, into entry: inout FeedEntry, _ ranks: inout FeedRanks) {
        switch xml.attribute("rel", of: node) ?? "" {
        case "enclosure": enclosure(node, base, into: &entry)
        case "replies":
            let target = xml.attribute("href", of: node).flatMap { URLText.resolve($0, base: self.base(of: node, base)) }
            if xml.attribute("type", of: node)?.hasPrefix("text/html") == true {
                entry.comments = entry.comments ?? target
            } else {
                entry.commentsFeed = entry.commentsFeed ?? target
            }
            if let count = xml.attribute("count", of: node).flatMap({ Int(ASCII.trim($0)) }) { entry.commentsCount = count }
        default: if let found = page(node, base), ranks.wins(.link, xml.nodes[node].space) { entry.link = found }
        }
    }

    private func enclosure(_ node: Int, _ base: String, into entry: inout FeedEntry) {
        guard entry.enclosures.count < Self.enclosuresMax,
            let reference = xml.attribute("url", of: node) ?? xml.attribute("href", of: node) ?? xml.attribute("resource", of: node),
            let url = URLText.resolve(reference, base: self.base(of: node, base)), !entry.enclosures.contains(where: { $0.url == url })
        else {
            unnamed(node, into: &entry)
            return
        }
        entry.enclosures.append(FeedEnclosure(url: url, type: xml.attribute("type", of: node), sizeBytes: size(node)))
    }

    /// An enclosure that forgot its address still says what it is.
    private func unnamed(_ node: Int, into entry: inout FeedEntry) {
        guard entry.enclosures.isEmpty, xml.attribute("url", of: node) == nil, xml.attribute("href", of: node) == nil else { return }
        let type = xml.attribute("type", of: node)
        if type != nil || size(node) != nil { entry.enclosures.append(FeedEnclosure(url: "", type: type, sizeBytes: size(node))) }
    }

    private func size(_ node: Int) -> Int64? {
        (xml.attribute("length", of: node) ?? xml.attribute("filesize", of: node)).flatMap { Int64(ASCII.trim($0)) }
    }

    private mutating func media(_ node: Int, _ base: String, into entry: inout FeedEntry, _ bodies: inout FeedBodies) {
        enclosure(node, base, into: &entry)
        for inner in xml.elements(node) { mediaField(inner, base, into: &entry, &bodies) }
    }

    private mutating func mediaField(_ node: Int, _ base: String, into entry: inout FeedEntry, _ bodies: inout FeedBodies) {
        switch xml.nodes[node].name {
        case .title: if entry.title.isEmpty { entry.title = words(node, base) }
        case .description: bodies.set(.other, html(node, base), rank: 3)
        case .thumbnail: if entry.image == nil { entry.image = reference(node, "url", base) }
        case .category, .keywords: categories(node, into: &entry.categories)
        case .content: enclosure(node, base, into: &entry)
        case .credit: if entry.author == nil { entry.author = author(node, base) }
        default: break
        }
    }

    private func reference(_ node: Int, _ attribute: StaticString, _ base: String) -> String? {
        (xml.attribute(attribute, of: node) ?? line(node)).nonEmpty.flatMap { URLText.resolve($0, base: self.base(of: node, base)) }
    }

    private func date(_ node: Int, _ name: XMLName, into entry: inout FeedEntry, _ bodies: inout FeedBodies) {
        if name == .date, bodies.date == nil { bodies.date = FeedDate.read(xml.text(node)) }
        switch name {
        case .updated, .modified, .date, .lastbuilddate, .lastmod:
            if entry.updated == nil || name != .date && name != .lastbuilddate {
                entry.updated = FeedDate.read(xml.text(node)) ?? entry.updated
            }
        default:
            let isBetter = name == .pubdate || name == .published || name == .issued
            if entry.published == nil || isBetter { entry.published = FeedDate.read(xml.text(node)) ?? entry.published }
        }
    }

    private mutating func byline(_ node: Int, _ base: String, into entry: inout FeedEntry) {
        switch xml.nodes[node].name {
        case .source:
            guard entry.author == nil, let inner = xml.elements(node).first(where: { xml.nodes[$0].name == .author }) else { return }
            entry.author = author(inner, base)
        case .author where xml.nodes[node].space != .itunes, .creator:
            if let found = author(node, base) { entry.author = entry.author ?? found }
        default:
            if entry.author == nil, xml.nodes[node].name != .contributor || xml.nodes[node].space == .dc {
                entry.author = author(node, base)
            }
        }
    }

    private mutating func extra(_ node: Int, _ base: String, into entry: inout FeedEntry, _ bodies: inout FeedBodies) {
        let (space, name) = (xml.nodes[node].space, xml.nodes[node].name)
        switch name {
        case .category, .subject, .keywords, .tags: categories(node, into: &entry.categories)
        case .comments where space == .slash, .total: entry.commentsCount = Int(line(node)) ?? entry.commentsCount
        case .comments: entry.comments = URLText.resolve(line(node), base: base)
        case .commentrss: entry.commentsFeed = URLText.resolve(line(node), base: base)
        case .inreplyto:
            let target = xml.attribute("ref", of: node) ?? xml.attribute("href", of: node) ?? line(node)
            if !target.isEmpty, entry.inReplyTo.count < Self.enclosuresMax { entry.inReplyTo.append(target) }
        case .rights, .copyright: entry.rights = html(node, base)
        case .thumbnail, .image: if entry.image == nil { entry.image = reference(node, space == .itunes ? "href" : "url", base) }
        case .description: bodies.set(.other, html(node, base), rank: 3)
        case .origlink where entry.link == nil: entry.link = URLText.resolve(line(node), base: base)
        case .point, .pos, .lat, .long, .`where`: place(node, into: &entry)
        default: break
        }
    }

    /// `georss:point`, `geo:lat` and `geo:long`, or GML's points inside.
    private func place(_ node: Int, into entry: inout FeedEntry) {
        let numbers = line(node).split(whereSeparator: { $0 == " " || $0 == "," }).compactMap { Double($0) }
        var place = entry.place ?? FeedPlace(latitude: 0, longitude: 0)
        switch (xml.nodes[node].name, numbers.count) {
        case (.lat, 1): place.latitude = numbers[0]
        case (.long, 1): place.longitude = numbers[0]
        case (_, 2): place = FeedPlace(latitude: numbers[0], longitude: numbers[1])
        default: return
        }
        if abs(place.latitude) <= 90, abs(place.longitude) <= 180 { entry.place = place }
    }
}

extension String {
    var nonEmpty: String? { isEmpty ? nil : self }
}
