import Domain
import Formats
import Rules
import Testing

@testable import Channels

@Suite struct TableMappingTests {
    private static func record(_ members: [(String, String)]) -> JSONValue { .object(members.map { .init($0.0, .string($0.1)) }) }

    @Test(
        "columns are known by what people call them",
        arguments: [
            (
                ["订单号", "下单时间", "实付金额", "订单状态", "手机号", "邮箱", "收货人", "商品名称", "数量", "单价", "币种"],
                [
                    "external_id": "订单号", "occurred_at": "下单时间", "total": "实付金额", "status": "订单状态", "customer.phone": "手机号",
                    "customer.email": "邮箱", "customer.name": "收货人", "items.name": "商品名称", "items.quantity": "数量", "items.price": "单价",
                    "currency": "币种",
                ]
            ),
            (
                [
                    "Name", "Email", "Financial Status", "Currency", "Total", "Created at", "Lineitem name", "Lineitem quantity",
                    "Lineitem price", "Id",
                ],
                [
                    "external_id": "Name", "customer.email": "Email", "status": "Financial Status", "currency": "Currency",
                    "total": "Total",
                    "occurred_at": "Created at", "items.name": "Lineitem name", "items.quantity": "Lineitem quantity",
                    "items.price": "Lineitem price",
                    "number": nil,
                ]
            ),
            (
                ["order_id", "order_date", "amount", "name", "price", "total_amount"],
                [
                    "external_id": "order_id", "occurred_at": "order_date", "total": "total_amount", "customer.name": "name",
                    "items.price": "price",
                ]
            ),
        ] as [([String], [String: String?])])
    func guess(columns: [String], expected: [String: String?]) {
        var mapping = TableMapping(.order)
        mapping.guess(columns: columns, lists: [])
        for (member, column) in expected { #expect(mapping.column(member) == column, "\(member)") }
    }

    @Test func `a row becomes an order, exactly`() throws {
        var mapping = TableMapping(.order)
        mapping.guess(columns: ["订单号", "下单时间", "金额", "手机号", "备注"], lists: [])
        let row = Self.record([("订单号", "A1"), ("下单时间", "2026/11/20 16:00"), ("金额", "¥1,299.5"), ("手机号", "139 0001 0001"), ("备注", "急")])
        mapping.guessDate([row])
        try mapping.set(currency: "人民币") { AmountError(text: $0, problem: "") }
        try mapping.set(zone: "Asia/Shanghai") { AmountError(text: $0, problem: "") }
        #expect(mapping.missing() == [])
        let item = try mapping.item([row])
        let order = try ChannelOrderMapping.order(
            Array(item.json.utf8), account: "a", receivedAt: Timestamp(seconds: 1_900_000_000), revision: 1)
        #expect(order.total == 129_950 && order.currency.rawValue == "CNY" && order.externalID == "A1")
        #expect(order.placedAt.description == "2026-11-20T08:00:00Z" && order.buyer.phone == "13900010001")
        #expect(order.fields == [.init(name: "备注", value: "急")])
    }

    @Test func `what cannot be told for sure is asked for`() {
        var mapping = TableMapping(.order)
        mapping.guess(columns: ["order id", "date", "weight"], lists: [])
        mapping.guessDate([Self.record([("date", "03/04/2026")])])
        let problems = mapping.missing().joined(separator: "\n")
        #expect(problems.contains("--currency") && problems.contains("--date") && problems.contains("amount"))
    }

    @Test func `a map file names columns, and its mistakes are told with their place`() throws {
        let mapping = try TableMapping(.order, yaml: "columns: {total: Sum}\ncurrency: eur\ndecimal: comma\n", file: "m.yaml")
        #expect(mapping.column("total") == "Sum" && mapping.currency == "EUR" && mapping.mark == .comma)
        for (text, says) in [
            ("columns: {totl: Sum}", "m.yaml:1:11: `totl` is not a part of an order; did you mean `total`?"),
            ("currency: XQX", "is no currency"), ("zone: Mars", "is no time zone"), ("date: soon", "is no form of a date"),
            ("decimal: dot", "decimal"),
        ] {
            let error = #expect(throws: RuleError.self) { try TableMapping(.order, yaml: text, file: "m.yaml") }
            #expect(error?.description.contains(says) == true, "\(error?.description ?? "none")")
        }
    }

    // MARK: Channel files

    private static func file(_ map: String, _ more: String = "") -> String {
        """
        channel: t
        docs: https://t.example/docs
        config: {}
        base: https://t.example
        streams:
          s:
            as: order
            request: {path: /list}
            records: $.items[*]
            cursor: {kind: all}
            \(more)
            map: {external_id: id, occurred_at: at, \(map)}
        """
    }

    @Test(
        "amounts are of a declared kind",
        arguments: [
            ("amounts: minor, currency: cur, total: n", "eur", "1250", "12.50"),
            ("amounts: minor, currency: cur, total: n", "JPY", "1250", "1250"),
            ("amounts: minor, currency: cur, total: n", "KWD", "1250", "1.250"),
            ("amounts: minor, currency: cur, total: n", "EUR", "5", "0.05"),
            ("amounts: {kind: minor, digits: {ISK: 2}}, currency: cur, total: n", "ISK", "1250", "12.50"),
            ("amounts: hundredths, currency: cur, total: n", "JPY", "1250", "12.50"), ("currency: cur, total: n", "EUR", "12.5", "12.5"),
            ("amounts: {kind: written, mark: comma}, currency: cur, total: n", "EUR", "1.250", "1250.00"),
            ("amounts: minor, currency: cur, total: n", "EUR", "12.5", "12.5 (not whole smallest units)"),
            ("amounts: minor, currency: cur, total: n", "BTC", "1", "1 (smallest units of no known currency)"),
        ])
    func amounts(map: String, currency: String, raw: String, expected: String) throws {
        let file = try ChannelFile.read(Self.file(map), file: "t.yaml")
        let record = Self.record([("id", "1"), ("at", "2026-11-20T08:00:00Z"), ("cur", currency), ("n", raw)])
        let item = try #require(file.streams[0].map.item(ChannelScope(record: record), .order))
        #expect(item["total"]?.plain == expected)
    }

    @Test(
        "a wrong kind of amount is told with its place",
        arguments: [
            ("amounts: cents", "", "`cents`"), ("amounts: {kind: decimal, digits: {EUR: 2}}", "", "`digits` belongs to `kind: minor`"),
            ("amounts: {kind: minor, digits: {XQX: 2}}", "", "no currency of ISO 4217"),
            ("amounts: {kind: written, mark: dot}", "", "point or comma"),
            ("total: n", "group: true", "`group` joins the rows of an order"),
        ])
    func wrongAmounts(map: String, more: String, says: String) {
        let error = #expect(throws: RuleError.self) { try ChannelFile.read(Self.file(map, more), file: "t.yaml") }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "none")")
    }

    @Test func `a state that changed is another item, the same state is not`() {
        func raw(_ status: String) -> RawItem {
            ChannelItem(
                externalID: "7", product: .order, revision: nil,
                value: .object([.init("external_id", .string("7")), .init("status", .string(status))])
            ).raw(stream: "orders", channel: "shop", connectedAt: Timestamp(seconds: 5))
        }
        #expect(raw("paid") == raw("paid") && raw("paid").externalID != raw("refunded").externalID)
        #expect(raw("paid").externalID.hasPrefix("orders/7@#") && raw("paid").meta[MetaKey.connectedAt] == "5000000")
    }
}
