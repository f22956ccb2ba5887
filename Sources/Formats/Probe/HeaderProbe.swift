import Domain

/// Shows how one header field would be understood. The bytes are a field (`Subject: …`), which is read by its own grammar, or a value
/// alone, which is read by each of them: nothing in a value says which field it was.
public enum HeaderProbe {
    /// - Returns: an object with the members of each grammar: `text`; `addresses` (`name`, `address`) and `valid`, whether it is one
    ///   mailbox as it stands; `type` or `disposition`, and `params`; `date` (null when it is none); `ids`; `items`.
    public static func result(_ bytes: [UInt8]) throws -> JSONValue {
        let field = Field(bytes)
        var members: [JSONValue.Member] = []
        if let name = field.name { members.append(.init("header", .string(name))) }
        for grammar in field.grammars { members += grammar.members(field.value) }
        return .object(members)
    }

    /// A line for each thing that was understood.
    public static func page(_ bytes: [UInt8]) throws -> String {
        guard case .object(let members) = try result(bytes) else { return "" }
        return members.map { member in
            guard case .array(let items) = member.value else { return "\(member.name): \(member.value.plain)" }
            return "\(member.name): \(items.count)" + items.map { "\n  " + line($0) }.joined()
        }.joined(separator: "\n")
    }

    private static func line(_ item: JSONValue) -> String {
        guard let address = item["address"]?.string else { return item.plain }
        let name = item["name"]?.string ?? ""
        return name.isEmpty ? address : "\(name) <\(address)>"
    }

    private struct Field {
        var name: String?
        var value: [UInt8]

        var grammars: [Grammar] { name.map { [Grammar(field: $0)] } ?? Grammar.allCases }

        init(_ bytes: [UInt8]) {
            let whole = HeaderBlock(bytes)
            if let first = whole.fields.first, Grammar.isKnown(first.name), bytes.starts(with: first.name.utf8) {
                name = first.name
                value = Array(bytes[first.value])
            } else {
                let line = Array("X:".utf8) + bytes
                value = HeaderBlock(line).fields.first.map { Array(line[$0.value]) } ?? []
            }
        }
    }

    private enum Grammar: CaseIterable {
        case text, addresses, type, disposition, date, ids, items

        private static let names: [String: Grammar] = [
            "from": .addresses, "sender": .addresses, "reply-to": .addresses, "to": .addresses, "cc": .addresses, "bcc": .addresses,
            "delivered-to": .addresses, "return-path": .addresses, "content-type": .type, "content-disposition": .disposition,
            "date": .date, "received": .date, "resent-date": .date, "message-id": .ids, "in-reply-to": .ids, "references": .ids,
            "content-id": .ids, "keywords": .items, "subject": .text, "comments": .text,
        ]

        static func isKnown(_ name: String) -> Bool { names[ASCII.lowercased(name)] != nil }

        init(field: String) { self = Self.names[ASCII.lowercased(field)] ?? .text }

        func members(_ raw: [UInt8]) -> [JSONValue.Member] {
            switch self {
            case .text: return [.init("text", .string(HeaderText.decode(raw, hint: nil)))]
            case .addresses:
                let people = MailAddresses.parse(raw).map { person in
                    JSONValue.object([
                        .init("name", person.name.isEmpty ? .null : .string(person.name)), .init("address", .string(person.written)),
                    ])
                }
                let isValid = MailboxSyntax.isMailbox(HeaderText.unfolded(raw))
                return [.init("addresses", .array(people)), .init("valid", .bool(isValid))]
            case .type:
                let type = MediaType(raw, hint: nil)
                return [.init("type", type.contentType.map { .string($0) } ?? .null), .init("params", Self.parameters(type))]
            case .disposition:
                let type = MediaType(raw, hint: nil)
                return [.init("disposition", type.disposition.map { .string($0) } ?? .null), .init("params", Self.parameters(type))]
            case .date:
                let time = DateText.mail(HeaderText.decode(raw, hint: nil))
                return [.init("date", time.map { .string("\($0)") } ?? .null)]
            case .ids: return [.init("ids", .array(MessageIDs.parse(raw).map { .string($0) }))]
            case .items: return [.init("items", .array(HeaderText.list(raw, hint: nil).map { .string($0) }))]
            }
        }

        private static func parameters(_ type: MediaType) -> JSONValue {
            .object(type.parameters.map { .init($0.name, .string($0.value)) })
        }
    }
}
