import Domain

/// How a feed is understood, as one JSON object or as a page for people. Texts with markup are sanitised.
public enum FeedProbe {
    /// - Throws: `FeedError`.
    public static func result(_ bytes: [UInt8], url: String, response: FeedResponse) throws -> JSONValue {
        let feed = try FeedParser.parse(bytes, url: url, response: response)
        var members = Members()
        members.text("title", HTMLText.escaped(feed.title))
        members.text("id", feed.id)
        members.text("link", feed.link)
        members.text("language", feed.language)
        members.html("description", feed.description)
        members.html("rights", feed.rights)
        members.author(feed.author)
        members.date("updated", feed.updated)
        members.list("categories", feed.categories)
        members.text("image", feed.image)
        members.refresh(feed.refresh)
        return .object([
            .init("encoding", .string(feed.charset)), .init("feed", .object(members.all)),
            .init("entries", .array(feed.entries.map(entry))),
        ])
    }

    private static func entry(_ entry: FeedEntry) -> JSONValue {
        var members = Members()
        members.text("id", entry.id)
        members.text("title", HTMLText.escaped(entry.title))
        members.text("link", entry.link)
        members.date("published", entry.published)
        members.date("updated", entry.updated)
        members.author(entry.author)
        members.html("summary", entry.summary)
        members.html("content", entry.html)
        members.html("rights", entry.rights)
        members.list("categories", entry.categories)
        let files = entry.enclosures.map { file in
            var members = Members()
            members.text("url", file.url)
            members.text("type", file.type)
            members.text("length", file.sizeBytes.map { "\($0)" })
            return JSONValue.object(members.all)
        }
        members.all.append(.init("enclosures", .array(files)))
        members.text("image", entry.image)
        members.text("comments", entry.comments)
        members.text("comments_feed", entry.commentsFeed)
        if let count = entry.commentsCount { members.all.append(.init("comments_count", .number("\(count)"))) }
        members.list("in_reply_to", entry.inReplyTo)
        members.text("place", entry.place.map { "\($0.latitude) \($0.longitude)" })
        return .object(members.all)
    }

    private struct Members {
        var all: [JSONValue.Member] = []

        mutating func text(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { all.append(.init(name, .string(value))) }
        }

        mutating func html(_ name: String, _ value: String) {
            if !value.isEmpty { all.append(.init(name, .string(HTMLText.sanitised(value, remoteImages: false)))) }
        }

        mutating func date(_ name: String, _ value: Timestamp?) { text(name, value.map { "\($0)" }) }

        mutating func list(_ name: String, _ values: [String]) {
            if !values.isEmpty { all.append(.init(name, .array(values.map { .string($0) }))) }
        }

        mutating func author(_ author: FeedAuthor?) {
            guard let author else { return }
            var parts = Members()
            parts.text("name", author.name)
            parts.text("email", author.email)
            parts.text("uri", author.uri)
            all.append(.init("author", .object(parts.all)))
        }

        mutating func refresh(_ refresh: FeedRefresh) {
            guard !refresh.isEmpty else { return }
            var parts: [JSONValue.Member] = []
            if let minutes = refresh.minutes { parts.append(.init("minutes", .number("\(minutes)"))) }
            parts.append(.init("skip_hours", .array(refresh.skipHours.sorted().map { .number("\($0)") })))
            parts.append(.init("skip_days", .array(refresh.skipDays.sorted().map { .number("\($0)") })))
            all.append(.init("refresh", .object(parts)))
        }
    }

    /// - Throws: `FeedError`.
    public static func page(_ bytes: [UInt8], url: String, response: FeedResponse) throws -> String {
        let feed = try FeedParser.parse(bytes, url: url, response: response)
        var lines = ["Title: \(feed.title)"]
        func line(_ label: String, _ value: String?) { if let value, !value.isEmpty { lines.append("\(label): \(value)") } }
        line("Link", feed.link)
        line("Language", feed.language)
        line("Author", feed.author.map(shown))
        line("Charset", feed.charset)
        line("About", HTMLText.text(feed.description))
        if let minutes = feed.refresh.minutes { line("Asks to be read", "every \(minutes) minutes at most") }
        line("Entries", "\(feed.entries.count)")
        for entry in feed.entries {
            lines += ["", "-- \(entry.title.orElse("(no title)"))"]
            line("Id", entry.id)
            line("Link", entry.link)
            line("Author", entry.author.map(shown))
            line("Published", entry.published.map { "\($0)" })
            line("Updated", entry.updated.map { "\($0)" })
            line("Categories", entry.categories.joined(separator: ", "))
            for file in entry.enclosures { line("File", "\(file.url) \(file.type ?? "") \(file.sizeBytes.map { "\($0) bytes" } ?? "")") }
            line("Answers", entry.inReplyTo.joined(separator: ", "))
            if !entry.text.isEmpty { lines += ["", entry.text] }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func shown(_ author: FeedAuthor) -> String {
        author.email.map { author.name == $0 ? $0 : "\(author.name) <\($0)>" } ?? author.name
    }
}

/// What of a piece of HTML is shown: `html`, sanitised as the console does it before anyone asks for its pictures, and `text`.
public enum HTMLProbe {
    public static func result(_ bytes: [UInt8]) -> JSONValue {
        let html = source(bytes)
        return .object([
            .init("html", .string(HTMLText.sanitised(html, remoteImages: false))), .init("text", .string(HTMLText.text(html))),
        ])
    }

    public static func page(_ bytes: [UInt8]) -> String {
        let html = source(bytes)
        return "Safe HTML:\n\(HTMLText.sanitised(html, remoteImages: false))\n\nText:\n\(HTMLText.text(html))\n"
    }

    private static func source(_ bytes: [UInt8]) -> String {
        Charset.text(bytes, label: nil, hint: MailBodyReader.metaCharset(bytes))
    }
}
