/// Splits a mailbox file (RFC 4155 and its elder kinds mboxo, mboxrd, mboxcl, mboxcl2) into mails, from a stream.
///
/// A `Content-Length` is believed only when a `From ` line or the end of the file stands where it says; otherwise the next `From ` line
/// ends the mail, and `>From ` at the start of a body line loses one `>`. Holds one mail and one fed piece in memory.
public struct MBoxReader {
    /// Of a longer mail the rest is dropped; what is left is longer than `MailParser` takes, so it is reported there and not lost silently.
    public static let messageBytesMax = MailParser.bytesMax + 1
    /// How far into a mail the end of its header is looked for.
    static let headerBytesMax = HeaderBlock.bytesMax
    static let separatorBytesMax = 1000
    /// Lines behind a `From ` line that must be there to judge it.
    private static let lookaheadBytes = 1000

    /// One mail as it stood in the file, without its `From ` line and the empty line behind it.
    public struct Message: Sendable {
        public var bytes: [UInt8]
        /// Where it begins and ends in the file.
        public var begin: Int
        public var end: Int
    }

    private var buffer: [UInt8] = []
    /// Where the buffer begins in the file.
    private var base = 0
    /// Place in the buffer where the open mail begins; nil between mails.
    private var begin: Int?
    /// How far `From ` lines have been looked for.
    private var scanned = 0
    /// Where the Content-Length says that the open mail ends; nil when it says nothing or is wrong.
    private var stated: Int?
    private var hasReadHeader = false
    /// `scanned` is inside a line too long to be looked at.
    private var isInsideLine = false
    /// Bytes of the open mail that were beyond the limit.
    private var dropped = 0

    public init() {}

    /// - Returns: the mails that the piece completed.
    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] { messages(bytes).map(\.bytes) }

    /// - Returns: the last mail, if any.
    public mutating func finish() -> [[UInt8]] { lastMessages().map(\.bytes) }

    /// As `feed`, with places.
    public mutating func messages(_ bytes: ArraySlice<UInt8>) -> [Message] {
        buffer += bytes
        return split(isEnd: false)
    }

    /// As `finish`, with places.
    public mutating func lastMessages() -> [Message] { split(isEnd: true) }

    // MARK: -

    private mutating func split(isEnd: Bool) -> [Message] {
        var found: [Message] = []
        while step(isEnd: isEnd, into: &found) {}
        let used = begin ?? scanned
        if used > 0, used >= buffer.count / 2 {
            buffer.removeFirst(used)
            base += used
            scanned -= used
            stated = stated.map { $0 - used }
            begin = begin.map { $0 - used }
        }
        return found
    }

    /// One step on: whether there may be another.
    private mutating func step(isEnd: Bool, into found: inout [Message]) -> Bool {
        guard let begin else { return start(isEnd: isEnd) }
        if !hasReadHeader {
            guard readHeader(from: begin, isEnd: isEnd) else { return false }
        }
        if let end = stated {
            guard isEnd || buffer.count >= end + Self.lookaheadBytes else { return false }
            if let next = separatorAfter(end) {
                emit(begin..<end, isUnquoted: false, into: &found)
                scanned = next
                return true
            }
            stated = nil
        }
        while scanned < buffer.count {
            let line = self.line(at: scanned)
            if !line.isWhole, !isEnd {
                if buffer.count - scanned > Self.separatorBytesMax {
                    scanned = buffer.count
                    isInsideLine = true
                }
                break
            }
            if !isInsideLine, Self.isFromLine(buffer, line.text) {
                guard isEnd || buffer.count >= line.next + Self.lookaheadBytes else { return false }
                if isSeparator(line, begin: begin) {
                    emit(begin..<withoutEmptyLine(scanned, begin: begin), isUnquoted: true, into: &found)
                    return true
                }
            }
            scanned = line.next
            isInsideLine = false
        }
        dropSurplus(begin)
        guard isEnd else { return false }
        // `scanned` is the end of the file: the empty line before it belongs to the mailbox file, not to the mail
        emit(begin..<withoutEmptyLine(buffer.count, begin: begin), isUnquoted: true, into: &found)
        scanned = buffer.count
        return false
    }

    /// Between mails: empty lines go, a `From ` line goes, and a mail begins.
    private mutating func start(isEnd: Bool) -> Bool {
        while scanned < buffer.count, buffer[scanned] == ASCII.lf || buffer[scanned] == ASCII.cr { scanned += 1 }
        guard scanned < buffer.count else { return false }
        let line = self.line(at: scanned)
        guard line.isWhole || isEnd || buffer.count - scanned > Self.separatorBytesMax else { return false }
        if Self.isFromLine(buffer, line.text) { scanned = line.next }
        begin = scanned
        hasReadHeader = false
        isInsideLine = false
        stated = nil
        return true
    }

    /// Looks for Content-Length. False when the header is not whole yet.
    private mutating func readHeader(from begin: Int, isEnd: Bool) -> Bool {
        var i = begin
        var length: Int?
        while i < buffer.count, i - begin < Self.headerBytesMax {
            let line = self.line(at: i)
            guard line.isWhole || isEnd else { return false }
            if line.text.isEmpty {
                stated = length.map { line.next + $0 }
                break
            }
            if Self.isFromLine(buffer, line.text) { break }
            if line.text.count < 60, let value = Self.value(of: "content-length:", in: buffer[line.text]) { length = value }
            i = line.next
        }
        if i >= buffer.count, !isEnd, i - begin < Self.headerBytesMax { return false }
        if let stated, stated - begin > Self.messageBytesMax { self.stated = nil }
        hasReadHeader = true
        return true
    }

    private static func value(of name: StaticString, in line: ArraySlice<UInt8>) -> Int? {
        let count = name.utf8CodeUnitCount
        guard line.count > count else { return nil }
        for (index, byte) in line.prefix(count).enumerated() where ASCII.lower(byte) != name.utf8Start[index] { return nil }
        return Int(String(decoding: ASCII.trim(line.dropFirst(count)), as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil }
    }

    /// Where the next `From ` line begins if only line ends part it from `place`, or the end of the file.
    private func separatorAfter(_ place: Int) -> Int? {
        guard place <= buffer.count else { return nil }
        var i = place
        while i < buffer.count, i - place < 4, buffer[i] == ASCII.lf || buffer[i] == ASCII.cr { i += 1 }
        if i >= buffer.count { return i }
        // in the middle of a line only when a line end came just before
        guard i > place || place == 0 || buffer[place - 1] == ASCII.lf || buffer[place - 1] == ASCII.cr else { return nil }
        return Self.isFromLine(buffer, line(at: i).text) ? i : nil
    }

    private mutating func emit(_ range: Range<Int>, isUnquoted: Bool, into found: inout [Message]) {
        begin = nil
        guard !range.isEmpty else { return }
        let slice = buffer[range]
        let bytes = isUnquoted ? Self.unquoted(slice) : Array(slice)
        found.append(Message(bytes: bytes, begin: base + range.lowerBound, end: base + range.upperBound + dropped))
        base += dropped
        dropped = 0
    }

    /// A mail that is longer than any may be is cut, so that the rest of it needs no memory.
    private mutating func dropSurplus(_ begin: Int) {
        let surplus = scanned - begin - Self.messageBytesMax
        guard surplus > 0 else { return }
        buffer.removeSubrange((begin + Self.messageBytesMax)..<scanned)
        dropped += surplus
        scanned -= surplus
    }

    // MARK: lines

    private struct Line {
        var text: Range<Int>
        var next: Int
        var isWhole: Bool
    }

    private func line(at start: Int) -> Line {
        let end = ByteScan.lineFeed(in: buffer, from: start) ?? buffer.count
        let isWhole = end < buffer.count
        let text = end > start && buffer[end - 1] == ASCII.cr ? end - 1 : end
        return Line(text: start..<text, next: isWhole ? end + 1 : end, isWhole: isWhole)
    }

    private func withoutEmptyLine(_ end: Int, begin: Int) -> Int {
        guard end - begin >= 2, buffer[end - 1] == ASCII.lf else { return end }
        if buffer[end - 2] == ASCII.lf { return end - 1 }
        return end - begin >= 3 && buffer[end - 2] == ASCII.cr && buffer[end - 3] == ASCII.lf ? end - 2 : end
    }

    private static func isFromLine(_ bytes: [UInt8], _ line: Range<Int>) -> Bool {
        line.count >= 5 && line.count <= separatorBytesMax && bytes[line].starts(with: "From ".utf8)
    }

    /// Behind an empty line: a date in it or a header field behind it. Behind text (some writers leave the empty line out): both, or
    /// Mozilla's `From - `. So a sentence that begins with "From " stays in its mail.
    private func isSeparator(_ line: Line, begin: Int) -> Bool {
        let start = line.text.lowerBound
        let isAfterEmpty = start == begin || withoutEmptyLine(start, begin: begin) < start
        let hasDate = Self.hasDate(buffer[line.text])
        let isMozilla = buffer[line.text].starts(with: "From - ".utf8) || line.text.count == 6 && buffer[start + 5] == 0x2D
        let hasField = isField(at: line.next)
        if isAfterEmpty { return hasDate || hasField }
        return hasField && (hasDate || isMozilla)
    }

    /// `12:34` and a year, as asctime writes them.
    private static func hasDate(_ line: ArraySlice<UInt8>) -> Bool {
        var hasTime = false
        var hasYear = false
        for word in line.split(separator: ASCII.space).dropFirst(2) {
            if word.count >= 4, word.contains(0x3A), word.allSatisfy({ ASCII.isDigit($0) || $0 == 0x3A }) { hasTime = true }
            if word.count == 4 || word.count == 2, word.allSatisfy(ASCII.isDigit), word.first != 0x30 || word.count == 2 { hasYear = true }
        }
        return hasTime && hasYear
    }

    /// Whether a header field or another mailbox's `>From ` begins there.
    private func isField(at start: Int) -> Bool {
        var i = start
        if start < buffer.count, buffer[start] == 0x3E { return buffer[start...].dropFirst().starts(with: "From ".utf8) }
        while i < buffer.count, i - start < 100, buffer[i] > 0x20, buffer[i] < 0x7F, buffer[i] != 0x3A { i += 1 }
        return i > start && i < buffer.count && buffer[i] == 0x3A
    }

    /// mboxo and mboxrd: lines of `>` and `From ` lose one `>`.
    private static func unquoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard ASCII.find(">From ", in: bytes) != nil else { return Array(bytes) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var isHeader = true  // a `>From ` among header fields is not text
        for line in bytes.split(separator: ASCII.lf, omittingEmptySubsequences: false) {
            if line.isEmpty || line.elementsEqual([ASCII.cr]) { isHeader = false }
            let marks = line.prefix { $0 == 0x3E }.count
            let isQuoted = !isHeader && marks > 0 && line.dropFirst(marks).starts(with: "From ".utf8)
            out += isQuoted ? line.dropFirst() : line
            out.append(ASCII.lf)
        }
        out.removeLast()
        return out
    }
}
