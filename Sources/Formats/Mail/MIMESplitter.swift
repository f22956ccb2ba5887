/// Takes a mail apart into its tree (RFC 2046 §5.1) in one pass over its lines. A boundary of an outer part ends the inner ones
/// (§5.1.2: truncated mails), a missing end is the end of the mail, and a boundary parameter that never occurs is guessed.
struct MIMESplitter {
    static let guessLinesMax = 200
    /// RFC 2046 allows 70; what is longer than any header line is no boundary.
    static let boundaryBytesMax = 64 << 10
    /// Lines that are no field between the fields of an attached message's header.
    static let junkLinesMax = 5
    /// Messages that are encoded as a whole are decoded into memory of their own.
    static let decodedMessagesBytesMax = MailParser.decodedBytesMax

    /// Why the reading of a part stopped.
    private struct Stop {
        /// Index of the boundary in `open`; -1 at the end of the bytes.
        var level: Int
        var isClose: Bool
        /// The boundary's line, with its line end.
        var line: Range<Int>
    }

    private struct Boundary {
        var bytes: [UInt8]
        /// Up to eight first bytes, to rule most lines out without looking further.
        var head: UInt64
        var mask: UInt64

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            (head, mask) = bytes.withUnsafeBufferPointer { Self.head($0, at: 0, count: min(8, bytes.count)) }
        }

        static func head(_ b: UnsafeBufferPointer<UInt8>, at start: Int, count: Int) -> (UInt64, UInt64) {
            var head: UInt64 = 0
            var mask: UInt64 = 0
            for i in 0..<count {
                head |= UInt64(b[start + i]) << UInt64(i * 8)
                mask |= 0xFF << UInt64(i * 8)
            }
            return (head, mask)
        }
    }

    private let source: [UInt8]
    private let hint: String?
    private let end: Int
    private var open: [Boundary] = []
    private var budget: Budget

    /// What all nested readings of one mail share.
    struct Budget {
        var parts = 0
        var decodedBytes = 0
    }

    private init(_ source: [UInt8], hint: String?, budget: Budget) {
        self.source = source
        self.hint = hint
        self.budget = budget
        end = source.count
    }

    /// - Parameters:
    ///   - bodyStart: where the header ends.
    ///   - header: the mail's own fields.
    static func split(_ source: [UInt8], header: PartHeader, bodyStart: Int, hint: String?) throws(MailError) -> MIMEPart {
        var splitter = MIMESplitter(source, hint: hint, budget: Budget())
        var part = splitter.part(header, wholeStart: 0, defaultType: "text/plain")
        _ = try splitter.readBody(&part, from: bodyStart, depth: 0)
        return part
    }

    /// A part with its header, such as the content of a signed envelope.
    static func split(entity bytes: [UInt8], hint: String?) throws(MailError) -> MIMEPart {
        var splitter = MIMESplitter(bytes, hint: hint, budget: Budget())
        return try splitter.entity(from: 0, defaultType: "text/plain", depth: 0).part
    }

    // MARK: parts

    private func part(_ header: PartHeader, wholeStart: Int, defaultType: String) -> MIMEPart {
        var type = header.type.map { MediaType(Array(source[$0]), hint: hint) } ?? MediaType()
        if type.value.isEmpty { type.value = defaultType }
        return MIMEPart(
            source: source, whole: wholeStart..<wholeStart, body: wholeStart..<wholeStart, header: header, contentType: type,
            disposition: header.disposition.map { MediaType(Array(source[$0]), hint: hint) } ?? MediaType(),
            encoding: header.encoding.map { TransferEncoding(source[$0]) } ?? .identity)
    }

    private mutating func entity(
        from start: Int, defaultType: String, isMessage: Bool = false, depth: Int
    ) throws(MailError) -> (part: MIMEPart, stop: Stop) {
        let (header, bodyStart) = readHeader(from: start, junkLines: isMessage ? Self.junkLinesMax : 1)
        var part = part(header, wholeStart: start, defaultType: defaultType)
        let stop = try readBody(&part, from: bodyStart, depth: depth)
        return (part, stop)
    }

    private mutating func readBody(_ part: inout MIMEPart, from start: Int, depth: Int) throws(MailError) -> Stop {
        budget.parts += 1
        if budget.parts > MailParser.partsMax { throw .tooManyParts(max: MailParser.partsMax) }
        if depth > MailParser.depthMax { throw .nestedTooDeep(max: MailParser.depthMax) }
        let stop: Stop
        if part.isMultipart {
            stop = try readMultipart(&part, from: start, depth: depth)
        } else if part.isMessage, part.encoding == .identity {
            let (child, childStop) = try entity(from: start, defaultType: "text/plain", isMessage: true, depth: depth + 1)
            part.children = [child]
            stop = childStop
        } else {
            stop = skip(from: start)
        }
        let bodyEnd = max(start, withoutLineEnd(stop.line.lowerBound, isBoundary: stop.level >= 0))
        part.body = start..<bodyEnd
        part.whole = part.whole.lowerBound..<bodyEnd
        if part.isMessage, part.encoding != .identity { try readEncodedMessage(&part, depth: depth) }
        return stop
    }

    /// A message that is encoded as a whole, which RFC 2046 §5.2.1 forbids and mailers do.
    private mutating func readEncodedMessage(_ part: inout MIMEPart, depth: Int) throws(MailError) {
        let bytes = part.decoded()
        budget.decodedBytes += bytes.count
        if budget.decodedBytes > Self.decodedMessagesBytesMax { throw .decodedTooLarge(max: Self.decodedMessagesBytesMax) }
        var inner = MIMESplitter(bytes, hint: hint, budget: budget)
        part.children = [try inner.entity(from: 0, defaultType: "text/plain", isMessage: true, depth: depth + 1).part]
        budget = inner.budget
    }

    private mutating func readMultipart(_ part: inout MIMEPart, from start: Int, depth: Int) throws(MailError) -> Stop {
        for boundary in Self.boundaries(of: part.contentType) {
            open.append(Boundary(boundary))
            defer { open.removeLast() }
            let first = skip(from: start)
            if first.level == open.count - 1 { return try readChildren(&part, from: start, first: first, depth: depth) }
        }
        let stop = skip(from: start)
        guard let guess = guessedBoundary(from: start, to: stop.line.lowerBound) else { return stop }
        part.isBoundaryGuessed = true
        open.append(Boundary(guess))
        defer { open.removeLast() }
        let first = skip(from: start)
        guard first.level == open.count - 1 else { return stop }
        return try readChildren(&part, from: start, first: first, depth: depth)
    }

    private mutating func readChildren(_ part: inout MIMEPart, from start: Int, first: Stop, depth: Int) throws(MailError) -> Stop {
        let level = open.count - 1
        let childType = part.contentType.value == "multipart/digest" ? "message/rfc822" : "text/plain"
        part.preamble = start..<max(start, withoutLineEnd(first.line.lowerBound, isBoundary: true))
        if let second = part.header.secondType { adoptPreamble(&part, type: second) }
        var stop = first
        while stop.level == level {
            if stop.isClose {
                let from = stop.line.upperBound
                // Writers of broken mails put parts behind the end; a closed boundary that opens again goes on.
                stop = skip(from: from)
                part.epilogue = from..<max(from, withoutLineEnd(stop.line.lowerBound, isBoundary: stop.level >= 0))
                if stop.level == level, stop.isClose { continue }
                if stop.level != level { break }
            }
            if stop.line.upperBound >= end, !part.children.isEmpty { return Stop(level: -1, isClose: false, line: end..<end) }
            let (child, next) = try entity(from: stop.line.upperBound, defaultType: childType, depth: depth + 1)
            part.children.append(child)
            stop = next
        }
        return stop
    }

    /// A header with two types lacks the boundary between them: the words before the first boundary are the first part.
    private func adoptPreamble(_ part: inout MIMEPart, type: Range<Int>) {
        guard !ASCII.trim(source[part.preamble]).isEmpty else { return }
        var header = part.header
        header.type = type
        header.secondType = nil
        header.disposition = nil
        header.id = nil
        var child = self.part(header, wholeStart: part.preamble.lowerBound, defaultType: "text/plain")
        if child.isMultipart || child.isMessage { return }
        child.body = part.preamble
        child.whole = part.preamble
        part.children.append(child)
        part.preamble = part.preamble.lowerBound..<part.preamble.lowerBound
    }

    /// As written, then without blanks at its end: RFC 2046 §5.1.1 forbids them there, some mailers mean them, others lose them.
    private static func boundaries(of type: MediaType) -> [[UInt8]] {
        guard let text = type.parameter("boundary") else { return [] }
        let bytes = Array(text.utf8)
        var trimmed = bytes
        while let last = trimmed.last, ASCII.isSpace(last) { trimmed.removeLast() }
        if trimmed.isEmpty || bytes.count > boundaryBytesMax { return [] }
        return trimmed.count == bytes.count ? [bytes] : [bytes, trimmed]
    }

    /// The first line that looks like a boundary.
    private func guessedBoundary(from start: Int, to end: Int) -> [UInt8]? {
        var i = start
        for _ in 0..<Self.guessLinesMax where i < end {
            let line = self.line(at: i, to: end)
            if line.text.count > 2, line.text.count < 100, source[i] == 0x2D, source[i + 1] == 0x2D {
                let text = ASCII.trim(source[line.text].dropFirst(2))
                let isDashes = text.allSatisfy { $0 == 0x2D }
                if !text.isEmpty, !isDashes, text.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) { return Array(text) }
            }
            i = line.next
        }
        return nil
    }

    // MARK: lines

    private func line(at start: Int, to end: Int) -> (text: Range<Int>, next: Int) {
        guard let lf = ByteScan.lineFeed(in: source, from: start, to: end) else { return (start..<end, end) }
        return (start..<(lf > start && source[lf - 1] == ASCII.cr ? lf - 1 : lf), lf + 1)
    }

    /// The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
    private func withoutLineEnd(_ place: Int, isBoundary: Bool) -> Int {
        guard isBoundary, place > 0, source[place - 1] == ASCII.lf else { return place }
        return place > 1 && source[place - 2] == ASCII.cr ? place - 2 : place - 1
    }

    /// To the next line that is an open boundary.
    private func skip(from start: Int) -> Stop {
        guard !open.isEmpty else { return Stop(level: -1, isClose: false, line: end..<end) }
        return source.withUnsafeBufferPointer { b in
            var i = start
            while i + 2 <= end {
                if b[i] == 0x2D, b[i + 1] == 0x2D, let stop = boundary(b, at: i) { return stop }
                guard let lf = ByteScan.find(ASCII.lf, in: b, from: i, to: end) else { break }
                i = lf + 1
            }
            return Stop(level: -1, isClose: false, line: end..<end)
        }
    }

    /// Which open boundary the line that begins with `--` is. A line that is one exactly goes before one that only begins with it.
    private func boundary(_ b: UnsafeBufferPointer<UInt8>, at start: Int) -> Stop? {
        let from = start + 2
        let available = min(8, end - from)
        let (head, _) = Boundary.head(b, at: from, count: available)
        guard open.contains(where: { ($0.head ^ head) & $0.mask == 0 }) else { return nil }
        let lf = ByteScan.find(ASCII.lf, in: b, from: from, to: end)
        var textEnd = lf ?? end
        while textEnd > from, ASCII.isSpace(b[textEnd - 1]) { textEnd -= 1 }
        let line = start..<(lf.map { $0 + 1 } ?? end)
        var prefix: Stop?
        for level in open.indices.reversed() where (open[level].head ^ head) & open[level].mask == 0 {
            let count = open[level].bytes.count
            guard (lf ?? end) - from >= count, b[from..<(from + count)].elementsEqual(open[level].bytes) else { continue }
            let rest = max(0, textEnd - from - count)
            if rest == 0 { return Stop(level: level, isClose: false, line: line) }
            let isClose = rest >= 2 && b[from + count] == 0x2D && b[from + count + 1] == 0x2D
            if rest == 2, isClose { return Stop(level: level, isClose: true, line: line) }
            if prefix == nil, isClose || ASCII.isSpace(b[from + count]) { prefix = Stop(level: level, isClose: isClose, line: line) }
        }
        return prefix
    }

    // MARK: part headers

    /// Fields up to an empty line, an open boundary, or a line that is none and has none behind it.
    private func readHeader(from start: Int, junkLines: Int) -> (header: PartHeader, bodyStart: Int) {
        source.withUnsafeBufferPointer { b in
            var header = PartHeader()
            var i = start
            var field: (name: Range<Int>, value: Range<Int>)?
            func finished(_ bodyStart: Int) -> (header: PartHeader, bodyStart: Int) {
                if let field { header.note(UnsafeBufferPointer(rebasing: b[field.name]), field.value) }
                return (header, bodyStart)
            }
            while i < end {
                let line = self.line(at: i, to: end)
                if line.text.isEmpty { return finished(line.next) }
                if b[i] == 0x2D, line.text.count > 1, b[i + 1] == 0x2D, boundary(b, at: i) != nil { return finished(i) }
                if ASCII.isSpace(b[i]) {
                    let isBlank = line.text.allSatisfy { ASCII.isSpace(b[$0]) }
                    if isBlank, field == nil || fieldName(b, at: line.next) == nil { return finished(line.next) }
                    if let open = field { field = (open.name, open.value.lowerBound..<line.text.upperBound) }
                } else if let name = fieldName(b, at: i) {
                    _ = finished(i)
                    field = (name.range, name.colon + 1..<max(name.colon + 1, line.text.upperBound))
                } else if let open = field, !open.value.isEmpty, b[open.value.upperBound - 1] == 0x3B {
                    field = (open.name, open.value.lowerBound..<line.text.upperBound)  // a parameter that lost its indent
                } else if !isEnvelope(b, at: i), field == nil || !hasField(b, after: line.next, within: junkLines) {
                    return finished(i)
                }
                i = line.next
            }
            return finished(end)
        }
    }

    /// Whether a field comes within that many lines, and no empty one before it.
    private func hasField(_ b: UnsafeBufferPointer<UInt8>, after start: Int, within lines: Int) -> Bool {
        var i = start
        for _ in 0..<lines where i < end {
            let line = self.line(at: i, to: end)
            if line.text.isEmpty { return false }
            if fieldName(b, at: i) != nil { return true }
            i = line.next
        }
        return false
    }

    private func fieldName(_ b: UnsafeBufferPointer<UInt8>, at start: Int) -> (range: Range<Int>, colon: Int)? {
        var i = start
        while i < end, b[i] > 0x20, b[i] < 0x7F, b[i] != 0x3A { i += 1 }
        let nameEnd = i
        while i < end, b[i] == ASCII.space || b[i] == ASCII.tab { i += 1 }
        return nameEnd > start && i < end && b[i] == 0x3A ? (start..<nameEnd, i) : nil
    }

    /// `From ` and `>From ` lines that mailbox files leave in attached messages.
    private func isEnvelope(_ b: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        let from = b[start] == 0x3E ? start + 1 : start
        return from + 5 <= end && b[from..<(from + 5)].elementsEqual("From ".utf8)
    }
}
