import Domain
import Store

/// What a customer bought, as far as the pane beside the conversation shows it.
struct Purchases: Sendable {
    static let ordersShown = 5
    static let recordsShown = 3

    /// By currency.
    var value: [CustomerValue]
    /// Newest first.
    var orders: [Order]
    var count: Int64
    /// As shops know them.
    var records: [CustomerRecord]

    static func read(_ transaction: Transaction, _ customer: ID<Customer>) throws -> Purchases? {
        let orders = try transaction.orders.ofCustomer(customer, limit: ordersShown)
        let records = try transaction.profiles.ofCustomer(customer, limit: recordsShown)
        guard !orders.isEmpty || !records.isEmpty else { return nil }
        return Purchases(
            value: try transaction.orders.value(customer), orders: orders, count: try transaction.orders.counts(customer).all,
            records: records)
    }
}

extension Scene {
    /// The customer's worth at a glance, the last orders, and what shops know.
    func purchases(_ purchases: Purchases) -> Model {
        var model: Model = ["worth": purchases.value.map(worth)]
        model["orders"] = purchases.orders.map(order)
        model["hasOrders"] = !purchases.orders.isEmpty
        let more = purchases.count - Int64(purchases.orders.count)
        if more > 0 { model["more"] = words.fill("orders_more", ["n": "\(more)"]) }
        let said = purchases.records.compactMap(known)
        model["known"] = said
        model["hasKnown"] = !said.isEmpty
        return model
    }

    private func written(_ units: Int64, _ currency: Currency) -> String {
        Money(units: units, currency: currency).written(locale: words.tongue.rawValue)
    }

    private func worth(_ value: CustomerValue) -> Model {
        var model: Model = ["net": written(value.net, value.currency)]
        var facts = [words.fill(value.count == 1 ? "orders_one" : "orders_count", ["n": "\(value.count)"])]
        if value.count > 1 { facts.append(words.fill("orders_average", ["amount": written(value.average, value.currency)])) }
        facts.append(words.fill("orders_last", ["when": time.day(value.lastAt)]))
        model["facts"] = facts.joined(separator: " · ")
        if value.refunded > 0 { model["refunded"] = words.fill("orders_refunded", ["amount": written(value.refunded, value.currency)]) }
        return model
    }

    private func order(_ order: Order) -> Model {
        let isPartly = order.refunded > 0 && order.refunded < order.total
        let status = isPartly ? "partly" : order.status.rawValue
        let tone =
            switch order.status {
            case .fulfilled: "good"
            case .paid: "accent"
            case .refunded: "warn"
            case .placed, .cancelled: ""
            }
        var model: Model = [
            "number": order.number, "total": written(order.total, order.currency), "status": words["order_\(status)"],
            "tone": isPartly ? "warn" : tone, "isVoid": order.isCancelled || order.status == .refunded,
        ]
        model["when"] = time.model(order.placedAt)
        if !order.statusText.isEmpty { model["hint"] = words.fill("order_hint", ["word": order.statusText, "account": order.account]) }
        if isPartly { model["refunded"] = words.fill("orders_refunded", ["amount": written(order.refunded, order.currency)]) }
        if let link = order.permalink, link.hasPrefix("https://") || link.hasPrefix("http://") { model["href"] = link }
        if !order.lines.isEmpty {
            let shown = order.lines.prefix(2).map { line in
                let name = line.name.isEmpty ? line.sku : line.name
                return line.quantityMilli == 1000 ? name : "\(line.quantity) × \(name)"
            }
            let rest = order.lines.count - shown.count
            model["lines"] = shown.joined(separator: ", ") + (rest > 0 ? " " + words.fill("orders_lines_more", ["n": "\(rest)"]) : "")
        }
        return model
    }

    /// What a shop says beside the orders: consent and tags.
    private func known(_ record: CustomerRecord) -> Model? {
        var said: [String] = []
        if let consent = record.consent {
            let when = consent.at.map { time.day($0) }
            let key = "letters_\(consent.isGiven ? "yes" : "no")"
            said.append(when.map { words.fill("\(key)_since", ["when": $0]) } ?? words[key])
        }
        if !record.tags.isEmpty { said.append(record.tags.prefix(6).joined(separator: ", ")) }
        return said.isEmpty ? nil : ["account": record.account, "text": said.joined(separator: " · ")]
    }
}
