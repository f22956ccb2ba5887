import Domain

/// Reads one mail (RFC 5322, MIME) with everything real mail does wrong. Works in memory on the caller's thread.
public enum MailParser {
    public static let bytesMax = 256 << 20
    public static let partsMax = 2000
    public static let depthMax = 100
    public static let decodedBytesMax = 256 << 20
    public static let headerBytesMax = HeaderBlock.bytesMax
    /// Of longer chains the oldest and the newest are kept.
    public static let referencesMax = 1000

    /// - Parameter keys: to verify and decrypt with; blocks while it does.
    /// - Throws: `MailError`. Whatever can be read is read: bytes without any header field are a mail with nothing but text.
    public static func parse(_ bytes: [UInt8], keys: MailKeys? = nil) throws(MailError) -> ParsedMail {
        if bytes.isEmpty { throw .empty }
        if bytes.count > bytesMax { throw .tooLarge(bytes: bytes.count, max: bytesMax) }
        let bytes = withLineFeeds(bytes)
        let block = HeaderBlock(bytes)
        if block.end > headerBytesMax { throw .headerTooLarge(bytes: block.end, max: headerBytesMax) }

        var mail = ParsedMail()
        let type = block.raw("Content-Type", in: bytes).map { MediaType($0, hint: nil) } ?? MediaType()
        let hint = type.parameter("charset")
        readHeader(block, bytes, hint: hint, into: &mail)
        if type.value.contains("/") { mail.contentType = type.value }

        let root = try MIMESplitter.split(bytes, header: PartHeader(block, in: bytes), bodyStart: block.end, hint: hint)
        mail.structure = root
        try readBody(root, hint: hint, keys: keys, into: &mail)
        mail.report = report(type, mail.attachments)
        return mail
    }

    private static func readBody(
        _ root: MIMEPart, hint: String?, keys: MailKeys?, into mail: inout ParsedMail
    ) throws(MailError) {
        var reader = MailBodyReader(hint: hint, keys: keys)
        var segments = try reader.read(root)
        var joined = MailSegment.joined(segments)
        if let outlook = reader.outlook {
            // The text beside a winmail.dat is the same words without their looks.
            let isBlank = ASCII.trim(joined.text).isEmpty && joined.html == nil
            if isBlank {
                segments = [outlook]
            } else if joined.html == nil, let html = MailSegment.joined([outlook]).html {
                segments = [.both(plain: joined.text, html: html)]
            }
            joined = MailSegment.joined(segments)
        }
        if let locked = reader.seals.first(where: { $0.kind == .encrypted }),
            ASCII.trim(joined.text).isEmpty, joined.html == nil
        {
            joined.text = locked.note
        }
        for invitation in reader.invitations {
            joined.text += (joined.text.isEmpty ? "" : joined.text.hasSuffix("\n") ? "\n" : "\n\n") + invitation
            joined.html = joined.html.map { $0 + "\n<div style=\"white-space: pre-wrap\">\(HTMLText.escaped(invitation))</div>" }
        }
        (mail.text, mail.html, mail.isTextDerived) = (joined.text, joined.html, joined.isTextDerived)
        mail.attachments = reader.attachments
        let shown = joined.html.map(InlineImages.referenced) ?? []
        for index in mail.attachments.indices {
            mail.attachments[index].isInline = mail.attachments[index].contentID.map(shown.contains) ?? false
        }
        mail.seals = reader.seals
        for seal in Set(reader.seals.map(\.value)).sorted() { mail.headers.append((MailSeal.field, seal)) }
    }

    /// Old Macs ended lines with CR alone; a byte order mark is no part of a field name.
    private static func withLineFeeds(_ bytes: [UInt8]) -> [UInt8] {
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes[3...]) : bytes
        let start = bytes.prefix(HeaderBlock.bytesMax)
        guard !start.contains(ASCII.lf), start.contains(ASCII.cr) else { return bytes }
        return bytes.map { $0 == ASCII.cr ? ASCII.lf : $0 }
    }

    private static func readHeader(_ block: HeaderBlock, _ bytes: [UInt8], hint: String?, into mail: inout ParsedMail) {
        mail.headers.reserveCapacity(block.fields.count)
        var seen: Set<String> = []
        for field in block.fields {
            let raw = Array(bytes[field.value])
            if ASCII.equalsIgnoringCase(field.name, MailSeal.field) { continue }
            let value = HeaderText.decode(raw, hint: hint)
            mail.headers.append((field.name, value))
            let name = ASCII.lowercased(field.name)
            switch name {
            case "from": mail.from += MailAddresses.parse(raw, hint: hint)
            case "sender": mail.sender += MailAddresses.parse(raw, hint: hint)
            case "reply-to": mail.replyTo += MailAddresses.parse(raw, hint: hint)
            case "to": mail.to += MailAddresses.parse(raw, hint: hint)
            case "bcc": mail.bcc += MailAddresses.parse(raw, hint: hint)
            case "cc": mail.cc += MailAddresses.parse(raw, hint: hint)
            case "subject" where !seen.contains(name): mail.subject = value
            case "date" where mail.date == nil: mail.date = DateText.mail(value)
            case "message-id" where mail.messageID == nil: mail.messageID = MessageIDs.parse(raw).first
            case "in-reply-to": mail.inReplyTo += MessageIDs.parse(raw)
            case "references": mail.references += MessageIDs.parse(raw)
            default: break
            }
            seen.insert(name)
        }
        if mail.references.count > referencesMax {
            mail.references = [mail.references[0]] + mail.references.suffix(referencesMax - 1)
        }
        mail.inReplyTo = Array(mail.inReplyTo.prefix(referencesMax))
    }

    private static func report(_ type: MediaType, _ attachments: [ParsedAttachment]) -> ReportKind? {
        let declared = type.value == "multipart/report" ? type.parameter("report-type").map(ASCII.lowercased) : nil
        let kinds: [(ReportKind, String, String)] = [
            (.deliveryStatus, "delivery-status", "message/delivery-status"), (.feedback, "feedback-report", "message/feedback-report"),
            (.dispositionNotification, "disposition-notification", "message/disposition-notification"),
        ]
        for (kind, reportType, partType) in kinds {
            if declared == reportType || type.value == partType { return kind }
            if type.value == "multipart/report", declared == nil || declared == "", attachments.contains(where: { $0.type == partType }) {
                return kind
            }
        }
        return nil
    }
}

extension HeaderBlock {
    func raw(_ name: String, in bytes: [UInt8]) -> [UInt8]? {
        fields.first { ASCII.equalsIgnoringCase($0.name, name) }.map { Array(bytes[$0.value]) }
    }
}

extension PartHeader {
    init(_ block: HeaderBlock, in bytes: [UInt8]) {
        for field in block.fields {
            var name = field.name
            name.withUTF8 { note($0, field.value) }
        }
    }
}
