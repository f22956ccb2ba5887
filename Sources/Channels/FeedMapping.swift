public import Domain
public import Formats

/// Turns a parsed feed into posts. Pure.
public enum FeedMapping {
    /// Oldest first, so that a conversation is placed in the order it was held.
    /// - Parameters:
    ///   - url: where the feed came from; its host is the network of authors who name none.
    ///   - since: entries that say they are older are left out.
    public static func interactions(
        _ feed: Feed, account: String, url: String, since: Timestamp?, receivedAt: Timestamp
    ) -> [Interaction] {
        let home = host(feed.link) ?? host(url) ?? account
        var posts: [Interaction] = []
        for entry in feed.entries.reversed() {
            let said = entry.published ?? entry.updated
            if let since, let said, said < since { continue }
            posts.append(post(entry, at: min(said ?? receivedAt, receivedAt), account: account, home: home, receivedAt: receivedAt))
        }
        // Stable: entries of the same second keep the document's order.
        return posts.enumerated().sorted { ($0.element.occurredAt, $0.offset) < ($1.element.occurredAt, $1.offset) }.map(\.element)
    }

    private static func post(_ entry: FeedEntry, at: Timestamp, account: String, home: String, receivedAt: Timestamp) -> Interaction {
        var post = Interaction(
            id: ID(0), account: account, externalID: entry.id, kind: .post, occurredAt: at, receivedAt: receivedAt,
            author: author(entry.author, home: home), subject: entry.title.isEmpty ? Text.firstLine(entry.text) : entry.title,
            body: entry.text.isEmpty ? entry.title : entry.text)
        if !entry.html.isEmpty { post.html = entry.html }
        post.permalink = entry.link
        post.fields = entry.enclosures.filter { !$0.url.isEmpty }.map { Interaction.Field(name: "enclosure", value: $0.url) }
        // Told, not believed: a stranger's feed must not choose the conversation it joins.
        post.fields += entry.inReplyTo.map { Interaction.Field(name: "in_reply_to", value: $0) }
        return post
    }

    static func author(_ author: FeedAuthor?, home: String) -> Interaction.Author {
        guard let author else { return Interaction.Author() }
        var result = Interaction.Author(name: author.name.isEmpty ? nil : author.name, email: author.email.flatMap(Text.email))
        if let uri = author.uri, let network = host(uri), let handle = lastPart(uri) {
            result.handle = handle
            result.network = network
        } else if result.email == nil, !author.name.isEmpty {
            result.handle = author.name.hasPrefix("@") ? String(author.name.dropFirst()) : author.name
            result.network = home
        }
        return result
    }

    /// `https://social.example/@ann?x` → `ann`; nil when the address has no path.
    private static func lastPart(_ uri: String) -> String? {
        let path = uri.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = path.firstRange(of: "://") else { return nil }
        let parts = path[scheme.upperBound...].split(separator: "/")
        guard parts.count > 1, let last = parts.last else { return nil }
        let handle = last.hasPrefix("@") ? last.dropFirst() : last
        return handle.isEmpty ? nil : String(handle)
    }

    /// Lower-cased, without port and `www.`; nil for anything but a web address.
    static func host(_ url: String?) -> String? {
        guard let url, let scheme = url.firstRange(of: "://"), url[..<scheme.lowerBound].lowercased().hasPrefix("http") else { return nil }
        var host = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()[...]
        if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
        if !host.hasPrefix("["), let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        if host.hasPrefix("www.") { host = host.dropFirst(4) }
        return host.isEmpty ? nil : String(host)
    }
}
