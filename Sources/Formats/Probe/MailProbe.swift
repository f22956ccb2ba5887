import Domain

/// How a mail is understood, as one JSON object or as a page for people.
public enum MailProbe {
    /// - Throws: `MailError`.
    public static func result(_ bytes: [UInt8], keys: MailKeys? = nil) throws -> JSONValue {
        let mail = try MailParser.parse(bytes, keys: keys)
        var out: [JSONValue.Member] = []
        func add(_ name: String, _ value: JSONValue) { out.append(JSONValue.Member(name, value)) }
        add("from", ProbeJSON.people(mail.from))
        add("sender", ProbeJSON.people(mail.sender))
        add("reply_to", ProbeJSON.people(mail.replyTo))
        add("to", ProbeJSON.people(mail.to))
        add("cc", ProbeJSON.people(mail.cc))
        add("bcc", ProbeJSON.people(mail.bcc))
        add("subject", .string(mail.subject))
        add("date", mail.date.map { .string($0.description) } ?? .null)
        add("message_id", mail.messageID.map { .string($0) } ?? .null)
        add("in_reply_to", .array(mail.inReplyTo.map { .string($0) }))
        add("references", .array(mail.references.map { .string($0) }))
        add("text", mail.isTextDerived ? .null : .string(mail.text))
        add("html", mail.html.map { .string($0) } ?? .null)
        if mail.isTextDerived { add("text_of_html", .string(mail.text)) }
        add("report", mail.report.map { .string($0.rawValue) } ?? .null)
        add("seals", .array(mail.seals.map { .string($0.value) }))
        add("attachments", .array(mail.attachments.map(ProbeJSON.attachment)))
        add("structure", mail.structure.map(ProbeJSON.part) ?? .null)
        return .object(out)
    }

    /// - Throws: `MailError`.
    public static func page(_ bytes: [UInt8], keys: MailKeys? = nil) throws -> String {
        let mail = try MailParser.parse(bytes, keys: keys)
        var lines: [String] = []
        func line(_ label: String, _ value: String) { if !value.isEmpty { lines.append("\(label): \(value)") } }
        func people(_ list: [MailAddress]) -> String {
            list.map { $0.name.isEmpty ? $0.address : "\($0.name) <\($0.address)>" }.joined(separator: ", ")
        }
        line("From", people(mail.from))
        line("Sender", people(mail.sender))
        line("Reply to", people(mail.replyTo))
        line("To", people(mail.to))
        line("Cc", people(mail.cc))
        line("Subject", mail.subject)
        line("Date", mail.date?.description ?? "")
        line("Message id", mail.messageID ?? "")
        line("In reply to", mail.inReplyTo.joined(separator: ", "))
        line("References", mail.references.joined(separator: ", "))
        line("Report", mail.report?.rawValue ?? "")
        for seal in mail.seals { line("Seal", seal.value) }
        lines += ["", mail.isTextDerived ? "Text (made from the HTML):" : "Text:", mail.text]
        if !mail.attachments.isEmpty { lines += ["", "Attachments:"] }
        for file in mail.attachments {
            let detected = file.detectedType.map { $0 == file.type ? "" : ", looks like \($0)" } ?? ""
            lines.append("- \(file.name), \(file.type)\(detected), \(file.bytes.count) bytes\(file.isInline ? ", shown in the text" : "")")
        }
        if let root = mail.structure {
            lines += ["", "Structure:"]
            ProbeJSON.outline(root, indent: "", into: &lines)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Pieces that several probes print.
enum ProbeJSON {
    static let textBytesMax = 1 << 20

    static func people(_ list: [MailAddress]) -> JSONValue {
        .array(
            list.map {
                .object([JSONValue.Member("name", .string($0.name)), JSONValue.Member("address", .string($0.written))])
            })
    }

    static func attachment(_ file: ParsedAttachment) -> JSONValue {
        var members = [
            JSONValue.Member("name", file.sentName.map { .string($0) } ?? .null), JSONValue.Member("stored_name", .string(file.name)),
            JSONValue.Member("type", .string(file.type)), JSONValue.Member("detected_type", file.detectedType.map { .string($0) } ?? .null),
            JSONValue.Member("disposition", file.disposition.isEmpty ? .null : .string(file.disposition)),
            JSONValue.Member("content_id", file.contentID.map { .string($0) } ?? .null), JSONValue.Member("inline", .bool(file.isInline)),
        ]
        members += content(file.bytes, type: file.type, label: nil)
        return .object(members)
    }

    static func part(_ part: MIMEPart) -> JSONValue {
        var members = [
            JSONValue.Member("type", .string(part.type)), JSONValue.Member("name", part.name.map { .string($0) } ?? .null),
            JSONValue.Member("disposition", part.dispositionValue.isEmpty ? .null : .string(part.dispositionValue)),
            JSONValue.Member("content_id", part.contentID.map { .string($0) } ?? .null),
        ]
        if part.isMultipart || part.isMessage { members.append(JSONValue.Member("children", .array(part.children.map(self.part)))) }
        if part.children.isEmpty { members += content(part.decoded(), type: part.type, label: part.contentType.parameter("charset")) }
        return .object(members)
    }

    private static func content(_ bytes: [UInt8], type: String, label: String?) -> [JSONValue.Member] {
        var members = [
            JSONValue.Member("size", .number("\(bytes.count)")), JSONValue.Member("sha256", .string(MIMEPart.sha256(bytes))),
            JSONValue.Member("sha256_lf", .string(MIMEPart.sha256(withLineFeeds(bytes)))),
            JSONValue.Member("head_hex", .string(bytes.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())),
        ]
        let isText = type.hasPrefix("text/") || type.hasPrefix("message/")
        if isText, bytes.count <= textBytesMax {
            let hint = type == "text/html" ? MailBodyReader.metaCharset(bytes) : nil
            members.append(JSONValue.Member("text", .string(Charset.text(bytes, label: label, hint: hint))))
        }
        return members
    }

    /// CRLF and CR as LF, white space at the end cut.
    static func withLineFeeds(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            if byte == ASCII.cr {
                out.append(ASCII.lf)
            } else if byte != ASCII.lf || index == 0 || bytes[index - 1] != ASCII.cr {
                out.append(byte)
            }
        }
        while let last = out.last, ASCII.isSpace(last) { out.removeLast() }
        return out
    }

    static func outline(_ part: MIMEPart, indent: String, into lines: inout [String]) {
        let name = part.name.map { ", \($0)" } ?? ""
        lines.append("\(indent)\(part.type)\(name), \(part.body.count) bytes as sent")
        for child in part.children { outline(child, indent: indent + "  ", into: &lines) }
    }
}
