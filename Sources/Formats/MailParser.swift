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

    /// - Throws: `MailError`. Whatever can be read is read: bytes without any header field are a mail with nothing but text.
    public static func parse(_ bytes: [UInt8]) throws(MailError) -> ParsedMail {
        if bytes.isEmpty { throw .empty }
        if bytes.count > bytesMax { throw .tooLarge(bytes: bytes.count, max: bytesMax) }
        let bytes = withLineFeeds(bytes)
        let block = HeaderBlock(bytes)
        if block.end > headerBytesMax { throw .headerTooLarge(bytes: block.end, max: headerBytesMax) }
        try refuseBoundaryFlood(bytes)

        var mail = ParsedMail()
        let type = block.raw("Content-Type", in: bytes).map { MediaType($0, hint: nil) } ?? MediaType()
        let hint = type.parameter("charset")
        readHeader(block, bytes, hint: hint, into: &mail)
        if type.value.contains("/") { mail.contentType = type.value }

        var reader = MailBodyReader(hint: hint)
        let segments = try reader.read(header: block.contentLines(in: bytes), body: bytes, from: block.end)
        mail.attachments = reader.attachments
        (mail.text, mail.html) = MailSegment.joined(segments)
        mail.report = report(type, reader.attachments)
        return mail
    }

    /// Nested boundaries cost GMime time on every line, so a flood of them ends before it begins.
    private static func refuseBoundaryFlood(_ bytes: [UInt8]) throws(MailError) {
        guard bytes.count > partsMax * 8 else { return }
        var count = 0
        var from = 0
        while let at = ASCII.find("oundary=", in: bytes, from: from) {
            count += 1
            from = at + 8
            if count > partsMax { throw .tooManyParts(max: partsMax) }
        }
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
            let value = HeaderText.decode(raw, hint: hint)
            mail.headers.append((field.name, value))
            let name = ASCII.lowercased(field.name)
            switch name {
            case "from": mail.from += MailAddresses.parse(raw, hint: hint)
            case "sender": mail.sender += MailAddresses.parse(raw, hint: hint)
            case "reply-to": mail.replyTo += MailAddresses.parse(raw, hint: hint)
            case "to": mail.to += MailAddresses.parse(raw, hint: hint)
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

    /// The first of each `Content-*` field, which is all GMime needs of a header.
    func contentLines(in bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var seen: Set<String> = []
        for field in fields {
            let name = ASCII.lowercased(field.name)
            guard name.hasPrefix("content-"), seen.insert(name).inserted else { continue }
            out += Array(field.name.utf8) + [0x3A]
            out += bytes[field.value]
            out.append(ASCII.lf)
        }
        return out
    }
}
