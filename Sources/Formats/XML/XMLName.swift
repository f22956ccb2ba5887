/// The elements that feeds use, by their local names without case, dashes and underlines.
enum XMLName: UInt8, CaseIterable, Sendable {
    case other
    case rss, rdf, channel, feed, item, entry, items, html
    case title, link, description, subtitle, tagline, abstract, language, copyright, rights, image, icon, logo, ttl, cloud, generator
    case managingeditor, webmaster, pubdate, lastbuilddate, category, categories, skiphours, skipdays, hour, day, updateperiod
    case updatefrequency, updatebase, id, guid, identifier, author, authors, creator, contributor, publisher, owner, name, email, uri, url
    case homepage, mbox, published, issued, created, updated, modified, date, available, lastmod, content, encoded, body, fullitem, summary
    case excerpt, enclosure, group, thumbnail, credit, keywords, subject, tags, license, comments, commentrss, inreplyto, source, origlink
    case point, lat, long, pos, duration, explicit, textinput, text, total, player, license2, info, div, new, keyword, newfeedurl, `where`

    private static let byHash: [UInt64: XMLName] = {
        var table: [UInt64: XMLName] = [:]
        for name in allCases where name != .other { table[hash(Array("\(name)".utf8)[...])] = name }
        return table
    }()

    private static func hash(_ name: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name where byte != 0x2D && byte != 0x5F { hash = (hash ^ UInt64(ASCII.lower(byte))) &* 0x100_0000_01B3 }
        return hash
    }

    static func of(_ name: some Sequence<UInt8>) -> XMLName { byHash[hash(name)] ?? .other }
}

/// Whose element it is.
enum XMLSpace: UInt8, Sendable {
    /// The feed formats' own elements, with or without a namespace.
    case bare
    case atom, dc, dcterms, content, xhtml, media, itunes, rdf, syndication, slash, wfw, thread, georss, gml, geo, feedburner, xml, other

    /// By the name a namespace was given.
    static func of(uri: String) -> XMLSpace? {
        var key = ASCII.lowercased(ASCII.trim(uri))
        while let last = key.utf8.last, last == 0x2F || last == 0x23 { key.removeLast() }
        if key.hasPrefix("https://") { key = "http://" + key.dropFirst(8) }
        return byURI[key]
    }

    /// By the usual prefix, for documents that forget to say what it stands for.
    static func of(prefix: String) -> XMLSpace? { byPrefix[ASCII.lowercased(prefix)] }

    private static let byPrefix: [String: XMLSpace] = [
        "rss": .bare, "atom": .atom, "atom10": .atom, "atom03": .atom, "a10": .atom, "a": .atom, "dc": .dc, "dcterms": .dcterms,
        "dcterm": .dcterms, "dct": .dcterms, "content": .content, "xhtml": .xhtml, "xh": .xhtml, "media": .media, "mrss": .media,
        "itunes": .itunes, "rdf": .rdf, "sy": .syndication, "syn": .syndication, "slash": .slash, "wfw": .wfw, "thr": .thread,
        "georss": .georss, "gml": .gml, "geo": .geo, "icbm": .geo, "feedburner": .feedburner, "xml": .xml,
    ]

    private static let byURI: [String: XMLSpace] = {
        let table = """
            bare http://purl.org/rss/1.0 http://my.netscape.com/rdf/simple/0.9 http://channel.netscape.com/rdf/simple/0.9
            bare http://my.netscape.com/publish/formats/rss-0.9.dtd http://my.netscape.com/publish/formats/rss-0.91.dtd
            bare http://purl.org/net/rss1.1 http://backend.userland.com/rss http://backend.userland.com/rss2 http://purl.org/rss/2.0
            bare http://blogs.law.harvard.edu/tech/rss http://backend.userland.com/rss091 http://backend.userland.com/rss092
            bare http://feeds.archive.org/validator http://hacks.benhammersley.com/rss/streaming http://cyber.law.harvard.edu/rss
            bare http://backend.userland.com/blogchannelmodule
            atom http://www.w3.org/2005/atom http://purl.org/atom/ns http://purl.org/echo
            atom http://purl.org/net/echo http://purl.org/pie http://purl.org/atom
            dc http://purl.org/dc/elements/1.1 http://purl.org/dc/elements/1.0 http://purl.org/dc/elements/2.0
            dc http://purl.org/metadata/dublin_core
            dcterms http://purl.org/dc/terms
            content http://purl.org/rss/1.0/modules/content
            xhtml http://www.w3.org/1999/xhtml http://www.w3.org/tr/xhtml1/strict
            media http://search.yahoo.com/mrss http://search.yahoo.com/rss http://tools.search.yahoo.com/mrss
            media http://video.search.yahoo.com/mrss http://www.rssboard.org/media-rss
            itunes http://www.itunes.com/dtds/podcast-1.0.dtd
            itunes http://www.itunes.com/dtds/podcasts-1.0.dtd
            rdf http://www.w3.org/1999/02/22-rdf-syntax-ns
            syndication http://purl.org/rss/1.0/modules/syndication
            slash http://purl.org/rss/1.0/modules/slash
            wfw http://wellformedweb.org/commentapi
            thread http://purl.org/syndication/thread/1.0
            georss http://www.georss.org/georss http://georss.org/georss
            gml http://www.opengis.net/gml
            geo http://www.w3.org/2003/01/geo/wgs84_pos http://postneo.com/icbm
            feedburner http://rssnamespace.org/feedburner/ext/1.0
            """
        let spaces: [Substring: XMLSpace] = [
            "bare": .bare, "atom": .atom, "dc": .dc, "dcterms": .dcterms, "content": .content, "xhtml": .xhtml, "media": .media,
            "itunes": .itunes, "rdf": .rdf, "syndication": .syndication, "slash": .slash, "wfw": .wfw, "thread": .thread,
            "georss": .georss, "gml": .gml, "geo": .geo, "feedburner": .feedburner,
        ]
        var out: [String: XMLSpace] = [:]
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            for word in words.dropFirst() { out[String(word)] = spaces[words[0]] }
        }
        return out
    }()
}
