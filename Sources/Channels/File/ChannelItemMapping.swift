public import Domain
public import Formats

/// Turns what a channel file made of a record into a message. Pure.
public enum ChannelItemMapping {
    static let fieldsMax = 500

    /// - Parameters:
    ///   - bytes: `ChannelItem.value` as it was spooled.
    ///   - externalID: of the raw item.
    ///   - channel: the file's name; authors' handles are of that network.
    public static func interaction(
        _ bytes: [UInt8], externalID: String, channel: String, account: String, receivedAt: Timestamp
    ) throws(JSONError) -> Interaction {
        let item = try JSONValue.parse(bytes)
        func text(_ name: String) -> String? { item[name].flatMap { $0.plain.isEmpty ? nil : $0.plain } }
        let said = text("occurred_at").flatMap(DateText.iso8601) ?? receivedAt
        let isForm = text("author.handle") == nil && item["fields"] != nil
        var author = Interaction.Author(
            name: text("author.name"), email: text("author.email").flatMap(Text.email), phone: text("author.phone").flatMap(Text.phone))
        if let handle = text("author.handle") ?? text("author.id") {
            author.handle = handle.hasPrefix("@") ? String(handle.dropFirst()) : handle
            author.network = channel
        }
        let body = text("text") ?? text("subject") ?? ""
        var result = Interaction(
            id: ID(0), account: account, externalID: externalID, kind: isForm ? .form : .post, occurredAt: min(said, receivedAt),
            receivedAt: receivedAt, author: author, subject: text("subject") ?? Text.firstLine(body), body: body)
        result.html = text("html")
        result.language = text("language").map { String($0.prefix { $0 != "-" && $0 != "_" }) }
        result.permalink = text("permalink")
        // Ids of a source name each other like Message-IDs do; the network keeps them apart from those of mail.
        func name(_ id: String) -> String { messageID(of: id, channel: channel) }
        result.messageID = text("external_id").map(name)
        let parents = [text("thread_id"), text("parent_id")].compactMap { $0 }.filter { $0 != text("external_id") }
        result.references = parents.map(name)
        if let parent = text("parent_id") { result.inReplyTo = [name(parent)] }
        result.fields = fields(item)
        return result
    }

    static func messageID(of id: String, channel: String) -> String { "\(id)@\(channel).channel" }

    private static func fields(_ item: JSONValue) -> [Interaction.Field] {
        var fields: [Interaction.Field] = []
        if case .object(let members)? = item["fields"] { fields = members.map { .init(name: $0.name, value: $0.value.plain) } }
        if let rating = item["rating"]?.plain { fields.append(.init(name: "rating", value: rating)) }
        if let followers = item["author.followers"]?.plain { fields.append(.init(name: "followers", value: followers)) }
        for file in item["attachments"]?.array ?? [] {
            if let url = file["url"]?.plain ?? file["ref"]?.plain { fields.append(.init(name: "attachment", value: url)) }
        }
        return Array(fields.prefix(fieldsMax))
    }
}
