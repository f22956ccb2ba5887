public import Domain
public import Formats

/// How a channel account's state is kept: where it has read to stands readable, its sessions are sealed in a row of their own, since those
/// who answer write them too.
extension ChannelState {
    /// The names they are stored under beside the account's.
    public static let stream = "channel"
    public static let sessionStream = "channel-session"

    /// What an account begins a poll or an answer with. Sessions of the room count before those of the database.
    static func begin(
        _ inputs: [String: JSONValue], room: ChannelRoom, vault: Vault?, cursor: (String) async throws -> String?
    ) async throws -> ChannelState {
        let inputs = digest(inputs)
        var state = ChannelState()
        state.read(try await cursor(stream), vault: vault)
        state.take(inputs: inputs)
        let known = room.enter(inputs, stored: sessions(try await cursor(sessionStream), vault: vault))
        (state.session, state.replySession) = (known.usual, known.reply)
        return state
    }

    /// What was stored, as far as it still counts with these inputs.
    /// - Parameters:
    ///   - text, session: the cursors of `stream` and `sessionStream`.
    public static func restored(_ text: String?, session: String?, vault: Vault?, inputs: [String: JSONValue]) -> ChannelState {
        let inputs = digest(inputs)
        var state = ChannelState()
        state.read(text, vault: vault)
        state.take(inputs: inputs)
        let known = sessions(session, vault: vault).flatMap { $0.inputs == inputs ? $0 : nil }
        (state.session, state.replySession) = (known?.usual ?? [:], known?.reply ?? [:])
        return state
    }

    private static func digest(_ inputs: [String: JSONValue]) -> String {
        sha256(JSONValue.object(inputs.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }).json.utf8)
    }

    /// Without the sessions. The digest of the inputs is sealed: who has the database alone shall not try passwords on it.
    func text(_ vault: Vault?) throws -> String {
        let marks = cursors.sorted { $0.key < $1.key }.map { key, mark in
            var parts: [JSONValue.Member] = []
            if let cursor = mark.cursor { parts.append(.init("cursor", .string(cursor))) }
            if let etag = mark.etag { parts.append(.init("etag", .string(etag))) }
            if let since = mark.since { parts.append(.init("since", .string(since))) }
            if !mark.contents.isEmpty { parts.append(.init("contents", .string(mark.contents.joined(separator: " ")))) }
            if !mark.seen.isEmpty { parts.append(.init("seen", .array(mark.seen.map { .string($0) }))) }
            return JSONValue.Member(key, .object(parts))
        }
        var members: [JSONValue.Member] = [.init("check", ChannelRun.object(check)), .init("cursors", .object(marks))]
        if let connectedAt { members.append(.init("connected_at", .string(DateFormat.exact(connectedAt)))) }
        if let inputs, let vault {
            let sealed = inputsRead.first == inputs ? inputsRead[1] : try vault.seal(inputs)
            members.append(.init("inputs", .string(sealed)))
        }
        return JSONValue.object(members).json
    }

    /// The sessions alone, as they are stored, with a digest of what they were got with: one write holds both.
    public func sealed(_ vault: Vault) throws -> String {
        let secrets = JSONValue.object([
            .init("session", ChannelRun.object(session)), .init("reply", ChannelRun.object(replySession)),
            .init("inputs", .string(inputs ?? "")),
        ])
        return try vault.seal(secrets.json)
    }

    /// What was learnt with other inputs counts no more: who we are, what a server said is unchanged.
    mutating func take(inputs now: String) {
        if let inputs, !inputs.isEmpty, inputs != now {
            check = [:]
            for key in cursors.keys { cursors[key]?.etag = nil }
        }
        inputs = now
    }

    private static func texts(_ value: JSONValue?) -> [String: String] {
        guard case .object(let members)? = value else { return [:] }
        return Dictionary(members.map { ($0.name, $0.value.plain) }, uniquingKeysWith: { $1 })
    }

    mutating func read(_ text: String?, vault: Vault?) {
        guard let text, let root = try? JSONValue.parse(Array(text.utf8)) else { return }
        check = Self.texts(root["check"])
        if let sealed = root["inputs"]?.string, let open = try? vault?.open(sealed) { (inputs, inputsRead) = (open, [open, sealed]) }
        connectedAt = root["connected_at"]?.string.flatMap(DateText.iso8601)
        guard case .object(let members)? = root["cursors"] else { return }
        for member in members {
            var mark = Mark(cursor: member.value["cursor"]?.string)
            mark.etag = member.value["etag"]?.string
            mark.since = member.value["since"]?.string
            mark.contents = member.value["contents"]?.string?.split(separator: " ").map(String.init) ?? []
            mark.seen = member.value["seen"]?.array?.map(\.plain) ?? []
            cursors[member.name] = mark
        }
    }

    private static func sessions(_ sealed: String?, vault: Vault?) -> ChannelRoom.Sessions? {
        guard let sealed, let open = try? vault?.open(sealed), let secrets = try? JSONValue.parse(Array(open.utf8)) else { return nil }
        return .init(usual: texts(secrets["session"]), reply: texts(secrets["reply"]), inputs: secrets["inputs"]?.string ?? "")
    }
}
