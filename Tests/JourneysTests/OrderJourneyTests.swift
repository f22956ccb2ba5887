import Domain
import Foundation
import Rules
import Store
import Testing

@testable import Journeys

@Suite(.timeLimit(.minutes(10))) struct OrderJourneyTests {
    static let thanks: JourneyFolder = {
        var journey = Garden.journey(
            "thanks", enters: .orderPaid,
            steps: [
                JourneyStep(
                    name: "10-thanks", after: .zero, text: JourneyText(subject: "Thanks for {{order}}", body: "{{order_total}}"),
                    translations: [:])
            ])
        journey.entry.order = .first
        return journey
    }()

    /// What the intake writes when an order is paid.
    private func pay(_ garden: Garden, _ number: String, _ customer: ID<Customer>, nth: String, _ more: [String: String] = [:]) async throws
    {
        try await garden.store.write { transaction in
            let order = Order(
                account: "tea", externalID: number, number: number, status: .paid, currency: Currency(rawValue: "EUR")!, total: 129_900,
                placedAt: transaction.now, revisedAt: transaction.now)
            guard case .new(let stored) = try transaction.orders.put(order) else { return }
            try transaction.orders.assign(stored.id, to: customer)
            let data = ["order": "\(stored.id)", "number": number, "nth": nth].merging(more) { $1 }
            try transaction.events.append(Event(at: transaction.now, kind: .orderPaid, customer: customer, data: data))
        }
    }

    @Test func `the first paid order starts a journey once, and the mail can name it`() async throws {
        try await Garden.with([Self.thanks], everywhere: true) { garden in
            let customer = try await garden.greet()
            try await pay(garden, "#1", customer, nth: "1")
            try await pay(garden, "#2", customer, nth: "2")
            try await garden.advance()
            try await garden.advance()
            let sends = try await garden.sends()
            #expect(sends.map(\.key) == ["thanks/10-thanks/\(customer)/1"])
            #expect(sends.first?.vars["order"] == "#1" && sends.first?.vars["order_total"] == "€1,299.00")
        }
    }

    @Test func `somebody's second order, an old one and one brought in start nothing`() async throws {
        try await Garden.with([Self.thanks]) { garden in
            let customer = try await garden.greet()
            try await pay(garden, "#1", customer, nth: "1", [Event.imported: "before the shop was connected"])
            try await pay(garden, "#2", customer, nth: "2")
            try await garden.advance()
            #expect(try await garden.sends().isEmpty)
        }
    }

    @Test func `a journey for each order is walked for each order once`() async throws {
        var each = Self.thanks
        each.entry.order = .any
        each.entry.isForEachOrder = true
        try await Garden.with([each]) { garden in
            let customer = try await garden.greet()
            try await pay(garden, "#1", customer, nth: "1")
            try await pay(garden, "#2", customer, nth: "2")
            try await garden.advance()
            #expect(try await garden.sends().compactMap { $0.vars["order"] }.sorted() == ["#1", "#2"])
            #expect(Set(try await garden.sends().map(\.key)).count == 2)
        }
    }

    @Test(
        "who got known by buying is greeted only where the journey asks for that",
        arguments: [(JourneyFolder.Entry.By.message, 0), (.shop, 1), (.any, 1)])
    func by(by: JourneyFolder.Entry.By, count: Int) async throws {
        var welcome = Garden.journey(steps: Self.thanks.steps)
        welcome.entry.by = by
        try await Garden.with([welcome]) { garden in
            let customer = Customer(
                id: ID(5), name: "Mia", createdAt: garden.time.now(), lastSeenAt: garden.time.now(),
                identities: [Identity(kind: .email, value: "mia@example.com")])
            try await garden.store.write { transaction in
                try transaction.customers.create(customer)
                try transaction.events.append(
                    Event(at: transaction.now, kind: .customerCreated, customer: customer.id, data: [Event.by: "shop"]))
            }
            try await garden.advance()
            #expect(try await garden.enrolments(customer.id).count == count)
        }
    }

    @Test func `the journey that comes along thanks for the first order in both languages`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let journey = try JourneyFolder.load(root.appending(path: "templates/journeys/first-order").path)
        #expect(journey.enters == .orderPaid && journey.entry.order == .first && !journey.entry.isForEachOrder)
        #expect(journey.steps.count == 1 && journey.steps[0].translations.keys.sorted() == ["zh"])
    }

    @Test(
        "a wrong entry is told with its place and the fix",
        arguments: [
            ("{event: ticket.opened, order: first}", "`order` belongs to the events of orders"),
            ("{event: order.paid, by: shop}", "`by` belongs to customer.created"),
            ("{event: order.paid, order: last}", "first"), ("{event: order.pait}", "did you mean `order.paid`"),
            ("{event: order.paid, order: first, again: true}", "there is one first order only"),
            ("{event: customer.created, again: true}", "everybody enters once"),
        ])
    func mistakes(enter: String, says: String) throws {
        let folder = NSTemporaryDirectory() + "hongyan-entry-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "purpose: service\nenter: \(enter)\n".write(toFile: folder + "/journey.yaml", atomically: true, encoding: .utf8)
        try "---\nsubject: Hi\n---\nHi\n".write(toFile: folder + "/10-hi.md", atomically: true, encoding: .utf8)
        let problems = JourneyFolder.check(folder)
        #expect(problems.first?.description.contains(says) == true, "\(problems)")
        #expect(problems.first?.description.contains("journey.yaml:2:") == true)
    }
}
