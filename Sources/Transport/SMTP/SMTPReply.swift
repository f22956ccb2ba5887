/// One reply of an SMTP server (RFC 5321 §4.2).
struct SMTPReply: Equatable, Sendable {
    var code: Int
    var lines: [String]

    var text: String { lines.joined(separator: " ") }
}

/// Cuts what an SMTP server sends into replies. Fed in pieces of any size.
struct SMTPReplyParser {
    /// Eight times what RFC 5321 §4.5.3.1.5 allows.
    static let lineBytesMax = 4096
    static let linesMax = 256

    private var input: [UInt8] = []
    private var code: Int?
    private var lines: [String] = []

    mutating func feed(_ bytes: [UInt8]) { input += bytes }

    /// The next whole reply, or nil when more bytes are needed.
    mutating func next() throws(SMTPSyntaxError) -> SMTPReply? {
        while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
            var line = input[..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            guard line.count <= Self.lineBytesMax else { break }
            let isLast = try take(Array(line))
            input.removeSubrange(...end)
            guard isLast, let code else { continue }
            defer { (self.code, lines) = (nil, []) }
            return SMTPReply(code: code, lines: lines)
        }
        guard input.count <= Self.lineBytesMax else { throw SMTPSyntaxError("a reply line is longer than \(Self.lineBytesMax) bytes") }
        return nil
    }

    /// `250-text` goes on, `250 text` and `250` end the reply.
    private mutating func take(_ line: [UInt8]) throws(SMTPSyntaxError) -> Bool {
        let shown = String(decoding: line.prefix(80), as: UTF8.self)
        let digits = line.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }), line.count == 3 || [0x20, 0x2d].contains(line[3]) else {
            throw SMTPSyntaxError("it said \(shown)")
        }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard code == nil || code == number else { throw SMTPSyntaxError("it said \(shown) within a reply of code \(code ?? 0)") }
        guard lines.count < Self.linesMax else { throw SMTPSyntaxError("a reply has more than \(Self.linesMax) lines") }
        code = number
        lines.append(String(decoding: line.dropFirst(4), as: UTF8.self))
        return line.count == 3 || line[3] == 0x20
    }
}

/// What about a reply is against the grammar, to be completed with the host's name.
struct SMTPSyntaxError: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// What a server can do, from its answer to EHLO (RFC 5321 §4.1.1.1).
public struct SMTPExtensions: Sendable, Equatable {
    /// Upper case: `PIPELINING`, `8BITMIME`, `SMTPUTF8`, `DSN`, `ENHANCEDSTATUSCODES`.
    public var names: Set<String> = []
    /// Of a message; nil when the server names no limit (RFC 1870).
    public var sizeBytesMax: Int?

    public init() {}

    init(_ reply: SMTPReply) {
        for line in reply.lines.dropFirst() {
            let words = line.split(separator: " ")
            guard let name = words.first?.uppercased() else { continue }
            names.insert(name)
            if name == "SIZE", words.count > 1, let size = Int(words[1]), size > 0 { sizeBytesMax = size }
        }
    }

    public func contains(_ name: String) -> Bool { names.contains(name) }
}

/// Turns a message into what follows DATA: every line ends with CRLF, whatever it ended with, and a dot at a line's start is doubled
/// (RFC 5321 §4.5.2). A lone CR counts as a line end too: some servers take it for one, and then a dot after it would end the message.
struct SMTPBodyEncoder {
    private var isAtLineStart = true
    private var sawCR = false

    mutating func encode(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 32 + 16)
        for byte in bytes {
            if byte == 0x0a && sawCR {
                sawCR = false
                continue
            }
            sawCR = byte == 0x0d
            if byte == 0x0d || byte == 0x0a {
                result.append(0x0d)
                result.append(0x0a)
                isAtLineStart = true
            } else {
                if isAtLineStart && byte == UInt8(ascii: ".") { result.append(byte) }
                result.append(byte)
                isAtLineStart = false
            }
        }
        return result
    }

    /// What is missing before the final dot.
    func lineEnd() -> [UInt8] { isAtLineStart ? [] : [0x0d, 0x0a] }

    static let finalDot: [UInt8] = Array(".\r\n".utf8)
}
