/// The mails of a mailbox file.
public enum MBoxProbe {
    public static func result(_ bytes: [UInt8]) throws -> JSONValue {
        let messages = read(bytes)
        return .object([
            JSONValue.Member("messages_count", .number("\(messages.count)")), JSONValue.Member("messages", .array(messages.map(describe))),
        ])
    }

    public static func page(_ bytes: [UInt8]) throws -> String {
        let messages = read(bytes)
        var lines = ["\(messages.count) mails"]
        for message in messages {
            let mail = try? MailParser.parse(message.bytes)
            let from = mail?.from.first?.address ?? "nobody"
            lines.append("- bytes \(message.begin) to \(message.end), from \(from): \(mail?.subject ?? "no mail")")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func read(_ bytes: [UInt8]) -> [MBoxReader.Message] {
        var reader = MBoxReader()
        return reader.messages(bytes[...]) + reader.lastMessages()
    }

    private static func describe(_ message: MBoxReader.Message) -> JSONValue {
        var members = [JSONValue.Member("begin", .number("\(message.begin)")), JSONValue.Member("end", .number("\(message.end)"))]
        do {
            let mail = try MailParser.parse(message.bytes)
            for (name, field) in [("from_header", "From"), ("to_header", "To"), ("date_header", "Date")] {
                members.append(JSONValue.Member(name, mail.header(field).map { .string($0) } ?? .null))
            }
            members.append(JSONValue.Member("subject", .string(mail.subject)))
            members.append(JSONValue.Member("structure", mail.structure.map(ProbeJSON.part) ?? .null))
        } catch { members.append(JSONValue.Member("error", .string(error.description))) }
        return .object(members)
    }
}
