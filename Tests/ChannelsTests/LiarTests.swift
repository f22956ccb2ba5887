import Domain
import Formats
import Foundation
import Logging
import Synchronization
import Testing
import Transport

@testable import Channels

/// Every lie a server can tell: over the real transport where it is a matter of transport. It is told in words, nothing unseen is passed
/// over, and memory stays bounded.
@Suite(.timeLimit(.minutes(10))) struct LiarTests {
    static let secret = "s3cret/key+of=ours&<x>"

    static let yaml = """
        channel: t
        docs: https://t.example/docs
        config:
          base:  {type: url}
          token: {type: secret}
        auth: {kind: bearer, token: "{{ config.token }}"}
        base: "{{ config.base }}"
        streams:
          s:
            request: {path: /list, timeout: 60s}
            records: $.items[*]
            cursor: {kind: seen, path: id, order: desc}
            page: {kind: token, path: $.next, send: {query: p}}
            map: {external_id: id, occurred_at: at | date(iso), text: text}

        """

    private struct Outcome {
        var trouble: ChannelTrouble?
        var ids: [String]
        var state: ChannelState
        var warnings: [String]
    }

    private static func json(_ ids: [Int], next: String? = nil, text: String = "t") -> String {
        let items = ids.map { "{\"id\":\($0),\"at\":\"2026-11-20T00:00:00Z\",\"text\":\"\(text) \($0)\"}" }
        return "{\"items\":[\(items.joined(separator: ","))],\"next\":\(next.map { "\"\($0)\"" } ?? "null")}"
    }

    /// One poll, and what is left of it.
    private static func poll(
        _ yaml: String = yaml, state: ChannelState = ChannelState(), base: String = "https://t.example", start: Account.Start = .all,
        lookups: LookupCache = LookupCache(), sent: Set<String> = [], send: @escaping @Sendable (ChannelCall) async throws -> ChannelAnswer
    ) async throws -> Outcome {
        let notes = ChannelNotes()
        let kept = Mutex(state)
        let tools = ChannelRun.Tools(
            send: send,
            keep: { batch in
                notes.took(batch.items)
                kept.withLock { $0 = batch.state }
            }, now: { Timestamp(seconds: 1_795_000_000) }, warn: { notes.warned($0) }, sent: { sent.intersection($0) })
        let file = try ChannelFile.read(yaml, file: "t.yaml")
        var run = ChannelRun(
            file, config: ["base": .string(base), "token": .string(secret)], account: "a", state: state, tools: tools)
        run.lookups = lookups
        var trouble: ChannelTrouble?
        do { try await run.poll(file.streams[0], start: start) } catch let error as ChannelTrouble { trouble = error }
        return Outcome(trouble: trouble, ids: notes.items.map(\.externalID), state: kept.withLock { $0 }, warnings: notes.warnings)
    }

    /// Over libcurl, against a server on loopback that the account names.
    private static func poll(_ yaml: String = yaml, at server: LyingServer, isNamed: Bool = true) async throws -> Outcome {
        let loop = TransferLoop(logger: IMAPSourceTests.logger)
        let file = try ChannelFile.read(yaml, file: "t.yaml")
        let account = Account(name: "a", kind: .channel, url: "channel://t")
        let wire = ChannelWire(file, addresses: isNamed ? [server.url] : [], account: account, loop: loop)
        let outcome = try await poll(yaml, base: server.url) { try await wire.send($0) }
        await loop.shutdown()
        return outcome
    }

    private static func answer(_ text: String, _ status: Int = 200) -> ChannelAnswer {
        ChannelAnswer(status: status, body: Array(text.utf8))
    }

    // MARK: Transport

    @Test("a body without end is broken off", arguments: [true, false])
    func hugeBody(isAnnounced: Bool) async throws {
        let server = LyingServer { peer in
            peer.say(
                "HTTP/1.1 200 OK\r\nConnection: close\r\n" + (isAnnounced ? "Content-Length: 5000000000\r\n" : "") + "\r\n{\"items\":[")
            let part = [UInt8](repeating: 0x20, count: 1 << 20)
            for _ in 0..<5000 where !peer.say(part) { return }
        }
        let outcome = try await Self.poll(at: server)
        #expect(outcome.trouble?.remedy == .stop && outcome.trouble?.say.contains("is larger than 20971520 bytes") == true)
        #expect(outcome.state.cursors.isEmpty && server.bytes < 200 << 20, "\(server.bytes)")
        server.stop()
    }

    @Test func `a gzip bomb is broken off at the limit of what it unpacks to`() async throws {
        let bomb = LyingServer.bomb(bytes: 400 << 20)
        #expect(bomb.count < 4 << 20)
        let server = LyingServer { $0.answer(bomb, "200 OK", ["Content-Encoding: gzip", "Content-Type: application/json"]) }
        let outcome = try await Self.poll(at: server)
        #expect(outcome.trouble?.say.contains("is larger than 20971520 bytes") == true, "\(outcome.trouble?.say ?? "none")")
        let small = LyingServer { $0.answer(LyingServer.bomb(bytes: 258), "200 OK", ["Content-Encoding: gzip"]) }
        let read = try await Self.poll(at: small)
        #expect(
            read.trouble != nil && read.trouble?.say.contains("larger") == false, "the bomb's maker makes gzip: \(read.trouble?.say ?? "")")
    }

    @Test(
        "what is no answer is told as what it is",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"items\":[{\"id\":1", "was lost"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"items\":[{\"id\":1", "something else instead of JSON"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "nothing instead of JSON"),
            (
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n<!DOCTYPE html><html>Log in…",
                "a web page instead of JSON"
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n\u{89}PNG\r\n\u{1A}",
                "something else instead of JSON"
            ),
            ("HTTP/1.1 304 Not Modified\r\n\r\n", "though nobody asked for that"),
            ("HTTP/1.1 204 No Content\r\n\r\n", "nothing instead of JSON"),
            ("HTTP/1.1 429 Slow\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n", "answered 429"), ("", "lost"),
            ("220 mail.example ESMTP\r\n", "t"),
        ])
    func noAnswer(bytes: String, says: String) async throws {
        let server = LyingServer { $0.say(bytes) }
        let outcome = try await Self.poll(at: server)
        #expect(outcome.trouble?.say.contains(says) == true, "\(outcome.trouble?.say ?? "none")")
        #expect(outcome.ids == [] && outcome.state.cursors.isEmpty)
        #expect(outcome.trouble?.wait ?? .zero <= .seconds(3600))
        server.stop()
    }

    @Test func `a wrong content type is no reason to lose messages`() async throws {
        for type in ["text/html; charset=utf-8", "image/png", "nonsense"] {
            let server = LyingServer { $0.answer(Self.json([2, 1]), "200 OK", ["Content-Type: \(type)"]) }
            let outcome = try await Self.poll(at: server)
            #expect(outcome.trouble == nil && outcome.ids == ["1", "2"])
            server.stop()
        }
    }

    @Test func `an answer that drips, and headers without end, are given up`() async throws {
        let slow = LyingServer { peer in
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            for _ in 0..<200 where peer.say(" ") { usleep(100_000) }
        }
        let outcome = try await Self.poll(Self.yaml.replacing("timeout: 60s", with: "timeout: 3s"), at: slow)
        #expect(outcome.trouble?.say.contains("took longer than 3 s") == true)
        #expect(slow.bytes < 200, "it would have dripped for twenty seconds; \(slow.bytes) bytes went out")
        let chatty = LyingServer { peer in
            peer.say("HTTP/1.1 200 OK\r\n")
            for number in 0..<2_000_000 where !peer.say("X-\(number): y\r\n") { return }
        }
        let other = try await Self.poll(at: chatty)
        #expect(other.trouble?.say.contains("headers are larger than") == true, "\(other.trouble?.say ?? "none")")
    }

    @Test func `a redirect to another private place, another scheme or round in a circle is refused`() async throws {
        let inside = LyingServer { $0.answer(Self.json([1])) }
        for (target, says) in [
            (inside.url + "/admin", "inside a private network"), ("file:///etc/passwd", "only http and https are followed"),
            ("gopher://127.0.0.1/x", "only http and https are followed"), ("/again", "more than 3 in a row"),
            ("http://169.254.169.254/latest/meta-data", "inside a private network"), ("http://[::1]:1/x", "inside a private network"),
        ] {
            let server = LyingServer { $0.answer("moved", "302 Found", ["Location: \(target)"]) }
            let outcome = try await Self.poll(at: server)
            #expect(
                outcome.trouble?.remedy == .stop && outcome.trouble?.say.contains(says) == true,
                "\(target): \(outcome.trouble?.say ?? "none")")
            server.stop()
        }
        #expect(inside.asked == [])
        let moved = LyingServer { $0.path == "/list" ? $0.answer("", "302 Found", ["Location: /new"]) : $0.answer(Self.json([1])) }
        #expect(try await Self.poll(at: moved).ids == ["1"], "within the same origin it may")
    }

    @Test func `a private address is asked only when the account names it`() async throws {
        let server = LyingServer { $0.answer(Self.json([1])) }
        #expect(try await Self.poll(at: server).ids == ["1"])
        let outcome = try await Self.poll(at: server, isNamed: false)
        #expect(outcome.trouble?.say.contains("inside a private network") == true && server.asked.count == 1)
    }

    @Test("a secret that comes back is told to nobody", arguments: ["400 Bad", "401 No", "500 Oops", "302 Found"])
    func echo(status: String) async throws {
        let forms = [
            Self.secret, "s3cret%2Fkey%2Bof%3Dours%26%3Cx%3E", base64(Self.secret), "s3cret/key+of=ours&amp;&lt;x>",
            "Bearer \(Self.secret)",
        ]
        for form in forms {
            for body in [
                form, "{\"error\":\(JSONValue.string(form).json)}",
                "{\"errors\":[{\"detail\":{\"token\":\(JSONValue.string(form).json)}}]}",
            ] {
                let server = LyingServer { $0.answer(body, status, ["Location: ftp://t.example/?k=\(form)"]) }
                let outcome = try await Self.poll(at: server)
                let said = outcome.trouble?.say ?? ""
                #expect(!said.isEmpty && !said.contains("s3cret") && !said.contains(base64(Self.secret)), "\(said)")
                server.stop()
            }
        }
    }

    // MARK: Pages

    @Test("the same token for ever, or a circle of them, ends the poll before what was not seen", arguments: [1, 2, 3])
    func circle(length: Int) async throws {
        let asked = Mutex(0)
        let outcome = try await Self.poll { _ in
            let index = asked.withLock {
                $0 += 1; return $0
            }
            return Self.answer(Self.json([1000 - index], next: "t\(index % length)"))
        }
        #expect(
            outcome.trouble?.remedy == .backoff && outcome.trouble?.say.contains("circle") == true && asked.withLock { $0 } <= length + 1)
        #expect(outcome.state.cursors.isEmpty, "newest first: the place is not moved over what was not seen")
        #expect(outcome.ids.count == asked.withLock { $0 }, "what came is kept")
    }

    @Test func `pages without end, newest first, end in words and with the old place`() async throws {
        let asked = Mutex(0)
        var before = ChannelState()
        before.cursors["s"] = .init()
        before.cursors["s"]?.seen = ["1"]
        let outcome = try await Self.poll(state: before) { _ in
            let index = asked.withLock {
                $0 += 1; return $0
            }
            return Self.answer(Self.json([1_000_000_000 - index], next: "t\(index)"))
        }
        #expect(asked.withLock { $0 } == ChannelFile.Page.countMaxNewestFirst)
        #expect(outcome.trouble?.say.contains("more than 10000 pages") == true && outcome.state.cursors["s"]?.seen == ["1"])
        #expect(outcome.ids.count == 10_000)
    }

    @Test func `pages without end, oldest first, go on with the next poll from what was seen`() async throws {
        let yaml = Self.yaml.replacing("{kind: seen, path: id, order: desc}", with: "{kind: id, path: id, send: {query: since}}").replacing(
            "{kind: token, path: $.next, send: {query: p}}", with: "{kind: cursor}")
        let asked = Mutex(0)
        let outcome = try await Self.poll(yaml) { _ in
            let index = asked.withLock {
                $0 += 1; return $0
            }
            return Self.answer(Self.json([index]))
        }
        #expect(outcome.trouble == nil && asked.withLock { $0 } == 50 && outcome.state.cursors["s"]?.cursor == "50")
        #expect(outcome.warnings.count == 1)
    }

    @Test func `a million records are refused before they are read`() async throws {
        let record = "{\"id\":1,\"at\":2},"
        let body = "{\"items\":[" + String(repeating: record, count: 1_000_000) + "{}]}"
        let outcome = try await Self.poll { _ in Self.answer(body) }
        #expect(outcome.trouble?.remedy == .stop && outcome.trouble?.say.contains("more than 1000000 values in one answer") == true)
        #expect(outcome.ids == [] && outcome.state.cursors.isEmpty)
        let text = "{\"items\":[{\"id\":1,\"at\":\"2026-11-20T00:00:00Z\",\"text\":\"\(String(repeating: "well, ", count: 1_200_000))\"}]}"
        #expect(try await Self.poll { _ in Self.answer(text) }.ids == ["1"], "commas of a long text are no values")
    }

    @Test func `a page of many records is stored in parts, and its place only at the end`() async throws {
        let outcome = try await Self.poll { _ in Self.answer(Self.json(Array((1...3500).reversed()))) }
        #expect(outcome.trouble == nil && Set(outcome.ids).count == 3500 && outcome.state.cursors["s"]?.seen.first == "3500")
        let half = Mutex(0)
        let yaml = Self.yaml.replacing(
            "    map:",
            with:
                "    lookup: {who: {path: /who, query: {k: \"{{ keys }}\"}, keys: id, batch: 1000, records: \"$.w[*]\", index: id}}\n    map:"
        )
        let broken = try await Self.poll(yaml) { call in
            if call.url.contains("/who"),
                half.withLock({
                    $0 += 1; return $0
                }) == 3
            {
                return Self.answer("{}", 500)
            }
            return Self.answer(call.url.contains("/who") ? "{}" : Self.json(Array((1...3500).reversed())))
        }
        #expect(broken.trouble != nil && broken.ids.count == 2000 && broken.state.cursors.isEmpty)
    }

    // MARK: Ids and clocks

    @Test func `ids that repeat make one message, and ids that change fill no inbox`() async throws {
        let twice = try await Self.poll { _ in Self.answer(Self.json([5, 5, 4, 5, 4])) }
        #expect(twice.ids == ["4", "5"] && twice.trouble == nil)
        @Sendable func same(_ prefix: String) -> String {
            "{\"items\":["
                + (1...5).map { "{\"id\":\"\(prefix)\($0)\",\"at\":\"2026-11-20T00:00:0\($0)Z\",\"text\":\"the same \($0)\"}" }.joined(
                    separator: ",")
                + "]}"
        }
        let first = try await Self.poll { _ in Self.answer(same("a")) }
        #expect(first.ids.count == 5)
        let second = try await Self.poll(state: first.state) { _ in Self.answer(same("b")) }
        #expect(
            second.ids == [] && second.trouble?.remedy == .stop
                && second.trouble?.say.contains("`external_id` must be something that never changes") == true)
        #expect(second.state == first.state)
        let third = try await Self.poll(state: first.state) { _ in
            Self.answer(
                "{\"items\":[{\"id\":\"c\",\"at\":\"2026-11-20T00:00:01Z\",\"text\":\"the same 1\"},{\"id\":\"d\",\"at\":\"2026-11-21T00:00:01Z\",\"text\":\"new\"}]}"
            )
        }
        #expect(third.trouble == nil && third.ids == ["c", "d"], "two people may write the same")
        var restored = ChannelState()
        restored.read(try first.state.text(nil), vault: nil)
        #expect(restored.cursors == first.state.cursors)
    }

    @Test func `an id of a megabyte is kept as its digest, and known again`() async throws {
        let body = "{\"items\":[{\"id\":\"\(String(repeating: "x", count: 1 << 20))\",\"at\":\"2026-11-20T00:00:00Z\",\"text\":\"t\"}]}"
        let first = try await Self.poll { _ in Self.answer(body) }
        #expect(first.ids.map(\.utf8.count) == [64] && first.state.cursors["s"]?.seen == first.ids)
        #expect(try await Self.poll(state: first.state) { _ in Self.answer(body) }.ids == [])
    }

    @Test func `a clock in the future hides nothing that comes after it`() async throws {
        let yaml = Self.yaml.replacing("{kind: seen, path: id, order: desc}", with: "{kind: time, path: at, send: {query: since}}")
            .replacing(
                "{kind: token, path: $.next, send: {query: p}}", with: "{kind: none}")
        @Sendable func item(_ id: Int, _ at: String) -> String { "{\"items\":[{\"id\":\(id),\"at\":\"\(at)\",\"text\":\"t\"}]}" }
        let first = try await Self.poll(yaml) { _ in Self.answer(item(1, "9999-12-31T23:59:59Z")) }
        #expect(first.ids == ["1"] && first.state.cursors["s"]?.cursor == "2026-11-18T11:06:40Z")
        let second = try await Self.poll(yaml, state: first.state) { _ in Self.answer(item(2, "2026-11-18T11:06:41Z")) }
        #expect(second.ids == ["2"])
    }

    // MARK: What a file may say

    @Test func `a value that would break a header is never sent`() async throws {
        let asked = Mutex(0)
        for line in [
            "request: {path: /list, headers: {X-A: \"{{ cursor }}\"}}", "request: {url: \"{{ config.base }}/list?c={{ cursor }}\"}",
        ] {
            let yaml = Self.yaml.replacing("request: {path: /list, timeout: 60s}", with: line).replacing(
                "{kind: seen, path: id, order: desc}", with: "{kind: token, path: $.c}"
            ).replacing(
                "{kind: token, path: $.next, send: {query: p}}", with: "{kind: cursor, more: =yes}")
            await #expect(throws: ChannelCallError.self) {
                _ = try await Self.poll(yaml) { call in
                    asked.withLock { $0 += 1 }
                    return Self.answer("{\"items\":[{\"id\":1,\"at\":\"2026-11-20T00:00:00Z\"}],\"c\":\"x\\r\\nHost: evil.example\"}")
                }
            }
        }
        #expect(asked.withLock { $0 } == 2, "the first request of each, and not the second")
    }

    // MARK: Small parts of the format

    @Test func `the last tenth of a rate is spread over the time that is left`() async throws {
        let now = Timestamp(seconds: 1000)
        #expect(RateBudget(remaining: 50, reset: now + .seconds(60)).pause(usual: 300, now: now) == .zero)
        #expect(RateBudget(remaining: 5, reset: now + .seconds(60)).pause(usual: 300, now: now) == .seconds(10))
        #expect(RateBudget(remaining: 0, reset: now + .seconds(60)).pause(usual: 300, now: now) == .seconds(60))
        #expect(RateBudget(remaining: 0, reset: now).pause(usual: 300, now: now) == .zero)
        let yaml = Self.yaml.replacing(
            "streams:", with: "rate: {requests: 100, per: 1m, remaining: header(X-Left), reset: header(X-Reset) | seconds}\nstreams:")
        let waits = Mutex<[Duration]>([])
        let file = try ChannelFile.read(yaml, file: "t.yaml")
        let tools = ChannelRun.Tools(
            send: { call in
                ChannelAnswer(
                    status: 200, headers: [("X-Left", call.url.contains("p=b") ? "not a number" : "2"), ("X-Reset", "30")],
                    body: Array(
                        Self.json(
                            [call.url.contains("p=") ? 1 : 2], next: call.url.contains("p=b") ? nil : call.url.contains("p=a") ? "b" : "a"
                        ).utf8))
            }, keep: { _ in }, now: { Timestamp(seconds: 1_795_000_000) }, pause: { wait in waits.withLock { $0.append(wait) } })
        var run = ChannelRun(
            file, config: ["base": .string("https://t.example"), "token": .string("x")], account: "a", state: .init(), tools: tools)
        try await run.poll(file.streams[0], start: .all)
        #expect(waits.withLock { $0 } == [.seconds(10), .seconds(10)])
    }

    @Test func `a source that writes nonsense about its rate is asked on`() async throws {
        let yaml = Self.yaml.replacing(
            "streams:", with: "rate: {requests: 100, per: 1m, remaining: header(X-Left), reset: header(X-Reset) | seconds}\nstreams:")
        for (left, reset) in [("1e30", "30"), ("-1e300", "1e30"), ("inf", "30"), ("0", "-99999999999999999999"), ("nan", "nan")] {
            let outcome = try await Self.poll(yaml) { _ in
                ChannelAnswer(status: 200, headers: [("X-Left", left), ("X-Reset", reset)], body: Array(Self.json([1]).utf8))
            }
            #expect(outcome.trouble == nil && outcome.ids == ["1"], "\(left) \(reset)")
        }
    }

    @Test func `an answer tells of the time between the question and itself, by the source's clock`() {
        let (asked, answered) = (Timestamp(seconds: 1_795_000_000), Timestamp(seconds: 1_795_000_002))
        let bare = ChannelAnswer(status: 200, body: [])
        #expect(bare.readAt(asked: asked, answered: answered) == asked...answered)
        #expect(bare.readAt(asked: answered, answered: asked) == answered...answered, "a clock that was set back")
        let dated = ChannelAnswer(status: 200, headers: [("Date", DateText.formatRFC5322(asked + .seconds(100)))], body: [])
        #expect(dated.readAt(asked: asked, answered: answered) == asked + .seconds(98)...asked + .seconds(101))
        let wrong = ChannelAnswer(status: 200, headers: [("date", "yesterday")], body: [])
        #expect(wrong.readAt(asked: asked, answered: answered) == asked...answered)
    }

    @Test func `what a look-up found is kept as long as the file says, also what it does not know`() async throws {
        let yaml = Self.yaml.replacing(
            "    map: {external_id: id,",
            with: """
                    lookup:
                      who: {path: /who, query: {k: "{{ keys }}"}, keys: by, records: "$.w[*]", index: id, cache: 1h}
                      def: {path: /def, once: true, cache: 1h}
                    map: {external_id: id, author.name: who.name, subject: def.title,
                """)
        let asked = Mutex<[String]>([])
        let clock = Mutex(Timestamp(seconds: 1_795_000_000))
        let names = Mutex<[String]>([])
        let file = try ChannelFile.read(yaml, file: "t.yaml")
        let tools = ChannelRun.Tools(
            send: { call in
                let path = String(call.url.dropFirst("https://t.example".count))
                let number = asked.withLock {
                    $0.append(path); return $0.count
                }
                if path.hasPrefix("/who") { return Self.answer("{\"w\":[{\"id\":\"u1\",\"name\":\"Zoe\"}]}") }
                if path.hasPrefix("/def") { return Self.answer("{\"title\":\"Feedback\"}") }
                return Self.answer(
                    "{\"items\":[{\"id\":\(number),\"by\":\"u1\",\"at\":\"2026-11-20T00:00:00Z\"},{\"id\":\(number + 1000),\"by\":\"u2\",\"at\":\"2026-11-20T00:00:00Z\"}]}"
                )
            },
            keep: { batch in
                names.withLock { $0 += batch.items.map { "\($0["author.name"]?.plain ?? "–")/\($0["subject"]?.plain ?? "–")" } }
            },
            now: { clock.withLock { $0 } })
        var run = ChannelRun(
            file, config: ["base": .string("https://t.example"), "token": .string("x")], account: "a", state: .init(), tools: tools)
        func paths() -> [String] { asked.withLock { $0.filter { !$0.hasPrefix("/list") } } }
        try await run.poll(file.streams[0], start: .all)
        #expect(paths() == ["/who?k=u1&k=u2", "/def"])
        try await run.poll(file.streams[0], start: .all)
        #expect(paths().count == 2, "asked once")
        clock.withLock { $0 = $0 + .seconds(700) }
        try await run.poll(file.streams[0], start: .all)
        #expect(paths().dropFirst(2) == ["/who?k=u2"], "the unknown is asked again after ten minutes")
        clock.withLock { $0 = $0 + .seconds(3600) }
        try await run.poll(file.streams[0], start: .all)
        #expect(paths().count == 5)
        #expect(Set(names.withLock { $0 }) == ["Zoe/Feedback", "–/Feedback"] && names.withLock { $0.count } == 8)
    }

    @Test func `what we sent ourselves is no message of a customer's`() async throws {
        let yaml = Self.yaml + "reply: {request: {method: POST, path: /send, json: {t: \"{{ reply.text }}\"}}, sent_id: $.id}\n"
        let outcome = try await Self.poll(yaml, sent: ["2", "9"]) { _ in Self.answer(Self.json([3, 2, 1])) }
        #expect(outcome.ids == ["1", "3"] && outcome.state.cursors["s"]?.seen == ["3", "2", "1"])
    }
}
