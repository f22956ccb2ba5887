public import Domain
public import Formats
import Synchronization
import Transport

/// A channel file asked with an account's inputs, without anything being stored: what `channel check`, `dry` and `record` do. The one thing
/// that is kept is a session that had to be renewed, because what it was renewed with may work once only.
public struct ChannelTrial: Sendable {
    /// Partitions of a stream that a check asks.
    public static let partitionsMax = 5
    /// A source that asks us to wait longer is not waited for while a person does.
    static let pauseMax = Duration.seconds(20)

    public let file: ChannelFile
    let inputs: [String: JSONValue]
    let account: String
    var state: ChannelState
    let send: @Sendable (ChannelCall) async throws -> ChannelAnswer
    let keepSession: @Sendable (ChannelState) async throws -> Void
    let now: @Sendable () -> Timestamp
    /// The state with the newest session.
    private let renewed = Renewed()

    private final class Renewed: Sendable {
        let state = Mutex(ChannelState())
    }

    /// - Parameters:
    ///   - inputs: of the account, by name.
    ///   - keepSession: stores a renewed session; the rest of the state is not to be touched.
    public init(
        _ file: ChannelFile, inputs: [String: JSONValue], account: String, state: ChannelState = ChannelState(),
        now: @escaping @Sendable () -> Timestamp, keepSession: @escaping @Sendable (ChannelState) async throws -> Void = { _ in },
        send: @escaping @Sendable (ChannelCall) async throws -> ChannelAnswer
    ) {
        self.file = file
        self.inputs = inputs
        self.account = account
        self.state = state
        self.now = now
        self.keepSession = keepSession
        self.send = send
    }

    /// What an account with its inputs missing lacks, by name.
    public var missing: [ChannelFile.Input] { file.inputs.filter { $0.isRequired && inputs[$0.name] == nil } }

    /// Without what the account keeps secret.
    public func masked(_ text: String) -> String {
        run(ChannelNotes(), state: renewed.state.withLock { $0 }).masked(run(ChannelNotes()).masked(text))
    }

    func run(_ notes: ChannelNotes, state: ChannelState? = nil) -> ChannelRun {
        let tools = ChannelRun.Tools(
            send: send,
            keep: { [keepSession, renewed] batch in
                guard batch.stream.isEmpty else { return notes.took(batch.items) }
                renewed.state.withLock { $0 = batch.state }
                try await keepSession(batch.state)
            }, now: now, pause: { try await Task.sleep(for: min($0, Self.pauseMax)) }, warn: { notes.warned($0) })
        var run = ChannelRun(file, config: inputs, account: account, state: state ?? self.state, tools: tools)
        run.watch.page = { notes.saw($0) }
        run.watch.trouble = { notes.failed($0, $1) }
        return run
    }

    // MARK: Check

    /// The file's own check, then one page of every stream.
    public func check() async -> [ChannelFinding] {
        var findings = missing.map { input in
            ChannelFinding(
                .wrong, "config", "`\(input.name)` is missing" + (input.about.isEmpty ? "" : ": \(input.about)"),
                "缺少 `\(input.name)`" + (input.about.isEmpty ? "" : "：\(input.about)"))
        }
        guard findings.isEmpty else { return findings }
        var state = state
        if let check = file.check {
            let (finding, status, after) = await ask(check)
            findings.append(finding)
            state = after
            // A login that is refused again and again may be locked.
            if status == 401 { return findings }
        } else {
            findings.append(
                ChannelFinding(
                    .hint, "check", "The file has no `check`; only its streams tell whether the inputs are right.",
                    "文件没有 `check`，只能由各数据流判断配置是否正确。"))
        }
        for stream in file.streams {
            let notes = ChannelNotes()
            var run = run(notes, state: state)
            // From the beginning, whatever the account has read.
            run.state.cursors = [:]
            run.watch.pagesMax = 1
            run.watch.partitionsMax = Self.partitionsMax
            var failure: (any Error)?
            do { try await run.poll(stream, start: .all) } catch { failure = error }
            state.session = run.state.session
            findings += ChannelVerdict(file: file, stream: stream, run: run).findings(notes, failure)
        }
        return findings.map { finding in
            let masking = run(ChannelNotes(), state: state)
            var finding = finding
            finding.english = masking.masked(finding.english)
            finding.chinese = masking.masked(finding.chinese)
            return finding
        }
    }

    private func ask(_ check: ChannelFile.Check) async -> (ChannelFinding, status: Int?, ChannelState) {
        var run = run(ChannelNotes())
        do {
            try await run.check()
            let known = run.state.check.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }.joined(separator: ", ")
            let finding = ChannelFinding(
                .good, "check", "The source accepts the account\(known.isEmpty ? "" : " (\(known))").",
                "来源接受了本账号\(known.isEmpty ? "" : "（\(known)）")。")
            return (finding, nil, run.state)
        } catch let trouble as ChannelTrouble {
            let finding = ChannelAdvice(file: file).finding(trouble, "check", request: check.request)
            return (finding, trouble.remedy == .reauth ? 401 : trouble.status, run.state)
        } catch {
            return (ChannelFinding(.wrong, "check", "\(error)", "\(error)"), nil, run.state)
        }
    }

    // MARK: Dry

    public struct Dry: Sendable {
        public struct Part: Sendable {
            public var stream: String
            public var items: [ChannelItem]
            public var pages = 0
            public var hasMore = false
        }
        public var parts: [Part] = []
        public var findings: [ChannelFinding] = []
    }

    /// What the next poll would bring.
    /// - Parameters:
    ///   - streams: by name; all when empty.
    ///   - pages: at most so many of each stream and partition.
    ///   - fromStart: as if nothing had been read before.
    public func dry(_ streams: [String], pages: Int, fromStart: Bool, start: Account.Start) async -> Dry {
        var result = Dry()
        var state = state
        if file.check?.save.isEmpty == false, state.check.isEmpty {
            var run = run(ChannelNotes())
            try? await run.check()
            state = run.state
        }
        for stream in file.streams where streams.isEmpty || streams.contains(stream.name) {
            let notes = ChannelNotes()
            var run = run(notes, state: state)
            if fromStart { run.state.cursors = [:] }
            run.watch.pagesMax = stream.pages(atMost: pages)
            var failure: (any Error)?
            do { try await run.poll(stream, start: fromStart || start == .all ? .all : .latest) } catch { failure = error }
            state.session = run.state.session
            let seen = notes.pages
            result.parts.append(
                Dry.Part(stream: stream.name, items: notes.items, pages: seen.count, hasMore: seen.contains { $0.goesOn }))
            result.findings += ChannelVerdict(file: file, stream: stream, run: run).troubles(notes, failure)
        }
        return result
    }
}

extension ChannelFile.Stream {
    /// The second request of a stream whose cursor confirms what it read would make the source forget the first.
    func pages(atMost pages: Int) -> Int { cursor.commitsWhenStored ? 1 : pages }
}

/// What a trial hears and sees.
final class ChannelNotes: Sendable {
    private struct Notes {
        var pages: [ChannelWatch.Page] = []
        var items: [ChannelItem] = []
        var warnings: [String] = []
        var troubles: [(partition: String, trouble: ChannelTrouble)] = []
    }
    private let notes = Mutex(Notes())

    func saw(_ page: ChannelWatch.Page) { notes.withLock { $0.pages.append(page) } }
    func took(_ items: [ChannelItem]) { notes.withLock { $0.items += items } }
    func warned(_ text: String) { notes.withLock { $0.warnings.append(text) } }
    func failed(_ partition: String, _ trouble: ChannelTrouble) { notes.withLock { $0.troubles.append((partition, trouble)) } }

    var pages: [ChannelWatch.Page] { notes.withLock { $0.pages } }
    var items: [ChannelItem] { notes.withLock { $0.items } }
    var warnings: [String] { notes.withLock { $0.warnings } }
    var troubles: [(partition: String, trouble: ChannelTrouble)] { notes.withLock { $0.troubles } }
}
