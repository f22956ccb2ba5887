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

    /// CRLF line ends, no line over 998 bytes, each field once, text/plain before text/html.
    public func bytes() throws(OutgoingMailError) -> [UInt8] {
        if to.isEmpty { throw .noRecipient }
        var header = HeaderWriter()
        try header.addresses("From", [from])
        try header.addresses("To", to)
        if !cc.isEmpty { try header.addresses("Cc", cc) }
        if let replyTo { try header.addresses("Reply-To", [replyTo]) }
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

        let plain = BodyPart(text, type: "text/plain")
        guard let html else { return header.bytes + plain.bytes }
        let rich = BodyPart(html, type: "text/html")
        let boundary = boundary(notIn: [plain, rich])
        try header.text("Content-Type", "multipart/alternative; boundary=\"\(boundary)\"")
        var out = header.bytes
        out += "\r\n".utf8
        for part in [plain, rich] {
            out += "--\(boundary)\r\n".utf8
            out += part.bytes
            out += "\r\n".utf8  // this line end belongs to the boundary, the one before it to the text
        }
        out += "--\(boundary)--\r\n".utf8
        return out
    }

    /// Made from the message id, so that the bytes of a retry are the same; encoded bodies cannot contain `=_`.
    private func boundary(notIn parts: [BodyPart]) -> String {
        var number = 0
        while true {
            let boundary = "=_hy_" + StableHash.hex(number == 0 ? messageID : "\(messageID) \(number)")
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
