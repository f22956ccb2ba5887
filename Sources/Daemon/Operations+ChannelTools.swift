import Channels
import Domain
import Formats
import FoundationEssentials
import Rules
import Store
import Transport

/// What an author of a channel file asks of a real source, with an account's inputs or with some given by hand. Nothing is stored but a
/// session that had to be renewed.
extension ChannelOperations {
    /// Whom to ask.
    public struct Subject: Sendable {
        var account: String?
        var file: String?
        var given: [String]
        var configuration: String
        var isChinese: Bool

        /// - Parameters:
        ///   - account: of the configuration; or
        ///   - file: a channel file, with `given` as its inputs: `name=value`, `name=@path`, `name=env:NAME`.
        ///   - language: `en` or `zh`; the environment decides when nil.
        public init(account: String?, file: String?, given: [String], configuration: String, language: String?) throws {
            guard (account == nil) != (file == nil) else {
                throw CommandError("name an account, or a file with --file and its inputs with --set")
            }
            guard given.isEmpty || file != nil else {
                throw CommandError("--set goes with --file; an account's inputs stand in hongyan.yaml")
            }
            self.account = account
            self.file = file
            self.given = given
            self.configuration = configuration
            isChinese = Self.isChinese(language)
        }

        static func isChinese(_ language: String?) -> Bool {
            (language ?? DKIMPlace.language(ProcessInfo.processInfo.environment)).hasPrefix("zh")
        }
    }

    /// - Returns: the report, and whether nothing is wrong.
    public static func check(_ subject: Subject) async throws -> (text: String, isSound: Bool) {
        try await withTrial(subject) { trial, _, notes in
            let findings = await trial.check() + notes
            let wrong = findings.count { $0.level == .wrong }
            let end =
                subject.isChinese
                ? (wrong == 0 ? "没有发现错误。" : "有 \(wrong) 处错误。")
                : wrong == 0 ? "Nothing is wrong." : "\(wrong) thing\(wrong == 1 ? " is" : "s are") wrong."
            return (lines(findings, subject).joined(separator: "\n") + "\n\n" + end, wrong == 0)
        }
    }

    /// - Returns: what the next poll would bring, and whether nothing is wrong.
    public static func dry(_ subject: Subject, streams: [String], pages: Int, fromStart: Bool, isJSON: Bool) async throws -> (
        text: String, remarks: String, isSound: Bool
    ) {
        try await withTrial(subject) { trial, account, notes in
            try known(streams, trial.file)
            let result = await trial.dry(streams, pages: pages, fromStart: fromStart, start: account.start)
            let findings = result.findings + notes
            let remarks = trial.masked(lines(findings, subject).joined(separator: "\n"))
            let isSound = !findings.contains { $0.level == .wrong }
            if isJSON {
                let rows = result.parts.flatMap { part in
                    part.items.map { item -> String in
                        guard case .object(let members) = item.value else { return item.value.json }
                        return JSONValue.object([.init("stream", .string(part.stream))] + members).json
                    }
                }
                return (trial.masked(rows.joined(separator: "\n")), remarks, isSound)
            }
            return (trial.masked(result.parts.map { shown($0, subject.isChinese, trial.masked) }.joined(separator: "\n")), remarks, isSound)
        }
    }

    /// Writes a sample of each stream.
    /// - Parameter into: the folder; beside the channel files when nil.
    public static func record(_ subject: Subject, streams: [String], pages: Int, into: String?, folder: String?) async throws -> String {
        try await withTrial(subject) { trial, _, _ in
            try known(streams, trial.file)
            if let input = trial.missing.first {
                throw CommandError("`\(input.name)` is missing; \(trial.file.name) needs it: \(input.about)")
            }
            let place = try into ?? samplesPlace(subject, trial.file.name, folder)
            var report: [String] = []
            for stream in trial.file.streams where streams.isEmpty || streams.contains(stream.name) {
                let made: ChannelRecording
                do { made = try await trial.record(stream, pages: pages) } catch let trouble as ChannelTrouble {
                    throw CommandError(trouble.say)
                }
                let path = try write(made.text, folder: place, name: "recorded-\(stream.name)")
                let replaced = made.replaced.map { "\($0.count) \($0.kind)" }.joined(separator: ", ")
                report.append(
                    subject.isChinese
                        ? "\(path)：\(made.exchanges) 次请求，\(made.items) 条结果；已替换：\(replaced.isEmpty ? "无" : replaced)"
                        : "\(path): \(made.exchanges) requests, \(made.items) items; replaced: \(replaced.isEmpty ? "nothing" : replaced)")
                report += made.problems.map { (subject.isChinese ? "  重放不一致：" : "  it does not replay: ") + $0 }
            }
            report.append(
                subject.isChinese
                    ? "请人工检查：姓名和正文仍是真实内容，请换成虚构内容后再公开；`expect` 是程序现在读出的结果，不一定正确。"
                    : "Look it over: names and texts are still real, invent others before you share it; "
                        + "`expect` is what the program reads now, which need not be right.")
            return report.joined(separator: "\n")
        }
    }

    // MARK: Whom to ask

    private static func known(_ streams: [String], _ file: ChannelFile) throws {
        let names = file.streams.map(\.name)
        for stream in streams where !names.contains(stream) {
            let nearest = Spelling.nearest(to: stream, of: names).map { "did you mean \($0)?" } ?? "it has \(names.joined(separator: ", "))"
            throw CommandError("\(file.name) has no stream \(stream); \(nearest)")
        }
    }

    private static func withTrial<T: Sendable>(
        _ subject: Subject, _ body: (ChannelTrial, Account, [ChannelFinding]) async throws -> T
    ) async throws -> T {
        let loop = TransferLoop(logger: Operations.quiet)
        do {
            let result: T
            if let path = subject.file {
                result = try await byHand(subject, path, loop, body)
            } else {
                result = try await configured(subject, loop, body)
            }
            await loop.shutdown()
            return result
        } catch {
            await loop.shutdown()
            throw error
        }
    }

    private static func byHand<T: Sendable>(
        _ subject: Subject, _ path: String, _ loop: TransferLoop, _ body: (ChannelTrial, Account, [ChannelFinding]) async throws -> T
    ) async throws -> T {
        let file = try ChannelLibrary.read(path)
        let inputs = try inputs(file, subject.given)
        let account = Account(name: file.name, kind: .channel, url: "channel://\(file.name)")
        let addresses = file.inputs.filter { $0.kind == .url }.compactMap { inputs[$0.name]?.string }
        let wire = ChannelWire(file, addresses: addresses, account: account, loop: loop)
        let time = SystemTime()
        let trial = ChannelTrial(file, inputs: inputs, account: account.name, now: { time.now() }, send: wire.sendInTurn)
        return try await body(trial, account, [])
    }

    private static func configured<T: Sendable>(
        _ subject: Subject, _ loop: TransferLoop, _ body: (ChannelTrial, Account, [ChannelFinding]) async throws -> T
    ) async throws -> T {
        let settings = try Settings.load(subject.configuration)
        let names = settings.accounts.filter { $0.kind == .channel }.map(\.name)
        guard let account = settings.accounts.first(where: { $0.name == subject.account && $0.kind == .channel }),
            let file = account.channel.flatMap({ settings.channels[$0.name] })
        else {
            let nearest = Spelling.nearest(to: subject.account ?? "", of: names).map { "did you mean \($0)?" }
            throw CommandError(
                "there is no channel account \(subject.account ?? ""); "
                    + (nearest ?? (names.isEmpty ? "the configuration has none" : "there are \(names.joined(separator: ", "))")))
        }
        let inputs = file.inputs(of: account)
        let wire = ChannelWire(file, account: account, loop: loop)
        let time = SystemTime()
        // Without a database that is there already, none is made.
        if let path = settings.databasePath, !FileManager.default.fileExists(atPath: path) {
            let trial = ChannelTrial(file, inputs: inputs, account: account.name, now: { time.now() }, send: wire.sendInTurn)
            return try await body(trial, account, [])
        }
        let vault = try settings.tokenSeal(isNeeded: true)?.vault(ofChannel: account.name)
        return try await Operations.withStore(subject.configuration) { store in
            let name = account.name
            let text = try await store.read { try $0.accounts.cursor(name, ChannelState.stream) }
            let session = try await store.read { try $0.accounts.cursor(name, ChannelState.sessionStream) }
            let trial = ChannelTrial(
                file, inputs: inputs, account: name,
                state: ChannelState.restored(text, session: session, vault: vault, inputs: inputs),
                now: { time.now() },
                keepSession: { renewed in
                    guard let vault else { return }
                    let sealed = try renewed.sealed(vault)
                    try await store.write { try $0.accounts.setCursor(account.name, ChannelState.sessionStream, sealed) }
                },
                send: wire.sendInTurn)
            return try await body(trial, account, [])
        }
    }

    /// `name=value`, `name=@path` for what stands in a file, `name=env:NAME` for a variable; a list is parted by commas.
    static func inputs(_ file: ChannelFile, _ given: [String], environment: [String: String] = ProcessInfo.processInfo.environment) throws
        -> [String: JSONValue]
    {
        var values: [String: JSONValue] = [:]
        for pair in given {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else {
                throw CommandError("`--set \(parts[0])` has no value; write name=value, name=@file or name=env:NAME")
            }
            guard let input = file.inputs.first(where: { $0.name == parts[0] }) else {
                let names = file.inputs.map(\.name)
                let nearest =
                    Spelling.nearest(to: parts[0], of: names).map { "did you mean \($0)?" } ?? "it takes \(names.joined(separator: ", "))"
                throw CommandError("\(file.name) takes no \(parts[0]); \(nearest)")
            }
            var text = parts[1]
            if text.hasPrefix("@") {
                guard let bytes = FileManager.default.contents(atPath: String(text.dropFirst())) else {
                    throw CommandError("cannot read \(text.dropFirst()), which --set names for \(input.name)")
                }
                text = String(decoding: bytes, as: UTF8.self).trimmed
            } else if text.hasPrefix("env:") {
                guard let value = environment[String(text.dropFirst(4))], !value.isEmpty else {
                    throw CommandError("the environment has no \(text.dropFirst(4)), which --set names for \(input.name)")
                }
                text = value
            }
            values[input.name] =
                input.kind == .list ? .array(text.split(separator: ",").map { .string(String($0).trimmed) }) : .string(text)
        }
        return values
    }

    // MARK: What is shown

    private static func lines(_ findings: [ChannelFinding], _ subject: Subject) -> [String] {
        findings.map { finding in
            let mark = [ChannelFinding.Level.good: "  ok    ", .hint: "  hint  ", .wrong: "  WRONG "][finding.level] ?? ""
            return "\(mark)\(finding.topic): \(subject.isChinese ? finding.chinese : finding.english)"
        }
    }

    private static func shown(_ part: ChannelTrial.Dry.Part, _ isChinese: Bool, _ masked: (String) -> String) -> String {
        var lines = [
            isChinese
                ? "\(part.stream)：\(part.pages) 页，\(part.items.count) 条\(part.hasMore ? "，还有后续页" : "")"
                : "\(part.stream): \(part.pages) page\(part.pages == 1 ? "" : "s"), "
                    + "\(part.items.count) item\(part.items.count == 1 ? "" : "s")"
                    + (part.hasMore ? ", and more pages" : "")
        ]
        for item in part.items {
            func text(_ name: String) -> String { item[name]?.plain ?? "" }
            let author = [text("author.name"), text("author.handle").isEmpty ? "" : "@" + text("author.handle"), text("author.email")]
            lines.append(
                "  "
                    + [text("occurred_at"), author.filter { !$0.isEmpty }.joined(separator: " "), text("subject")].filter { !$0.isEmpty }
                    .joined(separator: "  "))
            for line in masked(text("text")).split(separator: "\n").prefix(4) { lines.append("      \(line.prefix(120))") }
            let ids = [("id", item.externalID), ("thread", text("thread_id")), ("link", text("permalink"))].filter { !$0.1.isEmpty }
            lines.append("      " + ids.map { "\($0.0) \($0.1)" }.joined(separator: "  "))
            if case .object(let fields)? = item["fields"] {
                for field in fields.prefix(12) { lines.append("      \(field.name): \(masked(field.value.plain).prefix(80))") }
            }
        }
        return lines.joined(separator: "\n")
    }

    // MARK: Where samples go

    private static func samplesPlace(_ subject: Subject, _ name: String, _ folder: String?) throws -> String {
        if let folder { return "\(folder)/samples/\(name)" }
        if let file = subject.file {
            let beside = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
            return "\(beside)/samples/\(name)"
        }
        return "\(try Share.find(configured: nil).path("channels"))/samples/\(name)"
    }

    /// Never over a file that is there.
    static func write(_ text: String, folder: String, name: String, suffix: String = "json") throws -> String {
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw CommandError("cannot make the folder \(folder); name another with --into")
        }
        for number in 1...1000 {
            let path = "\(folder)/\(name)\(number == 1 ? "" : "-\(number)").\(suffix)"
            if FileManager.default.fileExists(atPath: path) { continue }
            guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
                throw CommandError("cannot write \(path); name another folder with --into")
            }
            return path
        }
        throw CommandError("\(folder) holds too many recordings; move the old ones away")
    }
}
