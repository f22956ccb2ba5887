/// The header of a mail as raw fields. The empty line after it may be missing, and lines of it may be junk.
struct HeaderBlock {
    static let bytesMax = 4 << 20
    static let fieldsMax = 20_000
    /// How far behind a junk line another field is looked for.
    private static let junkLinesMax = 2

    private(set) var fields: [(name: String, value: Range<Int>)] = []
    /// Where the body begins.
    private(set) var end = 0

    init(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { scan($0) }
    }

    private mutating func scan(_ b: UnsafeBufferPointer<UInt8>) {
        var i = Self.skipJunk(b)
        while i < b.count, fields.count < Self.fieldsMax {
            let line = Self.line(b, at: i)
            if line.text.isEmpty {
                end = line.next
                return
            }
            if ASCII.isSpace(b[i]), !fields.isEmpty {
                let isBlank = line.next < b.count && line.text.allSatisfy { ASCII.isSpace(b[$0]) }
                if isBlank, !Self.continues(b, after: line.next) {
                    end = line.next  // blanks only, and no field behind: meant as the empty line
                    return
                }
                let last = fields.count - 1
                fields[last].value = fields[last].value.lowerBound..<line.text.upperBound
            } else if let colon = Self.colon(b, in: line.text) {
                var nameEnd = colon
                while nameEnd > i, ASCII.isSpace(b[nameEnd - 1]) { nameEnd -= 1 }
                let name = String(decoding: UnsafeBufferPointer(rebasing: b[i..<nameEnd]), as: UTF8.self)
                fields.append((name, (colon + 1)..<line.text.upperBound))
            } else if !Self.isEnvelope(b, line.text), !Self.continues(b, after: line.next) {
                end = i
                return
            }
            i = line.next
        }
        end = i
    }

    /// Empty lines before the first field.
    private static func skipJunk(_ b: UnsafeBufferPointer<UInt8>) -> Int {
        var i = 0
        while i < b.count, b[i] == ASCII.cr || b[i] == ASCII.lf { i += 1 }
        return i
    }

    private static func line(_ b: UnsafeBufferPointer<UInt8>, at start: Int) -> (text: Range<Int>, next: Int) {
        var i = start
        while i < b.count, b[i] != ASCII.lf { i += 1 }
        let next = min(i + 1, b.count)
        if i > start, b[i - 1] == ASCII.cr { i -= 1 }
        return (start..<i, next)
    }

    /// Position of the colon behind a field name: printable ASCII without blanks, blanks allowed before the colon only.
    private static func colon(_ b: UnsafeBufferPointer<UInt8>, in line: Range<Int>) -> Int? {
        var i = line.lowerBound
        while i < line.upperBound, b[i] > 0x20, b[i] < 0x7F, b[i] != 0x3A { i += 1 }
        guard i > line.lowerBound else { return nil }
        while i < line.upperBound, ASCII.isSpace(b[i]) { i += 1 }
        return i < line.upperBound && b[i] == 0x3A ? i : nil
    }

    /// `From a@b Sun Nov 22 …` and `>From …` of mailbox files.
    private static func isEnvelope(_ b: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> Bool {
        var text = b[line]
        if text.first == 0x3E { text = text.dropFirst() }
        return text.starts(with: "From ".utf8)
    }

    /// A continuation with an encoded-word, or with `<a@b>`; a line of blanks before it is no end of the header (RFC 5322 §4.2).
    private static func isFold(_ b: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> Bool {
        guard ASCII.isSpace(b[line.lowerBound]) else { return false }
        let text = b[line].drop(while: ASCII.isSpace)
        if text.starts(with: [0x3D, 0x3F]) { return true }
        guard text.first == 0x3C, let end = text.firstIndex(of: 0x3E) else { return false }
        let inside = text[..<end]
        return inside.contains(0x40) && !inside.contains(ASCII.space)
    }

    private static let known: Set<String> = [
        "from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding", "received",
        "reply-to",
        "sender", "return-path", "references", "in-reply-to", "delivered-to", "content-disposition",
    ]

    /// Whether a well-known field comes right behind a line that is none.
    private static func continues(_ b: UnsafeBufferPointer<UInt8>, after start: Int) -> Bool {
        var i = start
        for _ in 0..<junkLinesMax where i < b.count {
            let line = line(b, at: i)
            if line.text.isEmpty { return false }
            if isFold(b, line.text) { return true }
            if let colon = colon(b, in: line.text) {
                let name = String(decoding: b[line.text.lowerBound..<colon].map(ASCII.lower), as: UTF8.self)
                if known.contains(ASCII.trim(name)) || name.hasPrefix("x-") { return true }
            }
            i = line.next
        }
        return false
    }
}
