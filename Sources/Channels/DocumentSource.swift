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

    let account: Account
    let loop: TransferLoop

    func poll(into keeper: Keeper) async throws {
        let rule = DocumentRule(account: account)
        let before = DocumentCursor(try await keeper.cursor(Self.stream), url: account.url)
        keeper.report(.request)
        let response = try await loop.http(request(before))
        let answer = DocumentRule.Answer(
            status: response.status, body: response.body, contentType: response.header("content-type"), etag: response.header("etag"),
            lastModified: response.header("last-modified"), retryAfter: response.header("retry-after"))
        guard case .changed(let items, let cursor) = try rule.judge(answer, before: before, now: keeper.now()) else { return }
        try await keeper.store(Batch(items: items, stream: Self.stream, cursor: cursor.text))
    }

    private func request(_ cursor: DocumentCursor) -> HTTPRequest {
        var request = HTTPRequest("GET", account.url)
        request.totalTimeout = Self.totalTimeout
        request.sizeBytesMax = min(account.sizeBytesMax, Self.bytesMax)
        request.redirectsMax = Self.redirectsMax
        request.tls = account.tls
        // The operator wrote this address: what it points to is wanted, be it a file or a host inside.
        request.allowFile = DocumentRule.isFile(account.url)
        request.allowPrivate = true
        request.headers = cursor.headers + credentials
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
    }

    enum Verdict: Equatable {
        case unchanged
        case changed([RawItem], DocumentCursor)
    }

    static func isFile(_ url: String) -> Bool { url.hasPrefix("file://") }

    func judge(_ answer: Answer, before: DocumentCursor, now: Timestamp) throws(SourceError) -> Verdict {
        let url = Shown.url(account.url)
        switch answer.status {
        case 304: return .unchanged
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
        if hash == before.hash { return .unchanged }
        try look(answer.body, url: url)
        cursor.hash = hash
        cursor.url = DocumentCursor.mark(account.url)
        if cursor.since == nil, account.start == .latest { cursor.since = now.microseconds }
        var meta = [MetaKey.url: url]
        meta[MetaKey.contentType] = answer.contentType
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

    /// Seconds only; the date form is rare and the schedule's own wait serves as well.
    private static func duration(_ retryAfter: String?) -> Duration? {
        guard let retryAfter, let seconds = Int64(retryAfter.filter { $0 != " " }), seconds > 0 else { return nil }
        return min(.seconds(seconds), retryAfterMax)
    }
}

/// What is remembered of a document between polls.
struct DocumentCursor: Equatable {
    var etag: String?
    var lastModified: String?
    /// SHA-256 of the last body stored.
    var hash: String?
    /// Which address it belongs to; a changed one starts afresh.
    var url: String?
    var since: Int64?

    init(_ text: String?, url: String) {
        guard let text, let json = try? JSONValue.parse(Array(text.utf8)) else { return }
        since = json["since"].flatMap { Int64($0.plain) }
        guard json["url"]?.string == Self.mark(url) else { return }
        etag = json["etag"]?.string
        lastModified = json["last_modified"]?.string
        hash = json["hash"]?.string
        self.url = json["url"]?.string
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
        return JSONValue.object(members).json
    }

    var headers: [(String, String)] {
        var headers: [(String, String)] = []
        if let etag { headers.append(("If-None-Match", etag)) }
        if let lastModified { headers.append(("If-Modified-Since", lastModified)) }
        return headers
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
