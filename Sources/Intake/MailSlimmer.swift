import Domain
import Formats
import Store

/// Parts that were written to the blob store while a large mail was read, and the marks that stand for them in what is left of it.
struct PartsAside: Sendable {
    fileprivate(set) var blobs: [[UInt8]: StoredBytes] = [:]

    /// - Parameter content: a part's decoded bytes.
    func blob(for content: [UInt8]) -> StoredBytes? {
        if blobs.isEmpty || content.count > 200 { return nil }
        return blobs[content.filter { $0 != 10 && $0 != 13 }]
    }
}

/// Takes the large parts out of a large mail while it is read in pieces (RFC 2046): each is decoded straight into the blob store, and a
/// mark of a few bytes stands in its place. What is left is an ordinary small mail. Memory does not grow with the mail.
struct MailSlimmer {
    static let pieceBytes = 1 << 20
    /// A part larger than this is put aside.
    static let partBytesMax = 256 << 10
    /// Text is for reading; only a very long one is put aside.
    static let textBytesMax = 8 << 20
    /// What is left of a mail; more than that is cut off, and only hostile mails get there.
    static let restBytesMax = 48 << 20
    private static let boundariesMax = 100
    private static let lineBytesMax = 64 << 10
    /// Of a part that is put aside, before they are decoded and written.
    private static let heldBytesMax = 256 << 10

    private enum Place { case header, body }
    private enum Coding { case identity, base64, quotedPrintable }

    private let blobs: BlobStore
    /// Unguessable, so that no mail can hold a mark of its own.
    private let nonce = UInt64.random(in: .min ... .max)
    private var aside = PartsAside()
    private var out: [UInt8] = []
    private var place = Place.header
    /// The header lines of the part being read.
    private var header: [UInt8] = []
    private var body: [UInt8] = []
    private var boundaries: [[UInt8]] = []
    private var coding = Coding.identity
    private var holdMax = textBytesMax
    private var decoder = TransferDecoder()
    private var writer: BlobWriter?
    /// A line whose end has not come yet.
    private var open: [UInt8] = []
    /// Lines of a part that is put aside, not decoded yet. The last one stays: whether its end belongs to it only the next line tells.
    private var held: [UInt8] = []
    private var lastLineStart = 0

    init(blobs: BlobStore) { self.blobs = blobs }

    mutating func feed(_ piece: [UInt8]) async throws {
        var start = 0
        while let end = ByteScan.lineFeed(in: piece, from: start) {
            if open.isEmpty {
                try await line(piece[start...end])
            } else {
                open += piece[start...end]
                try await openLine()
            }
            start = end + 1
        }
        open += piece[start...]
        // A line without an end is content; a header line so long is none.
        if open.count > Self.lineBytesMax { try await openLine() }
    }

    mutating func finish() async throws -> (bytes: [UInt8], aside: PartsAside) {
        if !open.isEmpty { try await openLine() }
        if place == .header { append(header) } else { try await endPart(atBoundary: false) }
        return (out, aside)
    }

    private mutating func openLine() async throws {
        let whole = open
        open = []
        try await line(whole[...])
    }

    private mutating func line(_ line: ArraySlice<UInt8>) async throws {
        if line.starts(with: [0x2D, 0x2D]), !boundaries.isEmpty, isBoundary(line) {
            if place == .header { append(header) } else { try await endPart(atBoundary: true) }
            append(line)
            (place, header) = (.header, [])
            return
        }
        switch place {
        case .header:
            header += line
            if line.elementsEqual([10]) || line.elementsEqual([13, 10]) || header.count > Self.restBytesMax { beginBody() }
        case .body:
            if writer == nil, body.count + line.count <= holdMax {
                body += line
            } else {
                try await putAside(line)
            }
        }
    }

    private func isBoundary(_ line: ArraySlice<UInt8>) -> Bool {
        let text = line.dropFirst(2)
        return boundaries.contains { boundary in
            guard text.starts(with: boundary) else { return false }
            return text.dropFirst(boundary.count).allSatisfy { $0 == 0x2D || $0 == 0x20 || $0 == 9 || $0 == 13 || $0 == 10 }
        }
    }

    private mutating func beginBody() {
        place = .body
        body = []
        let fields = PartHeader(header)
        if let boundary = fields.boundary, boundaries.count < Self.boundariesMax { boundaries.append(boundary) }
        coding = .identity
        if fields.encoding.hasPrefix("base64") { coding = .base64 }
        if fields.encoding.hasPrefix("quoted-printable") { coding = .quotedPrintable }
        // What has to be taken apart later stays; text is for reading.
        let isRead =
            fields.type.isEmpty || ["text/", "multipart/", "message/", "application/ms-tnef"].contains { fields.type.hasPrefix($0) }
        holdMax = isRead && !fields.isAttachment ? Self.textBytesMax : Self.partBytesMax
        if fields.type.hasPrefix("multipart/") || fields.type.hasPrefix("message/") || fields.type.hasPrefix("application/ms-tnef") {
            holdMax = Self.restBytesMax
        }
    }

    /// Decodes and writes many lines at once: each write is a turn on the blob store's queue.
    private mutating func putAside(_ line: ArraySlice<UInt8>) async throws {
        if writer == nil {
            writer = try await blobs.writer()
            decoder = TransferDecoder()
            held = body
            body = []
        }
        if held.count > Self.heldBytesMax {
            let bytes = decode(held[..<lastLineStart], isLast: false)
            held.removeSubrange(..<lastLineStart)
            if !bytes.isEmpty { try await writer?.write(bytes) }
        }
        lastLineStart = held.count
        held += line
    }

    private mutating func decode(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> [UInt8] {
        switch coding {
        case .identity: return Array(bytes)
        case .base64: return decoder.base64(bytes)
        case .quotedPrintable: return decoder.quotedPrintable(bytes, isLast: isLast)
        }
    }

    /// - Parameter atBoundary: the line end before a boundary is the boundary's (RFC 2046 §5.1.1).
    private mutating func endPart(atBoundary: Bool) async throws {
        guard let writer else {
            append(header)
            append(body)
            (header, body) = ([], [])
            return
        }
        self.writer = nil
        if atBoundary, held.last == 10 { held.removeLast(held.dropLast().last == 13 ? 2 : 1) }
        let last = decode(held[...], isLast: true)
        (held, lastLineStart) = ([], 0)
        if !last.isEmpty { try await writer.write(last) }
        let blob = try await writer.finish()
        let mark = Array("hongyan-part-\(String(nonce, radix: 36))-\(aside.blobs.count)".utf8)
        aside.blobs[mark] = StoredBytes(hash: blob.hash, sizeBytes: blob.sizeBytes)
        append(PartHeader.withoutEncoding(header))
        append(mark + [13, 10])
        (header, body) = ([], [])
    }

    private mutating func append(_ bytes: some Collection<UInt8>) { if out.count + bytes.count <= Self.restBytesMax { out += bytes } }
}

/// The few fields of a part's header that say how to read its content.
private struct PartHeader {
    var type = ""
    var encoding = ""
    var isAttachment = false
    var boundary: [UInt8]?

    init(_ header: [UInt8]) {
        for (name, value) in Self.fields(header) {
            switch name {
            case "content-type" where type.isEmpty:
                type = Self.first(value)
                boundary = Self.boundary(value)
            case "content-transfer-encoding" where encoding.isEmpty: encoding = Self.first(value)
            case "content-disposition": isAttachment = Self.first(value).hasPrefix("attachment")
            default: break
            }
        }
    }

    /// Names in lower case, values unfolded.
    private static func fields(_ header: [UInt8]) -> [(String, String)] {
        var fields: [(String, String)] = []
        for line in header.split(separator: 10) {
            let text = String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
            if let start = text.utf8.first, start == 0x20 || start == 9 {
                if !fields.isEmpty { fields[fields.count - 1].1 += text }
            } else if let colon = text.firstIndex(of: ":") {
                fields.append((text[..<colon].lowercased().filter { $0 != " " }, String(text[text.index(after: colon)...])))
            }
        }
        return fields
    }

    private static func first(_ value: String) -> String {
        value.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" && $0 != "\"" }
    }

    private static func boundary(_ value: String) -> [UInt8]? {
        let bytes = Array(value.utf8)
        let name = Array("boundary=".utf8)
        guard bytes.count > name.count else { return nil }
        let at = (0..<bytes.count - name.count).first { start in
            name.indices.allSatisfy { bytes[start + $0] | ($0 < 8 ? 0x20 : 0) == name[$0] }
        }
        guard let at else { return nil }
        let rest = bytes[(at + name.count)...]
        let text = rest.first == 0x22 ? rest.dropFirst().prefix { $0 != 0x22 } : rest.prefix { $0 > 0x20 && $0 != 0x3B }
        return text.isEmpty || text.count > 200 ? nil : Array(text)
    }

    /// The mark that stands for the content is plain text.
    static func withoutEncoding(_ header: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var isSkipped = false
        var start = 0
        while start < header.count {
            let end = header[start...].firstIndex(of: 10) ?? header.count - 1
            let line = header[start...end]
            let isFold = line.first == 0x20 || line.first == 9
            if !isFold { isSkipped = String(decoding: line.prefix(26), as: UTF8.self).lowercased().hasPrefix("content-transfer-encoding:") }
            if !isSkipped { out += line }
            start = end + 1
        }
        return out
    }
}
