import Channels
import Domain
import Formats
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct OrderIntakeTests {
    /// As a channel brings it.
    private static func raw(
        _ id: String, _ members: String, product: String = "order", state: String = "1", connected: String? = "2026-01-01T00:00:00Z",
        imported: Bool = false
    ) -> RawItem {
        var meta = [MetaKey.format: ChannelItem.format, MetaKey.channel: "shop", MetaKey.product: product]
        meta[MetaKey.connectedAt] = connected.flatMap { time in
            time == "2026-01-01T00:00:00Z" ? "1767225600000000" : time
        }
        if imported { meta[MetaKey.imported] = "1" }
        return RawItem(
            externalID: "orders/\(id)@\(state)", kind: .post, bytes: Array("{\"external_id\":\"\(id)\",\(members)}".utf8), meta: meta)
    }

    private static let plain =
        "\"occurred_at\":\"2026-11-20T08:00:00Z\",\"currency\":\"EUR\",\"total\":\"42.00\",\"status\":\"paid\",\"number\":\"#1\""

    private static func kinds(_ house: House) async throws -> [String] {
        try await house.store.read { try $0.events.read(after: 0, limit: 1000) }.map(\.kind.rawValue)
    }

    @Test func `an order makes its customer and tells what happened, once`() async throws {
        try await House.with { house in
            let item = Self.raw(
                "9",
                Self.plain + """
                    ,"customer.id":"77","customer.email":"mia@example.com","customer.phone":"+4915100000001","customer.name":"Mia Keller",\
                    "items":[{"sku":"T","name":"Tea","quantity":"2","price":"21.00"}]
                    """)
            try await house.spool("tea", item)
            try await house.drain(house.digest())
            try await house.spool("tea", item)
            try await house.drain(house.digest())
            let order = try #require(try await house.store.read { try $0.orders.get("tea", "9") })
            #expect(order.total == 4200 && order.currency.rawValue == "EUR" && order.status == .paid && order.lines.count == 1)
            let id = try #require(order.customer)
            let customer = try #require(try await house.store.read { try $0.customers.get(id) })
            #expect(customer.name == "Mia Keller")
            #expect(customer.identities.map(\.value) == ["tea/77", "mia@example.com", "+4915100000001"])
            #expect(try await Self.kinds(house) == ["customer.created", "order.placed", "order.paid"])
            let paid = try #require(try await house.events(.orderPaid).first)
            #expect(paid.customer == id && paid.data["nth"] == "1" && paid.data["total"] == "42.00" && paid.data["imported"] == nil)
            let why = try await house.store.read { try $0.reasons.about(.order, order.id.rawValue) }
            #expect(why.map(\.decision) == ["identity"] && why[0].text.contains("customer number tea/77 is new here"))
            #expect(try await house.events(.customerCreated).first?.data["by"] == "shop")
            #expect(try await house.interactions().isEmpty, "an order is no message")
        }
    }

    @Test func `an edit changes the order, keeps what was before as an event, and an old state changes nothing`() async throws {
        try await House.with { house in
            let who = ",\"customer.email\":\"mia@example.com\""
            func state(_ text: String, _ name: String) -> RawItem { Self.raw("9", text + who, state: name) }
            let placed =
                "\"occurred_at\":\"2026-11-20T08:00:00Z\",\"updated_at\":\"2026-11-20T08:00:00Z\",\"currency\":\"EUR\",\"total\":\"42.00\""
            let paid = placed.replacing("\"updated_at\":\"2026-11-20T08", with: "\"status\":\"paid\",\"updated_at\":\"2026-11-20T09")
            let half = paid.replacing("T09", with: "T10") + ",\"refunded\":\"-20.00\""
            let all = paid.replacing("T09", with: "T11").replacing("\"paid\"", with: "\"refunded\"") + ",\"refunded\":\"42.00\""
            for (index, text) in [placed, paid, half, paid, all, placed].enumerated() {
                try await house.spool("tea", state(text, "\(index)"))
                try await house.drain(house.digest())
            }
            let order = try #require(try await house.store.read { try $0.orders.get("tea", "9") })
            #expect(order.status == .refunded && order.refunded == 4200)
            #expect(
                try await Self.kinds(house) == [
                    "customer.created", "order.placed", "order.changed", "order.paid", "order.changed", "order.refunded", "order.changed",
                    "order.refunded",
                ])
            #expect(try await house.events(.orderRefunded).map { $0.data["amount"] } == ["20.00", "22.00"])
            let changes = try await house.events(.orderChanged).compactMap { $0.data["changes"] }
            #expect(changes[1].contains("refunded 0.00 EUR → 20.00 EUR"))
            let why = try await house.store.read { try $0.reasons.about(.order, order.id.rawValue) }.map(\.text)
            #expect(why.count { $0.contains("came late") } == 2)
        }
    }

    @Test(
        "who bought is found by number, address or phone, and two people are never made one on less",
        arguments: [
            // what is known, what the order says, whether a new customer is made, what the reason holds
            (
                [Identity(kind: .email, value: "a@example.com")], "\"customer.email\":\"A@example.com\",\"customer.id\":\"5\"", false,
                "known by address"
            ),
            ([Identity(kind: .phone, value: "13900010001")], "\"customer.phone\":\"139 0001 0001\"", false, "known by phone"),
            (
                [Identity(kind: .email, value: "a@example.com"), Identity(kind: .phone, value: "13900010001")],
                "\"customer.phone\":\"13900010001\",\"customer.email\":\"b@example.com\"", true, "too little to make them one"
            ),
            (
                [Identity(kind: .phone, value: "13900010001"), Identity(kind: .shop, value: "tea/4")],
                "\"customer.phone\":\"13900010001\",\"customer.id\":\"5\"", true, "whom the shop knows as tea/4"
            ),
            (
                [Identity(kind: .shop, value: "tea/5"), Identity(kind: .email, value: "a@example.com")],
                "\"customer.id\":\"5\",\"customer.email\":\"gift@example.com\"", false, "is not known as theirs and stays with the order"
            ),
            ([Identity(kind: .shop, value: "other/5")], "\"customer.id\":\"5\"", true, "customer number tea/5 is new here"),
            (
                [Identity(kind: .phone, value: "1380001")], "\"customer.phone\":\"138****0001\",\"customer.id\":\"5\"", true,
                "customer number"
            ),
        ])
    func identity(known: [Identity], says: String, isNew: Bool, because: String) async throws {
        try await House.with { house in
            try await house.store.write { transaction in
                try transaction.customers.create(
                    Customer(id: ID(1), name: "Ada", createdAt: transaction.now, lastSeenAt: transaction.now, identities: known))
            }
            try await house.spool("tea", Self.raw("9", Self.plain + "," + says))
            try await house.drain(house.digest())
            let order = try #require(try await house.store.read { try $0.orders.get("tea", "9") })
            #expect((order.customer != ID(1)) == isNew && order.customer != nil)
            let why = try await house.store.read { try $0.reasons.about(.order, order.id.rawValue) }.map(\.text).joined()
            #expect(why.contains(because), "\(why)")
            let ada = try #require(try await house.store.read { try $0.customers.get(ID(1)) })
            #expect(known.allSatisfy { ada.identities.contains($0) }, "nobody loses what is theirs")
        }
    }

    @Test func `an order that says nothing of its buyer is kept, and is nobody's`() async throws {
        try await House.with { house in
            try await house.spool("tea", Self.raw("9", Self.plain + ",\"customer.name\":\"Walk-in\""))
            try await house.drain(house.digest())
            #expect(try await house.store.read { try $0.orders.get("tea", "9") }?.customer == nil)
            #expect(try await house.store.read { try $0.customers.count() } == 0)
            #expect(try await house.events(.orderPlaced).count == 1)
        }
    }

    @Test func `what was before the shop was connected, and what is brought in, starts nothing`() async throws {
        try await House.with { house in
            let who = ",\"customer.email\":\"mia@example.com\""
            let connected = "1795334400000000"  // 2026-11-22T08:00:00Z
            try await house.spool("tea", Self.raw("1", Self.plain + who, connected: connected))
            try await house.spool("tea", Self.raw("2", Self.plain + who, connected: nil, imported: true))
            let later = Self.plain.replacing("2026-11-20T08:00:00Z", with: "2026-11-22T08:00:01Z")
            try await house.spool("tea", Self.raw("3", later + who, connected: connected))
            try await house.drain(house.digest())
            let paid = try await house.events(.orderPaid)
            #expect(paid.map { $0.data["imported"] } == ["before the shop was connected", "brought in", nil])
            #expect(paid.map { $0.data["nth"] } == ["1", "2", "3"], "and yet they count")
        }
    }

    @Test func `what is no order is set aside with the member and the reason, and holds up nobody`() async throws {
        try await House.with { house in
            let wrong = [
                "a": Self.plain.replacing("42.00", with: "42.005"), "b": Self.plain.replacing("EUR", with: "XXQ"),
                "c": Self.plain.replacing("2026-11-20T08:00:00Z", with: "yesterday"), "d": "\"currency\":\"EUR\"",
            ]
            for (id, text) in wrong.sorted(by: { $0.key < $1.key }) { try await house.spool("tea", Self.raw(id, text)) }
            try await house.spool("tea", Self.raw("good", Self.plain))
            try await house.drain(house.digest())
            let errors = try await house.quarantined().sorted { $0.externalID < $1.externalID }.compactMap(\.error)
            #expect(errors.count == 4)
            #expect(errors[0].contains("`total` “42.005” has more digits than EUR"))
            #expect(errors[1].contains("`currency` “XXQ”"))
            #expect(errors[2].contains("`occurred_at` “yesterday” is no time"))
            #expect(errors[3].contains("`total` is missing"))
            #expect(try await house.store.read { try $0.orders.get("tea", "good") } != nil)
        }
    }

    @Test func `a shop's record makes and mends a customer, and its no is respected`() async throws {
        try await House.with { house in
            func record(_ members: String, _ state: String) -> RawItem { Self.raw("77", members, product: "customer", state: state) }
            try await house.spool(
                "tea",
                record(
                    "\"occurred_at\":\"2025-03-02T09:00:00Z\",\"email\":\"mia@example.com, m@example.org\",\"name\":\"Mia\",\"locale\":\"de-DE\",\"accepts_marketing\":\"no\"",
                    "1"))
            try await house.drain(house.digest())
            let id = try #require(try await house.store.read { try $0.customers.find([Identity(kind: .shop, value: "tea/77")]) })
            let mia = try #require(try await house.store.read { try $0.customers.get(id) })
            #expect(mia.identities.map(\.value) == ["tea/77", "mia@example.com", "m@example.org"] && mia.language == "de")
            #expect(try await house.store.read { try $0.subscriptions.isSubscribed(id, topic: "tips") } == false)
            #expect(try await house.store.read { try $0.subscriptions.source(id) } == "shop:tea")
            try await house.spool("tea", record("\"name\":\"Mia Keller\",\"phone\":\"+4915100000001\",\"accepts_marketing\":\"yes\"", "2"))
            try await house.drain(house.digest())
            #expect(try await house.store.read { try $0.subscriptions.isSubscribed(id, topic: "tips") })
            let updated = try #require(try await house.events(.customerUpdated).first)
            #expect(try await house.store.read { try $0.customers.get(id) }?.createdAt.description == "2025-03-02T09:00:00Z")
            #expect(updated.customer == id && updated.data["changes"]?.contains("phone +4915100000001") == true)
            // What the customer told us stands, whatever the shop says.
            try await house.store.write { try $0.subscriptions.unsubscribe(id, topic: nil, source: "link") }
            try await house.spool("tea", record("\"name\":\"Mia Keller\",\"accepts_marketing\":\"no\"", "3"))
            try await house.spool("tea", record("\"name\":\"Mia Keller\",\"accepts_marketing\":\"yes\"", "4"))
            try await house.drain(house.digest())
            #expect(try await house.store.read { try $0.subscriptions.isSubscribed(id, topic: "tips") } == false)
            #expect(try await house.store.read { try $0.customers.count() } == 1)
        }
    }

    @Test func `of two shops, the one that was told no is believed`() async throws {
        try await House.with { house in
            func record(_ answer: String, _ state: String) -> RawItem {
                let members = "\"email\":\"mia@example.com\",\"accepts_marketing\":\"\(answer)\""
                return Self.raw("77", members, product: "customer", state: state)
            }
            func mayWrite() async throws -> Bool {
                let id = try #require(
                    try await house.store.read { try $0.customers.find([Identity(kind: .email, value: "mia@example.com")]) })
                return try await house.store.read { try $0.subscriptions.isSubscribed(id, topic: "tips") }
            }
            for (shop, answer, state, expected) in [
                ("tea", "no", "1", false), ("books", "yes", "1", false), ("books", "no", "2", false), ("tea", "yes", "2", false),
                ("books", "yes", "3", true),
            ] {
                try await house.spool(shop, record(answer, state))
                try await house.drain(house.digest())
                #expect(try await mayWrite() == expected, "\(shop) \(answer)")
            }
            let id = try #require(try await house.store.read { try $0.customers.find([Identity(kind: .email, value: "mia@example.com")]) })
            let why = try await house.store.read { try $0.reasons.about(.customer, id.rawValue) }.map(\.text)
            #expect(why.contains("tea says yes to letters that advertise; books was told no, and that stands"), "\(why)")
        }
    }

    @Test func `what came in the second in which the shop was connected is new`() async throws {
        try await House.with { house in
            let time = try #require(DateText.iso8601("2026-11-20T08:00:00Z"))
            for (id, connected) in [("1", time + .milliseconds(900)), ("2", time + .seconds(1))] {
                try await house.spool("tea", Self.raw(id, Self.plain, connected: "\(connected.microseconds)"))
            }
            try await house.drain(house.digest())
            let placed = try await house.events(.orderPlaced)
            #expect(placed.map { $0.data["imported"] } == [nil, "before the shop was connected"])
        }
    }
}
