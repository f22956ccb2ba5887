import Domain
import Store

/// What a shop told, read but not yet stored.
enum ShopRecord: Sendable {
    case order(Order)
    case customer(CustomerRecord)
}

/// Stores what a shop tells, finds whose it is, and writes the events that journeys follow: one transaction, the digest's own.
struct OrderIntake {
    let transaction: Transaction
    /// What happened before this starts nothing: the shop was not connected yet. Nil when everything counts as happening now.
    let connectedAt: Timestamp?
    /// Somebody brought it in as old.
    let isImported: Bool
    /// Shops that know one customer.
    static let profilesMax = 100

    func take(_ record: ShopRecord) throws {
        switch record {
        case .order(let order): try take(order)
        case .customer(let record): try take(record)
        }
    }

    // MARK: Orders

    private func take(_ order: Order) throws {
        switch try transaction.orders.put(order) {
        case .same: break
        case .older(let newer):
            try explain(
                .order, newer.id.rawValue, "order",
                "a state of \(order.revisedAt) came late, after that of \(newer.revisedAt); it was left aside")
        case .new(let order):
            let order = try owned(order)
            try happened(.orderPlaced, order, at: order.placedAt)
            if order.isPaid { try happened(.orderPaid, order, at: order.paidAt ?? order.placedAt) }
            if order.status == .fulfilled { try happened(.orderFulfilled, order, at: order.fulfilledAt ?? order.placedAt) }
            if order.isCancelled { try happened(.orderCancelled, order, at: order.cancelledAt ?? order.placedAt) }
            if order.refunded > 0 {
                try happened(.orderRefunded, order, at: order.refundedAt ?? order.placedAt, ["amount": order.money(order.refunded).decimal])
            }
        case .changed(let before, let after): try changed(before, try owned(after))
        }
    }

    private func changed(_ before: Order, _ order: Order) throws {
        let changes = OrderChanges.words(before, order)
        try happened(.orderChanged, order, at: order.revisedAt, ["changes": changes])
        try explain(.order, order.id.rawValue, "order", "the shop changed it: \(changes)")
        if order.isPaid, !before.isPaid { try happened(.orderPaid, order, at: order.paidAt ?? order.revisedAt) }
        if order.status == .fulfilled, before.status != .fulfilled, before.fulfilledAt == nil {
            try happened(.orderFulfilled, order, at: order.fulfilledAt ?? order.revisedAt)
        }
        if order.isCancelled, !before.isCancelled { try happened(.orderCancelled, order, at: order.cancelledAt ?? order.revisedAt) }
        if order.refunded > before.refunded {
            try happened(
                .orderRefunded, order, at: order.refundedAt.map { max($0, before.revisedAt) } ?? order.revisedAt,
                ["amount": order.money(order.refunded - before.refunded).decimal])
        }
    }

    /// With its customer, if anything tells who it is.
    private func owned(_ order: Order) throws -> Order {
        var order = order
        if let customer = order.customer {
            try transaction.orders.hold(customer)
            return order
        }
        var hints = ShopIdentity.Hints(
            account: order.account, number: order.buyer.externalID, name: order.buyer.name, since: order.placedAt, seenAt: order.placedAt,
            isRecord: false)
        hints.emails = order.buyer.email.map { [$0] } ?? []
        hints.phones = order.buyer.phone.map { [$0] } ?? []
        guard let found = try ShopIdentity(transaction: transaction).find(hints) else {
            try explain(.order, order.id.rawValue, "identity", "nobody's: it says neither number, address nor phone of who bought")
            return order
        }
        order.customer = found.customer
        try transaction.orders.assign(order.id, to: found.customer)
        try transaction.orders.hold(found.customer)
        try explain(.order, order.id.rawValue, "identity", found.reason)
        try told(found, about: "order \(order.number) of \(order.account)", at: order.placedAt)
        return order
    }

    private func happened(_ kind: Event.Kind, _ order: Order, at: Timestamp, _ more: [String: String] = [:]) throws {
        var data = more
        data[Event.order] = "\(order.id)"
        data["account"] = order.account
        data["external_id"] = order.externalID
        data["number"] = order.number
        data["status"] = order.status.rawValue
        data["total"] = order.money(order.total).decimal
        data["currency"] = order.currency.rawValue
        data["at"] = "\(at)"
        if let customer = order.customer {
            let counts = try transaction.orders.counts(customer)
            switch kind {
            case .orderPaid: data[Event.nth] = "\(counts.paid)"
            case .orderCancelled: data[Event.nth] = "\(counts.cancelled)"
            case .orderRefunded: data[Event.nth] = "\(counts.refunded)"
            default: data[Event.nth] = "\(counts.all)"
            }
        }
        data[Event.imported] = old(at)
        try transaction.events.append(Event(at: transaction.now, kind: kind, customer: order.customer, data: data))
    }

    // MARK: Customers

    private func take(_ record: CustomerRecord) throws {
        var kept: CustomerRecord
        var before: CustomerRecord?
        switch try transaction.profiles.put(record) {
        case .same, .older: return
        case .new(let new): kept = new
        case .changed(let old, let new): (kept, before) = (new, old)
        }
        var hints = ShopIdentity.Hints(
            account: record.account, number: record.externalID, emails: record.emails, phones: record.phones, name: record.name,
            language: record.locale.map { String($0.prefix { $0 != "-" && $0 != "_" }).lowercased() },
            since: record.createdAt ?? transaction.now, seenAt: record.createdAt ?? record.revisedAt, isRecord: true)
        if hints.language?.isEmpty == true { hints.language = nil }
        guard let found = try ShopIdentity(transaction: transaction).find(hints) else { return }
        kept.customer = found.customer
        try transaction.profiles.assign(record.account, record.externalID, to: found.customer)
        try explain(
            .customer, found.customer.rawValue, "identity", "customer \(record.externalID) of \(record.account): \(found.reason)")
        var changed = found
        if let before { changed.learnt += OrderChanges.words(before, kept) }
        try told(changed, about: "customer \(record.externalID) of \(record.account)", at: record.createdAt ?? record.revisedAt)
        try consent(kept, before: before, of: found.customer)
    }

    /// A no counts for everything we advertise. A yes takes back only this shop's own no: what a customer told us stands.
    private func consent(_ record: CustomerRecord, before: CustomerRecord?, of customer: ID<Customer>) throws {
        guard let consent = record.consent, consent.isGiven != before?.consent?.isGiven else { return }
        let source = "shop:" + record.account
        let when = consent.at.map { " (\($0))" } ?? ""
        if consent.isGiven {
            guard try transaction.subscriptions.source(customer) == source else { return }
            // Another shop's no was counted with ours; it stands.
            let others = try transaction.profiles.ofCustomer(customer, limit: Self.profilesMax)
            if let other = others.first(where: { $0.account != record.account && $0.consent?.isGiven == false }) {
                try transaction.subscriptions.unsubscribe(customer, topic: nil, source: "shop:" + other.account)
                return try explain(
                    .customer, customer.rawValue, "unsubscribe",
                    "\(record.account) says yes to letters that advertise\(when); \(other.account) was told no, and that stands")
            }
            try transaction.subscriptions.resubscribe(customer, topic: nil, source: source)
            try explain(.customer, customer.rawValue, "subscribe", "\(record.account) says yes to letters that advertise\(when)")
        } else {
            guard try transaction.subscriptions.source(customer) == nil else { return }
            try transaction.subscriptions.unsubscribe(customer, topic: nil, source: source)
            try explain(.customer, customer.rawValue, "unsubscribe", "\(record.account) says no to letters that advertise\(when)")
        }
    }

    // MARK: Both

    private func told(_ found: ShopIdentity.Found, about: String, at: Timestamp) throws {
        guard found.isNew || !found.learnt.isEmpty else { return }
        var data = [Event.by: "shop", "because": about]
        if !found.isNew { data["changes"] = found.learnt.joined(separator: "; ") }
        data[Event.imported] = old(at)
        try transaction.events.append(
            Event(at: transaction.now, kind: found.isNew ? .customerCreated : .customerUpdated, customer: found.customer, data: data))
    }

    /// Why it starts nothing; nil when it counts as of now.
    private func old(_ at: Timestamp) -> String? {
        if isImported { return "brought in" }
        // Shops count in whole seconds, always downwards.
        guard let connectedAt, at + .seconds(1) <= connectedAt else { return nil }
        return "before the shop was connected"
    }

    private func explain(_ about: Reason.About, _ subject: Int64, _ decision: String, _ text: String) throws {
        try transaction.reasons.add(Reason(at: transaction.now, about: about, subject: subject, decision: decision, text: text))
    }
}

/// What is another than before, in words.
enum OrderChanges {
    static func words(_ a: Order, _ b: Order) -> String {
        var words: [String] = []
        func compare(_ name: String, _ before: String?, _ after: String?) {
            if before != after { words.append("\(name) \(before ?? "–") → \(after ?? "–")") }
        }
        compare("number", a.number, b.number)
        compare("status", a.status.rawValue, b.status.rawValue)
        compare("the shop's word", a.statusText, b.statusText)
        compare("total", total(a, a.total), total(b, b.total))
        compare("refunded", total(a, a.refunded), total(b, b.refunded))
        compare("placed", "\(a.placedAt)", "\(b.placedAt)")
        compare("paid", a.paidAt.map { "\($0)" }, b.paidAt.map { "\($0)" })
        compare("fulfilled", a.fulfilledAt.map { "\($0)" }, b.fulfilledAt.map { "\($0)" })
        compare("cancelled", a.cancelledAt.map { "\($0)" }, b.cancelledAt.map { "\($0)" })
        if a.lines != b.lines { words.append("lines \(lines(a)) → \(lines(b))") }
        if a.buyer != b.buyer { words.append("who bought") }
        if a.fields != b.fields { words.append("other members") }
        if a.permalink != b.permalink { words.append("its page") }
        return words.isEmpty ? "a time" : words.joined(separator: "; ")
    }

    static func words(_ a: CustomerRecord, _ b: CustomerRecord) -> [String] {
        var words: [String] = []
        if a.name != b.name { words.append("name \(a.name) → \(b.name)") }
        if a.emails != b.emails { words.append("addresses \(b.emails.joined(separator: ", "))") }
        if a.phones != b.phones { words.append("phones \(b.phones.joined(separator: ", "))") }
        if a.locale != b.locale { words.append("language \(b.locale ?? "–")") }
        if a.tags != b.tags { words.append("tags \(b.tags.joined(separator: ", "))") }
        if a.consent != b.consent { words.append("letters \(b.consent.map { $0.isGiven ? "yes" : "no" } ?? "–")") }
        if a.fields != b.fields { words.append("other members") }
        return words
    }

    private static func total(_ order: Order, _ units: Int64) -> String { "\(order.money(units).decimal) \(order.currency)" }
    private static func lines(_ order: Order) -> String {
        order.lines.isEmpty
            ? "–" : order.lines.prefix(20).map { "\($0.quantity) × \($0.sku.isEmpty ? $0.name : $0.sku)" }.joined(separator: ", ")
    }
}
