import Domain
import Formats
import Foundation
import Synchronization
import Testing

@testable import Channels

/// The author's tools: a trial against a source, a recording without secrets, guesses from an example.
@Suite(.timeLimit(.minutes(10))) struct ChannelAuthorTests {
    static let yaml = """
        channel: t
        docs: https://t.example/docs
        about: A test.
        about_zh: 测试。
        config:
          token: {type: secret, required: true, about: "a key with the scope read:posts"}
        auth: {kind: bearer, token: "{{ config.token }}"}
        base: https://t.example
        check: {path: /me, expect: id, save: {self: id}}
        streams:
          posts:
            request: {path: /posts}
            records: $.items[*]
            cursor: {kind: id, path: id, send: {query: since}}
            page: {kind: token, path: $.next, send: {query: page}}
            lookup:
              who: {path: /people, query: {mail: "{{ keys }}"}, keys: mail, records: "$.people[*]", index: mail}
            map:
              external_id: id
              occurred_at: at | date(iso)
              author.email: mail
              author.name: who.name
              author.phone: phone
              text: text
              permalink: url

        """

    static let secret = "s3cret/key+of=ours"

    private static func trial(
        yaml: String = yaml, token: String? = secret, _ answer: @escaping @Sendable (ChannelCall) throws -> (Int, String)
    ) throws -> ChannelTrial {
        let inputs: [String: JSONValue] = token.map { ["token": .string($0)] } ?? [:]
        return ChannelTrial(
            try ChannelFile.read(yaml, file: "t.yaml"), inputs: inputs, account: "a", now: { Timestamp(seconds: 1_795_000_000) }
        ) { call in
            let (status, body) = try answer(call)
            return ChannelAnswer(
                status: status, headers: [("Set-Cookie", "sid=c00kie-of-theirs"), ("Content-Type", "application/json")],
                body: Array(body.utf8))
        }
    }

    private static func path(_ call: ChannelCall) -> String { String(call.url.dropFirst("https://t.example".count)) }

    private static let goodAnswers: @Sendable (ChannelCall) throws -> (Int, String) = { call in
        switch path(call).prefix(5) {
        case "/me": return (200, "{\"id\":\"99\"}")
        case "/peop":
            return (200, "{\"people\":[{\"mail\":\"Zoe@Shop.example.org\",\"name\":\"Zoe\"},{\"mail\":\"bo@mail.test\",\"name\":\"Bo\"}]}")
        default:
            if path(call).contains("page=p2") { return (200, "{\"items\":[\(item(3, "bo@mail.test"))],\"next\":null}") }
            return (
                200,
                "{\"items\":[\(item(1, "Zoe@Shop.example.org")),\(item(2, "bo@mail.test"))],\"next\":\"p2\",\"access_token\":\"abcdefghijkl\",\"you\":\"\(secret)\"}"
            )
        }
    }

    private static func item(_ id: Int, _ mail: String) -> String {
        "{\"id\":\"\(id)\",\"at\":\"2026-11-20T00:00:0\(id)Z\",\"mail\":\"\(mail)\",\"phone\":\"+49 170 1234567\","
            + "\"text\":\"Write to \(mail) or call 13912345678\"}"
    }

    // MARK: Check

    @Test func `a check says what works, and which parts stay empty`() async throws {
        let findings = try await Self.trial(Self.goodAnswers).check()
        #expect(findings.map(\.level) == [.good, .good, .hint])
        #expect(findings[0].english == "The source accepts the account (self = 99).")
        #expect(findings[1].english.hasPrefix("2 records on the first page, 2 of them are taken; there are more pages"))
        #expect(findings[2].english == "Empty in every one of them: permalink.")
        #expect(findings.allSatisfy { !$0.chinese.isEmpty && $0.chinese != $0.english })
    }

    @Test(
        "a check says what to do, and no secret",
        arguments: [
            (
                401, "{\"error\":\"bad key s3cret/key+of=ours\"}", "It does not accept who we say we are",
                "`token` (a key with the scope read:posts)"
            ),
            (403, "{\"message\":\"scope\"}", "a scope or a right is missing", "read:posts"),
            (500, "oops", "The trouble is the source's own", "500"),
            (429, "{}", "It was asked too often", "429"), (200, "{\"name\":\"x\"}", "but not with id", "check the account's inputs"),
        ])
    func advice(status: Int, body: String, says: String, too: String) async throws {
        let findings = try await Self.trial { call in Self.path(call) == "/me" ? (status, body) : (200, "{\"items\":[]}") }.check()
        #expect(findings[0].level == .wrong && findings[0].topic == "check")
        #expect(findings[0].english.contains(says) && findings[0].english.contains(too), "\(findings[0].english)")
        #expect(!findings.description.contains("s3cret"))
        #expect((findings.count == 1) == (status == 401), "a login that is refused is not tried again and again")
    }

    @Test func `a check tells an empty list from a path that leads nowhere, and a date that cannot be read`() async throws {
        let empty = try await Self.trial { call in (200, Self.path(call) == "/me" ? "{\"id\":1}" : "{\"items\":[]}") }.check()
        #expect(empty.last?.level == .good && empty.last?.english.contains("nothing in it yet") == true)
        let lost = try await Self.trial { call in (200, Self.path(call) == "/me" ? "{\"id\":1}" : "{\"data\":[{\"id\":1}],\"meta\":{}}") }
            .check()
        #expect(lost.last?.level == .wrong && lost.last?.english.contains("data (list of 1), meta (object)") == true)
        let undated = try await Self.trial { call in
            (
                200,
                Self.path(call) == "/me"
                    ? "{\"id\":1}" : Self.path(call).hasPrefix("/people") ? "{}" : "{\"items\":[{\"id\":1,\"at\":\"yesterday\"}]}"
            )
        }.check()
        #expect(undated.contains { $0.level == .wrong && $0.english.contains("`at | date(iso)` sees “yesterday”") })
        let missing = try await Self.trial(token: nil) { _ in throw CancellationError() }.check()
        #expect(missing.map(\.english) == ["`token` is missing: a key with the scope read:posts"])
    }

    // MARK: Dry

    @Test func `a dry poll shows what would come, page by page, and confirms nothing`() async throws {
        let trial = try Self.trial(Self.goodAnswers)
        let one = await trial.dry([], pages: 1, fromStart: false, start: .all)
        #expect(one.parts.map(\.items.count) == [2] && one.parts[0].hasMore)
        let all = await trial.dry(["posts"], pages: 9, fromStart: false, start: .all)
        #expect(all.parts[0].items.map(\.externalID) == ["1", "2", "3"] && all.findings == [])
        let confirming = Self.yaml.replacing("send: {query: since}}", with: "send: {query: since}, commit: stored}")
        let asked = Mutex(0)
        let careful = try Self.trial(yaml: confirming) { call in
            asked.withLock { $0 += Self.path(call).hasPrefix("/posts") ? 1 : 0 }
            return try Self.goodAnswers(call)
        }
        _ = await careful.dry([], pages: 9, fromStart: true, start: .all)
        #expect(asked.withLock { $0 } == 1, "a second request would make the source forget the first")
    }

    // MARK: Record

    @Test func `a recording replays, holds nothing that is secret, and its ids still join`() async throws {
        let trial = try Self.trial(Self.goodAnswers)
        let made = try await trial.record(trial.file.streams[0], pages: 2)
        #expect(made.problems == [] && made.items == 3)
        for secret in [Self.secret, "abcdefghijkl", "c00kie", "Shop.example.org", "bo@mail.test", "1234567", "13912345678"] {
            #expect(!made.text.contains(secret), "\(secret)")
        }
        let root = try JSONValue.parse(Array(made.text.utf8))
        let items = try #require(root["expect"]?["interactions"]?.array)
        #expect(items.map { $0["author.name"]?.plain } == ["Zoe", "Bo", "Bo"], "the look-up still finds them by their new addresses")
        #expect(items.map { $0["author.email"]?.plain } == ["person1@example.com", "person2@example.com", "person2@example.com"])
        #expect(items[1]["text"]?.plain == "Write to person2@example.com or call 13800000002")
        #expect(Set(items.compactMap { $0["author.phone"]?.plain }).count == 1)
        #expect(root["exchanges"]?.array?.first?["request"]?["headers"]?["Authorization"]?.plain == "Bearer redacted-token")
        #expect(made.replaced.map(\.kind) == ["secret", "token", "email", "phone"])
    }

    @Test func `what goes wrong is recorded as well`() async throws {
        let trial = try Self.trial { call in Self.path(call) == "/me" ? (200, "{\"id\":1}") : (403, "{\"message\":\"ask anna@shop.test\"}")
        }
        let made = try await trial.record(trial.file.streams[0], pages: 1)
        #expect(made.problems == [] && made.text.contains("\"do\": \"stop\"") && made.text.contains("ask person1@example.com"))
    }

    @Test(
        "redaction leaves alone what is no person's and no secret",
        arguments: [
            "2026-11-20T08:00:00+00:00", "Sat Nov 21 10:00:00 +0800 2026", "115580000000000303", "v1.2.3",
            "https://a.example/x?page=abcdefghij",
            "{\"next_page_token\":\"abcdefghijkl\"}",
        ])
    func untouched(text: String) throws {
        var redaction = Redaction()
        #expect(redaction.text(text) == text)
        if let value = try? JSONValue.parse(Array(text.utf8)) { #expect(redaction.value(value) == value) }
    }

    @Test func `a document packed in base64 is redacted inside`() throws {
        let packed = base64("{\"responses\":[{\"email\":\"li.lei@mail.test\",\"answer\":\"yes, please do\"}]}")
        var redaction = Redaction()
        let value = redaction.value(.object([.init("result", .string(packed))]))
        var decoder = TransferDecoder()
        let inner = String(decoding: decoder.base64(Array((value["result"]?.plain ?? "").utf8)[...]), as: UTF8.self)
        #expect(inner.contains("person1@example.com") && !inner.contains("li.lei"))
    }

    // MARK: New

    static let example = """
        {"meta":{"total":2},"data":{"reviews":[
          {"review_id":"r-9","created_at":1795000000,"reviewer":{"display_name":"陈雨","email":"chen@mail.test","id":7},"title":"Broken",
           "body":"<p>The lamp is broken, please help me.</p>","stars":2,"html_url":"https://shop.test/r/9","conversation_id":"c1"},
          {"review_id":"r-8","created_at":1794000000,"reviewer":{"display_name":"Bo","email":"bo@mail.test","id":8},"title":"Fine",
           "body":"<p>All is well with the lamp now.</p>","stars":5,"html_url":"https://shop.test/r/8","conversation_id":"c2"}]},
         "next_cursor":"abc","has_more":true}
        """

    @Test func `from an example the records and their parts are found, with reasons`() throws {
        var guess = try ChannelGuess(Array(Self.example.utf8))
        #expect(guess.lists.first?.path == "$.data.reviews[*]" && guess.lists.first?.count == 2)
        try guess.take("$.data.reviews[*]")
        let found = ChannelGuess.targets.map { target in guess.choices(target).first?.value ?? "–" }
        #expect(
            found == [
                "review_id", "created_at | date(epoch)", "body", "reviewer.display_name", "–", "reviewer.email", "title", "html_url",
                "conversation_id", "stars",
            ])
        #expect(guess.choices("occurred_at")[0].seen == "1795000000 · 1794000000")
        #expect(guess.choices("text").first.map(guess.isHTML) == true)
        #expect(guess.pages()[0].value == "{kind: token, path: $.next_cursor, send: {query: cursor}, more: $.has_more}")
    }

    @Test(
        "the way to the next page is guessed from what the answer and its address say",
        arguments: [
            (
                "{\"items\":[{\"id\":1}],\"paging\":{\"next\":\"https://a.example/x?p=2\"}}", "https://a.example/x", "",
                "{kind: next_url, path: $.paging.next}"
            ),
            ("[{\"id\":1}]", "https://a.example/x?page=1&per_page=50", "", "{kind: page, send: {query: page}, start: 1, size: 50}"),
            ("[{\"id\":1}]", "https://a.example/x?offset=0&limit=20", "", "{kind: offset, send: {query: offset}, size: 20}"),
            ("[{\"id\":1}]", "https://a.example/x", "<https://a.example/x?page=2>; rel=\"next\"", "{kind: link}"),
            (
                "{\"data\":[{\"id\":1}],\"has_more\":true}", "https://a.example/x", "",
                "{kind: last_record, path: id, send: {query: starting_after}, more: $.has_more}"
            ),
            (
                "{\"nextPageToken\":\"t\",\"items\":[{\"id\":1}]}", "https://a.example/x", "",
                "{kind: token, path: $.nextPageToken, send: {query: pageToken}}"
            ),
            ("[{\"id\":1}]", "https://a.example/x", "", "{kind: none}"),
        ])
    func paging(body: String, url: String, link: String, page: String) throws {
        let guess = try ChannelGuess(Array(body.utf8))
        let pages = guess.pages(headers: link.isEmpty ? [] : [("Link", link)], query: ChannelDraft.split(url).query)
        #expect(pages.first?.value == page)
        let yaml = Self.yaml.replacing("{kind: token, path: $.next, send: {query: page}}", with: page)
        #expect(throws: Never.self) { try ChannelFile.read(yaml, file: "t.yaml") }
    }

    @Test(
        "every kind of document becomes a file that is right and a sample that replays",
        arguments: [
            (Self.example, "https://shop.test/api/reviews?limit=2&api_key=s3cret-key", "$.data.reviews[*]"),
            (
                "id,Submitted,Name,Message\n1,2026-11-20 08:00:00,Anna,\"Where is my order, please?\"\n2,2026-11-20 09:00:00,Bo,All is fine with it\n",
                "https://forms.test/export.csv", "$[*]"
            ),
            (
                "{\"id\":1,\"at\":\"2026-11-20T00:00:00Z\",\"text\":\"a b c\"}\n{\"id\":2,\"at\":\"2026-11-20T00:00:01Z\",\"text\":\"d e f\"}\n",
                "https://forms.test/lines", "$[*]"
            ),
            (
                "<?xml version=\"1.0\"?><list><entry><id>u:1</id><published>2026-11-20T00:00:00Z</published><title>Hi</title><content>A b c</content></entry><entry><id>u:2</id><published>2026-11-20T00:00:01Z</published><title>Ho</title><content>D e f</content></entry></list>",
                "https://forms.test/feed.xml", "$.list[0].entry[*]"
            ),
        ])
    func drafts(body: String, url: String, records: String) async throws {
        let example = Array(body.utf8)
        var guess = try ChannelGuess(example)
        #expect(guess.lists.first?.path == records)
        try guess.take(records)
        let (_, query) = ChannelDraft.split(url)
        var draft = ChannelDraft(
            name: "shop", docs: "https://shop.test/docs", about: "Reviews: all # of them", aboutChinese: "评价。", url: url)
        (draft.format, draft.records) = (guess.format, records)
        draft.isWholeDocument = guess.format != .json
        if let key = ChannelDraft.key(in: query) { (draft.auth, draft.authName) = (.query, key) }
        draft.page = guess.pages(query: query)[0].value
        for target in ChannelGuess.targets {
            guard let choice = guess.choices(target).first else { continue }
            draft.targets.append((target == "text" && guess.isHTML(choice) ? "html" : target, choice.value, choice.seen))
        }
        #expect(!draft.yaml.contains("s3cret-key"))
        let file = try ChannelFile.read(draft.yaml, file: "shop.yaml")
        let (samples, problems) = await draft.samples(example, headers: [], file: file, now: "2026-11-21T00:00:00Z")
        #expect(problems == [] && samples.map(\.name) == ["page", "error-refused"])
        for sample in samples {
            let replayed = try await ChannelSample(name: sample.name, bytes: Array(sample.text.utf8)).replay(file)
            #expect(replayed == [])
        }
        #expect(try JSONValue.parse(Array(samples[0].text.utf8))["expect"]?["interactions"]?.array?.count == 2)
        #expect(!samples[0].text.contains("mail.test"))
    }

    @Test(
        "what is no example is refused in words",
        arguments: [
            ("", "the example is empty"), ("<html><body>hi</body></html>", "is a web page"), ("just words", "neither JSON, XML nor CSV"),
            ("{\"a\":", "JSON, line 1"),
        ])
    func noExample(text: String, says: String) {
        let error = #expect(throws: ChannelCallError.self) { try ChannelGuess(Array(text.utf8)) }
        #expect(error?.description.contains(says) == true)
    }
}
