public import Domain

/// A mail as people read it: decoded, and free of MIME. Every string is valid Unicode without U+0000.
public struct ParsedMail: Sendable {
    public var subject = ""
    /// Empty when the mail has no `From` or only an empty group.
    public var from: [MailAddress] = []
    public var sender: [MailAddress] = []
    public var replyTo: [MailAddress] = []
    public var to: [MailAddress] = []
    public var cc: [MailAddress] = []
    public var bcc: [MailAddress] = []
    public var date: Timestamp?
    /// Without angle brackets, as are all message ids here.
    public var messageID: String?
    public var inReplyTo: [String] = []
    /// Oldest first.
    public var references: [String] = []
    /// The text/plain parts in order, or the HTML reduced to text when there are none. Lines end in `\n`.
    public var text = ""
    /// Whether the sender wrote HTML only, so that `text` was made from it.
    public var isTextDerived = false
    /// As the sender wrote it: never show it before `HTMLText.sanitised`.
    public var html: String?
    public var attachments: [ParsedAttachment] = []
    /// All header fields of the mail in order, decoded and unfolded.
    public var headers: [(name: String, value: String)] = []
    /// Lower-cased type of the whole mail: `multipart/alternative`.
    public var contentType = "text/plain"
    /// Set when a machine reports on one of our mails.
    public var report: ReportKind?
    /// How the mail is built; its parts are decoded when asked for.
    public var structure: MIMEPart?
    /// Signatures and encryption that were found; also among `headers` as `MailSeal.field`.
    public var seals: [MailSeal] = []

    public init() {}

    /// The first field of that name, in any case.
    public func header(_ name: String) -> String? { firstIndex(of: name, from: 0).map { headers[$0].value } }

    /// All fields of that name, in order.
    public func headers(_ name: String) -> [String] {
        var values: [String] = []
        var next = 0
        while let index = firstIndex(of: name, from: next) {
            values.append(headers[index].value)
            next = index + 1
        }
        return values
    }

    /// A mail is asked for a hundred names, most of which it does not have: their length tells nearly all apart.
    private func firstIndex(of name: String, from start: Int) -> Int? {
        let count = name.utf8.count
        return headers.withUnsafeBufferPointer { fields in
            (start..<fields.count).first { fields[$0].name.utf8.count == count && ASCII.equalsIgnoringCase(fields[$0].name, name) }
        }
    }

    /// Whether the mail is a machine's report of that kind.
    public func isReport(_ kind: ReportKind) -> Bool { report == kind }
}

/// One person of `From`, `To`, …
public struct MailAddress: Sendable, Hashable, Codable {
    /// Decoded; empty when there is none.
    public var name: String
    /// Lower-cased `local@domain`, by which a person is known.
    public var address: String
    /// As the sender wrote it, without comments, blanks and routes; the case of the local part is the receiver's business (RFC 5321 §2.4).
    public var written: String
    public init(name: String = "", address: String, written: String? = nil) {
        self.name = name
        self.address = address
        self.written = written ?? address
    }

    /// Reads an address list as people write it in configuration: `Care <care@example.com>, boss@example.com`.
    public static func list(_ text: String) -> [MailAddress] { MailAddresses.parse(Array(text.utf8)) }
}

/// Anything in a mail that is not its text.
public struct ParsedAttachment: Sendable, Hashable {
    /// A bare file name without folders; made up from the type when the mail gives none.
    public var name: String
    /// Lower-cased type as the sender declared it: `image/png`.
    public var type: String
    /// Decoded.
    public var bytes: [UInt8]
    /// Without angle brackets; what `cid:` links in the HTML point to.
    public var contentID: String?
    /// Whether the HTML shows it by a `cid:` link.
    public var isInline: Bool
    /// Lower-cased type that the first bytes show; nil when they show nothing certain.
    public var detectedType: String?
    /// What it looks like when that is something else than it claims: a program in any case, else where both are certain.
    public var disguise: String? {
        guard let detectedType, detectedType != type else { return nil }
        if MagicType.programs.contains(detectedType) { return MagicType.programs.contains(type) ? nil : detectedType }
        let family = type.prefix { $0 != "/" }
        let isCertain = ["image", "audio", "video"].contains(family) || type == "application/pdf" || type == "text/plain"
        return isCertain && !detectedType.hasPrefix("\(family)/") ? detectedType : nil
    }
    /// As the sender wrote it, decoded; nil when there is none. Never a path to write to.
    public var sentName: String?
    /// Lower-cased Content-Disposition; empty when there is none.
    public var disposition = ""
    public init(name: String, type: String, bytes: [UInt8], contentID: String? = nil, isInline: Bool = false) {
        self.name = name
        self.type = type
        self.bytes = bytes
        self.contentID = contentID
        self.isInline = isInline
    }
}

extension ParsedAttachment {
    /// What the part says and shows about itself.
    mutating func note(_ part: MIMEPart) {
        sentName = part.name
        disposition = part.dispositionValue
        detectedType = MagicType.detect(bytes)
    }
}

/// RFC 3464, RFC 5965, RFC 8098.
public enum ReportKind: String, Sendable, Hashable, CaseIterable { case deliveryStatus, feedback, dispositionNotification }

/// Why bytes are no mail that can be shown. The raw bytes stay in the spool whatever happens.
public enum MailError: Error, Hashable, CustomStringConvertible {
    case empty
    case tooLarge(bytes: Int, max: Int)
    case headerTooLarge(bytes: Int, max: Int)
    case tooManyParts(max: Int)
    case nestedTooDeep(max: Int)
    case decodedTooLarge(max: Int)

    public var description: String {
        switch self {
        case .empty: "the mail has no bytes; fetch it again from the server"
        case .tooLarge(let bytes, let max): "the mail has \(bytes) bytes, more than the \(max) allowed; read it in the mailbox"
        case .headerTooLarge(let bytes, let max):
            "the mail's header has \(bytes) bytes, more than the \(max) allowed; read it in the mailbox"
        case .tooManyParts(let max): "the mail has more than \(max) parts; read it in the mailbox"
        case .nestedTooDeep(let max): "the mail's parts are nested more than \(max) deep; read it in the mailbox"
        case .decodedTooLarge(let max): "the mail's parts decode to more than \(max) bytes; read it in the mailbox"
        }
    }
}
