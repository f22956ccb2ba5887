public import Domain
import Formats

/// Turns what a channel file, or a table that was brought in, made of a record into an order or a customer's record. Pure.
public enum ChannelOrderMapping {
    static let linesMax = 2000
    static let fieldsMax = 200

    /// - Parameters:
    ///   - bytes: `ChannelItem.value` as it was spooled.
    ///   - receivedAt: when it came; stands for what the source does not tell.
    ///   - asOf: when it was read at the source, for an order that does not say when it was changed.
    ///   - revision: grows with the time of arrival.
    /// - Throws: `RecordError` that names the member and what is wrong with it.
    public static func order(
        _ bytes: [UInt8], account: String, receivedAt: Timestamp, asOf: ClosedRange<Timestamp>? = nil, revision: Int64
    ) throws(RecordError) -> Order {
        let reader = try Reader(bytes)
        let externalID = try reader.required("external_id")
        guard let code = reader.text("currency") else { throw RecordError(member: "currency", problem: "is missing") }
        guard let currency = Currency(written: code) else {
            throw RecordError(member: "currency", problem: "“\(code.prefix(40))” is no currency of ISO 4217")
        }
        guard let total = try reader.amount("total", currency) else { throw RecordError(member: "total", problem: "is missing") }
        guard let placed = try reader.time("occurred_at") else { throw RecordError(member: "occurred_at", problem: "is missing") }
        let word = reader.text("status") ?? ""
        let state = reader.text("state") ?? word
        var order = Order(
            account: account, externalID: externalID, number: reader.text("number") ?? externalID,
            status: Order.Status(word: state) ?? .placed, statusText: word, currency: currency, total: total,
            placedAt: min(placed, receivedAt), revisedAt: receivedAt, revision: revision)
        if let changed = try reader.time("updated_at") {
            order.revisedAt = min(changed, receivedAt)
        } else if let asOf {
            (order.revisedAt, order.revisedUntil) = (min(asOf.lowerBound, receivedAt), asOf.upperBound)
        }
        order.paidAt = try reader.time("paid_at")
        order.fulfilledAt = try reader.time("fulfilled_at")
        order.cancelledAt = try reader.time("cancelled_at")
        order.refundedAt = try reader.time("refunded_at")
        if order.status == .placed, order.paidAt != nil { order.status = .paid }
        if order.cancelledAt != nil, order.status != .refunded { order.status = .cancelled }
        // Sources write what was given back with a minus, or without; a refund without an amount is all of it.
        order.refunded = Int64(try reader.amount("refunded", currency)?.magnitude ?? (order.status == .refunded ? total.magnitude : 0))
        if order.refunded > 0, order.refunded >= total, order.status != .cancelled { order.status = .refunded }
        order.lines = try lines(reader, currency)
        order.buyer = Order.Buyer(
            externalID: reader.text("customer.id"), email: reader.text("customer.email").flatMap(Person.email),
            phone: reader.text("customer.phone").flatMap(Person.phone), name: reader.text("customer.name").map(Person.name))
        order.permalink = reader.text("permalink")
        order.fields = reader.fields
        return order
    }

    public static func customer(
        _ bytes: [UInt8], account: String, receivedAt: Timestamp, revision: Int64
    ) throws(RecordError) -> CustomerRecord {
        let reader = try Reader(bytes)
        var record = CustomerRecord(
            account: account, externalID: try reader.required("external_id"), name: reader.text("name").map(Person.name) ?? "",
            emails: reader.list("email", Person.email), phones: reader.list("phone", Person.phone), locale: reader.text("locale"),
            tags: reader.list("tags") { Text.trim($0) }, createdAt: try reader.time("occurred_at"),
            revisedAt: min(try reader.time("updated_at") ?? receivedAt, receivedAt), revision: revision)
        if let said = reader.text("accepts_marketing")?.lowercased() {
            guard let isGiven = Person.answer(said) else {
                throw RecordError(member: "accepts_marketing", problem: "“\(said.prefix(40))” is neither yes nor no")
            }
            record.consent = CustomerRecord.Consent(isGiven: isGiven, at: try reader.time("consent_at"))
        }
        record.fields = reader.fields
        for name in ["spent", "orders"] { if let text = reader.text(name) { record.fields.append(.init(name: name, value: text)) } }
        return record
    }

    private static func lines(_ reader: Reader, _ currency: Currency) throws(RecordError) -> [Order.Line] {
        var lines: [Order.Line] = []
        for (index, line) in (reader.value["items"]?.array ?? []).prefix(linesMax).enumerated() {
            let inner = Reader(line, prefix: "items[\(index)].")
            var found = Order.Line(sku: inner.text("sku") ?? "", name: inner.text("name") ?? "")
            if let quantity = inner.text("quantity") {
                guard let number = ExactNumber(quantity), let milli = number.units(digits: 3) else {
                    throw RecordError(
                        member: "items[\(index)].quantity", problem: "“\(quantity.prefix(40))” is no number with three decimals at most")
                }
                found.quantityMilli = milli
            }
            // The price of one piece may be a fraction of the smallest unit (3 for 10.00): then the shop's sums say more than it would.
            if let price = inner.text("price") {
                guard let number = ExactNumber(price) else {
                    throw RecordError(member: "items[\(index)].price", problem: "“\(price.prefix(40))” is not an amount; write 1299.50")
                }
                found.price = number.units(digits: currency.digits)
            }
            lines.append(found)
        }
        return lines
    }

    /// Takes members of one flat record.
    private struct Reader {
        let value: JSONValue
        let prefix: String

        init(_ bytes: [UInt8]) throws(RecordError) {
            do { value = try JSONValue.parse(bytes) } catch { throw RecordError(member: "the record", problem: "is no JSON: \(error)") }
            prefix = ""
        }

        init(_ value: JSONValue, prefix: String) {
            self.value = value
            self.prefix = prefix
        }

        func text(_ name: String) -> String? {
            guard let text = value[name].map({ Text.trim($0.plain) }), !text.isEmpty else { return nil }
            return text
        }

        func required(_ name: String) throws(RecordError) -> String {
            guard let text = text(name) else { throw RecordError(member: prefix + name, problem: "is missing") }
            return text
        }

        func time(_ name: String) throws(RecordError) -> Timestamp? {
            guard let text = text(name) else { return nil }
            guard let time = DateText.iso8601(text) else {
                throw RecordError(member: prefix + name, problem: "“\(text.prefix(60))” is no time; write 2026-11-22T09:30:00Z")
            }
            return time
        }

        func amount(_ name: String, _ currency: Currency) throws(RecordError) -> Int64? {
            guard let text = text(name) else { return nil }
            do { return try Money(decimal: text, currency: currency).units } catch {
                throw RecordError(member: prefix + name, problem: "\(error)")
            }
        }

        func list(_ name: String, _ read: (String) -> String?) -> [String] {
            var found: [String] = []
            for part in (text(name) ?? "").split(whereSeparator: { $0 == "," || $0 == ";" || $0 == "，" }) {
                if let value = read(String(part)), !value.isEmpty, !found.contains(value) { found.append(value) }
            }
            return found
        }

        var fields: [Interaction.Field] {
            guard case .object(let members)? = value["fields"] else { return [] }
            return members.prefix(fieldsMax).map { .init(name: $0.name, value: $0.value.plain) }
        }
    }
}

/// Why a record is no order or customer.
public struct RecordError: Error, Hashable, CustomStringConvertible {
    public var member: String
    public var problem: String
    public init(member: String, problem: String) {
        self.member = member
        self.problem = problem
    }
    public var description: String { "`\(member)` \(problem)" }
}

/// What shops say about people, as far as it may tell one from another.
enum Person {
    static let nameScalarsMax = 120

    /// Nil for what cannot be an address, and for one with asterisks in it: it is hidden, and many hide behind the same.
    static func email(_ text: String) -> String? { text.contains("*") ? nil : Text.email(text) }
    static func phone(_ text: String) -> String? {
        // A spreadsheet's idea of a long number, 1.39E+10, is none.
        text.contains("*") || text.contains("E+") ? nil : Text.phone(text)
    }

    static func name(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return String(String.UnicodeScalarView(line.unicodeScalars.prefix(nameScalarsMax)))
    }

    static func answer(_ word: String) -> Bool? {
        switch word {
        case "yes", "y", "true", "1", "subscribed", "是", "同意", "已订阅": true
        case "no", "n", "false", "0", "unsubscribed", "not_subscribed", "否", "不同意", "未订阅", "已退订": false
        default: nil
        }
    }
}

extension ChannelItem {
    static func written(_ times: ClosedRange<Timestamp>) -> String { "\(times.lowerBound.microseconds) \(times.upperBound.microseconds)" }

    /// What stands under `MetaKey.asOf`.
    public static func asOf(_ text: String?) -> ClosedRange<Timestamp>? {
        let times = text?.split(separator: " ").compactMap { Int64($0) } ?? []
        guard times.count == 2, times[0] <= times[1] else { return nil }
        return Timestamp(microseconds: times[0])...Timestamp(microseconds: times[1])
    }

    /// What is spooled. A message is known by its id; of an order or a customer every state is wanted, so what they say is part of the
    /// name they are known by.
    func raw(stream: String, channel: String, connectedAt: Timestamp? = nil) -> RawItem {
        let bytes = Array(value.json.utf8)
        var mark = revision ?? ""
        var meta = [MetaKey.format: ChannelItem.format, MetaKey.channel: channel]
        if product != .interaction {
            mark += "#" + String(sha256(bytes).prefix(ChannelFilter.hashDigits))
            meta[MetaKey.product] = product.rawValue
            if product == .order { meta[MetaKey.asOf] = asOf.map(Self.written) }
            meta[MetaKey.connectedAt] = connectedAt.map { "\($0.microseconds)" }
        }
        return RawItem(externalID: "\(stream)/\(externalID)" + (mark.isEmpty ? "" : "@\(mark)"), kind: .post, bytes: bytes, meta: meta)
    }
}
