/// Cuts what an IMAP server sends into responses (RFC 3501 §2.2, RFC 7888): a response is text and literals in turn, and ends with the
/// line end of its last text. Fed in pieces of any size. Only here is decided where a literal ends, so a mail's text can never pass for an
/// answer.
struct IMAPFramer {
    enum Part: Equatable {
        case text([UInt8])
        case literal([UInt8])
    }

    static let partsMax = 4096
    static let lineBytesMaxDefault = 1 << 20

    /// Text of one response, all its pieces together.
    var lineBytesMax = lineBytesMaxDefault
    /// Of all literals of one response.
    var literalBytesMax = 64 << 20

    private var input: [UInt8] = []
    private var position = 0
    private var parts: [Part] = []
    private var text: [UInt8] = []
    private var textBytes = 0
    private var literal: [UInt8] = []
    private var literalLeft = 0
    private var literalBytes = 0

    /// Whether part of a response is still to come.
    var isInside: Bool { position < input.count || !parts.isEmpty || !text.isEmpty || literalLeft > 0 }

    /// Call `next` until it returns nil before feeding more.
    mutating func feed(_ bytes: [UInt8]) {
        if position == input.count {
            input = bytes
        } else {
            input.removeFirst(position)
            input += bytes
        }
        position = 0
    }

    /// The next whole response, or nil when more bytes are needed.
    mutating func next() throws(IMAPSyntaxError) -> [Part]? {
        while true {
            if literalLeft > 0 {
                let count = min(literalLeft, input.count - position)
                literal.append(contentsOf: input[position..<position + count])
                position += count
                literalLeft -= count
                if literalLeft > 0 { return nil }
                endLiteral()
            }
            let end = lineEnd()
            let piece = input[position..<(end ?? input.count)]
            textBytes += piece.count
            guard textBytes <= lineBytesMax else { throw IMAPSyntaxError("a line is longer than \(lineBytesMax) bytes") }
            text.append(contentsOf: piece)
            guard let end else {
                position = input.count
                return nil
            }
            position = end + 1
            if text.last == UInt8(ascii: "\r") { text.removeLast() }
            if let size = announcedLiteral() {
                try startLiteral(size)
            } else {
                return endResponse()
            }
        }
    }

    private func lineEnd() -> Int? {
        guard position < input.count else { return nil }
        return input[position...].firstIndex(of: UInt8(ascii: "\n"))
    }

    /// `… {12}`, `… {12+}` or `… ~{12}` at the end; removes it from the text.
    private mutating func announcedLiteral() -> Int? {
        guard text.last == UInt8(ascii: "}"), parts.isEmpty ? !Self.isForHumans(text) : true else { return nil }
        guard let open = text.lastIndex(of: UInt8(ascii: "{")) else { return nil }
        var digits = text[(open + 1)...].dropLast()
        if digits.last == UInt8(ascii: "+") { digits.removeLast() }
        guard !digits.isEmpty, digits.count <= 12, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let size = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        let isBinary = open > 0 && text[open - 1] == UInt8(ascii: "~")
        text.removeSubrange((isBinary ? open - 1 : open)...)
        return size
    }

    /// Status responses and continuations end in free text, in which braces mean nothing.
    private static func isForHumans(_ text: [UInt8]) -> Bool {
        if text.first == UInt8(ascii: "+") { return true }
        guard let space = text.firstIndex(of: UInt8(ascii: " ")) else { return false }
        let word = text[(space + 1)...].prefix { $0 != UInt8(ascii: " ") }
        return IMAPResponse.statusWords.contains(String(decoding: word, as: UTF8.self).uppercased())
    }

    private mutating func startLiteral(_ size: Int) throws(IMAPSyntaxError) {
        literalBytes += size
        guard literalBytes <= literalBytesMax else {
            throw IMAPSyntaxError("it sends \(size) bytes where at most \(literalBytesMax) are taken")
        }
        guard parts.count < Self.partsMax else { throw IMAPSyntaxError("one response holds more than \(Self.partsMax / 2) literals") }
        parts.append(.text(text))
        text = []
        literal = []
        literal.reserveCapacity(size)
        literalLeft = size
        if size == 0 { endLiteral() }
    }

    private mutating func endLiteral() {
        parts.append(.literal(literal))
        literal = []
    }

    private mutating func endResponse() -> [Part] {
        parts.append(.text(text))
        defer { (parts, text, textBytes, literalBytes) = ([], [], 0, 0) }
        return parts
    }
}

/// What about an answer is against the grammar, to be completed with the host's name.
struct IMAPSyntaxError: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
