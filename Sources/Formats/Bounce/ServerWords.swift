/// What can be told from a server's words alone: the reply code (RFC 5321 §4.2), the status (RFC 3463) and at which command it spoke.
public struct ServerWords: Sendable, Hashable {
    public enum Command: String, Sendable, Hashable, CaseIterable { case connect, hello, mail, rcpt, data }

    /// 200…599.
    public var code: Int?
    /// `5.1.1`
    public var status: String?
    public var command: Command?

    /// Bytes of a text that are looked at.
    static let bytesMax = 16 << 10

    /// - Parameter text: a reply, a Diagnostic-Code, or the lines of a notice around it.
    public init(_ text: String) {
        let tokens = Self.tokens(text)
        // An answer of success counts only where nothing was refused: transcripts are full of `250`.
        let all = Self.replies(tokens)
        let refused = all.filter { $0.kind != 2 }
        let found = refused.isEmpty ? all.filter { $0.status != nil || $0.isFirst } : refused
        // X.4.7 is the queue's own verdict ("too old"); the words of the server behind it say why.
        let chosen =
            found.first { $0.code != nil && $0.status != nil && !Self.isVague($0.status) && !Self.isExpiry($0.status) }
            ?? found.first { $0.status != nil && !Self.isVague($0.status) && !Self.isExpiry($0.status) }
            ?? found.first { $0.status != nil && !Self.isVague($0.status) } ?? found.first { $0.status != nil }
        status = chosen?.status
        code = chosen?.code ?? found.first { $0.code != nil }?.code
        command = Self.command(Phrases.folded(text))
    }

    /// `X.0.0`, which says nothing.
    static func isVague(_ status: String?) -> Bool { status.map { $0.hasSuffix(".0.0") } ?? true }
    static func isExpiry(_ status: String?) -> Bool { status.map { $0.hasSuffix(".4.7") } ?? false }

    private struct Reply {
        var code: Int?
        var status: String?
        /// Stands at the very beginning of the text.
        var isFirst = false

        var kind: Int { code.map { $0 / 100 } ?? Int(status?.prefix(1) ?? "") ?? 0 }
    }

    private struct Token {
        var text: ArraySlice<UInt8>
        /// Stands right behind the token before it but for one blank, hyphen or quote.
        var isNext: Bool
    }

    private static func tokens(_ text: String) -> [Token] {
        let bytes = Array(text.utf8.prefix(bytesMax))
        var tokens: [Token] = []
        var i = 0
        var gap = 0
        while i < bytes.count {
            guard isPart(bytes[i]) else {
                gap += 1
                i += 1
                continue
            }
            let start = i
            while i < bytes.count, isPart(bytes[i]) { i += 1 }
            tokens.append(Token(text: bytes[start..<i], isNext: gap <= 2))
            gap = 0
        }
        return tokens
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || ASCII.isLetter(byte) || byte == 0x2E || byte >= 0x80 || byte == 0x5F || byte == 0x40
    }

    private static func replies(_ tokens: [Token]) -> [Reply] {
        var replies: [Reply] = []
        var index = 0
        while index < tokens.count {
            let token = tokens[index]
            if let code = code(token.text), !isCount(tokens, index) {
                let next = index + 1 < tokens.count ? tokens[index + 1] : nil
                if let next, next.isNext, let status = status(next.text) {
                    // A status of another class than the code was meant for something else.
                    replies.append(Reply(code: code, status: status, isFirst: index == 0))
                    index += 1
                } else {
                    replies.append(Reply(code: code, status: nil, isFirst: index == 0))
                }
            } else if let status = status(token.text) {
                replies.append(Reply(code: nil, status: status))
            }
            index += 1
        }
        // `550 User unknown (#5.1.1)`: a code and a status that stand apart belong together when there is one of each.
        if let first = replies.first(where: { $0.code != nil && $0.status == nil }), let at = replies.firstIndex(where: { $0.code == nil }),
            !replies.contains(where: { $0.code != nil && $0.status != nil }), first.code! / 100 == Int(replies[at].status!.prefix(1))
        {
            replies[at].code = first.code
        }
        return replies
    }

    /// Two digits that a server may use, and a class that is an answer (RFC 5321 §4.2.1: second digit 0 to 5; 7 was never assigned).
    private static func code(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.count == 3, text.allSatisfy(ASCII.isDigit) else { return nil }
        let value = text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard [2, 4, 5].contains(value / 100), value / 10 % 10 <= 5 else { return nil }
        return value
    }

    /// `after 240 minutes`, `500 KB`: a number of something.
    private static func isCount(_ tokens: [Token], _ index: Int) -> Bool {
        let counted: Set<String> = [
            "hours", "hour", "days", "day", "minutes", "minute", "minutes.", "hours.", "days.", "seconds", "second", "times", "attempts",
            "bytes", "kb", "mb", "k", "max", "kilobytes", "megabytes", "messages", "recipients", "lines", "mails",
        ]
        if index + 1 < tokens.count {
            let next = String(decoding: tokens[index + 1].text.map(ASCII.lower), as: UTF8.self)
            if counted.contains(next) { return true }
        }
        guard index > 0 else { return false }
        let before = String(decoding: tokens[index - 1].text.map(ASCII.lower), as: UTF8.self)
        return ["after", "limit", "than", "size", "size.", "line", "id", "port"].contains(before)
    }

    /// Three numbers with two dots: class 2, 4 or 5, then up to three digits each (RFC 3463 §2).
    static func status(_ text: some Collection<UInt8>) -> String? {
        var text = Array(text)
        while text.last == 0x2E { text.removeLast() }
        let parts = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 1, [0x32, 0x34, 0x35].contains(parts[0].first!),
            parts.dropFirst().allSatisfy({ (1...3).contains($0.count) && $0.allSatisfy(ASCII.isDigit) })
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    private static let commands: [(Command, [String])] = [
        (
            .data,
            [
                "in reply to end of data", "in reply to data", "after end of data", "after end of message",
                "failed after i sent the message",
                "failed on data command", "did not like our final data", "did not like our data", "after pipelined end of data",
                "after data", "after pipelined data", "[data]", "smtp command data", "data command", "(state 15)", "(state 16)",
                "(state 17)", "(state 18)", "end of data", "[bodymsg]", "[message data]", "during data", "response to data",
            ]
        ),
        (
            .rcpt,
            [
                "in reply to rcpt", "after rcpt", "after pipelined rcpt", "does not like recipient", "did not like our rcpt",
                "rcpt to response",
                "[rcpt_to]", "[rcpt to]", "rcpt command", "smtp:rcpt", "rcpt to generated following response", "(state 14)",
                "rejected recipient", "sent: rcpt to", "response to rcpt", "error following rcpt", "issued an error. * sent: rcpt",
            ]
        ),
        (
            .mail,
            [
                "in reply to mail from", "after mail from", "after pipelined mail", "but sender was rejected", "did not like our mail from",
                "mail from response", "[mail_from]", "[mail from]", "(state 13)", "after sender", "response to mail",
            ]
        ),
        (.hello, ["in reply to ehlo", "in reply to helo", "after ehlo", "after helo", "[helo]", "[ehlo]", "did not like our ehlo"]),
        (
            .connect,
            [
                "after initial connection", "refused to talk to me", "but greeting failed", "while performing the initial greeting",
                "[connect]",
                "did not like our connect", "connected to * but * greeting",
            ]
        ),
    ]

    /// - Parameter text: folded.
    private static func command(_ text: [UInt8]) -> Command? {
        for (command, phrases) in commands where phrases.contains(where: { Phrase($0).matches(text) }) { return command }
        // A transcript: the last command before the first refusal.
        guard let refusal = Phrases.find("<<< 5", in: text) ?? Phrases.find("<<< 4", in: text) else { return nil }
        var last: (Int, Command)?
        for (mark, command) in [
            (">>> rcpt", Command.rcpt), (">>> data", .data), (">>> mail", .mail), (">>> ehlo", .hello), (">>> helo", .hello),
        ] {
            var from = 0
            while let at = Phrases.find(mark, in: text, from: from), at < refusal {
                if at >= last?.0 ?? 0 { last = (at, command) }
                from = at + 1
            }
        }
        return last?.1
    }
}
