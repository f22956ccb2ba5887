import CGMime

/// One node of a mail's structure (RFC 2045, 2046): where it stands, what it says about itself, and what it holds. Content is decoded
/// only when asked for, so that a tree costs next to nothing beside the mail's own bytes.
public struct MIMEPart: Sendable {
    /// The mail the ranges point into; for a message that was encoded as a whole, its decoded bytes.
    let source: [UInt8]
    /// From the first header field to the end of the content.
    var whole: Range<Int>
    /// The content as it was sent, transfer encoding in place.
    var body: Range<Int>
    var header: PartHeader
    var contentType: MediaType
    /// Its value is empty when there is none.
    var disposition: MediaType
    var encoding: TransferEncoding
    /// Parts of a multipart, or the one message of a message/rfc822.
    public internal(set) var children: [MIMEPart] = []
    /// The words before the first boundary of a multipart, and after the last.
    var preamble = 0..<0
    var epilogue = 0..<0
    /// A multipart whose boundary parameter is missing or wrong; what looked like one was taken.
    var isBoundaryGuessed = false

    /// Lower-cased `type/subtype`, repaired: what has no type is text/plain.
    public var type: String { Self.repaired(contentType.value) }
    public var isMultipart: Bool { contentType.value.hasPrefix("multipart/") }
    /// Whether a whole message stands in it, as its only child.
    public var isMessage: Bool { Self.messageTypes.contains(contentType.value) }
    /// As the sender wrote it, decoded; nil when there is none.
    public var name: String? {
        guard let name = disposition.parameter("filename") ?? contentType.parameter("name"), !name.isEmpty else { return nil }
        return name
    }
    /// Lower-cased; empty when there is none.
    public var dispositionValue: String { disposition.value }
    /// Without angle brackets.
    public var contentID: String? { header.id.flatMap { MessageIDs.parse(Array(source[$0])).first } }
    /// RFC 2557: the address that HTML beside it uses for it.
    public var contentLocation: String? {
        header.location.map { ASCII.trim(Charset.string(Array(source[$0]))) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    static let messageTypes: Set<String> = ["message/rfc822", "message/news", "message/global"]

    /// The content without its transfer encoding.
    public func decoded() -> [UInt8] { decoded(isText: type.hasPrefix("text/")) }

    /// - Parameter isText: whether words behind base64 (the footer of a mailing list) are worth keeping.
    func decoded(isText: Bool) -> [UInt8] { encoding.decode(source[body], isText: isText) }

    /// SHA-256 of bytes, in hex.
    public static func sha256(_ bytes: [UInt8]) -> String {
        guard let text = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, gsize(bytes.count)) else { return "" }
        defer { g_free(text) }
        return String(cString: text)
    }

    /// Types without a subtype, as some scripts write them.
    static func repaired(_ value: String) -> String {
        switch value {
        case "", "text", "plain": "text/plain"
        case "html", "text/xhtml", "application/xhtml+xml": "text/html"
        default: value.contains("/") ? value : "application/octet-stream"
        }
    }
}

/// Where the fields of a part's header stand that say what it is; the first of each name.
struct PartHeader: Sendable {
    var type: Range<Int>?
    /// A second Content-Type of the same header, which some mailers write for the part that should have come next.
    var secondType: Range<Int>?
    var encoding: Range<Int>?
    var disposition: Range<Int>?
    var id: Range<Int>?
    var description: Range<Int>?
    var location: Range<Int>?
    /// MIME-Version, or any Content- field: what an old mail without MIME lacks.
    var isMIME = false

    mutating func note(_ name: UnsafeBufferPointer<UInt8>, _ value: Range<Int>) {
        func `is`(_ known: StaticString) -> Bool {
            guard name.count == known.utf8CodeUnitCount else { return false }
            for i in 0..<name.count where ASCII.lower(name[i]) != known.utf8Start[i] { return false }
            return true
        }
        guard let first = name.first.map(ASCII.lower), first == 0x63 || first == 0x6D else { return }
        if type == nil, `is`("content-type") {
            type = value
        } else if secondType == nil, `is`("content-type") {
            secondType = value
        } else if encoding == nil, `is`("content-transfer-encoding") {
            encoding = value
        } else if disposition == nil, `is`("content-disposition") {
            disposition = value
        } else if id == nil, `is`("content-id") {
            id = value
        } else if description == nil, `is`("content-description") {
            description = value
        } else if location == nil, `is`("content-location") {
            location = value
        } else if !`is`("mime-version") {
            return
        }
        isMIME = true
    }
}
