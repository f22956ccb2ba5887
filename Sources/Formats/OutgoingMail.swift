public import Domain

/// A mail we send: values in, RFC 5322 bytes out. The same values always give the same bytes, so a retry is the same mail.
public struct OutgoingMail: Sendable {
    /// Of longer chains the first and the last are written.
    public static let referencesMax = 50

    public var from: MailAddress
    public var to: [MailAddress]
    public var cc: [MailAddress] = []
    public var replyTo: MailAddress?
    public var subject: String
    /// Without angle brackets.
    public var messageID: String
    public var date: Timestamp
    public var inReplyTo: String?
    /// Oldest first, without angle brackets.
    public var references: [String] = []
    /// Further fields, written in this order. ASCII values stay as they are; others become encoded-words.
    public var extra: [(name: String, value: String)] = []
    public var text: String
    public var html: String?
    public var files: [File] = []
    /// Whether a local part may hold other characters than ASCII; the server must then know SMTPUTF8 (RFC 6531).
    public var allowsUTF8Addresses = false

    /// A file that goes with the mail.
    public struct File: Sendable, Hashable {
        public var name: String
        /// Media type; one that cannot stand in a header becomes `application/octet-stream`.
        public var type: String
        public var bytes: [UInt8]
        /// Without angle brackets. A file with one is shown by the HTML as `cid:…` when the HTML names it.
        public var contentID: String?

        public init(name: String, type: String, bytes: [UInt8], contentID: String? = nil) {
            self.name = name
            self.type = type
            self.bytes = bytes
            self.contentID = contentID
        }
    }

    public init(
        from: MailAddress, to: [MailAddress], subject: String, messageID: String, date: Timestamp, text: String, html: String? = nil
    ) {
        self.from = from
        self.to = to
        self.subject = subject
        self.messageID = messageID
        self.date = date
        self.text = text
        self.html = html
    }

    /// CRLF line ends, no line over 998 bytes, each field once, text/plain before text/html. ASCII, unless an address is not.
    public func bytes() throws(OutgoingMailError) -> [UInt8] {
        if to.isEmpty { throw .noRecipient }
        var header = HeaderWriter()
        try header.addresses("From", [from], allowsUTF8: allowsUTF8Addresses)
        try header.addresses("To", to, allowsUTF8: allowsUTF8Addresses)
        if !cc.isEmpty { try header.addresses("Cc", cc, allowsUTF8: allowsUTF8Addresses) }
        if let replyTo { try header.addresses("Reply-To", [replyTo], allowsUTF8: allowsUTF8Addresses) }
        try header.text("Subject", subject)
        try header.text("Date", DateText.formatRFC5322(date))
        try header.messageIDs("Message-ID", [messageID])
        if let inReplyTo { try header.messageIDs("In-Reply-To", [inReplyTo]) }
        if !references.isEmpty {
            let kept = references.count > Self.referencesMax ? [references[0]] + references.suffix(Self.referencesMax - 1) : references
            try header.messageIDs("References", kept)
        }
        for field in extra { try header.extra(field.name, field.value) }
        try header.text("MIME-Version", "1.0")
        return header.bytes + body().bytes
    }

    /// The whole tree, each level only where it is needed:
    /// `mixed [ alternative [ plain, related [ html, images of the html ] ], files ]` (RFC 2046 §5.1, RFC 2387).
    private func body() -> BodyPart {
        let plain = BodyPart(text, type: "text/plain")
        var whole = plain
        var attached = files
        if let html {
            let page = BodyPart(html, type: "text/html")
            var images: [File] = []
            var shown: Set<String> = []
            attached = []
            for file in files {
                // Two files cannot have one id; the second is then a file like others.
                let isShown = file.contentID.map { FilePart.isContentID($0) && html.contains("cid:\($0)") && shown.insert($0).inserted }
                if isShown == true { images.append(file) } else { attached.append(file) }
            }
            var rich = page
            if !images.isEmpty {
                let parts = [page] + images.map { FilePart.part($0, isInline: true) }
                rich = BodyPart(multipart: "related; type=\"text/html\"", parts, boundary: boundary("=_hyr_", notIn: [page]))
            }
            let parts = [plain, rich]
            whole = BodyPart(multipart: "alternative", parts, boundary: boundary("=_hy_", notIn: [plain, page]))
        }
        guard !attached.isEmpty else { return whole }
        let parts = [whole] + attached.map { FilePart.part($0, isInline: false) }
        return BodyPart(multipart: "mixed", parts, boundary: boundary("=_hym_", notIn: [whole]))
    }

    /// Made from the message id, so that the bytes of a retry are the same; base64 and quoted-printable cannot contain `=_`. No one of
    /// the three prefixes begins another, so that no reader takes an outer boundary for an inner one.
    private func boundary(_ prefix: String, notIn parts: [BodyPart]) -> String {
        var number = 0
        while true {
            let boundary = prefix + StableHash.hex(number == 0 ? messageID : "\(messageID) \(number)")
            let line = Array("--\(boundary)".utf8)
            if parts.allSatisfy({ !$0.contains(line) }) { return boundary }
            number += 1
        }
    }
}

public enum OutgoingMailError: Error, Hashable, CustomStringConvertible {
    case lineBreak(header: String)
    case badName(header: String)
    case duplicate(header: String)
    case badAddress(header: String, address: String)
    case badMessageID(header: String, id: String)
    case tooLong(header: String)
    case noRecipient

    public var description: String {
        switch self {
        case .lineBreak(let header): "header \(header) holds a line break or another control character; remove it"
        case .badName(let header): "\(header.debugDescription) is no header name; use letters, digits and hyphens"
        case .duplicate(let header): "header \(header) is written twice; leave it out of the extra headers"
        case .badAddress(let header, let address):
            "header \(header): \(address.debugDescription) is no address; write name@example.com in ASCII"
        case .badMessageID(let header, let id):
            "header \(header): \(id.debugDescription) is no message id; write unique@example.com without <>"
        case .tooLong(let header): "header \(header) has a word of more than 900 bytes, which no line may hold; shorten it"
        case .noRecipient: "the mail has no recipient; give one address in To"
        }
    }
}
