import Domain
import Formats
import Testing

@testable import Channels

@Suite struct FeedMappingTests {
    static func entry(_ id: String, at seconds: Int64?, author: FeedAuthor? = nil) -> FeedEntry {
        var entry = FeedEntry()
        entry.id = id
        entry.title = "Title \(id)"
        entry.text = "Text \(id)"
        entry.html = "<p>Text \(id)</p>"
        entry.link = "https://blog.example/\(id)"
        entry.published = seconds.map { Timestamp(seconds: $0) }
        entry.author = author
        return entry
    }

    static let now = Timestamp(seconds: 1_700_000_000)

    static func read(_ entries: [FeedEntry], since: Timestamp? = nil) -> [Interaction] {
        var feed = Feed()
        feed.link = "https://www.blog.example/"
        feed.entries = entries
        return FeedMapping.interactions(feed, account: "news", url: "https://feeds.example/x", since: since, receivedAt: now)
    }

    @Test func `entries become posts, oldest first`() {
        let posts = Self.read([Self.entry("c", at: 300), Self.entry("b", at: 200), Self.entry("a", at: 100)])
        #expect(posts.map(\.externalID) == ["a", "b", "c"])
        #expect(posts[0].kind == .post)
        #expect(posts[0].nature == .human)
        #expect(posts[0].subject == "Title a")
        #expect(posts[0].body == "Text a")
        #expect(posts[0].html == "<p>Text a</p>")
        #expect(posts[0].permalink == "https://blog.example/a")
        #expect(posts[0].occurredAt == Timestamp(seconds: 100))
    }

    @Test func `entries older than the account's start are left out, undated ones are not`() {
        let posts = Self.read(
            [Self.entry("new", at: 300), Self.entry("undated", at: nil), Self.entry("old", at: 100)], since: Timestamp(seconds: 200))
        #expect(Set(posts.map(\.externalID)) == ["new", "undated"])
    }

    @Test func `a post of the future happened when it came`() {
        #expect(Self.read([Self.entry("x", at: 1_800_000_000)])[0].occurredAt == Self.now)
    }

    struct Authorship {
        var author: FeedAuthor?
        var handle: String?
        var network: String?
        var email: String?
    }

    @Test(
        "an author is known by the address of the profile, by e-mail, or by name on the feed's host",
        arguments: [
            Authorship(author: FeedAuthor(name: "Ann", uri: "https://social.example/@ann?x=1"), handle: "ann", network: "social.example"),
            Authorship(author: FeedAuthor(name: "Ann", email: "Ann@Example.com"), email: "ann@example.com"),
            Authorship(author: FeedAuthor(name: "@ann"), handle: "ann", network: "blog.example"),
            Authorship(author: FeedAuthor(name: "王芳", uri: "https://blog.example/"), handle: "王芳", network: "blog.example"),
            Authorship(author: nil),
        ])
    func names(_ want: Authorship) {
        let author = Self.read([Self.entry("a", at: 1, author: want.author)])[0].author
        #expect(author.handle == want.handle)
        #expect(author.network == want.network)
        #expect(author.email == want.email)
        #expect(author.name == want.author?.name)
    }

    @Test func `a post without a title takes its first line`() {
        var entry = Self.entry("a", at: 1)
        entry.title = ""
        entry.text = "\n  " + String(repeating: "长", count: 100) + "\nmore"
        #expect(Self.read([entry])[0].subject == String(repeating: "长", count: 79) + "…")
    }
}
