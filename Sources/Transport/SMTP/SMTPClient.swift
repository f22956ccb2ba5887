public import Domain
public import Logging

/// What became of one message, and whether the connection can take another.
public struct SMTPResult: Sendable, Equatable {
    public struct Recipient: Sendable, Equatable {
        public var address: String
        public var code: Int
        public var text: String

        public init(address: String, code: Int, text: String) {
            self.address = address
            self.code = code
            self.text = text
        }
    }

    /// Of the message as a whole: accepted when the server took it for at least one recipient.
    public var outcome: DeliveryOutcome
    /// The server's answers to each RCPT TO, as far as it came to that.
    public var recipients: [Recipient]
    /// From the moment it may have left us. Without it no server may deliver the message.
    public var finalDotSent: Bool
    public var connectionUsable: Bool

    public init(outcome: DeliveryOutcome, recipients: [Recipient], finalDotSent: Bool, connectionUsable: Bool) {
        self.outcome = outcome
        self.recipients = recipients
        self.finalDotSent = finalDotSent
        self.connectionUsable = connectionUsable
    }
}

/// One SMTP dialogue (RFC 5321), one message after the other. It knows exactly whether the final dot was sent, because that decides whether
/// a lost connection means "not delivered" or "nobody knows".
public actor SMTPClient {
    public nonisolated let extensions: SMTPExtensions
    /// Whether what we say is encrypted on its way to this server.
    public nonisolated var isEncrypted: Bool { line.isEncrypted }

    /// RFC 5321 §4.5.3.2.
    static let commandTimeout: Duration = .seconds(300)
    static let dataTimeout: Duration = .seconds(120)
    static let finalTimeout: Duration = .seconds(600)
    static let farewellTimeout: Duration = .seconds(5)
    /// How long to look for a server's last words after it hung up on us.
    static let lastWordsTimeout: Duration = .seconds(1)
    static let retryAfter: Duration = .seconds(60)
    static let recipientsMax = 100
    static let chunkBytes = 64 << 10

    let line: LineConnection
    let logger: Logger
    private var parser: SMTPReplyParser
    private var isUsable = true

    /// Connects, encrypts, logs in when the endpoint has a user, and asks what the server can do.
    public static func connect(_ endpoint: LineEndpoint, on loop: TransferLoop, logger: Logger) async throws -> SMTPClient {
        let line = try await loop.connect(endpoint)
        // libcurl goes on silently when the server offers no AUTH; only the answer 235 proves a login.
        let isLoggedIn = line.login.split(separator: UInt8(ascii: "\n")).contains { $0.starts(with: "235".utf8) }
        guard endpoint.user == nil || isLoggedIn else { throw TransportError.loginNotOffered(host: line.host) }
        let stranger = SMTPClient(line: line, extensions: SMTPExtensions(), parser: SMTPReplyParser(), logger: logger)
        let reply = try await stranger.command("EHLO \(endpoint.helo ?? hostName())", timeout: commandTimeout)
        guard reply.code != 421 else { throw TransportError.connectionLost(host: line.host, reason: "421 \(reply.text)") }
        let extensions = reply.code == 250 ? SMTPExtensions(reply) : SMTPExtensions()
        return SMTPClient(line: line, extensions: extensions, parser: await stranger.parser, logger: logger)
    }

    private init(line: LineConnection, extensions: SMTPExtensions, parser: SMTPReplyParser, logger: Logger) {
        self.line = line
        self.extensions = extensions
        self.parser = parser
        self.logger = logger
    }

    /// Sends one message. Never throws: whatever happens is an outcome.
    ///
    /// - Parameters:
    ///   - from: Envelope sender; empty for a bounce.
    ///   - bytes: The message (RFC 5322). Line ends are repaired, dots doubled.
    ///   - beforeFinalDot: Runs when every byte but the final dot has left us. When it returns false or throws, the connection is closed
    ///     without the dot and the server must forget the message.
    public func send(
        from: String, to recipients: [String], bytes: [UInt8], beforeFinalDot: @Sendable () async throws -> Bool
    ) async -> SMTPResult {
        var result = SMTPResult(outcome: .deferred(after: Self.retryAfter, ""), recipients: [], finalDotSent: false, connectionUsable: true)
        do {
            let envelope = try SMTPEnvelope(from: from, to: recipients, bytes: bytes, extensions: extensions)
            result.outcome = try await deliver(envelope, bytes, beforeFinalDot, &result)
        } catch let refusal as SMTPEnvelope.Refusal {
            result.outcome = .rejected(refusal.reason)
        } catch {
            result.outcome = await outcome(of: error, result.finalDotSent)
        }
        result.connectionUsable = isUsable
        return result
    }

    private func deliver(
        _ envelope: SMTPEnvelope, _ bytes: [UInt8], _ beforeFinalDot: @Sendable () async throws -> Bool, _ result: inout SMTPResult
    ) async throws -> DeliveryOutcome {
        guard isUsable else { throw TransportError.connectionLost(host: line.host, reason: "an earlier message ended it; connect again") }
        if let refused = try await introduce(envelope, &result) {
            try await forget(after: refused)
            return DeliveryOutcome(smtpCode: refused.code, text: refused.text, retryAfter: Self.retryAfter)
        }
        let go = try await command("DATA", timeout: Self.dataTimeout)
        guard go.code == 354 else {
            try await forget(after: go)
            return DeliveryOutcome(smtpCode: go.code, text: go.text, retryAfter: Self.retryAfter)
        }
        var encoder = SMTPBodyEncoder()
        var start = 0
        repeat {
            let end = min(start + Self.chunkBytes, bytes.count)
            let chunk = encoder.encode(bytes[start..<end])
            try await line.send(end == bytes.count ? chunk + encoder.lineEnd() : chunk)
            start = end
        } while start < bytes.count
        guard try await beforeFinalDot() else {
            breakOff()
            return .deferred(after: Self.retryAfter, "held back before the final dot; nothing was delivered")
        }
        try Task.checkCancellation()
        result.finalDotSent = true
        try await line.send(SMTPBodyEncoder.finalDot)
        let last = try await reply(timeout: Self.finalTimeout)
        if last.code == 421 { breakOff() }
        guard (200..<300).contains(last.code) || (400..<600).contains(last.code) else {
            breakOff()
            return .uncertain("\(last.code) \(last.text) after the final dot")
        }
        return DeliveryOutcome(smtpCode: last.code, text: last.text, retryAfter: Self.retryAfter)
    }

    /// MAIL FROM and every RCPT TO, in one go when the server takes that (RFC 2920).
    ///
    /// - Returns: The answer that ends the attempt, or nil when at least one recipient was taken.
    private func introduce(_ envelope: SMTPEnvelope, _ result: inout SMTPResult) async throws -> SMTPReply? {
        let isPipelined = extensions.contains("PIPELINING")
        if isPipelined { try await line.send(Array(([envelope.mail] + envelope.recipients).joined().utf8)) }
        if !isPipelined { try await line.send(Array(envelope.mail.utf8)) }
        let mail = try await reply(timeout: Self.commandTimeout)
        let isMailTaken = (200..<300).contains(mail.code)
        if !isMailTaken, !isPipelined || mail.code == 421 { return mail }
        for (address, command) in zip(envelope.addresses, envelope.recipients) {
            if !isPipelined { try await line.send(Array(command.utf8)) }
            let answer = try await reply(timeout: Self.commandTimeout)
            if isMailTaken { result.recipients.append(SMTPResult.Recipient(address: address, code: answer.code, text: answer.text)) }
            if answer.code == 421 { return isMailTaken ? answer : mail }
        }
        if !isMailTaken { return mail }
        if result.recipients.contains(where: { (200..<300).contains($0.code) }) { return nil }
        let telling = result.recipients.first { (400..<500).contains($0.code) } ?? result.recipients[0]
        return SMTPReply(code: telling.code, lines: [telling.text])
    }

    /// Makes the connection fit for the next message, unless the server is about to close it.
    private func forget(after refused: SMTPReply) async throws {
        if refused.code == 421 { return breakOff() }
        await reset()
    }

    private func outcome(of error: any Error, _ finalDotSent: Bool) async -> DeliveryOutcome {
        let reason = error is CancellationError ? "the attempt was cancelled" : "\(error)"
        if finalDotSent {
            breakOff()
            return .uncertain("no answer after the final dot: \(reason)")
        }
        // A server that refuses a message in the middle says why and hangs up; that is worth more than "connection lost".
        let isTransport = error is TransportError
        let words = isTransport && isUsable ? try? await reply(timeout: Self.lastWordsTimeout) : nil
        breakOff()
        if let words, words.code >= 400 { return DeliveryOutcome(smtpCode: words.code, text: words.text, retryAfter: Self.retryAfter) }
        return .deferred(after: Self.retryAfter, reason)
    }

    /// Forgets a message half sent.
    public func reset() async {
        do {
            let answer = try await command("RSET", timeout: Self.farewellTimeout)
            if answer.code != 250 { breakOff() }
        } catch { breakOff() }
    }

    /// Says goodbye and closes. Never fails: there is nothing left to save.
    public func quit() async {
        if isUsable { _ = try? await command("QUIT", timeout: Self.farewellTimeout) }
        breakOff()
    }

    private func breakOff() {
        isUsable = false
        line.close()
    }

    private func command(_ text: String, timeout: Duration) async throws -> SMTPReply {
        try await line.send(Array("\(text)\r\n".utf8))
        return try await reply(timeout: timeout)
    }

    private func reply(timeout: Duration) async throws -> SMTPReply {
        let deadline = ContinuousClock.now + timeout
        while true {
            do throws(SMTPSyntaxError) { if let reply = try parser.next() { return reply } } catch {
                throw TransportError.unexpectedAnswer(host: line.host, reason: error.reason)
            }
            let bytes = try await line.receive(timeout: max(.zero, ContinuousClock.now.duration(to: deadline)))
            guard !bytes.isEmpty else { throw TransportError.connectionLost(host: line.host, reason: "the server closed it in the middle") }
            parser.feed(bytes)
        }
    }
}
