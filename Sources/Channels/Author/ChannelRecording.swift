import Domain
import Formats
import Synchronization
import Transport

/// One stream's requests and answers as they really were, without secrets, as a sample that `channel test` replays.
public struct ChannelRecording: Sendable {
    public var stream: String
    /// The sample's file.
    public var text: String
    public var exchanges: Int
    public var items: Int
    /// `3 email, 1 secret`: what was replaced, and how many different ones.
    public var replaced: [(kind: String, count: Int)]
    /// Why the sample does not replay; empty when it does.
    public var problems: [String]
}

extension ChannelTrial {
    /// Asks a stream from its beginning and makes a sample of it. What must come of it is what the engine makes of the redacted answers, so
    /// a person has to look it over.
    public func record(_ stream: ChannelFile.Stream, pages: Int) async throws -> ChannelRecording {
        let instant = now()
        let tape = Tape(send)
        let pages = stream.pages(atMost: pages)
        var learned = self
        if file.check?.save.isEmpty == false, state.check.isEmpty {
            var first = run(ChannelNotes())
            try await first.check()
            learned.state = first.state
        }
        let live = ChannelTrial(
            file, inputs: inputs, account: account, state: learned.state, now: { instant }, keepSession: keepSession,
            send: { try await tape.send($0) })
        let notes = ChannelNotes()
        var run = live.run(notes)
        run.state.cursors = [:]
        run.watch.pagesMax = pages
        run.watch.partitionsMax = Self.partitionsMax
        do { try await run.poll(stream, start: .all) } catch let trouble as ChannelTrouble where trouble.status != nil {}
        guard !tape.exchanges.isEmpty else {
            throw ChannelCallError(description: "nothing was asked: the list that `each` goes over is empty")
        }
        return await sample(
            stream, pages, tape.exchanges, sessions: [learned.state.session, run.state.session], check: run.state.check, instant)
    }

    private func sample(
        _ stream: ChannelFile.Stream, _ pages: Int, _ all: [Tape.Exchange], sessions: [[String: String]], check: [String: String],
        _ instant: Timestamp
    ) async -> ChannelRecording {
        var redaction = Redaction()
        for input in file.inputs where input.kind == .secret { redaction.hide(inputs[input.name]?.plain ?? "", as: input.name) }
        for session in sessions {
            for (name, value) in session.sorted(by: { $0.key < $1.key }) where name != "renew_at" { redaction.hide(value, as: name) }
        }
        // A token request proves who we are with a key that is not in the sample: the sample begins with the token.
        var exchanges = all
        var session: [String: String] = [:]
        if case .oauth2(let oauth) = file.auth {
            let address = oauth.tokenURL.text(run(ChannelNotes()).scope())
            while let first = exchanges.first, first.call.url == address { exchanges.removeFirst() }
            session = sessions[1]
        } else {
            session = sessions[0]
        }
        session["renew_at"] = nil
        let answers = exchanges.map { Self.clean($0.answer, file, &redaction) }
        let config = inputs.mapValues { redaction.value($0) }
        var state = ChannelState()
        state.session = session.mapValues { redaction.text($0) }
        state.check = check.mapValues { redaction.text($0) }
        // Again, with what is left: these are the requests and the messages of the sample.
        let replay = Tape(answers: answers)
        let notes = ChannelNotes()
        let trial = ChannelTrial(
            file, inputs: config, account: "sample", state: state, now: { instant }, send: { try await replay.send($0) })
        var run = trial.run(notes)
        run.watch.pagesMax = pages
        run.watch.partitionsMax = Self.partitionsMax
        var trouble: ChannelTrouble?
        do { try await run.poll(stream, start: .all) } catch let error as ChannelTrouble { trouble = error } catch {}
        let root = JSONValue.object([
            .init("about", .string("Recorded from \(file.name); look over names and texts, then say here what it shows.")),
            .init("stream", .string(stream.name)),
            .init("config", .object(config.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) })),
            .init("now", .string(DateFormat.exact(instant))), .init("state", Self.written(state)), .init("start", .string("all")),
            .init("pages", .number(String(pages))), .init("partitions", .number(String(Self.partitionsMax))),
            .init("exchanges", .array(replay.exchanges.map { Self.written($0) })),
            .init("expect", expected(stream, notes.items, run.state, trouble)),
        ])
        let text = root.pretty
        let problems: [String]
        if let sample = try? ChannelSample(name: "recorded", bytes: Array(text.utf8)) {
            problems = await sample.replay(file)
        } else {
            problems = ["it cannot be read again"]
        }
        return ChannelRecording(
            stream: stream.name, text: text, exchanges: replay.exchanges.count, items: notes.items.count,
            replaced: Redaction.Kind.allCases.compactMap { kind in redaction.counts[kind].map { (kind.rawValue, $0) } }, problems: problems)
    }

    private func expected(_ stream: ChannelFile.Stream, _ items: [ChannelItem], _ state: ChannelState, _ trouble: ChannelTrouble?)
        -> JSONValue
    {
        var members = [JSONValue.Member("\(stream.product.rawValue)s", .array(items.map(\.value)))]
        if stream.cursor.kind != .seen, stream.cursor.kind != .all {
            if stream.each == nil {
                if let cursor = state.cursors[stream.name]?.cursor { members.append(.init("cursor", .string(cursor))) }
            } else {
                let cursors = state.cursors.sorted { $0.key < $1.key }.compactMap { key, mark in
                    mark.cursor.map { JSONValue.Member(String(key.dropFirst(stream.name.count + 1)), .string($0)) }
                }
                if !cursors.isEmpty { members.append(.init("cursor", .object(cursors))) }
            }
        }
        if let trouble {
            var error = [JSONValue.Member("do", .string(trouble.remedy.rawValue)), .init("say", .string(trouble.say))]
            if let wait = trouble.wait { error.insert(.init("wait", .number(String(wait.components.seconds))), at: 1) }
            members.append(.init("error", .object(error)))
        }
        return .object(members)
    }

    private static func written(_ state: ChannelState) -> JSONValue {
        .object([("session", state.session), ("check", state.check)].filter { !$0.1.isEmpty }.map { .init($0.0, ChannelRun.object($0.1)) })
    }

    // MARK: Exchanges

    private static let headers = ["link", "retry-after", "etag"]

    /// Only what the engine or the file reads stays of the headers.
    private static func clean(_ answer: ChannelAnswer, _ file: ChannelFile, _ redaction: inout Redaction) -> ChannelAnswer {
        let named = file.headersRead
        var clean = ChannelAnswer(status: answer.status, body: answer.body)
        for (name, value) in answer.headers where headers.contains(name.lowercased()) || named.contains(name.lowercased()) {
            clean.headers.append((name, redaction.text(value)))
        }
        if let value = try? JSONValue.parse(answer.body) {
            clean.body = Array(redaction.value(value).json.utf8)
        } else {
            clean.body = Array(redaction.text(String(decoding: answer.body, as: UTF8.self)).utf8)
        }
        return clean
    }

    private static func written(_ exchange: Tape.Exchange) -> JSONValue {
        let (call, answer) = (exchange.call, exchange.answer)
        let readable = ChannelSample.readable(call.url)
        var request: [JSONValue.Member] = [
            .init("method", .string(call.method)),
            .init("url", .string(ChannelSample.readable(readable) == readable ? readable : call.url)),
        ]
        let shown = call.headers.filter { $0.name.lowercased() != "content-type" }
        if !shown.isEmpty { request.append(.init("headers", .object(shown.map { .init($0.name, .string($0.value)) }))) }
        if let body = call.body {
            let type = call.headers.first { $0.name.lowercased() == "content-type" }?.value ?? ""
            if type.contains("json"), let value = try? JSONValue.parse(body) {
                request.append(.init("json", value))
            } else if type.contains("urlencoded") {
                request.append(.init("form", form(String(decoding: body, as: UTF8.self))))
            } else {
                request.append(.init("body", .string(String(decoding: body, as: UTF8.self))))
            }
        }
        var response: [JSONValue.Member] = [
            .init("status", .number(String(answer.status))),
            .init("headers", .object(answer.headers.map { .init($0.name, .string($0.value)) })),
        ]
        if let value = try? JSONValue.parse(answer.body) {
            response.append(.init("json", value))
        } else {
            response.append(.init("text", .string(String(decoding: answer.body, as: UTF8.self))))
        }
        return .object([.init("request", .object(request)), .init("response", .object(response))])
    }

    private static func form(_ body: String) -> JSONValue {
        var members: [JSONValue.Member] = []
        for pair in body.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { part in
                JSONValue.string(ChannelSample.readable(String(part)))
            }
            guard let name = parts.first?.string else { continue }
            let value = parts.count > 1 ? parts[1] : .string("")
            if let at = members.firstIndex(where: { $0.name == name }) {
                members[at].value = .array((members[at].value.array ?? [members[at].value]) + [value])
            } else {
                members.append(.init(name, value))
            }
        }
        return .object(members)
    }
}

extension ChannelFile {
    /// Headers of answers that the file reads, in lower case.
    var headersRead: Set<String> {
        var texts = [rate?.remaining?.text, rate?.reset?.text] + errors.map { $0.wait?.text }
        for stream in streams { texts += [stream.cursor.path?.text, stream.page.path?.text, stream.page.more?.text] }
        var found: Set<String> = []
        for text in texts.compactMap({ $0 }) {
            for match in text.matches(of: /header\(([^)]+)\)/) { found.insert(match.1.lowercased()) }
        }
        return found
    }
}

/// What was asked and answered, in order: from a source, or played back.
private final class Tape: Sendable {
    struct Exchange: Sendable {
        var call: ChannelCall
        var answer: ChannelAnswer
    }
    private let inner: @Sendable (ChannelCall) async throws -> ChannelAnswer
    private let taken = Mutex<[Exchange]>([])

    init(_ inner: @escaping @Sendable (ChannelCall) async throws -> ChannelAnswer) { self.inner = inner }

    convenience init(answers: [ChannelAnswer]) {
        let next = Counter()
        self.init { call in
            let index = next.take()
            guard answers.indices.contains(index) else {
                throw ChannelCallError(description: "after redaction other requests are made: \(call.method) \(Shown.url(call.url))")
            }
            return answers[index]
        }
    }

    var exchanges: [Exchange] { taken.withLock { $0 } }

    func send(_ call: ChannelCall) async throws -> ChannelAnswer {
        let answer = try await inner(call)
        taken.withLock { $0.append(Exchange(call: call, answer: answer)) }
        return answer
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        func take() -> Int {
            count.withLock { count in
                defer { count += 1 }
                return count
            }
        }
    }
}
