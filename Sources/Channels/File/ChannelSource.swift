public import Domain
public import Formats
import Synchronization
import Transport

/// The channel files in force, by name; replaced when the configuration is read again.
public final class ChannelShelf: Sendable {
    private let files: Mutex<[String: ChannelFile]>

    public init(_ files: [String: ChannelFile] = [:]) { self.files = Mutex(files) }
    public func put(_ files: [String: ChannelFile]) { self.files.withLock { $0 = files } }
    public subscript(name: String) -> ChannelFile? { files.withLock { $0[name] } }
}

/// An account of a kind that a channel file describes. Each poll asks the streams whose time has come.
final class ChannelSource: Source {
    /// A source that asks us to wait is believed this long.
    static let longestPause = Duration.seconds(300)

    let account: Account
    private let file: ChannelFile?
    private let wire: ChannelWire
    /// When each stream is next due, in the loop's own time.
    private let due = Mutex<[String: Timestamp]>([:])
    /// What one poll leaves to the next, besides what is stored.
    private struct Memory {
        var resumeAt: [String: String] = [:]
        var lookups = LookupCache()
        var budget: RateBudget?
    }
    private let memory = Mutex(Memory())
    private let warn: @Sendable (String) -> Void

    init(account: Account, file: ChannelFile?, loop: TransferLoop, warn: @escaping @Sendable (String) -> Void = { _ in }) {
        self.warn = warn
        self.account = account
        self.file = file
        wire = ChannelWire(file, account: account, loop: loop)
    }

    func poll(into keeper: Keeper) async throws {
        guard let file else {
            throw SourceError.unreadable(path: "channels/\(account.channel?.name ?? "").yaml", reason: "there is no such channel file")
        }
        let inputs = file.inputs(of: account)
        let state = ChannelState.restored(try await keeper.cursor(ChannelState.stream), vault: keeper.vault, inputs: inputs)
        var run = ChannelRun(file, config: inputs, account: account.name, state: state, tools: tools(keeper))
        (run.resumeAt, run.lookups, run.budget) = memory.withLock { ($0.resumeAt, $0.lookups, $0.budget) }
        defer {
            let left = Memory(resumeAt: run.resumeAt, lookups: run.lookups, budget: run.budget)
            memory.withLock { $0 = left }
        }
        try await learn(&run, file)
        var first: (any Error)?
        for stream in file.streams where stream.product == .interaction && isDue(stream, keeper.now()) {
            // One stream that is in trouble holds up no other.
            do { try await run.poll(stream, start: account.start == .all ? .all : .latest) } catch let error as ChannelTrouble {
                first = first ?? error
            }
            due.withLock { $0[stream.name] = keeper.now() + stream.every }
        }
        if let first { throw first }
    }

    /// What the source says of ourselves, once: our own posts come back with everybody's.
    private func learn(_ run: inout ChannelRun, _ file: ChannelFile) async throws {
        guard file.check?.save.isEmpty == false, run.state.check.isEmpty else { return }
        try await run.check()
    }

    private func isDue(_ stream: ChannelFile.Stream, _ now: Timestamp) -> Bool {
        due.withLock { $0[stream.name] }.map { $0 <= now } ?? true
    }

    private func tools(_ keeper: Keeper) -> ChannelRun.Tools {
        let (account, wire) = (account, wire)
        return ChannelRun.Tools(
            send: { try await wire.send($0) },
            keep: { batch in
                let items = batch.items.map { item in
                    RawItem(
                        externalID: "\(batch.stream)/\(item.externalID)" + (item.revision.map { "@\($0)" } ?? ""), kind: .post,
                        bytes: Array(item.value.json.utf8),
                        meta: [MetaKey.format: ChannelItem.format, MetaKey.channel: account.channel?.name ?? ""])
                }
                try await keeper.store(Batch(items: items, stream: ChannelState.stream, cursor: try batch.state.text(keeper.vault)))
            }, now: keeper.now, pause: { wait in try await Task.sleep(for: min(wait, Self.longestPause)) }, warn: warn)
    }
}

extension ChannelFile {
    /// What an account gives, as expressions see it.
    public func inputs(of account: Account) -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        for (name, given) in account.channel?.inputs ?? [:] {
            let isList = inputs.first { $0.name == name }?.kind == .list
            let texts = given.map { JSONValue.string($0.reveal()) }
            values[name] = isList ? .array(texts) : texts.first
        }
        return values
    }
}

extension ChannelItem {
    /// `MetaKey.format` of a raw item that holds one.
    public static let format = "channel-item"
}

extension ChannelRun {
    /// Makes the file's one cheap request, and keeps what it tells.
    public mutating func check() async throws {
        guard let check = file.check else { return }
        let answer = try await ask { run throws(ChannelCallError) in
            let scope = run.scope()
            return (try CallBuilder(check.request, base: run.file.base, scope), scope)
        }
        let root = try document(answer, .json, decode: nil, body: nil)
        var scope = scope()
        (scope.root, scope.record, scope.headers) = (root, root, answer.headers)
        if let expect = check.expect, expect.value(scope) == nil {
            throw ChannelTrouble(remedy: .stop, say: "\(file.name) answered, but not with \(expect.text); check the account's inputs")
        }
        for (name, path) in check.save { if let text = path.text(scope) { state.check[name] = text } }
    }
}

extension ChannelState {
    /// The name it is stored under beside the account's.
    public static let stream = "channel"

    /// What was stored, as far as it still counts with these inputs.
    public static func restored(_ text: String?, vault: Keeper.Vault?, inputs: [String: JSONValue]) -> ChannelState {
        var state = stored(text, vault: vault)
        state.take(inputs: sha256(JSONValue.object(inputs.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }).json.utf8))
        return state
    }

    /// The stored text with another's session in it, everything else as it was.
    public static func text(_ stored: String?, sessionOf renewed: ChannelState, vault: Keeper.Vault?) throws -> String {
        var state = Self.stored(stored, vault: vault)
        (state.session, state.replySession, state.inputs) = (renewed.session, renewed.replySession, renewed.inputs)
        return try state.text(vault)
    }

    /// Sessions are sealed; without a vault they live as long as the program.
    func text(_ vault: Keeper.Vault?) throws -> String {
        func object(_ values: [String: String]) -> JSONValue { ChannelRun.object(values) }
        var members: [JSONValue.Member] = [.init("check", object(check))]
        let secrets = JSONValue.object([
            .init("session", object(session)), .init("reply", object(replySession)), .init("inputs", .string(inputs ?? "")),
        ])
        if let vault { members.append(.init("sealed", .string(try vault.seal(secrets.json)))) }
        members.append(
            .init(
                "cursors",
                .object(
                    cursors.sorted { $0.key < $1.key }.map { key, mark in
                        var parts: [JSONValue.Member] = []
                        if let cursor = mark.cursor { parts.append(.init("cursor", .string(cursor))) }
                        if let etag = mark.etag { parts.append(.init("etag", .string(etag))) }
                        if let since = mark.since { parts.append(.init("since", .string(since))) }
                        if !mark.contents.isEmpty { parts.append(.init("contents", .string(mark.contents.joined(separator: " ")))) }
                        if !mark.seen.isEmpty { parts.append(.init("seen", .array(mark.seen.map { .string($0) }))) }
                        return .init(key, .object(parts))
                    })))
        return JSONValue.object(members).json
    }

    /// What was got with other inputs counts no more: sessions, who we are, what a server said is unchanged.
    mutating func take(inputs now: String) {
        if let inputs, !inputs.isEmpty, inputs != now {
            session = [:]
            replySession = [:]
            check = [:]
            for key in cursors.keys { cursors[key]?.etag = nil }
        }
        inputs = now
    }

    static func stored(_ text: String?, vault: Keeper.Vault?) -> ChannelState {
        var state = ChannelState()
        guard let text, let root = try? JSONValue.parse(Array(text.utf8)) else { return state }
        func texts(_ value: JSONValue?) -> [String: String] {
            guard case .object(let members)? = value else { return [:] }
            return Dictionary(members.map { ($0.name, $0.value.plain) }, uniquingKeysWith: { $1 })
        }
        state.check = texts(root["check"])
        if let sealed = root["sealed"]?.string, let open = try? vault?.open(sealed), let secrets = try? JSONValue.parse(Array(open.utf8)) {
            state.session = texts(secrets["session"])
            state.replySession = texts(secrets["reply"])
            state.inputs = secrets["inputs"]?.string
        }
        if case .object(let members)? = root["cursors"] {
            for member in members {
                var mark = Mark(cursor: member.value["cursor"]?.string)
                mark.etag = member.value["etag"]?.string
                mark.since = member.value["since"]?.string
                mark.contents = member.value["contents"]?.string?.split(separator: " ").map(String.init) ?? []
                mark.seen = member.value["seen"]?.array?.map(\.plain) ?? []
                state.cursors[member.name] = mark
            }
        }
        return state
    }
}
