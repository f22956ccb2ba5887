public import Logging

/// One mail as a POP3 server lists it (RFC 1939 §7).
public struct POP3Entry: Sendable, Hashable {
    /// Means something in this session only.
    public var number: Int
    /// Unique and lasting within the mailbox.
    public var uidl: String
    public var sizeBytes: Int

    public init(number: Int, uidl: String, sizeBytes: Int) {
        self.number = number
        self.uidl = uidl
        self.sizeBytes = sizeBytes
    }
}

/// One logged-in POP3 session (RFC 1939, RFC 2449). What is deleted is deleted when `quit` returns; a session that ends otherwise deletes
/// nothing. Calls follow one after another.
public actor POP3Client {
    static let answerTimeout: Duration = .seconds(120)
    static let farewellTimeout: Duration = .seconds(30)
    /// Of a listing: room for some 100,000 mails.
    static let listingBytesMax = 16 << 20
    static let entriesMax = 200_000
    /// Of the first lines of a mail.
    static let topBytesMax = 1 << 20
    /// Answers that may be under way at once (RFC 2449 §6.6).
    static let pipelineMax = 50

    /// Upper case, the first word of each.
    public nonisolated let capabilities: Set<String>

    private let line: LineConnection
    private let logger: Logger
    private var reader: POP3Reader

    public static func connect(_ endpoint: LineEndpoint, on loop: TransferLoop, logger: Logger) async throws -> POP3Client {
        let line = try await loop.connect(endpoint)
        let stranger = POP3Client(line: line, capabilities: [], reader: POP3Reader(), logger: logger)
        let (found, reader) = try await stranger.askCapabilities()
        return POP3Client(line: line, capabilities: found, reader: reader, logger: logger)
    }

    private init(line: LineConnection, capabilities: Set<String>, reader: POP3Reader, logger: Logger) {
        self.line = line
        self.capabilities = capabilities
        self.reader = reader
        self.logger = logger
    }

    /// Servers older than RFC 2449 know no CAPA; they have none then.
    private func askCapabilities() async throws -> (Set<String>, POP3Reader) {
        var found: Set<String> = []
        do {
            for text in try await lines("CAPA") { if let word = text.split(separator: " ").first { found.insert(word.uppercased()) } }
        } catch TransportError.commandRefused {}
        return (found, reader)
    }

    /// Every mail, in the server's order.
    /// - Throws: `TransportError.commandRefused` when the server knows no UIDL; mails could not be told apart then.
    public func entries() async throws -> [POP3Entry] {
        var sizes: [Int: Int] = [:]
        for text in try await lines("LIST") {
            let words = text.split(separator: " ")
            if words.count >= 2, let number = Int(words[0]), let size = Int(words[1]), size >= 0 { sizes[number] = size }
        }
        var entries: [POP3Entry] = []
        for text in try await lines("UIDL") {
            let words = text.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let number = Int(words[0]), number > 0, (1...300).contains(words[1].utf8.count) else { continue }
            guard entries.count < Self.entriesMax else { throw against("it lists more than \(Self.entriesMax) mails") }
            entries.append(POP3Entry(number: number, uidl: String(words[1]), sizeBytes: sizes[number] ?? 0))
        }
        return entries
    }

    /// Whole mails, in the given order, each in pieces; the last piece of a mail comes with `isLast`.
    /// - Parameter refused: called instead when the server does not give a mail, with its words.
    public nonisolated(nonsending) func retrieve(
        _ numbers: [Int], piece: nonisolated(nonsending) (_ number: Int, _ bytes: [UInt8], _ isLast: Bool) async throws -> Void,
        refused: nonisolated(nonsending) (_ number: Int, _ reply: String) async throws -> Void
    ) async throws {
        let width = capabilities.contains("PIPELINING") ? Self.pipelineMax : 1
        for start in stride(from: 0, to: numbers.count, by: width) {
            let slice = numbers[start..<min(start + width, numbers.count)]
            try await send(slice.map { "RETR \($0)\r\n" }.joined())
            for number in slice {
                if let reply = try await refusal() {
                    try await refused(number, reply)
                    continue
                }
                do {
                    var isLast = false
                    while !isLast {
                        let bytes: [UInt8]
                        (bytes, isLast) = try await nextPiece("RETR")
                        try await piece(number, bytes, isLast)
                    }
                } catch {
                    line.close()  // what is still on its way could not be told from the next answer
                    throw error
                }
            }
        }
    }

    /// A mail's header and its first lines.
    public func top(_ number: Int, lines: Int) async throws -> [UInt8] {
        try await send("TOP \(number) \(max(0, lines))\r\n")
        if let reply = try await refusal() { throw refused("TOP", reply) }
        var out: [UInt8] = []
        while true {
            let (bytes, isEnd) = try await nextPiece("TOP")
            if out.count < Self.topBytesMax { out += bytes.prefix(Self.topBytesMax - out.count) }
            if isEnd { return out }
        }
    }

    /// Marks a mail; it goes when `quit` returns.
    public func delete(_ number: Int) async throws {
        try await send("DELE \(number)\r\n")
        if let reply = try await refusal() { throw refused("DELE", reply) }
    }

    /// Ends the session and makes the deletions come true.
    public func quit() async throws {
        defer { line.close() }
        try await send("QUIT\r\n")
        if let reply = try await refusal(Self.farewellTimeout) { throw refused("QUIT", reply) }
    }

    /// Ends the connection; what was marked stays.
    public nonisolated func close() { line.close() }

    // MARK: Dialogue

    private func lines(_ command: String) async throws -> [String] {
        try await send("\(command)\r\n")
        if let reply = try await refusal() { throw refused(command, reply) }
        var all: [UInt8] = []
        while true {
            let (bytes, isEnd) = try await nextPiece(command)
            all += bytes
            guard all.count <= Self.listingBytesMax else {
                throw against("its answer to \(command) is longer than \(Self.listingBytesMax) bytes")
            }
            if isEnd { break }
        }
        return all.split(separator: 0x0A).map { String(decoding: $0.last == 0x0D ? $0.dropLast() : $0, as: UTF8.self) }
    }

    private func send(_ text: String) async throws { try await line.send(Array(text.utf8)) }

    /// Reads a status line.
    /// - Returns: nil for `+OK`, else the server's words.
    private func refusal(_ timeout: Duration = POP3Client.answerTimeout) async throws -> String? {
        while true {
            do throws(POP3SyntaxError) {
                if let text = try reader.line() {
                    reader.beginBody()
                    if text.uppercased().hasPrefix("+OK") { return nil }
                    guard text.uppercased().hasPrefix("-ERR") else { throw POP3SyntaxError(reason: "it said \(text.prefix(80))") }
                    return String(text.dropFirst(4).drop { $0 == " " }.prefix(300))
                }
            } catch { throw against(error.reason) }
            try await receive(timeout)
        }
    }

    private func nextPiece(_ command: String) async throws -> (bytes: [UInt8], isEnd: Bool) {
        while true {
            let (bytes, isEnd) = reader.piece()
            if isEnd || !bytes.isEmpty { return (bytes, isEnd) }
            try await receive(Self.answerTimeout)
        }
    }

    private func receive(_ timeout: Duration) async throws {
        let bytes = try await line.receive(timeout: timeout)
        guard !bytes.isEmpty else { throw TransportError.connectionLost(host: line.host, reason: "the server closed it in the middle") }
        reader.feed(bytes)
    }

    private func refused(_ command: String, _ reply: String) -> TransportError {
        .commandRefused(host: line.host, command: command, reply: reply.isEmpty ? "-ERR" : reply)
    }

    private func against(_ reason: String) -> TransportError {
        line.close()
        return .unexpectedAnswer(host: line.host, reason: reason)
    }
}
