import Domain
import Formats
import Foundation
import Rules
import Synchronization
import Testing

@testable import Channels

@Suite(.timeLimit(.minutes(10))) struct ChannelFileTests {
    static let folder = String(#filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }) + "/channels"

    @Test func `every channel file is right and has its samples`() throws {
        let library = try ChannelLibrary(folder: Self.folder)
        #expect(library.errors.map(\.description) == [])
        #expect(library.files.count >= 45)
        for file in library.files {
            let samples = try library.samples(of: file.name)
            #expect(samples.count >= 2, "\(file.name)")
            #expect(!file.about.isEmpty && !file.aboutChinese.isEmpty && file.docs.hasPrefix("http"), "\(file.name)")
        }
    }

    @Test func `every recorded sample replays`() async throws {
        let library = try ChannelLibrary(folder: Self.folder)
        for file in library.files {
            for sample in try library.samples(of: file.name) {
                #expect(await sample.replay(file) == [], "\(file.name)/\(sample.name)")
            }
        }
    }

    @Test func `the page about channels is what the files say`() throws {
        let page = Self.folder.dropLast("/channels".count) + "/docs/channels.md"
        let written = try String(contentsOfFile: String(page), encoding: .utf8)
        let made = try ChannelCatalogue.markdown(ChannelLibrary(folder: Self.folder))
        #expect(written == made, "run: hongyan channel list --markdown >docs/channels.md")
    }

    // MARK: Wrong files

    static let small = """
        channel: t
        docs: https://t.example/docs
        config: {token: {type: secret}}
        auth: {kind: bearer, token: "{{ config.token }}"}
        base: https://t.example
        streams:
          s:
            request: {path: /list}
            records: $.items[*]
            cursor: {kind: id, path: id, send: {query: since}}
            map: {external_id: id, occurred_at: at | date(iso), text: text}
        """

    @Test(
        "a mistake in a channel file is told with its place and the fix",
        arguments: [
            ("records: $.items[*]", "record: $.items[*]", "t.yaml:9:5: `record` is not a key here; did you mean `records`?"),
            ("external_id: id,", "external_it: id,", "did you mean `external_id`?"),
            ("at | date(iso)", "at | dat(iso)", "dat is no filter"),
            ("kind: bearer", "kind: bear", "did you mean `bearer`?"),
            ("{kind: id, path: id, ", "{kind: id, ", "a cursor needs `path`"),
            ("channel: t", "channel: u", "`channel` is `u`, but the file is called t.yaml"),
            ("base: https://t.example", "version: 1", "`base` is missing"),
            ("config: {token: {type: secret}}", "config: {token: {type: secret, default: x}}", "a secret has no default"),
        ])
    func mistakes(right: String, wrong: String, says: String) {
        let text = Self.small.replacing(right, with: wrong)
        let error = #expect(throws: RuleError.self) { try ChannelFile.read(text, file: "t.yaml") }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "no error")")
    }

    // MARK: What servers do

    /// Answers by a script and writes down what was asked and stored.
    final class Server: Sendable {
        struct Notes {
            var asked: [ChannelCall] = []
            var batches: [ChannelBatch] = []
            var warnings: [String] = []
        }
        let notes = Mutex(Notes())
        private let script: @Sendable (Int, ChannelCall) -> ChannelAnswer
        init(_ script: @escaping @Sendable (Int, ChannelCall) -> ChannelAnswer) { self.script = script }

        var tools: ChannelRun.Tools {
            ChannelRun.Tools(
                send: { call in
                    let index = self.notes.withLock { notes in
                        notes.asked.append(call)
                        return notes.asked.count - 1
                    }
                    return self.script(index, call)
                }, keep: { batch in self.notes.withLock { $0.batches.append(batch) } }, now: { Timestamp(seconds: 1_795_000_000) },
                warn: { text in self.notes.withLock { $0.warnings.append(text) } })
        }

        var ids: [String] { notes.withLock { $0.batches.flatMap { $0.items.map(\.externalID) } } }
        var asked: Int { notes.withLock { $0.asked.count } }
        var warnings: [String] { notes.withLock { $0.warnings } }
    }

    private static func json(_ text: String, status: Int = 200, _ headers: [(name: String, value: String)] = []) -> ChannelAnswer {
        ChannelAnswer(status: status, headers: headers, body: Array(text.utf8))
    }

    private static func run(_ yaml: String, _ server: Server, token: String = "s3cret-token") throws -> ChannelRun {
        ChannelRun(
            try ChannelFile.read(yaml, file: "t.yaml"), config: ["token": .string(token)], account: "a", state: ChannelState(),
            tools: server.tools)
    }

    private static func items(_ ids: [Int]) -> String {
        let items = ids.map { "{\"id\":\($0),\"at\":\"2026-11-20T00:00:00Z\",\"text\":\"t\"}" }
        return "{\"items\":[\(items.joined(separator: ","))],\"next\":\"same\"}"
    }

    @Test func `a poll stores what is new, and the next one asks from there`() async throws {
        let server = Server { index, _ in Self.json(Self.items(index == 0 ? [3, 5, 4] : [5, 6])) }
        var run = try Self.run(Self.small, server)
        try await run.poll(run.file.streams[0], start: .all)
        try await run.poll(run.file.streams[0])
        #expect(server.ids == ["3", "4", "5", "6"])
        #expect(server.notes.withLock { $0.asked.map(\.url) } == ["https://t.example/list", "https://t.example/list?since=5"])
        #expect(server.notes.withLock { $0.asked[0].headers.first?.value } == "Bearer s3cret-token")
        #expect(run.state.cursors["s"]?.cursor == "6")
    }

    @Test(
        "no way of paging goes on for ever",
        arguments: [
            ("page: {kind: token, path: $.next, send: {query: p}}", true), ("page: {kind: page, send: {query: p}, max: 7}", false),
            ("page: {kind: offset, send: {query: p}, max: 7}", false),
            ("page: {kind: next_url, path: \"=https://t.example/list?x\"}", true), ("page: {kind: cursor, more: =yes}", false),
            ("page: {kind: last_record, path: id, send: {query: p}}", true),
        ])
    func endless(page: String, isTold: Bool) async throws {
        let server = Server { _, _ in Self.json(Self.items([1, 2])) }
        var run = try Self.run(Self.small.replacing("    map:", with: "    \(page)\n    map:"), server)
        var trouble: ChannelTrouble?
        do { try await run.poll(run.file.streams[0], start: .all) } catch let error as ChannelTrouble { trouble = error }
        #expect((trouble != nil) == isTold && trouble?.say.contains("what came is kept") ?? true, "\(trouble?.say ?? "none")")
        #expect(run.state.cursors["s"]?.cursor == "2")
        #expect(server.asked <= 8)
        #expect(Set(server.ids) == ["1", "2"])
    }

    @Test(
        "what a source answers ends in the right remedy and stores nothing",
        arguments: [
            (429, "{}", [(name: "Retry-After", value: "7")], ChannelFile.Remedy.backoff, "answered 429"),
            (503, "<html>down</html>", [], .backoff, "a web page"), (404, "{\"message\":\"no such list\"}", [], .stop, "no such list"),
            (401, "{\"error\":\"bad token s3cret-token\"}", [], .stop, "bad token •••"),
            (200, "<html>login</html>", [], .backoff, "a web page instead of JSON"),
            (200, "{\"items\":[{\"id\":1", [], .backoff, "instead of JSON"), (200, "", [], .backoff, "nothing instead of JSON"),
        ] as [(Int, String, [(name: String, value: String)], ChannelFile.Remedy, String)])
    func remedies(status: Int, body: String, headers: [(name: String, value: String)], remedy: ChannelFile.Remedy, says: String)
        async throws
    {
        let server = Server { _, _ in Self.json(body, status: status, headers) }
        var run = try Self.run(Self.small, server)
        var trouble: ChannelTrouble?
        do { try await run.poll(run.file.streams[0]) } catch let error as ChannelTrouble { trouble = error }
        #expect(trouble?.remedy == remedy && trouble?.say.contains(says) == true, "\(trouble?.say ?? "none")")
        if !headers.isEmpty { #expect(trouble?.wait == .seconds(7)) }
        #expect(server.notes.withLock { $0.batches.isEmpty } && run.state.cursors.isEmpty)
    }

    @Test func `an address of another host, or without encryption, is not asked`() async throws {
        for next in ["https://evil.example/list", "http://t.example/list", "file:///etc/passwd"] {
            let server = Server { _, _ in Self.json("{\"items\":[{\"id\":1,\"at\":\"2026-11-20T00:00:00Z\"}],\"next\":\"\(next)\"}") }
            var run = try Self.run(Self.small.replacing("    map:", with: "    page: {kind: next_url, path: $.next}\n    map:"), server)
            await #expect(throws: ChannelTrouble.self) { try await run.poll(run.file.streams[0], start: .all) }
            #expect(server.asked == 1, "\(next)")
        }
    }

    @Test func `a value cannot break out of its header or its path`() async throws {
        let server = Server { _, _ in Self.json(Self.items([1])) }
        var run = try Self.run(Self.small, server, token: "x\r\nX-Evil: 1")
        await #expect(throws: ChannelCallError.self) { try await run.poll(run.file.streams[0]) }
        #expect(server.asked == 0)
        var other = try Self.run(
            Self.small.replacing("/list", with: "\"/lists/{{ config.token }}/x\"").replacing(
                "kind: bearer, token: \"{{ config.token }}\"", with: "kind: none"), server, token: "../a?b#c")
        try await other.poll(other.file.streams[0])
        #expect(server.notes.withLock { $0.asked.first?.url } == "https://t.example/lists/..%2Fa%3Fb%23c/x")
    }

    @Test func `a session is begun once, renewed when it is refused, and stored before it is used`() async throws {
        let yaml = Self.small.replacing(
            "auth: {kind: bearer, token: \"{{ config.token }}\"}",
            with:
                "auth: {kind: session, login: {method: POST, path: /login, json: {p: \"{{ config.token }}\"}}, save: [jwt], send: {header: {Authorization: \"Bearer {{ session.jwt }}\"}}}"
        )
        let server = Server { index, call in
            if call.url.hasSuffix("/login") { return Self.json("{\"jwt\":\"jwt-number-\(index)\"}") }
            return index == 1 ? Self.json("{\"error\":\"expired\"}", status: 401) : Self.json(Self.items([1]))
        }
        var run = try Self.run(yaml, server)
        try await run.poll(run.file.streams[0])
        try await run.poll(run.file.streams[0])
        let asked = server.notes.withLock { $0.asked }
        #expect(
            asked.map { String($0.url.dropFirst("https://t.example".count)) } == ["/login", "/list", "/login", "/list", "/list?since=1"])
        #expect(asked[3].headers.first?.value == "Bearer jwt-number-2")
        let stored = server.notes.withLock { $0.batches.map { $0.state.session["jwt"] } }
        #expect(stored.prefix(2) == ["jwt-number-0", "jwt-number-2"])
    }

    @Test func `newest first goes on from its old place until the last page was there`() async throws {
        let yaml = Self.small.replacing("{kind: id, path: id, send: {query: since}}", with: "{kind: seen, path: id, order: desc}")
            .replacing("    map:", with: "    page: {kind: page, send: {query: p}, size: 2}\n    map:")
        let server = Server { index, _ in
            index == 0
                ? Self.json(Self.items([9, 8]))
                : index == 1 ? Self.json("{}", status: 500) : Self.json(Self.items(index == 2 ? [9, 8] : [7]))
        }
        var run = try Self.run(yaml, server)
        await #expect(throws: ChannelTrouble.self) { try await run.poll(run.file.streams[0], start: .all) }
        #expect(server.ids == ["8", "9"] && run.state.cursors["s"] == nil, "what came is kept, the place is not")
        try await run.poll(run.file.streams[0], start: .all)
        #expect(server.ids.suffix(3) == ["7", "8", "9"] && run.state.cursors["s"]?.seen.count == 3)
    }

    @Test func `max ends the first reading only: what came since is read to where it is known`() async throws {
        let yaml = Self.small.replacing(
            "cursor: {kind: id, path: id, send: {query: since}}",
            with: "cursor: {kind: seen, path: id, order: desc}\n    page: {kind: token, path: $.next, send: {query: page}, max: 2}")
        // Ten pages of one item each, newest first; later there are fifteen.
        @Sendable func page(_ call: ChannelCall, of count: Int) -> ChannelAnswer {
            let number = call.url.firstRange(of: "page=").map { Int(call.url[$0.upperBound...].prefix { $0.isNumber }) ?? 0 } ?? 0
            let item = "{\"id\":\(count - number),\"at\":\"2026-11-20T00:00:00Z\",\"text\":\"t\(count - number)\"}"
            return Self.json("{\"items\":[\(item)]" + (number + 1 < count ? ",\"next\":\"\(number + 1)\"}" : "}"))
        }
        let first = Server { _, call in page(call, of: 10) }
        var run = try Self.run(yaml, first)
        try await run.poll(run.file.streams[0], start: .all)
        #expect(first.ids == ["9", "10"])
        let second = Server { _, call in page(call, of: 15) }
        var next = ChannelRun(run.file, config: ["token": .string("t")], account: "a", state: run.state, tools: second.tools)
        try await next.poll(next.file.streams[0], start: .all)
        #expect(second.ids == ["11", "12", "13", "14", "15"])
    }

    @Test func `one form in trouble holds up no other`() async throws {
        let yaml = Self.small.replacing(
            "config: {token: {type: secret}}", with: "config: {token: {type: secret}, forms: {type: list, default: [a, b, c]}}"
        )
        .replacing("    request: {path: /list}", with: "    each: {in: config.forms, as: form}\n    request: {path: \"/list/{{ form }}\"}")
        let server = Server { _, call in
            call.url.hasSuffix("/a")
                ? Self.json("{\"message\":\"no such form\"}", status: 404) : Self.json(Self.items(call.url.hasSuffix("/b") ? [1] : [2]))
        }
        var run = try Self.run(yaml, server)
        await #expect(throws: ChannelTrouble.self) { try await run.poll(run.file.streams[0], start: .all) }
        #expect(server.ids == ["1", "2"])
    }

    @Test func `a source that had enough is asked for the next form first, the next time`() async throws {
        let yaml = Self.small.replacing(
            "config: {token: {type: secret}}", with: "config: {token: {type: secret}, forms: {type: list, default: [a, b]}}"
        )
        .replacing("    request: {path: /list}", with: "    each: {in: config.forms, as: form}\n    request: {path: \"/list/{{ form }}\"}")
        let server = Server { index, _ in index == 0 ? Self.json("{}", status: 429, [("Retry-After", "1e300")]) : Self.json(Self.items([1]))
        }
        var run = try Self.run(yaml, server)
        await #expect(throws: ChannelTrouble.self) { try await run.poll(run.file.streams[0], start: .all) }
        try await run.poll(run.file.streams[0], start: .all)
        #expect(server.notes.withLock { $0.asked.map { String($0.url.suffix(1)) } } == ["a", "b", "a"])
    }

    @Test func `with latest nothing older than the account comes, however often it is asked`() async throws {
        let server = Server { index, _ in
            Self.json("{\"items\":[{\"id\":1,\"at\":\"2020-01-01T00:00:00Z\"},{\"id\":\(index + 2),\"at\":\"2026-12-01T00:00:00Z\"}]}")
        }
        var run = try Self.run(Self.small.replacing("{kind: id, path: id, send: {query: since}}", with: "{kind: all}"), server)
        try await run.poll(run.file.streams[0])
        try await run.poll(run.file.streams[0])
        #expect(server.ids == ["2", "3"])
    }

    @Test(
        "no number of a source's stops the program",
        arguments: ["5.1e300", "9223372036854.999999", "-9223372036854775", "nan", "1e999", "99999999999999999999"])
    func numbers(text: String) throws {
        for format in ["epoch", "epoch_ms", "iso"] {
            let found = try ChannelExpression("=\(text) | date(\(format))").text(ChannelScope())
            #expect(found == nil || found?.hasSuffix("Z") == true)
        }
    }

    @Test func `a deep answer costs no more than its size`() throws {
        let deep = String(repeating: "{\"label\":", count: 150) + "\"x\"" + String(repeating: "}", count: 150)
        #expect(try JSONValue.parse(Array(deep.utf8)).plain == "x")
    }

    @Test func `a bucket lets a burst through, then one after the other`() {
        let start = ContinuousClock.now
        let bucket = RateBucket(requests: 2, per: .seconds(10), now: start)
        #expect(bucket.take(1, now: start) == .zero && bucket.take(1, now: start) == .zero)
        #expect(bucket.take(1, now: start) == .seconds(5))
        #expect(bucket.take(1, now: start + .seconds(20)) == .zero)
    }

    @Test(
        "a long answer goes in whole sentences, and no character is cut in two",
        arguments: [
            ("limit: {chars: 20, split: true}", "One two. Three four five six.", ["One two. Three four", "five six."]),
            ("limit: {bytes: 12, split: true}", "您好，请稍等", ["您好，请", "稍等"]), ("limit: {graphemes: 10}", "12345678901", nil),
            ("limit: {graphemes: 10, split: true}", "👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", ["👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧"]),
        ] as [(String, String, [String]?)])
    func splitting(limit: String, text: String, parts: [String]?) throws {
        let file = try ChannelFile.read(Self.small + "\nreply: {\(limit), request: {method: POST, path: /x}}\n", file: "t.yaml")
        #expect(file.reply?.parts(of: text) == parts)
    }
}
