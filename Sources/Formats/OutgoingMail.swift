public import Domain

/// A mail we send: values in, RFC 5322 bytes out. The same values always give the same bytes, so a retry is the same mail.
public struct OutgoingMail: Sendable {
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

    public func bytes() throws(OutgoingMailError) -> [UInt8] { [] }
}

public enum OutgoingMailError: Error, Hashable, CustomStringConvertible {
    case lineBreak(header: String)
    case badName(header: String)
    case duplicate(header: String)
    case badAddress(header: String, address: String)
    case badMessageID(header: String, id: String)
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
        case .noRecipient: "the mail has no recipient; give one address in To"
        }
    }
}
