public import Domain
import Formats
import Synchronization
public import Transport

/// Sends answers for a channel account, beside the polls and with the same session.
public struct ChannelAnswerer: Sendable {
    public enum Outcome: Sendable {
        /// - Parameter id: what the source calls the answer; nil when its file does not tell.
        case accepted(id: String?)
        case refused(ChannelTrouble)
    }

    /// What the ledger does for an answer.
    public struct Ledger: Sendable {
        /// A cursor of the account.
        public var cursor: @Sendable (_ stream: String) async throws -> String?
        /// Stores a renewed session.
        public var keep: @Sendable (_ stream: String, _ text: String) async throws -> Void
        /// Called right before the answer leaves; nothing leaves when it throws.
        public var before: @Sendable () async throws -> Void
        public var now: @Sendable () -> Timestamp
        public var vault: Vault?

        public init(
            cursor: @escaping @Sendable (String) async throws -> String?, keep: @escaping @Sendable (String, String) async throws -> Void,
            before: @escaping @Sendable () async throws -> Void, now: @escaping @Sendable () -> Timestamp, vault: Vault?
        ) {
            self.cursor = cursor
            self.keep = keep
            self.before = before
            self.now = now
            self.vault = vault
        }
    }

    static let longestCall = Duration.seconds(120)
    /// A longer wait is the ledger's, not the connection's.
    static let longestPause = Duration.seconds(10)

    public let account: Account
    private let file: ChannelFile
    private let room: ChannelRoom
    private let wire: ChannelWire

    /// Nil when the account is no channel's, or its channel takes no answers.
    public init?(_ account: Account, shelf: ChannelShelf, loop: TransferLoop) {
        guard let name = account.channel?.name, let file = shelf[name], file.reply != nil else { return nil }
        self.account = account
        self.file = file
        room = shelf.room(of: account.name)
        wire = ChannelWire(file, account: account, loop: loop, room: room)
    }

    /// - Parameters:
    ///   - item: the raw item that is answered.
    ///   - id, at: the same for every try of the same answer.
    /// - Throws: what the ledger throws, and `CancellationError`.
    public func answer(_ item: [UInt8], text: String, id: String, at: Timestamp, ledger: Ledger) async throws -> Outcome {
        guard let value = try? JSONValue.parse(item) else {
            return .refused(ChannelTrouble(remedy: .stop, say: "the message that is answered cannot be read any more"))
        }
        let inputs = file.inputs(of: account)
        let state = try await ChannelState.begin(inputs, room: room, vault: ledger.vault, cursor: ledger.cursor)
        let wire = wire
        let tools = ChannelRun.Tools(
            send: { call in
                var call = call
                // All tries together end before the row's lease does.
                call.timeout = min(call.timeout ?? ChannelWire.timeout, Self.longestCall)
                return try await wire.send(call, isOnce: call.method != "GET")
            },
            keep: { batch in
                guard batch.isSession, let vault = ledger.vault else { return }
                try await ledger.keep(ChannelState.sessionStream, batch.state.sealed(vault))
            }, now: ledger.now, pause: { wait in try await Task.sleep(for: min(wait, Self.longestPause)) },
            admit: { try await wire.admit(atMost: Self.longestPause) }, room: room)
        let hasLeft = Mutex(false)
        let before: @Sendable () async throws -> Void = {
            try await ledger.before()
            hasLeft.withLock { $0 = true }
        }
        var run = ChannelRun(file, config: inputs, account: account.name, state: state, tools: tools)
        do {
            return .accepted(id: try await run.answer(value, text: text, id: id, at: at, before: before))
        } catch var trouble as ChannelTrouble {
            if !hasLeft.withLock({ $0 }) { trouble.fate = .notSent }  // the login's trouble, not the answer's
            return .refused(trouble)
        } catch let error as ChannelCallError {
            return .refused(ChannelTrouble(remedy: .stop, say: "\(file.name): \(error)"))
        }
    }

    /// Known to the spool by this name, an answer of ours is left out when it comes back with everybody's messages.
    public static func mark(ofSent id: String) -> String { "sent/\(StreamReading.short(id))" }

    /// As what other messages of the channel name it.
    public func messageID(of sentID: String) -> String { ChannelItemMapping.messageID(of: sentID, channel: file.name) }
}
