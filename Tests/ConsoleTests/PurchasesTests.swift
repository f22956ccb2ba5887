import Domain
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct PurchasesTests {
    private static func fill(_ house: House) async throws {
        let ticket = try await house.ticket()
        try await house.store.write { transaction in
            for n in 1...7 {
                var order = Order(
                    account: "tea", externalID: "\(n)", number: "#10\(n)", status: n == 6 ? .cancelled : .paid, statusText: "processing",
                    currency: Currency(rawValue: n == 7 ? "JPY" : "EUR")!, total: n == 7 ? 5000 : 129_950,
                    lines: [Order.Line(sku: "T", name: "Tea <b>", quantityMilli: 2500), Order.Line(name: "Pot"), Order.Line(name: "Cup")],
                    placedAt: transaction.now - .seconds(Int64(10 - n) * 86_400), revisedAt: transaction.now)
                if n == 5 { order.refunded = 9950 }
                order.permalink = n == 4 ? "javascript:alert(1)" : "https://shop.example/\(n)"
                guard case .new(let stored) = try transaction.orders.put(order) else { continue }
                try transaction.orders.assign(stored.id, to: ticket.customer)
            }
            let record = CustomerRecord(
                account: "tea", externalID: "77", name: "Anna", consent: .init(isGiven: false), tags: ["VIP"], revisedAt: transaction.now)
            _ = try transaction.profiles.put(record)
            try transaction.profiles.assign("tea", "77", to: ticket.customer)
            try transaction.customers.link(ticket.customer, Identity(kind: .shop, value: "tea/77"))
        }
    }

    @Test(
        "the pane shows what a customer bought, in the agent's language and the currency's form",
        arguments: [
            (
                "maya",
                [
                    "€6,398.00", "5 orders", "€1,279.60 on average", "€99.50 refunded", "¥5,000", "partly refunded",
                    "2.5 × Tea &lt;b&gt;, Pot and 1 more",
                    "and 2 more", "wants no letters", "VIP", "77 (tea)", "customer number",
                ]
            ),
            ("xiaomei", ["€6,398.00", "5 笔订单", "平均 €1,279.60", "已退 €99.50", "JP¥5,000", "部分退款", "另有 2 笔", "不接收推广邮件", "客户编号"]),
        ] as [(String, [String])])
    func pane(login: String, says: [String]) async throws {
        try await House.serve { (house, browser) async throws in
            try await Self.fill(house)
            let page = try await house.signIn(login == "maya" ? house.maya : house.xiaomei, browser).get("/tickets/1001")
            for text in says { #expect(page.body.contains(text), "\(text)") }
            #expect(page.body.contains("href=\"https://shop.example/7\"") && !page.body.contains("javascript:alert"))
            #expect(!page.body.contains("#101") && page.body.contains("#103"), "the last five")
        }
    }

    @Test func `who never bought has no purchases`() async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            let page = try await house.signIn(house.maya, browser).get("/tickets/1001")
            #expect(page.status == .ok && !page.body.contains("Purchases"))
        }
    }
}
