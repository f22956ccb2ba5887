import Domain
import Formats
import Testing

@testable import Channels

@Suite struct DocumentRuleTests {
    static func account(_ kind: Account.Kind = .feed, start: Account.Start = .all, format: FormMapping.Format? = nil) -> Account {
        var account = Account(name: "news", kind: kind, url: "https://ann:secret@blog.example/feed.xml?token=abc#top")
        account.start = start
        account.form = format.map { FormMapping(format: $0) }
        return account
    }

    static let feed = Array("<?xml version=\"1.0\"?><feed/>".utf8)
    static let now = Timestamp(seconds: 1_700_000_000)

    @Test func `a new document becomes one raw item named by its hash`() throws {
        let account = Self.account()
        let answer = DocumentRule.Answer(body: Self.feed, contentType: "application/atom+xml", etag: "\"7\"", lastModified: "Sun")
        let verdict = try DocumentRule(account: account).judge(answer, before: DocumentCursor(nil, url: account.url), now: Self.now)
        guard case .changed(let items, let cursor) = verdict else {
            Issue.record("unchanged")
            return
        }
        #expect(items.count == 1)
        #expect(items[0].externalID == sha256(Self.feed))
        #expect(items[0].kind == .post)
        #expect(items[0].meta == [MetaKey.url: "https://blog.example/feed.xml", MetaKey.contentType: "application/atom+xml"])
        let read = DocumentCursor(cursor.text, url: account.url)
        #expect(read == cursor)
        #expect(read.headers.map(\.0) == ["If-None-Match", "If-Modified-Since"])
        #expect(read.headers.map(\.1) == ["\"7\"", "Sun"])
    }

    @Test func `an unchanged document brings nothing, by status or by content`() throws {
        let account = Self.account()
        var cursor = DocumentCursor(nil, url: account.url)
        cursor.hash = sha256(Self.feed)
        let rule = DocumentRule(account: account)
        #expect(try rule.judge(DocumentRule.Answer(status: 304), before: cursor, now: Self.now) == .unchanged)
        #expect(try rule.judge(DocumentRule.Answer(body: Self.feed), before: cursor, now: Self.now) == .unchanged)
    }

    @Test func `a cursor of another address is not used`() throws {
        let account = Self.account()
        var cursor = DocumentCursor(nil, url: account.url)
        cursor.url = DocumentCursor.mark(account.url)
        cursor.etag = "\"7\""
        #expect(DocumentCursor(cursor.text, url: account.url).etag == "\"7\"")
        #expect(DocumentCursor(cursor.text, url: "https://other.example/").headers.isEmpty)
    }

    @Test func `an account that starts at the latest remembers when it began`() throws {
        let account = Self.account(start: .latest)
        let verdict = try DocumentRule(account: account).judge(
            DocumentRule.Answer(body: Self.feed), before: DocumentCursor(nil, url: account.url), now: Self.now)
        guard case .changed(let items, let cursor) = verdict else {
            Issue.record("unchanged")
            return
        }
        #expect(items[0].meta[MetaKey.since] == "1700000000000000")
        #expect(DocumentCursor(cursor.text, url: account.url).since == 1_700_000_000_000_000)
    }

    @Test func `a permanent move and the hints of server and feed are remembered`() throws {
        let account = Self.account()
        let feed = Array(
            "<rss><channel><ttl>30</ttl><skipHours><hour>3</hour></skipHours><item><title>x</title></item></channel></rss>".utf8)
        let answer = DocumentRule.Answer(
            body: feed, cacheControl: "public, max-age=7200", contentLocation: "/x", contentLanguage: "de",
            movedTo: "https://new.example/feed")
        let rule = DocumentRule(account: account)
        let verdict = try rule.judge(answer, before: DocumentCursor(nil, url: account.url), now: Self.now)
        guard case .changed(let items, let cursor) = verdict else {
            Issue.record("unchanged")
            return
        }
        #expect(items[0].meta[MetaKey.contentLocation] == "/x")
        #expect(items[0].meta[MetaKey.contentLanguage] == "de")
        #expect(DocumentCursor(cursor.text, url: account.url) == cursor)
        #expect(cursor.movedTo == "https://new.example/feed")
        let hint = DocumentHint.refresh(cursor: cursor.text, url: account.url)
        #expect(hint.minutes == 120)
        #expect(hint.skipHours == [3])
        #expect(DocumentHint.refresh(cursor: cursor.text, url: "https://other.example/").isEmpty)
        // Told while nothing changed, it is remembered too; told again, it is nothing new.
        let moved = DocumentRule.Answer(status: 304, movedTo: "https://newer.example/feed")
        guard case .changed(let none, let after) = try rule.judge(moved, before: cursor, now: Self.now) else {
            Issue.record("unchanged")
            return
        }
        #expect(none.isEmpty)
        #expect(after.movedTo == "https://newer.example/feed")
        #expect(try rule.judge(moved, before: after, now: Self.now) == .unchanged)
    }

    @Test(
        "how long an answer holds",
        arguments: [
            ("max-age=60", 60), ("private, Max-Age = 60", 60), ("no-cache, max-age=60", nil), ("max-age=0", nil), ("max-age=x", nil),
            ("max-age=999999999", 86400), (nil, nil),
        ] as [(String?, Int64?)])
    func fresh(header: String?, seconds: Int64?) { #expect(DocumentRule.freshSeconds(header) == seconds) }

    @Test(
        "a password is shown to the same scheme, host and port alone",
        arguments: [
            ("https://a:b@e.example/x", "https://e.example/y", true), ("https://e.example/x", "http://e.example/x", false),
            ("https://e.example/x", "https://e.example:8443/x", false), ("https://e.example/x", "https://e.example.evil/x", false),
        ])
    func origin(url: String, other: String, isSame: Bool) { #expect(DocumentRule.isSameOrigin(url, other) == isSame) }

    struct Bad {
        var account = DocumentRuleTests.account()
        var answer: DocumentRule.Answer
        var says: String
        var remedy = SourceError.Remedy.retry(notBefore: nil)
    }

    @Test(
        "an answer that is no document says what to do",
        arguments: [
            Bad(
                answer: .init(status: 401),
                says:
                    "https://blog.example/feed.xml refused the credentials (401); give the account a valid user and password, then reload",
                remedy: .stop),
            Bad(
                answer: .init(status: 410),
                says: "https://blog.example/feed.xml says it is gone for good (410); remove the account or give it the new address",
                remedy: .stop),
            Bad(answer: .init(status: 404), says: "https://blog.example/feed.xml does not exist (404); check the address"),
            Bad(
                answer: .init(status: 429, retryAfter: "120"),
                says: "https://blog.example/feed.xml asks us to come less often (429); raise the account's interval",
                remedy: .retry(notBefore: .seconds(120))),
            Bad(
                answer: .init(status: 503, retryAfter: "99999999"),
                says: "https://blog.example/feed.xml has trouble of its own (503); it is tried again by itself",
                remedy: .retry(notBefore: .seconds(86400))),
            Bad(
                answer: .init(body: Array("\n<!DOCTYPE html><title>Sign in</title>".utf8)),
                says:
                    "https://blog.example/feed.xml answered with a web page instead of a feed; check the address, and whether it wants a login"
            ),
            Bad(
                account: account(.form, format: .json), answer: .init(body: Array("<html><body>Sign in".utf8)),
                says:
                    "https://blog.example/feed.xml answered with a web page instead of JSON; check the address, and whether it wants a login"
            ),
            Bad(
                account: account(.form, format: .csv), answer: .init(body: []),
                says: "https://blog.example/feed.xml answered with nothing instead of CSV; check the address"),
        ])
    func explains(_ bad: Bad) {
        let error = #expect(throws: SourceError.self) {
            try DocumentRule(account: bad.account).judge(
                bad.answer, before: DocumentCursor(nil, url: bad.account.url), now: DocumentRuleTests.now)
        }
        #expect(error?.description == bad.says)
        #expect(error?.remedy == bad.remedy)
    }

    @Test(
        "base64 pads as it should",
        arguments: [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("ann:gehe~im", "YW5uOmdlaGV+aW0=")])
    func encodes(_ plain: String, _ encoded: String) { #expect(base64(plain) == encoded) }
}
