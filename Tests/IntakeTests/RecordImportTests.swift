import Channels
import Domain
import Formats
import Foundation
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct RecordImportTests {
    private static func run(
        _ house: House, _ text: String, name: String = "t.csv", product: TableMapping.Product = .order, stopAfter: Int? = nil,
        _ change: (inout TableMapping) -> Void = { _ in }
    ) async throws -> RecordImport.Progress {
        let path = house.folder + "/" + name
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let table = try RecordTable(path: path, looksLikeJSON: !name.hasSuffix("csv"))
        var mapping = TableMapping(product)
        mapping.guess(columns: table.columns, lists: table.lists)
        mapping.guessDate(table.sample)
        change(&mapping)
        let job = RecordImport(
            store: house.store, account: "tea", mapping: mapping, rejects: house.folder + "/rejected",
            fingerprint: String(sha256(text.utf8)))
        let result = try await job.run(table) { _ in }
        try await house.drain(house.digest())
        return result
    }

    private static func rejected(_ house: House) -> String {
        (try? String(contentsOfFile: house.folder + "/rejected", encoding: .utf8)) ?? ""
    }

    static let table = """
        订单号,下单时间,金额,币种,邮箱,商品名称,数量
        A1,2026-11-20 16:00:00,"1,280.00",CNY,li@example.com,床,1
        A1,,,,,枕头,2
        A2,2026-11-20 16:05:00,abc,CNY,li@example.com,灯,1
        A3,2026-11-20 16:06:00,5000,JPY,ken@example.com,"茶
        两行",1
        A4,yesterday,1.00,CNY,x@example.com,灯,1
        A1,2026-11-20 16:00:00,1.00,CNY,li@example.com,错,1

        """

    @Test func `good rows are taken, bad ones set aside with line and reason, and doing it again changes nothing`() async throws {
        try await House.with { house in
            for round in 1...2 {
                let result = try await Self.run(house, Self.table)
                #expect(result.records == 6 && result.taken == 2 && result.rejected == 3 && result.new == (round == 1 ? 2 : 0))
                #expect(result.troubles.map { String($0.prefix(7)) } == ["line 4:", "line 7:", "line 8:"])
                let lines = Self.rejected(house).split(separator: "\r\n").map(String.init)
                #expect(lines.count == 4 && lines[0].hasSuffix("line,reason"))
                #expect(lines[1].contains("A2,") && lines[1].contains("abc") && lines[2].contains("yesterday"))
                #expect(lines[3].contains("stands above already"))
            }
            let a1 = try #require(try await house.store.read { try $0.orders.get("tea", "A1") })
            #expect(a1.total == 128_000 && a1.lines.map(\.name) == ["床", "枕头"] && a1.lines[1].quantityMilli == 2000)
            #expect(try await house.store.read { try $0.orders.get("tea", "A3") }?.total == 5000)
            #expect(try await house.events(.orderPlaced).map { $0.data["imported"] } == ["brought in", "brought in"])
            #expect(try await house.store.read { try $0.customers.count() } == 2)
        }
    }

    @Test func `an interrupted import goes on where it stopped`() async throws {
        try await House.with { house in
            var text = "order id,created at,total,currency,email\n"
            for n in 1...1000 { text += "\(n),2026-11-20T08:00:00Z,\(n % 100 == 0 ? "x" : "\(n).50"),EUR,c\(n)@example.com\n" }
            let path = house.folder + "/t.csv"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            var mapping = TableMapping(.order)
            let columns = try RecordTable(path: path, looksLikeJSON: false)
            mapping.guess(columns: columns.columns, lists: [])
            mapping.guessDate(columns.sample)
            let job = RecordImport(
                store: house.store, account: "tea", mapping: mapping, rejects: house.folder + "/rejected", fingerprint: "f")
            // Stopped after two batches.
            let broken = Task {
                let table = try RecordTable(path: path, looksLikeJSON: false)
                var batches = 0
                return try await job.run(table) { _ in
                    batches += 1
                    if batches == 2 { withUnsafeCurrentTask { $0?.cancel() } }
                }
            }
            _ = try? await broken.value
            let result = try await job.run(try RecordTable(path: path, looksLikeJSON: false)) { _ in }
            try await house.drain(house.digest())
            #expect(try await house.store.read { try $0.orders.count(account: "tea") } == 990)
            #expect(result.rejected == 10 && result.records == 1000)
            #expect(result.skipped > 0 && result.new < 990, "it did not begin anew: \(result)")
            let lines = try String(contentsOfFile: house.folder + "/rejected", encoding: .utf8).split(separator: "\r\n")
            #expect(lines.count == 11 && Set(lines).count == 11, "each bad row stands there once")
            #expect(try await house.store.read { try $0.orders.get("tea", "999") }?.total == 99_950)
        }
    }

    @Test(
        "JSON is read as lines, as a list, and as an object with a list",
        arguments: [
            "{\"id\":1,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":12.5,\"currency\":\"EUR\",\"customer\":{\"email\":\"a@example.com\"},\"line_items\":[{\"sku\":\"S\",\"title\":\"T\",\"quantity\":2,\"price\":\"6.25\"}]}\n{\"id\":2,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":3,\"currency\":\"EUR\"}\n{\"id\":3}",
            "[{\"id\":1,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":12.5,\"currency\":\"EUR\",\"customer\":{\"email\":\"a@example.com\"},\"line_items\":[{\"sku\":\"S\",\"title\":\"T\",\"quantity\":2,\"price\":\"6.25\"}]},\n{\"id\":2,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":3,\"currency\":\"EUR\"}, 5]",
            "{\"count\": 2, \"page\": {\"n\": [1]}, \"orders\": [ {\"id\":1,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":12.5,\"currency\":\"EUR\",\"customer\":{\"email\":\"a@example.com\"},\"line_items\":[{\"sku\":\"S\",\"title\":\"T\",\"quantity\":2,\"price\":\"6.25\"}]}\n,{\"id\":2,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":3,\"currency\":\"EUR\"}, \"x\"]}",
        ])
    func json(text: String) async throws {
        try await House.with { house in
            let result = try await Self.run(house, text, name: "t.json")
            #expect(result.taken == 2 && result.rejected == 1)
            let order = try #require(try await house.store.read { try $0.orders.get("tea", "1") })
            #expect(order.total == 1250 && order.buyer.email == "a@example.com")
            #expect(order.lines == [Order.Line(sku: "S", name: "T", quantityMilli: 2000, price: 625)])
        }
    }

    @Test("what is cut off says so, and no half record is stored", arguments: [("[", ","), ("", "\n")])
    func cutOff(opening: String, comma: String) async throws {
        try await House.with { house in
            let one = "{\"id\":1,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":12.5,\"currency\":\"EUR\"}"
            let text = "\(opening)\(one)\(comma) {\"id\":2,\"created_at\":\"2026-11-20T08:00:00Z\",\"total\":1"
            var said = "nothing"
            do { _ = try await Self.run(house, text, name: "t.json") } catch let error as JSONRecordsError { said = error.description }
            #expect(said.contains("cut off"), "\(said)")
            #expect(try await house.store.read { try $0.orders.get("tea", "2") } == nil)
        }
    }

    @Test func `customers come with their addresses and their answer`() async throws {
        try await House.with { house in
            let text = "会员号,姓名,邮箱,手机号,注册时间,接收营销\n7,李雷,Li@Example.com,13900010001,2025/03/02,否\n8,韩,,,,也许\n"
            let result = try await Self.run(house, text, product: .customer)
            #expect(result.taken == 1 && result.rejected == 1)
            let id = try #require(try await house.store.read { try $0.customers.find([Identity(kind: .email, value: "li@example.com")]) })
            #expect(try await house.store.read { try $0.subscriptions.isSubscribed(id, topic: "tips") } == false)
            #expect(try await house.events(.customerCreated).first?.data["imported"] == "brought in")
        }
    }
}
