public import Domain
public import Formats
import Synchronization
import Transport

/// The channel files in force, by name; replaced when the configuration is read again.
public final class ChannelShelf: Sendable {
    private let files: Mutex<[String: ChannelFile]>
    private let rooms = Mutex<[String: ChannelRoom]>([:])

    public init(_ files: [String: ChannelFile] = [:]) { self.files = Mutex(files) }
    public func put(_ files: [String: ChannelFile]) { self.files.withLock { $0 = files } }
    public subscript(name: String) -> ChannelFile? { files.withLock { $0[name] } }

    /// What those who ask and those who answer for an account share.
    public func room(of account: String) -> ChannelRoom {
        rooms.withLock { rooms in
            if let known = rooms[account] { return known }
            let room = ChannelRoom()
            rooms[account] = room
            return room
        }
    }
}

/// An account of a kind that a channel file describes. Each poll asks the streams whose time has come.
final class ChannelSource: Source {
    /// A source that asks us to wait is believed this long.
    static let longestPause = Duration.seconds(300)

    let account: Account
    private let file: ChannelFile?
    private let wire: ChannelWire
    private let room: ChannelRoom
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

    init(
        account: Account, file: ChannelFile?, loop: TransferLoop, room: ChannelRoom = ChannelRoom(),
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.warn = warn
        self.room = room
        self.account = account
        self.file = file
        wire = ChannelWire(file, account: account, loop: loop, room: room)
    }

    func poll(into keeper: Keeper) async throws {
        guard let file else {
            throw SourceError.unreadable(path: "channels/\(account.channel?.name ?? "").yaml", reason: "there is no such channel file")
        }
        let inputs = file.inputs(of: account)
        var state = try await ChannelState.begin(inputs, room: room, vault: keeper.vault, cursor: keeper.cursor)
        if state.connectedAt == nil {
            // Before anything is asked: a source that is down now, or a chat that begins tomorrow, does not move it.
            state.connectedAt = keeper.now()
            try await keeper.store(Batch(items: [], stream: ChannelState.stream, cursor: try state.text(keeper.vault)))
        }
        var run = ChannelRun(file, config: inputs, account: account.name, state: state, tools: tools(keeper))
        (run.resumeAt, run.lookups, run.budget) = memory.withLock { ($0.resumeAt, $0.lookups, $0.budget) }
        defer {
            let left = Memory(resumeAt: run.resumeAt, lookups: run.lookups, budget: run.budget)
            memory.withLock { $0 = left }
            if let budget = run.budget { keeper.report(.budget(requests: Int(max(0, budget.remaining)), until: budget.reset)) }
        }
        try await learn(&run, file)
        var first: (any Error)?
        for stream in file.streams where keeper.isAsked || isDue(stream, keeper.now()) {
            // One stream that is in trouble holds up no other.
            do {
                try await run.poll(stream, start: account.start)
                keeper.report(.read(stream: stream.name))
                due.withLock { $0[stream.name] = keeper.now() + stream.every }
            } catch let error as ChannelTrouble {  // due again when the account is tried again
                first = first ?? error
                keeper.report(.trouble(stream: stream.name, error.say))
            }
        }
        if let first { throw first }
        if let next = due.withLock({ $0.values.min() }) { keeper.report(.nextDue(max(.zero, next - keeper.now()))) }
    }

    /// What the source says of ourselves, once: our own posts come back with everybody's.
    private func learn(_ run: inout ChannelRun, _ file: ChannelFile) async throws {
        guard file.check?.save.isEmpty == false, run.state.check.isEmpty else { return }
        try await run.check()
    }

    private func isDue(_ stream: ChannelFile.Stream, _ now: Timestamp) -> Bool {
        // Polls of many accounts are spread by a tenth; one that comes early need not come twice.
        due.withLock { $0[stream.name] }.map { $0 <= now + stream.every / 8 } ?? true
    }

    private func tools(_ keeper: Keeper) -> ChannelRun.Tools {
        let (account, wire) = (account, wire)
        return ChannelRun.Tools(
            send: { call in
                keeper.report(.request)
                return try await wire.send(call)
            },
            keep: { batch in
                if batch.isSession {
                    guard let vault = keeper.vault else { return }
                    let sealed = try batch.state.sealed(vault)
                    return try await keeper.store(Batch(items: [], stream: ChannelState.sessionStream, cursor: sealed))
                }
                let items = batch.items.map {
                    $0.raw(stream: batch.stream, channel: account.channel?.name ?? "", connectedAt: batch.state.connectedAt)
                }
                try await keeper.store(Batch(items: items, stream: ChannelState.stream, cursor: try batch.state.text(keeper.vault)))
                if !items.isEmpty {
                    let newest = batch.items.compactMap(\.occurredAt).max()
                    keeper.report(.stored(stream: batch.stream, items: items.count, newest: newest, hasBacklog: !batch.isLast))
                }
            }, now: keeper.now, pause: { wait in try await Task.sleep(for: min(wait, Self.longestPause)) }, warn: warn,
            sent: { ids in
                let marks = Dictionary(uniqueKeysWithValues: ids.map { (ChannelAnswerer.mark(ofSent: $0), $0) })
                return Set(try await keeper.known(Array(marks.keys)).compactMap { marks[$0] })
            }, admit: { try await wire.admit() }, room: room)
    }
}

extension ChannelFile {
    /// What an account gives, as expressions see it.
    public func inputs(of account: Account) -> [String: JSONValue] { account.channel?.values(for: self) ?? [:] }
}

extension ChannelItem {
    /// `MetaKey.format` of a raw item that holds one.
    public static let format = "channel-item"

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
