public import Domain
import Formats

/// Where one account's source knocks: checks what comes and makes raw items of it. Asks no network and no database.
public struct ChannelDoor: Sendable {
    /// `MetaKey.format` of a push that was believed and could not be read; the bytes are its body.
    public static let format = "channel-push"
    /// The state the account's polls left, by which our own posts are known.
    public static let stateStream = ChannelState.stream

    private let account: Account
    private let file: ChannelFile
    private let rule: ChannelFile.Push

    /// Nil when nothing is pushed to this account.
    public init?(_ account: Account, channels: ChannelShelf) {
        guard let name = account.channel?.name, let file = channels[name], let rule = file.push else { return nil }
        self.account = account
        self.file = file
        self.rule = rule
    }

    /// What the source hears when all is stored.
    public var thanks: HookAnswer { .taken(status: rule.status, body: rule.answer) }

    /// - Parameter state: the cursor of `stateStream`.
    private func run(_ now: Timestamp, state: String? = nil) -> ChannelRun {
        let tools = ChannelRun.Tools(
            send: { _ in throw ChannelCallError(description: "a push asks nothing") }, keep: { _ in }, now: { now })
        var known = ChannelState()
        known.read(state, vault: nil)
        return ChannelRun(file, config: file.inputs(of: account), account: account.name, state: known, tools: tools)
    }

    /// - Returns: what to answer when the source only asks whether the address is ours.
    public func challenge(_ push: ChannelPushed, now: Timestamp) throws(HookRefusal) -> String? {
        try run(now).answer(challenge: push)
    }

    /// - Returns: what to store before the source is thanked. What cannot be read is among it, whole.
    public func take(_ push: ChannelPushed, now: Timestamp, state: String?) throws(HookRefusal) -> [RawItem] {
        let run = run(now, state: state)
        let push = try run.opened(push)
        let harvest = run.harvest(push)
        var items = harvest.items.map(raw)
        if harvest.problem != nil {
            items.append(
                RawItem(
                    externalID: "\(stream)/body-\(sha256(push.body))", kind: .post, bytes: push.body,
                    meta: [MetaKey.format: Self.format, MetaKey.channel: file.name]))
        }
        return items
    }

    /// Reads such a body again, perhaps with a better file.
    /// - Throws: `ChannelTrouble` while it cannot be read whole.
    public func reread(_ body: [UInt8], now: Timestamp) throws(ChannelTrouble) -> [RawItem] {
        let harvest = run(now).harvest(ChannelPushed(body: body))
        if let problem = harvest.problem { throw ChannelTrouble(remedy: .stop, say: "\(problem); correct channels/\(file.name).yaml") }
        return harvest.items.map(raw)
    }

    private var stream: String { rule.stream ?? ChannelRun.pushStream }
    private func raw(_ item: ChannelItem) -> RawItem { item.raw(stream: stream, channel: file.name) }
}
