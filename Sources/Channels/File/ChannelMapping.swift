import Domain
public import Formats

/// What a record became: the members of an interaction, an order or a customer as one flat JSON object, in the order of the file.
public struct ChannelItem: Sendable, Hashable {
    public var externalID: String
    public var product: ChannelFile.Stream.Product
    /// Changes when the source says the record was changed.
    public var revision: String?
    public var value: JSONValue
    /// When it was read at the source; counts where it does not say when it was changed.
    var asOf: ClosedRange<Timestamp>?

    public subscript(name: String) -> JSONValue? { value[name] }
    var occurredAt: Timestamp? { value["occurred_at"].flatMap { DateText.iso8601($0.plain) } }
    /// Orders are wanted for what happens to them, whenever they were placed.
    var changedAt: Timestamp? { value["updated_at"].flatMap { DateText.iso8601($0.plain) } ?? occurredAt }
}

extension ChannelFile.Mapping {
    static let partsMax = 500
    static let fieldsMax = 1000
    private static let numbers: Set<String> = ["rating", "author.followers"]

    /// - Returns: nil when there is no id.
    func item(_ scope: ChannelScope, _ product: ChannelFile.Stream.Product, revision: ChannelExpression? = nil) -> ChannelItem? {
        var members: [JSONValue.Member] = []
        var html: String?
        var hasText = false
        for (name, expression) in targets {
            guard let value = expression.value(scope) else { continue }
            let text = Text.trim(value.plain)
            guard !text.isEmpty else { continue }
            if name == "html" { html = text }
            if name == "text" { hasText = true }
            if name.hasSuffix("_at") {
                // What is no time is left out of a message; an order without its time is set aside with what stood there.
                guard let time = DateText.iso8601(text) else {
                    if product != .interaction { members.append(.init(name, .string(text))) }
                    continue
                }
                members.append(.init(name, .string(DateFormat.exact(time))))
            } else if let amounts, ChannelAmounts.names.contains(name) {
                members.append(.init(name, .string(amounts.text(text, currency: currency(scope), scope))))
            } else if Self.numbers.contains(name), Double(text) != nil {
                members.append(.init(name, .number(text)))
            } else {
                members.append(.init(name, .string(text)))
            }
        }
        if let html, !hasText { members.append(.init("text", .string(HTMLText.text(html)))) }
        guard let id = members.first(where: { $0.name == "external_id" })?.value.string else { return nil }
        let fields = fields(scope)
        if !fields.isEmpty { members.append(.init("fields", .object(fields))) }
        if let parts { members += list(parts, scope) }
        return ChannelItem(externalID: id, product: product, revision: revision?.text(scope), value: .object(members))
    }

    private func currency(_ scope: ChannelScope) -> String? { targets.first { $0.name == "currency" }?.value.text(scope) }

    private func fields(_ scope: ChannelScope) -> [JSONValue.Member] {
        var found: [JSONValue.Member] = []
        for (name, expression) in fields.prefix(Self.fieldsMax) {
            if let text = expression.text(scope), !Text.trim(text).isEmpty { found.append(.init(name, .string(Text.trim(text)))) }
        }
        guard let pairs, let list = pairs.list.value(scope) else { return found }
        for record in (list.array ?? [list]).prefix(Self.fieldsMax) {
            let inner = scope.with(record: record)
            guard let name = pairs.key.text(inner).map(Text.trim), !name.isEmpty else { continue }
            guard let text = pairs.value.text(inner).map(Text.trim), !text.isEmpty else { continue }
            found.append(.init(name, .string(text)))
        }
        return found
    }

    private func list(_ parts: Parts, _ scope: ChannelScope) -> [JSONValue.Member] {
        guard let list = parts.list.value(scope) else { return [] }
        var found: [JSONValue] = []
        for record in (list.array ?? [list]).prefix(Self.partsMax) {
            let inner = scope.with(record: record)
            let members = parts.members.compactMap { name, expression in
                guard let text = expression.text(inner), !text.isEmpty else { return JSONValue.Member?.none }
                let isAmount = name == "price" && amounts != nil
                return .init(name, .string(isAmount ? amounts?.text(text, currency: currency(scope), inner) ?? text : text))
            }
            if !members.isEmpty { found.append(.object(members)) }
        }
        return found.isEmpty ? [] : [.init(parts.name, .array(found))]
    }
}
