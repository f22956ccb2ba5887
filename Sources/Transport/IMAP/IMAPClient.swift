public import Logging

/// One logged-in IMAP dialogue (RFC 3501). Commands run one after the other; a command that fails in the middle closes the connection,
/// because what is still on its way could no longer be told from the next answer.
public actor IMAPClient {
    /// Upper case, as announced after the login.
    public nonisolated let capabilities: Set<String>

    /// Between two pieces of an answer.
    static let answerTimeout: Duration = .seconds(120)
    /// For a whole command, however busily the server sends.
    static let commandTimeout: Duration = .seconds(1800)
    /// For the end of IDLE and for LOGOUT.
    static let farewellTimeout: Duration = .seconds(5)
    /// A UID SEARCH answers in one line: room for some 1,500,000 UIDs.
    static let searchLineBytesMax = 16 << 20
    static let uidsPerCommand = 200

    let line: LineConnection
    let logger: Logger
    var framer: IMAPFramer
    private var lastTag = 0
    private var isBroken = false
    /// The server announced new mail while another command ran.
    var hasNews = false
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Connects, logs in and introduces us (RFC 2971), which some providers want before any mailbox is opened.
    public static func connect(_ endpoint: LineEndpoint, on loop: TransferLoop, logger: Logger) async throws -> IMAPClient {
        let line = try await loop.connect(endpoint)
        let stranger = IMAPClient(line: line, capabilities: [], framer: IMAPFramer(), logger: logger)
        let (capabilities, framer) = try await stranger.askCapabilities()
        let client = IMAPClient(line: line, capabilities: capabilities, framer: framer, logger: logger)
        if client.capabilities.contains("ID") || isCurious(line.host) { await client.introduce() }
        return client
    }

    /// NetEase's servers (163, 126, yeah) refuse to open a mailbox ("Unsafe Login") for whoever has not said who it is, and do not always
    /// announce that they listen.
    static func isCurious(_ host: String) -> Bool {
        let host = host.lowercased()
        return ["163.com", "126.com", "yeah.net", "188.com", "netease.com"].contains { host == $0 || host.hasSuffix("." + $0) }
    }

    private init(line: LineConnection, capabilities: Set<String>, framer: IMAPFramer, logger: Logger) {
        self.line = line
        self.capabilities = capabilities
        self.logger = logger
        self.framer = framer
    }

    private func askCapabilities() async throws -> (Set<String>, IMAPFramer) {
        var found: Set<String> = []
        try await run("CAPABILITY") { response in
            guard case .data(nil, "CAPABILITY", let values) = response else { return }
            for case .atom(let name) in values { found.insert(name.uppercased()) }
        }
        return (found, framer)
    }

    private func introduce() async {
        do { try await run("ID", "(\"name\" \"Hongyan\" \"version\" \"1\")") { _ in } } catch {
            logger.debug("The server did not want to know who we are.", metadata: ["host": "\(line.host)", "error": "\(error)"])
        }
    }

    /// Opens a mailbox for reading; nothing done through it marks a mail as seen.
    public func examine(_ mailbox: String) async throws -> MailboxStatus { try await open("EXAMINE", mailbox) }

    /// Opens a mailbox for reading and writing.
    public func select(_ mailbox: String) async throws -> MailboxStatus { try await open("SELECT", mailbox) }

    private func open(_ command: String, _ mailbox: String) async throws -> MailboxStatus {
        let condition = capabilities.contains("CONDSTORE") ? " (CONDSTORE)" : ""
        var status = MailboxStatus(uidValidity: 0, uidNext: nil, exists: 0, highestModSeq: nil, permanentFlags: [])
        hasNews = false
        try await run(command, try IMAPText.mailbox(mailbox) + condition) { response in
            switch response {
            case .data(let number?, "EXISTS", _): status.exists = Int(number)
            case .status(nil, "OK", let code, _):
                guard code.count > 1, case .atom(let name) = code[0] else { return }
                switch name.uppercased() {
                case "UIDVALIDITY": status.uidValidity = code[1].number.flatMap { UInt32(exactly: $0) } ?? 0
                case "UIDNEXT": status.uidNext = code[1].number.flatMap { UInt32(exactly: $0) }
                case "HIGHESTMODSEQ": status.highestModSeq = code[1].number
                case "PERMANENTFLAGS": status.permanentFlags = code[1].words
                default: break
                }
            default: break
            }
        }
        hasNews = false
        guard status.uidValidity != 0 else {
            throw TransportError.unexpectedAnswer(
                host: line.host, reason: "\(mailbox) has no UIDVALIDITY, so its mails cannot be told apart")
        }
        return status
    }

    /// The UIDs that fit, in the server's order. Criteria as in RFC 3501 §6.4.4, ASCII only: `SINCE 1-Nov-2026`, `UID 100:*`.
    public func uidSearch(_ criteria: String) async throws -> [UInt32] {
        guard criteria.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
            throw TransportError.invalid("search criteria for \(line.host) may only hold printable ASCII.")
        }
        var uids: [UInt32] = []
        try await run("UID SEARCH", criteria, lineBytesMax: Self.searchLineBytesMax) { response in
            guard case .data(nil, "SEARCH", let values) = response else { return }
            uids += values.compactMap { $0.number.flatMap { UInt32(exactly: $0) } }
        }
        return uids
    }

    /// True when the server announced something meanwhile.
    @discardableResult
    public func noop() async throws -> Bool {
        try await run("NOOP") { _ in }
        defer { hasNews = false }
        return hasNews
    }

    /// Says goodbye and closes. Never fails: there is nothing left to save.
    public func logout() async {
        if !isBroken { try? await run("LOGOUT", answerTimeout: Self.farewellTimeout) { _ in } }
        isBroken = true
        line.close()
    }

    // MARK: Dialogue

    /// Sends a command and reads up to its tagged answer; everything before goes to `collect`.
    ///
    /// - Throws: `TransportError.commandRefused` for NO and BAD, after which the dialogue goes on; any other error ends it.
    func run(
        _ name: String, _ arguments: String = "", answerTimeout: Duration = IMAPClient.answerTimeout,
        lineBytesMax: Int = IMAPFramer.lineBytesMaxDefault, collect: (IMAPResponse) throws -> Void
    ) async throws {
        try await begin()
        defer { end() }
        framer.lineBytesMax = lineBytesMax
        let running = try await start(name, arguments, answerTimeout)
        while let response = try await response(to: running) { try broken { try collect(response) } }
    }

    /// A command on its way.
    struct Running: Sendable {
        let tag: String
        let name: String
        let answerTimeout: Duration
        let deadline: ContinuousClock.Instant
    }

    func start(_ name: String, _ arguments: String, _ answerTimeout: Duration = IMAPClient.answerTimeout) async throws -> Running {
        lastTag += 1
        let tag = "h\(lastTag)"
        do { try await line.send(Array("\(tag) \(name)\(arguments.isEmpty ? "" : " ")\(arguments)\r\n".utf8)) } catch {
            throw breakOff(error)
        }
        return Running(tag: tag, name: name, answerTimeout: answerTimeout, deadline: .now + Self.commandTimeout)
    }

    /// The next response that belongs to a command; nil when its tagged OK has come.
    func response(to running: Running) async throws -> IMAPResponse? {
        let response: IMAPResponse
        do { response = try await nextResponse(running) } catch { throw breakOff(error) }
        switch response {
        case .status(nil, "BYE", let code, let text) where running.name != "LOGOUT":
            throw breakOff(goodbye(code, text))
        case .status(let tag?, let word, let code, let text):
            guard tag == running.tag else {
                throw breakOff(
                    TransportError.unexpectedAnswer(host: line.host, reason: "an answer to \(tag.prefix(40)), which nobody sent"))
            }
            if word == "OK" { return nil }
            throw refused(running.name, word, code, text)
        case .data(.some, "EXISTS", _), .data(.some, "RECENT", _): hasNews = true
        default: break
        }
        return response
    }

    private func nextResponse(_ running: Running) async throws -> IMAPResponse {
        while true {
            let left = ContinuousClock.now.duration(to: running.deadline)
            do throws(IMAPSyntaxError) { if let parts = try framer.next() { return try IMAPResponse(parts) } } catch {
                throw TransportError.unexpectedAnswer(host: line.host, reason: "to \(running.name), \(error.reason)")
            }
            let bytes = try await line.receive(timeout: max(.zero, min(running.answerTimeout, left)))
            guard !bytes.isEmpty else {
                throw TransportError.connectionLost(host: line.host, reason: "the server closed it during \(running.name)")
            }
            framer.feed(bytes)
        }
    }

    /// Waits until no other command runs.
    func begin() async throws {
        while isBusy { await withCheckedContinuation { waiting.append($0) } }
        try Task.checkCancellation()
        guard !isBroken else { throw TransportError.connectionLost(host: line.host, reason: "an earlier command ended it; connect again") }
        isBusy = true
    }

    func end() {
        isBusy = false
        let next = waiting
        waiting = []
        for waiter in next { waiter.resume() }
    }

    @discardableResult
    func breakOff(_ error: any Error) -> any Error {
        isBroken = true
        line.close()
        return error
    }

    private func broken<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch { throw breakOff(error) }
    }

    func goodbye(_ code: [IMAPValue], _ text: String) -> TransportError {
        .connectionLost(host: line.host, reason: "the server said goodbye: \(Self.spoken(code, text))")
    }

    func refused(_ command: String, _ word: String, _ code: [IMAPValue], _ text: String) -> TransportError {
        .commandRefused(host: line.host, command: command, reply: "\(word) \(Self.spoken(code, text))")
    }

    /// `[NOPERM] read-only mailbox`
    private static func spoken(_ code: [IMAPValue], _ text: String) -> String {
        let words = code.compactMap { if case .atom(let word) = $0 { word } else { nil } }.joined(separator: " ")
        return String((words.isEmpty ? text : "[\(words)] \(text)").prefix(300))
    }
}
