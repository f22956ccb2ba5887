import Domain
import Foundation
import Testing

@testable import Formats

@Suite struct FeedTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/feeds")
    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { !$0.hasSuffix(".expect") }.sorted()
    }()

    @Test func `the fixtures are there`() { #expect(Self.names.count >= 9) }

    @Test("a feed is read as the file beside it says", arguments: names)
    func reads(name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: name)))
        let expected = try JSONValue.parse([UInt8](try Data(contentsOf: Self.folder.appending(path: name + ".expect"))))
        let feed = try FeedParser.parse(bytes, contentType: nil, url: "https://s.example/feed")
        #expect(feed.title == expected["title"]?.string)
        if let link = expected["link"]?.string { #expect(feed.link == link) }
        if let language = expected["language"]?.string { #expect(feed.language == language) }
        let entries = try #require(expected["entries"]?.array)
        #expect(feed.entries.count == entries.count)
        for (entry, expectation) in zip(feed.entries, entries) {
            guard case .object(let members) = expectation else { continue }
            for member in members {
                let found = Self.found(member.name, in: entry)
                #expect(found == member.value, "\(member.name) is \(found.json)")
            }
        }
    }

    private static func found(_ name: String, in entry: FeedEntry) -> JSONValue {
        func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        switch name {
        case "id": return .string(entry.id)
        case "title": return .string(entry.title)
        case "link": return optional(entry.link)
        case "html": return .string(entry.html)
        case "text": return .string(entry.text)
        case "published": return optional(entry.published.map { "\($0)" })
        case "updated": return optional(entry.updated.map { "\($0)" })
        case "author": return optional(entry.author.map { $0.name + ($0.email.map { " <\($0)>" } ?? "") + ($0.uri.map { " \($0)" } ?? "") })
        case "enclosures": return .array(entry.enclosures.map { .string("\($0.url) \($0.type ?? "-") \($0.sizeBytes ?? 0)") })
        default: return .string("there is no \(name)")
        }
    }

    struct Bad: Sendable { var text: String; var says: String }

    @Test(
        "what is no feed is an error that says what it looks like",
        arguments: [
            Bad(text: "", says: "u: the feed has no bytes; open it in a browser to see whether it still exists"),
            Bad(text: " \n ", says: "u: the feed has no bytes; open it in a browser to see whether it still exists"),
            Bad(
                text: "<!DOCTYPE html><html><body>x",
                says: "u: no feed but an HTML page; give the address of the RSS, Atom or JSON feed itself"),
            Bad(
                text: "<html xmlns='http://www.w3.org/1999/xhtml'/>",
                says: "u: no feed but an HTML page; give the address of the RSS, Atom or JSON feed itself"),
            Bad(text: "<opml/>", says: "u: no feed but an XML document <opml>; give the address of the RSS, Atom or JSON feed itself"),
            Bad(text: "Not found", says: "u: no feed but plain text; give the address of the RSS, Atom or JSON feed itself"),
            Bad(
                text: "{\"error\": {\"message\": \"no such user\"}}",
                says: "u: no feed but a JSON answer that says \"no such user\"; give the address of the RSS, Atom or JSON feed itself"),
            Bad(text: "{\"a\": 1}", says: "u: no feed but JSON without items; give the address of the RSS, Atom or JSON feed itself"),
            Bad(
                text: "{\"items\": [",
                says: "u: no feed but broken JSON (JSON, line 1, column 12: the document ends in the middle; fetch it again); "
                    + "give the address of the RSS, Atom or JSON feed itself"),
            Bad(text: Self.laughs, says: "u: the feed's entities expand without end, which is an attack; remove this feed"),
            Bad(text: Self.quadratic, says: "u: the feed's entities expand without end, which is an attack; remove this feed"),
        ])
    func rejects(_ bad: Bad) {
        let error = #expect(throws: FeedError.self) { try FeedParser.parse(Array(bad.text.utf8), contentType: nil, url: "u") }
        #expect(error?.description == bad.says)
    }

    static let laughs: String = {
        var text = "<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY a0 \"ha\">"
        for level in 1...12 { text += "<!ENTITY a\(level) \"" + String(repeating: "&a\(level - 1);", count: 10) + "\">" }
        return text + "]><rss version=\"2.0\"><channel><title>&a12;</title></channel></rss>"
    }()

    static let quadratic: String = {
        let long = String(repeating: "x", count: 50_000)
        let uses = String(repeating: "&a;", count: 5000)
        return "<!DOCTYPE rss [<!ENTITY a \"\(long)\">]><rss version=\"2.0\"><channel><title>\(uses)</title></channel></rss>"
    }()

    @Test func `an external entity is not read`() throws {
        let text =
            "<!DOCTYPE rss [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><rss version=\"2.0\"><channel><title>a&x;b</title></channel></rss>"
        #expect(try FeedParser.parse(Array(text.utf8), contentType: nil, url: "u").title == "ab")
    }

    @Test func `an entry without id and link has the same made-up id at every poll, another entry another`() throws {
        let text = "<rss><channel><item><title>a</title></item><item><title>b</title></item></channel></rss>"
        let ids = try (0..<2).map { _ in try FeedParser.parse(Array(text.utf8), contentType: nil, url: "u").entries.map(\.id) }
        #expect(ids[0] == ids[1])
        #expect(Set(ids[0]).count == 2)
        #expect(ids[0].allSatisfy { $0.hasPrefix("hash:") })
    }

    @Test func `the charset of the response counts when the document names none`() throws {
        let head = Array("<rss><channel><title>".utf8)
        let bytes = head + [0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2] + Array("</title></channel></rss>".utf8)  // Привет
        #expect(try FeedParser.parse(bytes, contentType: "application/rss+xml; charset=windows-1251", url: "u").title == "Привет")
    }

    @Test func `every beginning of a feed ends in a feed or an error`() throws {
        let whole = [UInt8](try Data(contentsOf: Self.folder.appending(path: "atom1.xml")))
        for length in 0...whole.count { _ = try? FeedParser.parse(Array(whole[..<length]), contentType: nil, url: "https://s.example/") }
        #expect(try FeedParser.parse(whole, contentType: nil, url: "https://s.example/").entries.count == 2)
    }

    @Test(
        "a relative link is made absolute",
        arguments: [
            ("c", "https://a.b/x/y?q", "https://a.b/x/c"), ("/c?d", "https://a.b/x/y", "https://a.b/c?d"),
            ("../c", "https://a.b/x/y/z", "https://a.b/x/c"),
            ("../../../c", "https://a.b/x", "https://a.b/c"), ("//h/p", "https://a.b/", "https://h/p"),
            ("?q=1", "https://a.b/x/y?z", "https://a.b/x/y?q=1"),
            ("#f", "https://a.b/x?z", "https://a.b/x?z#f"), ("c", "https://a.b", "https://a.b/c"),
            ("./", "https://a.b/x/y", "https://a.b/x/"),
            ("urn:x", "https://a.b", "urn:x"), ("c", "u", nil), ("", "https://a.b", nil),
        ])
    func resolves(reference: String, base: String, gives: String?) { #expect(URLText.resolve(reference, base: base) == gives) }
}
