import Domain
import Store
import Testing

@Suite(.timeLimit(.minutes(10)))
struct OrderTests {
    static let euro = Currency(rawValue: "EUR")!

    static func order(
        _ id: String = "1", total: Int64 = 4200, status: Order.Status = .paid, revised: Int64 = 100, revision: Int64 = 1, placed: Int64 = 50
    ) -> Order {
        var order = Order(
            account: "shop", externalID: id, number: "#" + id, status: status, statusText: status.rawValue, currency: euro, total: total,
            lines: [Order.Line(sku: "T-1", name: "茶", quantityMilli: 1500, price: 2800)], placedAt: TestTime.start + .seconds(placed),
            revisedAt: TestTime.start + .seconds(revised), revision: revision,
            buyer: Order.Buyer(externalID: "7", email: "ana@example.com", phone: "+491", name: "Ana"))
        order.permalink = "https://shop.example/1"
        order.fields = [.init(name: "note", value: "gift")]
        return order
    }

    @Test(arguments: Engine.available)
    func `an order is stored once, whole, and the same state changes nothing`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let first = try await house.store.write { try $0.orders.put(Self.order()) }
            guard case .new(let stored) = first else { return #expect(Bool(false), "\(first)") }
            #expect(try await house.store.read { try $0.orders.get("shop", "1") } == stored)
            #expect(try await house.store.read { try $0.orders.get(stored.id) } == stored)
            #expect(stored.lines.first?.quantity == "1.5" && stored.permalink == "https://shop.example/1")
            let again = try await house.store.write { try $0.orders.put(Self.order(revised: 200, revision: 2)) }
            guard case .same(let same) = again else { return #expect(Bool(false), "\(again)") }
            #expect(same.id == stored.id && same.revisedAt == TestTime.start + .seconds(200))
            #expect(try await house.store.read { try $0.orders.count(account: "shop") } == 1)
            var other = Self.order()
            other.account = "other shop"
            let elsewhere = other
            guard case .new = try await house.store.write({ try $0.orders.put(elsewhere) }) else { return #expect(Bool(false)) }
        }
    }

    @Test(arguments: Engine.available)
    func `a newer state takes the place of an older one, and never the other way round`(engine: Engine) async throws {
        try await withStore(engine) { house in
            _ = try await house.store.write { try $0.orders.put(Self.order(revised: 100)) }
            var refunded = Self.order(total: 4200, status: .refunded, revised: 300, revision: 3)
            refunded.refunded = 4200
            refunded.lines = [Order.Line(sku: "T-1", quantityMilli: 1000), Order.Line(sku: "T-2", quantityMilli: 2000, price: 1)]
            refunded.buyer = Order.Buyer()
            let newest = refunded
            let changed = try await house.store.write { try $0.orders.put(newest) }
            guard case .changed(let before, let after) = changed else { return #expect(Bool(false), "\(changed)") }
            #expect(before.status == .paid && after.status == .refunded && after.lines.count == 2)
            #expect(after.buyer.email == "ana@example.com", "what a later state does not say is not forgotten")
            // An older state that comes late, and one of the same time that came first.
            for (revised, revision) in [(200, 9), (300, 2)] as [(Int64, Int64)] {
                let late = Self.order(total: 1, revised: revised, revision: revision)
                guard case .older(let than) = try await house.store.write({ try $0.orders.put(late) }) else { return #expect(Bool(false)) }
                #expect(than.id == after.id)
            }
            #expect(try await house.store.read { try $0.orders.get("shop", "1") } == after)
        }
    }

    @Test(arguments: Engine.shared)
    func `many states told at once by two nodes end in the newest`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let neighbour = try await house.neighbour()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for n in 1...20 {
                    let store = n % 2 == 0 ? house.store : neighbour
                    let state = Self.order(total: Int64(n), revised: Int64(n), revision: Int64(n))
                    group.addTask {
                        // A server may refuse one of two transactions that meet; the digest tries again.
                        for _ in 0..<20 {
                            do {
                                if case .new = try await store.write({ try $0.orders.put(state) }) { return 1 } else { return 0 }
                            } catch let error as StoreError where error.isTemporary {}
                        }
                        return 100
                    }
                }
                let firsts = try await group.reduce(0, +)
                #expect(firsts == 1, "one of them is the first")
            }
            #expect(try await house.store.read { try $0.orders.get("shop", "1") }?.total == 20)
            #expect(try await house.store.read { try $0.orders.get("shop", "1") }?.lines.count == 1)
            await neighbour.close()
        }
    }

    @Test(arguments: Engine.available)
    func `what a customer bought is summed by currency, without what was cancelled or never paid`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                try transaction.customers.create(
                    Customer(id: ID(7), name: "Ana", createdAt: TestTime.start, lastSeenAt: TestTime.start))
                var yen = Self.order("3", total: 5000, placed: 70)
                yen.currency = Currency(rawValue: "JPY")!
                var back = Self.order("2", total: 1001, placed: 60)
                back.refunded = 1
                let orders = [
                    Self.order("1", total: 2000, placed: 50), back, yen, Self.order("4", total: 9, status: .placed, placed: 80),
                    Self.order("5", total: 9, status: .cancelled, placed: 90),
                ]
                for order in orders {
                    guard case .new(let stored) = try transaction.orders.put(order) else { continue }
                    try transaction.orders.assign(stored.id, to: ID(7))
                }
            }
            let value = try await store.read { try $0.orders.value(ID(7)) }
            #expect(value.map(\.currency.rawValue) == ["EUR", "JPY"] && value.map(\.count) == [2, 1])
            #expect(value[0].total == 3001 && value[0].refunded == 1 && value[0].net == 3000 && value[0].average == 1500)
            #expect(value[0].firstAt == TestTime.start + .seconds(50) && value[0].lastAt == TestTime.start + .seconds(60))
            #expect(try await store.read { try $0.orders.ofCustomer(ID(7), limit: 3) }.map(\.externalID) == ["5", "4", "3"])
            let counts = try await store.read { try $0.orders.counts(ID(7)) }
            #expect(counts.all == 5 && counts.paid == 3 && counts.cancelled == 1 && counts.refunded == 1)
            #expect(try await store.read { try $0.orders.value(ID(8)) } == [])
        }
    }

    @Test(arguments: Engine.available)
    func `a shop's record of a customer keeps its newest state and its consent`(engine: Engine) async throws {
        try await withStore(engine) { house in
            var record = CustomerRecord(
                account: "shop", externalID: "7", name: "Ana", emails: ["ana@example.com", "a@example.org"], phones: ["+491"],
                locale: "de-DE",
                consent: .init(isGiven: false, at: TestTime.start), tags: ["VIP"], createdAt: TestTime.start, revisedAt: TestTime.start)
            record.fields = [.init(name: "spent", value: "12.50")]
            let first = record
            guard case .new = try await house.store.write({ try $0.profiles.put(first) }) else { return #expect(Bool(false)) }
            try await house.store.write { try $0.profiles.assign("shop", "7", to: ID(9)) }
            record.customer = ID(9)
            #expect(try await house.store.read { try $0.profiles.ofCustomer(ID(9), limit: 5) } == [record])
            record.consent = nil
            record.name = "Ana B."
            record.revisedAt = TestTime.start + .seconds(5)
            let second = record
            guard case .changed(_, let after) = try await house.store.write({ try $0.profiles.put(second) }) else {
                return #expect(Bool(false))
            }
            #expect(after.consent?.isGiven == false && after.name == "Ana B." && after.customer == ID(9))
            guard case .older = try await house.store.write({ try $0.profiles.put(first) }) else { return #expect(Bool(false)) }
            guard case .same = try await house.store.write({ try $0.profiles.put(second) }) else { return #expect(Bool(false)) }
        }
    }
}
