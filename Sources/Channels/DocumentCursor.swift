public import Formats
import Transport

/// What is remembered of a document between polls.
struct DocumentCursor: Equatable {
    var etag: String?
    var lastModified: String?
    /// SHA-256 of the last body stored.
    var hash: String?
    /// Which address it belongs to; a changed one starts afresh.
    var url: String?
    var since: Int64?
    /// Where it moved to for good.
    var movedTo: String?
    /// That address may be one of a private network.
    var isMovedInside = false
    /// How long the server says that an answer holds, in seconds.
    var freshSeconds: Int64?
    /// What the feed itself says about how often to come.
    var refresh = FeedRefresh()

    init(_ text: String?, url: String) {
        guard let text, let json = try? JSONValue.parse(Array(text.utf8)) else { return }
        since = json["since"].flatMap { Int64($0.plain) }
        guard json["url"]?.string == Self.mark(url) else { return }
        etag = json["etag"]?.string
        lastModified = json["last_modified"]?.string
        hash = json["hash"]?.string
        self.url = json["url"]?.string
        movedTo = json["moved_to"]?.string
        isMovedInside = json["moved_inside"]?.string == "yes"
        freshSeconds = json["fresh_s"].flatMap { Int64($0.plain) }
        refresh.minutes = json["refresh_min"].flatMap { Int($0.plain) }
        refresh.skipHours = Set((json["skip_hours"]?.string ?? "").split(separator: " ").compactMap { Int($0) })
        refresh.skipDays = Set((json["skip_days"]?.string ?? "").split(separator: " ").compactMap { Int($0) })
    }

    func hasSameWay(as other: DocumentCursor) -> Bool {
        movedTo == other.movedTo && freshSeconds == other.freshSeconds && etag == other.etag && lastModified == other.lastModified
    }

    /// How often to come, as server and feed together say it: the longer wait counts.
    var hint: FeedRefresh {
        var hint = refresh
        if let freshSeconds { hint.minutes = max(hint.minutes ?? 0, Int(freshSeconds / 60)) }
        return hint
    }

    /// Short and without the secrets an address may hold.
    static func mark(_ url: String) -> String { String(sha256(url.utf8).prefix(16)) }

    var text: String {
        var members: [JSONValue.Member] = []
        func add(_ name: String, _ value: String?) { if let value { members.append(.init(name, .string(value))) } }
        add("url", url)
        add("hash", hash)
        add("etag", etag)
        add("last_modified", lastModified)
        add("since", since.map { String($0) })
        add("moved_to", movedTo)
        if isMovedInside { add("moved_inside", "yes") }
        add("fresh_s", freshSeconds.map { String($0) })
        add("refresh_min", refresh.minutes.map { String($0) })
        func list(_ numbers: Set<Int>) -> String? { numbers.isEmpty ? nil : numbers.sorted().map { String($0) }.joined(separator: " ") }
        add("skip_hours", list(refresh.skipHours))
        add("skip_days", list(refresh.skipDays))
        return JSONValue.object(members).json
    }

    var headers: [(String, String)] {
        var headers: [(String, String)] = []
        if let etag { headers.append(("If-None-Match", etag)) }
        if let lastModified { headers.append(("If-Modified-Since", lastModified)) }
        return headers
    }
}

/// What polling learnt about when to come again; for the schedule, which alone decides.
public enum DocumentHint {
    /// The stream whose cursor holds it.
    public static let stream = DocumentSource.stream

    /// - Parameters:
    ///   - cursor: as `Keeper` stored it.
    ///   - url: the account's; what was learnt at another address does not count.
    public static func refresh(cursor: String?, url: String) -> FeedRefresh { DocumentCursor(cursor, url: url).hint }
}

extension DocumentRule.Answer {
    init(_ response: HTTPResponse) {
        self.init(
            status: response.status, body: response.body, contentType: response.header("content-type"), etag: response.header("etag"),
            lastModified: response.header("last-modified"), retryAfter: response.header("retry-after"),
            cacheControl: response.header("cache-control"), contentLocation: response.header("content-location"),
            contentLanguage: response.header("content-language"), movedTo: response.movedTo,
            isMovedInside: response.isMovedInside)
    }
}
