import Domain
import Formats
import Transport

/// A document polled over HTTP or from a file: a feed, or a form's export. The whole answer is one raw item; what is new in it is
/// found at digest, by the entries' own ids.
struct DocumentSource: Source {
    static let stream = "document"
    static let totalTimeout = Duration.seconds(60)
    static let redirectsMax = 5
    static let bytesMax = 20 << 20
    /// Many answers up to this may lie in memory until they are stored.
    static let smallBytes = 1 << 20

    let account: Account
    let loop: TransferLoop

    func poll(into keeper: Keeper) async throws {
        let rule = DocumentRule(account: account)
        let before = DocumentCursor(try await keeper.cursor(Self.stream), url: account.url)
        keeper.report(.request)
        let response = try await response(before)
        if response.body.count <= Self.smallBytes { keeper.arrived() }
        let answer = DocumentRule.Answer(response)
        let verdict = try rule.judge(answer, before: before, now: keeper.now())
        var after = before
        if case .changed(let items, let cursor) = verdict {
            after = cursor
            try await keeper.store(Batch(items: items, stream: Self.stream, cursor: cursor.text))
        }
        let now = keeper.now()
        keeper.report(.notBefore(after.hint.next(after: now, every: 0) - now))
    }

    /// Asks where the document moved to for good; the address the operator wrote is asked again when nothing good comes from there.
    private func response(_ cursor: DocumentCursor) async throws -> HTTPResponse {
        if let moved = cursor.movedTo {
            do {
                var response = try await loop.http(request(cursor, moved))
                if DocumentRule.isFine(response.status) {
                    if response.movedTo == nil { (response.movedTo, response.isMovedInside) = (moved, cursor.isMovedInside) }
                    return response
                }
            } catch is TransportError {}  // the server it moved to is gone; so is what was learnt, once the old address answers
        }
        return try await loop.http(request(cursor, nil))
    }

    private func request(_ cursor: DocumentCursor, _ moved: String?) -> HTTPRequest {
        var request = HTTPRequest("GET", moved ?? account.url)
        request.totalTimeout = Self.totalTimeout
        request.sizeBytesMax = min(account.sizeBytesMax, Self.bytesMax)
        request.redirectsMax = Self.redirectsMax
        request.tls = account.tls
        // The operator wrote the account's address: what it points to is wanted, be it a file or a host inside. A server chose the other.
        request.allowFile = moved == nil && DocumentRule.isFile(account.url)
        request.allowPrivate = moved == nil || cursor.isMovedInside || DocumentRule.isSameOrigin(account.url, moved)
        request.headers = cursor.headers + (DocumentRule.isSameOrigin(account.url, moved ?? account.url) ? credentials : [])
        return request
    }

    private var credentials: [(String, String)] {
        if let token = account.accessToken { return [("Authorization", "Bearer \(token.reveal())")] }
        guard let password = account.password else { return [] }
        guard let user = account.user else { return [("Authorization", "Bearer \(password.reveal())")] }
        return [("Authorization", "Basic \(base64("\(user):\(password.reveal())"))")]
    }
}

/// What an HTTP answer to a poll means. Pure, so that every status is a line in a test.
struct DocumentRule {
    /// Longest `Retry-After` that is believed.
    static let retryAfterMax = Duration.seconds(86400)

    let account: Account

    struct Answer {
        var status = 200
        var body: [UInt8] = []
        var contentType: String?
        var etag: String?
        var lastModified: String?
        var retryAfter: String?
        var cacheControl: String?
        var contentLocation: String?
        var contentLanguage: String?
        var movedTo: String?
        var isMovedInside = false
    }

    enum Verdict: Equatable {
        case unchanged
        case changed([RawItem], DocumentCursor)
    }

    /// A document came, or the word that it is the same as before.
    static func isFine(_ status: Int) -> Bool { (200..<300).contains(status) || status == 304 }

    /// Scheme, host and port; what a password may be shown to.
    static func isSameOrigin(_ url: String, _ other: String?) -> Bool { other.map { origin(url) == origin($0) } ?? false }

    private static func origin(_ url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return (url[..<scheme.upperBound] + host).lowercased()
    }

    static func isFile(_ url: String) -> Bool { url.hasPrefix("file://") }

    /// The database holds it readable, so an address that may hold a secret is asked for anew each time.
    private static func remembered(_ address: String?) -> String? {
        guard let address, !address.contains("?"), !address.contains("@") else { return nil }
        return address
    }

    func judge(_ answer: Answer, before: DocumentCursor, now: Timestamp) throws(SourceError) -> Verdict {
        let url = Shown.url(account.url)
        switch answer.status {
        case 304:
            guard let moved = Self.remembered(answer.movedTo), moved != before.movedTo else { return .unchanged }
            var cursor = before
            cursor.movedTo = moved
            cursor.isMovedInside = answer.isMovedInside
            return .changed([], cursor)
        case 200..<300: break
        case 0 where Self.isFile(account.url): break  // a file has no status
        case 401, 403: throw .credentialsRefused(url: url, answer: "\(answer.status)")
        case 410: throw .gone(url: url)
        default: throw .refused(url: url, status: answer.status, retryAfter: Self.duration(answer.retryAfter))
        }
        let hash = sha256(answer.body)
        var cursor = before
        cursor.etag = answer.etag
        cursor.lastModified = answer.lastModified
        cursor.movedTo = Self.remembered(answer.movedTo)
        cursor.isMovedInside = answer.isMovedInside
        cursor.freshSeconds = Self.freshSeconds(answer.cacheControl)
        if hash == before.hash {
            // The document is known; what was learnt about the way to it is kept.
            return before.hasSameWay(as: cursor) ? .unchanged : .changed([], cursor)
        }
        try look(answer.body, url: url)
        if account.kind == .feed { cursor.refresh = FeedRefresh.read(answer.body) }
        cursor.hash = hash
        cursor.url = DocumentCursor.mark(account.url)
        if cursor.since == nil, account.start == .latest { cursor.since = now.microseconds }
        var meta = [MetaKey.url: url]
        meta[MetaKey.contentType] = answer.contentType
        if account.kind == .feed {
            meta[MetaKey.contentLocation] = answer.contentLocation
            meta[MetaKey.contentLanguage] = answer.contentLanguage
        }
        meta[MetaKey.since] = cursor.since.map { String($0) }
        let kind: Interaction.Kind = account.kind == .feed ? .post : .form
        return .changed([RawItem(externalID: hash, kind: kind, bytes: answer.body, meta: meta)], cursor)
    }

    /// Stops the commonest mistake, a login page in place of the document, before it fills the quarantine.
    private func look(_ body: [UInt8], url: String) throws(SourceError) {
        let expected =
            switch (account.kind, account.form?.format) {
            case (.form, .csv): "CSV"
            case (.form, _): "JSON"
            default: "a feed"
            }
        let start = body.drop { $0 <= 0x20 || $0 == 0xEF || $0 == 0xBB || $0 == 0xBF }.prefix(64)
        guard !start.isEmpty else { throw .empty(url: url, expected: expected) }
        let text = String(decoding: start, as: UTF8.self).lowercased()
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") { throw .webPage(url: url, expected: expected) }
    }

    /// `max-age`, as far as it is believed (RFC 9111 §5.2.2).
    static func freshSeconds(_ cacheControl: String?) -> Int64? {
        guard let cacheControl else { return nil }
        let parts = cacheControl.lowercased().split(separator: ",").map { $0.filter { $0 != " " && $0 != "\"" } }
        if parts.contains("no-cache") || parts.contains("no-store") { return nil }
        guard let age = parts.first(where: { $0.hasPrefix("max-age=") }).flatMap({ Int64($0.dropFirst(8)) }), age > 0 else { return nil }
        return min(age, retryAfterMax.components.seconds)
    }

    /// Seconds only; the date form is rare and the schedule's own wait serves as well.
    private static func duration(_ retryAfter: String?) -> Duration? {
        guard let retryAfter, let seconds = Int64(retryAfter.filter { $0 != " " }), seconds > 0 else { return nil }
        return min(.seconds(seconds), retryAfterMax)
    }
}

/// RFC 4648 §4.
func base64(_ text: String) -> String { base64(Array(text.utf8)) }

func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        var value = group.reduce(0) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
        value <<= 8
        for k in 0..<4 { out.append(k <= group.count ? alphabet[Int(value >> (26 - 6 * UInt32(k))) & 63] : UInt8(ascii: "=")) }
    }
    return String(decoding: out, as: UTF8.self)
}
