import Domain
import Foundation
import Testing

@testable import Daemon

/// Many feeds as one entry of the configuration.
struct FeedListTests {
    private static func accounts(_ list: String, entry: String = "{kind: feed, list: feeds}") throws -> [Account] {
        let folder = NSTemporaryDirectory() + "hongyan-list-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try list.write(toFile: folder + "/feeds", atomically: true, encoding: .utf8)
        let text = "database: sqlite://\(folder)/x.sqlite3\naccounts:\n  news: \(entry)\n"
        try text.write(toFile: folder + "/hongyan.yaml", atomically: true, encoding: .utf8)
        return try Settings.load(folder + "/hongyan.yaml").accounts
    }

    @Test func `a line is a feed, and the same address twice is one`() throws {
        let found = try Self.accounts("# ours\nhttps://a.example/feed\n\n  https://b.example/rss \nhttps://a.example/feed\n")
        #expect(found.map(\.url) == ["https://a.example/feed", "https://b.example/rss"])
        #expect(Set(found.map(\.name)).count == 2)
        #expect(found.allSatisfy { $0.name.hasPrefix("news-") && $0.kind == .feed && $0.isAdaptive })
    }

    @Test func `a feed keeps its name wherever it stands in the list`() throws {
        let one = try Self.accounts("https://a.example/feed\nhttps://b.example/rss\n")
        let other = try Self.accounts("https://c.example/\nhttps://b.example/rss\nhttps://a.example/feed\n")
        #expect(one[0].name == other[2].name)
        #expect(one[1].name == other[1].name)
    }

    @Test func `an OPML file with folders is a list`() throws {
        let opml = """
            <?xml version="1.0"?><opml version="2.0"><body><outline text="Shops"><outline type="rss" xmlUrl="https://a.example/feed?a=1&amp;b=2"/>
            <outline type="rss" text="B" xmlUrl="https://b.example/rss"/></outline></body></opml>
            """
        #expect(try Self.accounts(opml).map(\.url) == ["https://a.example/feed?a=1&b=2", "https://b.example/rss"])
    }

    @Test(
        arguments: [
            ("https://a.example/\nnot an address\n", "{kind: feed, list: feeds}", "feeds:2:1: `not an address` is no address"),
            ("https://a.example/\n", "{kind: feed, list: nothing}", "cannot be read"),
            ("https://a.example/\n", "{kind: feed, list: feeds, url: \"https://x.example/\"}", "two ways to say it"),
            ("https://a.example/\n", "{kind: folder, path: /x, list: feeds}", "`list` is for feeds"),
        ])
    func mistakes(list: String, entry: String, says: String) {
        let error = #expect(throws: (any Error).self) { _ = try Self.accounts(list, entry: entry) }
        #expect(error.map { "\($0)".contains(says) } == true, "\(error.map { "\($0)" } ?? "")")
    }
}
