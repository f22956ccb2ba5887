import Domain
import Testing

@testable import Formats

/// Feeds as they should not be, read as they were meant.
@Suite struct FeedMalformedTests {
    static func parse(_ text: String, _ response: FeedResponse = FeedResponse()) throws -> Feed {
        try FeedParser.parse(Array(text.utf8), url: "https://s.example/dir/feed", response: response)
    }

    struct Case: Sendable { var text: String; var titles: [String] }

    @Test(
        "what is not well-formed is read as it was meant",
        arguments: [
            Case(text: "junk before <?xml version='1.0'?><rss><channel><item><title>a</title></item></channel></rss>", titles: ["a"]),
            Case(text: "<rss><channel><item><title>a</title><item><title>b</title></channel>", titles: ["a", "b"]),
            Case(text: "<rss><channel><item><guid>1<title>a</title></item><item><title>b</item></rss>", titles: ["a", "b"]),
            Case(
                text: "<rss><channel><item><title>a & b &nosuch; &eacute; 3 < 4</title></item></channel></rss>",
                titles: ["a & b &nosuch; é 3 < 4"]),
            Case(text: "<rss><channel><item><title>a\u{3}b\u{B}</title></item></channel></rss>", titles: ["ab"]),
            Case(text: "<rss><channel><item><title>it&#146;s &#8212; &#x41;&#X42;</title></item></channel></rss>", titles: ["it’s — AB"]),
            Case(text: "<rss><channel><item><title>&#195;&#169;&#195;&#168;</title></item></channel></rss>", titles: ["éè"]),
            Case(
                text: "<rss><channel><item><title><![CDATA[a <b>bold</b>]]> claim</title></item></rss>", titles: ["a bold claim"]),
            Case(text: "<rss><channel><item><title>a <b>bold</b> claim</title></item></channel></rss>", titles: ["a bold claim"]),
            Case(text: "<rss><channel><item><title><![CDATA[cut</title></item><item><title>b</title></item>", titles: ["cut", "b"]),
            Case(text: "<RSS><CHANNEL><ITEM><TITLE>a</TITLE></ITEM></CHANNEL></RSS>", titles: ["a"]),
            Case(text: "<rss><item><title>no channel</title></item></rss>", titles: ["no channel"]),
            Case(text: "<rss version=2.0><channel><item><title>a</title><link href='x>y</link></item></channel></rss>", titles: ["a"]),
            Case(
                text: "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title type='text'>&lt;b&gt;</title></entry></feed>",
                titles: ["<b>"]),
            Case(
                text: "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title type='html'>&lt;b&gt;x&lt;/b&gt;</title></entry>",
                titles: ["x"]),
            Case(
                text: "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:entry><a:title>p</a:title></a:entry></a:feed>", titles: ["p"]),
            Case(
                text: "<rss xmlns:x='urn:x'><channel><item><x:title>other</x:title><title>own</title></item></channel></rss>",
                titles: ["own"]),
            Case(text: "<CHANNEL HREF='http://e.example/'><ITEM HREF='/1'><TITLE>cdf</TITLE></ITEM></CHANNEL>", titles: ["cdf"]),
        ])
    func reads(_ test: Case) throws { #expect(try Self.parse(test.text).entries.map(\.title) == test.titles) }

    @Test func `content in a section that nothing closes goes up to its element's end`() throws {
        let feed = try Self.parse("<rss><channel><item><description><![CDATA[<p>one</description></item><item><title>b</title></item>")
        #expect(feed.entries.map(\.text) == ["one", ""])
    }

    struct Encoded: Sendable { var bytes: [UInt8]; var contentType: String?; var title: String; var charset: String }

    private static func rss(_ title: [UInt8], encoding: String? = nil) -> [UInt8] {
        let head = encoding.map { "<?xml version='1.0' encoding='\($0)'?>" } ?? ""
        return Array((head + "<rss><channel><title>").utf8) + title + Array("</title></channel></rss>".utf8)
    }

    private static func wide(_ text: String, zeros: Int, isBigEndian: Bool) -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: zeros)
        return text.utf8.flatMap { isBigEndian ? padding + [$0] : [$0] + padding }
    }

    private static let plain = "<rss><channel><title>wide</title></channel></rss>"

    @Test(
        "the charset is the mark's, the header's, the declaration's, or what the bytes are",
        arguments: [
            Encoded(bytes: rss([0xE9], encoding: "iso-8859-1"), title: "é", charset: "iso-8859-1"),
            Encoded(bytes: rss([0xC3, 0xA9], encoding: "iso-8859-1"), title: "é", charset: "utf-8"),
            Encoded(bytes: rss([0xC3, 0xA9], encoding: "us-ascii"), title: "é", charset: "utf-8"),
            Encoded(
                bytes: rss([0xE9], encoding: "utf-8"), contentType: "text/xml; charset=windows-1252", title: "é", charset: "windows-1252"),
            Encoded(bytes: rss([0xD6, 0xD0, 0xCE, 0xC4], encoding: "gb2312"), title: "中文", charset: "gb18030"),
            Encoded(bytes: [0xEF, 0xBB, 0xBF] + rss([0xC3, 0xA9], encoding: "iso-8859-1"), title: "é", charset: "utf-8"),
            Encoded(bytes: rss([0xC3, 0xA9, 0x92, 0xC3, 0xA8]), title: "é’è", charset: "utf-8"),
            Encoded(bytes: wide(plain, zeros: 1, isBigEndian: true), title: "wide", charset: "utf-16be"),
            Encoded(bytes: [0xFF, 0xFE] + wide(plain, zeros: 1, isBigEndian: false), title: "wide", charset: "utf-16le"),
            Encoded(bytes: wide(plain, zeros: 3, isBigEndian: true), title: "wide", charset: "utf-32be"),
            Encoded(bytes: [0xFF, 0xFE, 0, 0] + wide(plain, zeros: 3, isBigEndian: false), title: "wide", charset: "utf-32le"),
            Encoded(bytes: rss(Array("x".utf8), encoding: "no-such-charset"), title: "x", charset: "utf-8"),
        ])
    func decodes(_ test: Encoded) throws {
        let feed = try FeedParser.parse(test.bytes, contentType: test.contentType, url: "u")
        #expect(feed.title == test.title)
        #expect(feed.charset == test.charset)
    }

    @Test func `relative links start from xml:base, else Content-Location, else the site, else the feed's own address`() throws {
        func links(_ text: String, _ response: FeedResponse = FeedResponse()) throws -> [String] {
            let entry = try #require(try Self.parse(text, response).entries.first)
            return [entry.link ?? "", entry.html]
        }
        let item = "<item><link>a</link><description>&lt;a href='b'&gt;x&lt;/a&gt;</description></item>"
        let own = try links("<rss><channel>\(item)</channel></rss>")
        #expect(own == ["https://s.example/dir/a", "<a href='https://s.example/dir/b'>x</a>"])
        let site = try links("<rss><channel><link>https://site.example/n/</link>\(item)</channel></rss>")
        #expect(site == ["https://site.example/n/a", "<a href='https://site.example/n/b'>x</a>"])
        let located = try links("<rss><channel>\(item)</channel></rss>", FeedResponse(contentLocation: "/other/feed"))
        #expect(located == ["https://s.example/other/a", "<a href='https://s.example/other/b'>x</a>"])
        let based = try links(
            "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='http://b.example/'><entry xml:base='c/'><link href='a'/>"
                + "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><a href='b'>x</a></div></content></entry></feed>")
        #expect(based == ["http://b.example/c/a", "<div><a href=\"http://b.example/c/b\">x</a></div>"])
    }

    @Test func `an unquoted or empty address in HTML is made absolute without breaking its tag`() {
        let html = "<a href=x>1</a><img src=\"/y?a=1&amp;b=2\"><a href=mailto:a@b.c>2</a><a href='#z'>3</a><p title=\"href=q\">"
        let gives =
            "<a href=\"https://e.example/d/x\">1</a><img src=\"https://e.example/y?a=1&amp;b=2\"><a href=mailto:a@b.c>2</a>"
            + "<a href='https://e.example/d/#z'>3</a><p title=\"href=q\">"
        var growth = FeedLinks.growthMax
        #expect(Charset.string(FeedLinks.absolute(Array(html.utf8), base: "https://e.example/d/", growth: &growth)) == gives)
    }

    @Test func `a long base and many short links do not grow without end`() throws {
        let base = "https://e.example/" + String(repeating: "x", count: 1900) + "/"
        let links = String(repeating: "<a href='1'>a</a>", count: 20_000)
        let xhtml = "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>\(links)</div></content>"
        let html = "<content type='html'>\(HTMLText.escaped(links))</content>"
        for content in [xhtml, html] {
            let xml = "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='\(base)'><entry><id>1</id>\(content)</entry></feed>"
            let feed = try FeedParser.parse(Array(xml.utf8), contentType: nil, url: "https://e.example/feed")
            let body = try #require(feed.entries.first).html
            #expect(body.utf8.count < 18 << 20, "\(body.utf8.count)")
            #expect(body.contains("href=\"1\"") || body.contains("href='1'"), "the last ones stay as they were written")
            #expect(body.contains("\(base)1"))
        }
        // Bases that grow with each level, or are longer than any address, do not count.
        let steps = String(repeating: "<div xml:base='\(String(repeating: "y", count: 500))/'>", count: 100)
        let deep =
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><content type='xhtml'>\(steps)<a href='z'>a</a></content></entry></feed>"
        let feed = try FeedParser.parse(Array(deep.utf8), contentType: nil, url: "https://e.example/feed")
        #expect(try #require(feed.entries.first).html.utf8.count < 8000)
    }

    @Test func `a feed that speaks of HTML is a feed`() throws {
        let feed = try FeedParser.parse(
            Array("<!-- <html> --><rss><channel><title>T</title><description><![CDATA[<html><body>x]]></description></channel></rss>".utf8),
            contentType: nil, url: "https://e.example/feed")
        #expect(feed.title == "T")
        for page in ["<!-- feed --><!DOCTYPE html><html>", "<?xml version='1.0'?><HTML lang='en'>", "\n <head><title>x</title>", "<body>"] {
            #expect(throws: FeedError.notAFeed(url: "u", looksLike: "an HTML page")) {
                try FeedParser.parse(Array(page.utf8), contentType: nil, url: "u")
            }
        }
    }

    @Test func `an author's own name for a character may be used as often as he likes`() throws {
        let xml =
            "<!DOCTYPE rss [<!ENTITY dash \"&#8212;\">]><rss><channel><item><description>\(String(repeating: "&dash;", count: 300_000))"
        let feed = try FeedParser.parse(Array("\(xml)</description></item></channel></rss>".utf8), contentType: nil, url: "u")
        #expect(feed.entries.first?.text.count == 300_000)
    }

    @Test func `RSS 1.0 says how often it changes after the list of its items`() {
        let xml = """
            <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
            <channel><items><rdf:Seq><rdf:li resource="a"/></rdf:Seq></items><sy:updatePeriod>daily</sy:updatePeriod></channel>
            <item><title>x</title></item></rdf:RDF>
            """
        #expect(FeedRefresh.read(Array(xml.utf8)).minutes == 24 * 60)
    }

    @Test func `what an API writes as XML is read as it stands`() throws {
        let xml = "<order><item><name>A</name><item><name>Ã©Ã¼</name></item></item><link>x<title>T</title></link></order>"
        let tree = try #require(XMLTree.read(Array(xml.utf8)))
        #expect(try JSONPath("$.order[0].item[*].item[*].name[0]['#text']").values(in: tree, root: tree).map(\.plain) == ["Ã©Ã¼"])
        #expect(try JSONPath("$.order[0].link[0].title[0]['#text']").values(in: tree, root: tree).map(\.plain) == ["T"])
    }
}

@Suite struct FeedFieldTests {
    @Test func `what entries say besides their text is kept`() throws {
        let text = """
            <rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"
            xmlns:thr="http://purl.org/syndication/thread/1.0" xmlns:georss="http://www.georss.org/georss"
            xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
            <title>T</title><copyright>C</copyright><itunes:new-feed-url>https://new.example/feed</itunes:new-feed-url>
            <image><url>/logo.png</url><title>wrong</title></image>
            <item><title>a</title><category>one</category><category>two</category><itunes:keywords>three, two</itunes:keywords>
            <comments>https://c.example/1#c</comments><slash:comments>7</slash:comments>
            <wfw:commentRss>https://c.example/1.rss</wfw:commentRss>
            <thr:in-reply-to ref="tag:c.example,2026:0"/><georss:point>31.2 121.5</georss:point>
            <media:group><media:content url="https://c.example/v.mp4" type="video/mp4" fileSize="9"/>
            <media:thumbnail url="/t.png"/></media:group>
            <author>ann@c.example (Ann Li)</author></item></channel></rss>
            """
        let feed = try FeedMalformedTests.parse(text)
        #expect(feed.title == "T")
        #expect(feed.rights == "C")
        #expect(feed.newURL == "https://new.example/feed")
        #expect(feed.image == "https://s.example/logo.png")
        let entry = try #require(feed.entries.first)
        #expect(entry.categories == ["one", "two", "three"])
        #expect(entry.comments == "https://c.example/1#c")
        #expect(entry.commentsCount == 7)
        #expect(entry.commentsFeed == "https://c.example/1.rss")
        #expect(entry.inReplyTo == ["tag:c.example,2026:0"])
        #expect(entry.place == FeedPlace(latitude: 31.2, longitude: 121.5))
        #expect(entry.enclosures == [FeedEnclosure(url: "https://c.example/v.mp4", type: "video/mp4", sizeBytes: 9)])
        #expect(entry.image == "https://s.example/t.png")
        #expect(entry.author == FeedAuthor(name: "Ann Li", email: "ann@c.example"))
    }

    struct Author: Sendable { var text: String; var name: String; var email: String? }

    @Test(
        "an author's name and address are told apart",
        arguments: [
            Author(text: "ann@e.example (Ann)", name: "Ann", email: "ann@e.example"),
            Author(text: "Ann <ann+x@e.example>", name: "Ann", email: "ann+x@e.example"),
            Author(text: "mailto:ann@e.example", name: "ann@e.example", email: "ann@e.example"),
            Author(text: " Ann\n Li ", name: "Ann Li"), Author(text: "@ann", name: "@ann"), Author(text: "a@b", name: "a@b"),
        ])
    func author(_ test: Author) {
        #expect(FeedText.author(Array(test.text.utf8)) == FeedAuthor(name: test.name, email: test.email))
    }

    @Test(
        "the common dates are read as the careful reader reads them",
        arguments: [
            "Sun, 22 Nov 2026 09:30:00 GMT", "Sun, 22 Nov 2026 09:30:00 +0800", "2026-11-22T09:30:00Z", "2026-11-22T09:30:00.25-05:30",
            "Sun, 22 Nov 2026 09:30 EST", "2026-11-22T09:30:00+0800", " 22 Nov 26 09:30:00 UT ", "Sun, 31 Feb 2026 09:30:00 GMT",
            "2026-13-22T09:30:00Z", "yesterday", "2026-11-22T09:30:00Zx",
        ])
    func dates(_ text: String) { #expect(FeedDate.read(Array(text.utf8)) == DateText.anyFeedDate(text)) }

    @Test func `hints about the next visit are read and kept to`() throws {
        let head = "<rss><channel><ttl>90</ttl><skipHours><hour>10</hour><hour>11</hour></skipHours><skipDays><day>Monday</day></skipDays>"
        let refresh = FeedRefresh.read(Array((head + "<item><title>x</title>").utf8))
        #expect(refresh.minutes == 90)
        #expect(refresh.skipHours == [10, 11])
        #expect(refresh.skipDays == [1])
        let sunday = try #require(DateText.iso8601("2026-11-22T09:00:00Z"))
        #expect("\(refresh.next(after: sunday, every: 60))" == "2026-11-22T12:00:00Z")
        let late = try #require(DateText.iso8601("2026-11-22T23:00:00Z"))
        #expect("\(refresh.next(after: late, every: 60))" == "2026-11-24T00:00:00Z")
        #expect(FeedRefresh().next(after: sunday, every: 600) == Timestamp(seconds: sunday.seconds + 600))
        let daily = FeedRefresh.read(
            Array("<rss xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'><channel><sy:updatePeriod>daily</sy:updatePeriod>".utf8)
                + Array("<sy:updateFrequency>4</sy:updateFrequency></channel></rss>".utf8))
        #expect(daily.minutes == 360)
        #expect(FeedRefresh.read(Array("<html>".utf8)).isEmpty)
    }

    @Test func `a feed that forbids every hour is asked all the same`() {
        var refresh = FeedRefresh()
        refresh.skipHours = Set(0..<24)
        #expect(refresh.next(after: Timestamp(seconds: 0), every: 60) == Timestamp(seconds: 60))
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: ["<a>", "<item>", "<a b='", "</a>", "<![CDATA[", "<!--", "&amp;", "<a xmlns:x='y'>", "<!DOCTYPE a ["])
    func `a hundred thousand broken pieces end in a feed or an error`(piece: String) {
        let text = "<rss><channel><item><description>" + String(repeating: piece, count: 100_000) + "</description></item></channel></rss>"
        let feed = try? FeedMalformedTests.parse(text)
        #expect((feed?.entries.count ?? 0) <= FeedParser.entriesMax)
    }

    @Test func `text below ten thousand elements is not lost`() throws {
        let deep = String(repeating: "<b>", count: 10_000) + "deep" + String(repeating: "</b>", count: 10_000)
        let feed = try FeedMalformedTests.parse(
            "<rss><channel><item><description>\(deep)</description><title>t</title></item></channel></rss>")
        #expect(feed.entries.map(\.text) == ["deep"])
        #expect(feed.entries.map(\.title) == ["t"])
    }
}
