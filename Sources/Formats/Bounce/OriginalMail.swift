// The mail a report is about, from what it quotes of it.
extension MachineReport.Original {
    static let fieldsMax = 100
    static let headerBytesMax = 256 << 10

    /// - Parameter bytes: a header, maybe with a body behind it.
    init?(header bytes: [UInt8]) {
        let bytes = bytes.count > Self.headerBytesMax ? Array(bytes[..<Self.headerBytesMax]) : bytes
        let block = HeaderBlock(bytes)
        var known = 0
        for field in block.fields {
            let raw = Array(bytes[field.value])
            switch ASCII.lowercased(field.name) {
            case "message-id" where messageID == nil: messageID = MessageIDs.parse(raw).first
            case "from" where from == nil: from = MailAddresses.parse(raw).first?.address
            case "to", "cc", "x-original-to", "x-hmxmroriginalrecipient":
                to += MailAddresses.parse(raw).map(\.address).filter { $0.contains("@") && !to.contains($0) }.prefix(Self.fieldsMax)
            case "list-id", "list-post", "list-unsubscribe": isList = true
            case "subject" where subject == nil: subject = HeaderText.decode(raw, hint: nil)
            case "return-path" where from == nil: from = MailAddresses.parse(raw).first?.address
            case let name where name.hasPrefix("x-"):
                if fields.count < Self.fieldsMax { fields.append(Field(name: field.name, value: HeaderText.decode(raw, hint: nil))) }
                continue
            default: continue
            }
            known += 1
        }
        if known == 0 { return nil }
    }

    /// From an attached message or header, else from what the text quotes.
    static func of(_ mail: ParsedMail, _ notice: Notice) -> Self {
        for part in mail.attachments where types.contains(part.type) {
            if let original = Self(header: part.bytes) { return original }
        }
        for part in mail.attachments
        where part.type.hasPrefix("text/") || part.type == "application/octet-stream" || part.type == "message/partial" {
            if let original = Self(header: part.bytes), original.messageID != nil { return original }
        }
        return Self(header: notice.originalBytes) ?? Self()
    }

    static let types: Set<String> = [
        "message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/global", "message/global-headers", "message/news",
        "text/rfc822",
    ]
}
