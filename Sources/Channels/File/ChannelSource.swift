import Domain
import Formats
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
    static let stateStream = "channel"
    static let timeout = Duration.seconds(60)
    static let bytesMax = 20 << 20
    static let redirectsMax = 3
    /// A source that asks us to wait is believed this long.
    static let longestPause = Duration.seconds(300)

    let account: Account
    private let file: ChannelFile?
    private let loop: TransferLoop
    /// When each stream is next due, in the loop's own time.
    private let due = Mutex<[String: Timestamp]>([:])
    private let bucket: RateBucket?
    private let resumeAt = Mutex<[String: String]>([:])
    private let warn: @Sendable (String) -> Void

    init(account: Account, file: ChannelFile?, loop: TransferLoop, warn: @escaping @Sendable (String) -> Void = { _ in }) {
        self.warn = warn
        self.account = account
        self.file = file
        self.loop = loop
        bucket = file?.rate.map { RateBucket(requests: $0.requests, per: $0.per) }
    }

    func poll(into keeper: Keeper) async throws {
        guard let file else {
            throw SourceError.unreadable(path: "channels/\(account.channel?.name ?? "").yaml", reason: "there is no such channel file")
        }
        var state = ChannelState.stored(try await keeper.cursor(Self.stateStream), vault: keeper.vault)
        let inputs = account.channel?.values(for: file) ?? [:]
        state.take(inputs: String(sha256(JSONValue.object(inputs.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }).json.utf8)))
        var run = ChannelRun(file, config: inputs, account: account.name, state: state, tools: tools(keeper))
        run.resumeAt = resumeAt.withLock { $0 }
        defer { resumeAt.withLock { $0 = run.resumeAt } }
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
        let (account, loop, bucket, cost) = (account, loop, bucket, file?.rate?.cost ?? 1)
        return ChannelRun.Tools(
            send: { call in
                if let wait = bucket?.take(cost), wait > .zero { try await Task.sleep(for: wait) }
                var request = HTTPRequest(call.method, call.url)
                request.headers = call.headers.map { ($0.name, $0.value) }
                request.body = call.body
                request.totalTimeout = call.timeout ?? Self.timeout
                request.stallTimeout = call.timeout ?? request.stallTimeout
                request.sizeBytesMax = min(account.sizeBytesMax, Self.bytesMax)
                // To another host nothing of ours goes along, and never from a public address to a private one.
                request.redirectsMax = call.method == "GET" && call.body == nil ? Self.redirectsMax : 0
                request.tls = account.tls
                request.allowPrivate = account.tls.allowPlain
                let response = try await loop.http(request)
                return ChannelAnswer(status: response.status, headers: response.headers, body: response.body)
            },
            keep: { batch in
                let items = batch.items.map { $0.raw(stream: batch.stream, channel: account.channel?.name ?? "") }
                try await keeper.store(Batch(items: items, stream: Self.stateStream, cursor: try batch.state.text(keeper.vault)))
            }, now: keeper.now, pause: { wait in try await Task.sleep(for: min(wait, Self.longestPause)) }, warn: warn)
    }
}

extension ChannelItem {
    /// `MetaKey.format` of a raw item that holds one.
    public static let format = "channel-item"

    /// For the spool.
    func raw(stream: String, channel: String) -> RawItem {
        RawItem(
            externalID: "\(stream)/\(externalID)" + (revision.map { "@\($0)" } ?? ""), kind: .post, bytes: Array(value.json.utf8),
            meta: [MetaKey.format: Self.format, MetaKey.channel: channel])
    }
}

extension ChannelAccount {
    /// What the account gives to its file, by name.
    func values(for file: ChannelFile) -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        for (name, given) in inputs {
            let isList = file.inputs.first { $0.name == name }?.kind == .list
            let texts = given.map { JSONValue.string($0.reveal()) }
            values[name] = isList ? .array(texts) : texts.first
        }
        return values
    }
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
                mark.seen = member.value["seen"]?.array?.map(\.plain) ?? []
                state.cursors[member.name] = mark
            }
        }
        return state
    }
}
