/// A purchase, as a shop tells it. Unique by (account, external id); each state the shop tells replaces the one before.
public struct Order: Sendable, Hashable {
    public var id: ID<Order>
    /// The account it came through, as named in the configuration.
    public var account: String
    /// The shop's own identifier.
    public var externalID: String
    /// What people call it: `#1042`.
    public var number: String
    public var status: Status
    /// The shop's word for its state.
    public var statusText: String
    public var currency: Currency
    /// In the currency's smallest unit, as are all amounts here; what the buyer pays, taxes and delivery included, before refunds.
    public var total: Int64
    /// Given back so far; never negative.
    public var refunded: Int64
    public var lines: [Line]
    public var placedAt: Timestamp
    public var paidAt: Timestamp?
    public var fulfilledAt: Timestamp?
    public var cancelledAt: Timestamp?
    public var refundedAt: Timestamp?
    /// When the shop last changed it; where the shop does not say, when we began to read it there.
    public var revisedAt: Timestamp
    /// When we had read it, where the shop does not say when it last changed it; else nil.
    public var revisedUntil: Timestamp?
    /// Of two states of the same time the one with the larger number came later.
    public var revision: Int64
    /// Who bought, as the order says it.
    public var buyer: Buyer
    /// Nil while nothing says who it was.
    public var customer: ID<Customer>?
    public var permalink: String?
    public var fields: [Interaction.Field]

    /// How far it got. A word that a shop uses and nobody knows counts as `placed`.
    public enum Status: String, Sendable, Codable, CaseIterable { case placed, paid, fulfilled, cancelled, refunded }

    public struct Line: Sendable, Hashable {
        public var sku: String
        public var name: String
        /// In thousandths, for half a kilogram.
        public var quantityMilli: Int64
        /// Of one piece; nil when the shop does not say.
        public var price: Int64?

        public init(sku: String = "", name: String = "", quantityMilli: Int64 = 1000, price: Int64? = nil) {
            self.sku = sku
            self.name = name
            self.quantityMilli = quantityMilli
            self.price = price
        }

        /// `2`, `0.5`
        public var quantity: String {
            let text = ExactNumber.text(quantityMilli, digits: 3)
            return ExactNumber(text)?.decimal ?? text
        }
    }

    /// What tells who bought; each may be missing.
    public struct Buyer: Sendable, Hashable {
        /// The customer's number in the shop.
        public var externalID: String?
        /// Lower-cased.
        public var email: String?
        public var phone: String?
        public var name: String?

        public init(externalID: String? = nil, email: String? = nil, phone: String? = nil, name: String? = nil) {
            self.externalID = externalID
            self.email = email
            self.phone = phone
            self.name = name
        }
    }

    public init(
        id: ID<Order> = ID(0), account: String, externalID: String, number: String, status: Status = .placed, statusText: String = "",
        currency: Currency, total: Int64, refunded: Int64 = 0, lines: [Line] = [], placedAt: Timestamp, revisedAt: Timestamp,
        revision: Int64 = 0, buyer: Buyer = Buyer()
    ) {
        self.id = id
        self.account = account
        self.externalID = externalID
        self.number = number
        self.status = status
        self.statusText = statusText
        self.currency = currency
        self.total = total
        self.refunded = refunded
        self.lines = lines
        self.placedAt = placedAt
        self.revisedAt = revisedAt
        self.revision = revision
        self.buyer = buyer
        fields = []
    }

    /// Money was taken for it once, be it given back since.
    public var isPaid: Bool { paidAt != nil || status == .paid || status == .fulfilled || status == .refunded || refunded > 0 }
    public var isCancelled: Bool { status == .cancelled || cancelledAt != nil }

    /// Whether this state may take the other's place: it is of a later time. Where it cannot be told which of them is, the one that got
    /// further: sources count in seconds and tell of one second in any order, and what was read without a time may be from before a change
    /// of that moment or from after it.
    public func succeeds(_ other: Order) -> Bool {
        switch (revisedUntil, other.revisedUntil) {
        case (nil, nil), (_?, _?): if revisedAt != other.revisedAt { return revisedAt > other.revisedAt }
        case (nil, let theirs?):
            if revisedAt >= theirs { return true }
            if revisedAt + .seconds(1) <= other.revisedAt { return false }
        case (let mine?, nil):
            if other.revisedAt >= mine { return false }
            if other.revisedAt + .seconds(1) <= revisedAt { return true }
        }
        if refunded != other.refunded { return refunded > other.refunded }
        let ranks = Status.allCases
        let (mine, theirs) = (ranks.firstIndex(of: status) ?? 0, ranks.firstIndex(of: other.status) ?? 0)
        return mine == theirs ? revision >= other.revision : mine > theirs
    }

    public func money(_ units: Int64) -> Money { Money(units: units, currency: currency) }
}

extension Order.Status {
    /// What shops and tables call it, in English and Chinese; nil for a word nobody knows.
    public init?(word: String) {
        let plain = word.lowercased().filter { !$0.isWhitespace && $0 != "_" && $0 != "-" }
        guard let found = Self.words.first(where: { $0.words.contains(plain) }) else { return nil }
        self = found.status
    }

    private static let words: [(status: Self, words: Set<String>)] = [
        (
            .placed,
            [
                "placed", "open", "new", "pending", "pendingpayment", "unpaid", "authorized", "partiallypaid", "onhold", "created", "draft",
                "待付款",
                "未付款", "待支付", "未支付", "已下单", "新订单",
            ]
        ),
        (
            .paid,
            [
                "paid", "processing", "succeeded", "captured", "partiallyrefunded", "confirmed", "已付款", "已支付", "待发货", "支付成功", "付款成功",
                "部分退款",
            ]
        ),
        (
            .fulfilled,
            [
                "fulfilled", "complete", "completed", "shipped", "delivered", "done", "closed", "已发货", "已完成", "交易成功", "交易完成", "已签收",
                "待收货", "已收货", "完成",
            ]
        ),
        (
            .cancelled,
            ["cancelled", "canceled", "voided", "void", "failed", "expired", "rejected", "已取消", "已关闭", "交易关闭", "取消"]
        ),
        (.refunded, ["refunded", "returned", "已退款", "全额退款", "退款成功"]),
    ]
}

/// A person as a shop knows them.
public struct CustomerRecord: Sendable, Hashable {
    public var account: String
    public var externalID: String
    /// In full, as the shop writes it.
    public var name: String
    /// Lower-cased, the main one first.
    public var emails: [String]
    public var phones: [String]
    /// BCP 47 as the shop gives it.
    public var locale: String?
    public var consent: Consent?
    public var tags: [String]
    /// Since when the shop knows them.
    public var createdAt: Timestamp?
    public var revisedAt: Timestamp
    public var revision: Int64
    public var customer: ID<Customer>?
    /// What else the shop says: its own counts and sums among it.
    public var fields: [Interaction.Field]

    /// What they said to the shop about letters that advertise.
    public struct Consent: Sendable, Hashable {
        public var isGiven: Bool
        /// Nil when the shop does not say when.
        public var at: Timestamp?
        public init(isGiven: Bool, at: Timestamp? = nil) {
            self.isGiven = isGiven
            self.at = at
        }
    }

    public init(
        account: String, externalID: String, name: String = "", emails: [String] = [], phones: [String] = [], locale: String? = nil,
        consent: Consent? = nil, tags: [String] = [], createdAt: Timestamp? = nil, revisedAt: Timestamp, revision: Int64 = 0
    ) {
        self.account = account
        self.externalID = externalID
        self.name = name
        self.emails = emails
        self.phones = phones
        self.locale = locale
        self.consent = consent
        self.tags = tags
        self.createdAt = createdAt
        self.revisedAt = revisedAt
        self.revision = revision
        fields = []
    }
}

/// What a customer bought so far, in one currency: orders that were paid and not cancelled.
public struct CustomerValue: Sendable, Hashable {
    public var currency: Currency
    public var count: Int64
    /// Before refunds.
    public var total: Int64
    public var refunded: Int64
    public var firstAt: Timestamp
    public var lastAt: Timestamp

    public init(currency: Currency, count: Int64, total: Int64, refunded: Int64, firstAt: Timestamp, lastAt: Timestamp) {
        self.currency = currency
        self.count = count
        self.total = total
        self.refunded = refunded
        self.firstAt = firstAt
        self.lastAt = lastAt
    }

    /// What stays after refunds.
    public var net: Int64 { total - refunded }
    /// `net` for each order, halves rounded up.
    public var average: Int64 { count > 0 ? (net + count / 2) / count : 0 }
}
