import Domain
import Foundation
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Testing

@testable import Journeys

final class StandingClock: TimeSource {
    private let current = Mutex(Timestamp(seconds: 1_795_000_000))
    func now() -> Timestamp { current.withLock { $0 } }
    func advance(_ duration: Duration) { current.withLock { $0 = $0 + duration } }
}

/// A store with customers, and journeys that follow them.
struct Garden: Sendable {
    let store: Store
    let time: StandingClock
    let service: JourneysService

    /// - Parameter everywhere: whether the test runs on PostgreSQL, too, when `HONGYAN_TEST_POSTGRES` holds its URL.
    static func with(_ journeys: [JourneyFolder] = [welcome], everywhere: Bool = false, _ body: (Garden) async throws -> Void) async throws
    {
        let name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }
        let folder = NSTemporaryDirectory() + "hongyan-journeys-\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = ProcessInfo.processInfo.environment["HONGYAN_TEST_POSTGRES"].map { ["\($0)?schema=\(name)"] } ?? []
        for url in ["sqlite://\(folder)/hongyan.sqlite3"] + (everywhere ? server : []) {
            let time = StandingClock()
            let store = try await Store.open(url, blobs: folder + "/blobs", node: 1, time: time, logger: quiet)
            try await store.migrate()
            let garden = Garden(store: store, time: time, service: JourneysService(store: store, journeys: journeys, logger: quiet))
            do {
                try await body(garden)
                await store.close()
            } catch {
                await store.close()
                throw error
            }
        }
    }

    static let welcome = journey(steps: [
        JourneyStep(
            name: "10-hello", after: .zero, text: JourneyText(subject: "Welcome", body: "Hello {{first_name}}"),
            translations: ["zh": JourneyText(subject: "欢迎", body: "{{first_name}}，您好")]),
        JourneyStep(name: "20-more", after: .seconds(86_400), text: JourneyText(subject: "More", body: "More"), translations: [:]),
    ])

    static func journey(
        _ name: String = "welcome", purpose: Send.Purpose = .marketing, topic: String? = "tips", enters: Event.Kind = .customerCreated,
        steps: [JourneyStep]
    ) -> JourneyFolder {
        JourneyFolder(
            name: name, version: "v1", purpose: purpose, topic: topic, enters: enters, sender: nil, answersJoinTicket: true, locale: "en",
            steps: steps)
    }

    /// A new customer with a ticket, as the desk writes it.
    @discardableResult
    func greet(_ name: String = "Ann Lee", email: String? = "ann@example.com", language: String? = nil) async throws -> ID<Customer> {
        try await store.write { transaction in
            let identities = email.map { [Identity(kind: .email, value: $0)] } ?? []
            let customer = Customer(
                id: transaction.newID(), name: name, language: language, createdAt: transaction.now, lastSeenAt: transaction.now,
                identities: identities)
            try transaction.customers.create(customer)
            let ticket = Ticket(
                id: transaction.newID(), number: try transaction.tickets.nextNumber(), subject: "Lamp", queue: "Support",
                customer: customer.id,
                customerName: name, account: "support", kind: .mail, createdAt: transaction.now)
            try transaction.tickets.open(ticket)
            for kind in [Event.Kind.customerCreated, .ticketOpened] {
                try transaction.events.append(Event(at: transaction.now, kind: kind, customer: customer.id, ticket: ticket.id))
            }
            return customer.id
        }
    }

    func advance() async throws {
        try await settle()
        try await service.advance()
        try await settle()
    }

    /// PostgreSQL shows events only when no older transaction runs, be it another test's: waits for a last one to appear.
    private func settle() async throws {
        let mark = ["mark": "\(UInt64.random(in: 0...UInt64.max))"]
        try await store.write { try $0.events.append(Event(at: $0.now, kind: .accountChanged, data: mark)) }
        while try await store.read({ try $0.events.read(after: 0, limit: 10_000).last?.data != mark }) {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func sends() async throws -> [Send] { try await store.read { try $0.sends.list(state: nil, limit: 100).reversed() } }

    func enrolments(_ customer: ID<Customer>) async throws -> [Enrolment] {
        try await store.read { try $0.enrolments.ofCustomer(customer) }
    }

    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }
}

@Suite(.timeLimit(.minutes(10))) struct JourneysServiceTests {
    @Test("a new customer gets every step once, at its time")
    func walk() async throws {
        try await Garden.with(everywhere: true) { garden in
            let customer = try await garden.greet()
            try await garden.advance()
            try await garden.advance()
            var sends = try await garden.sends()
            #expect(sends.map(\.key) == ["welcome/10-hello/\(customer)/1"])
            let send = try #require(sends.first)
            #expect(send.state == .planned)
            #expect(send.kind == .journey)
            #expect(send.purpose == .marketing)
            #expect(send.topic == "tips")
            #expect(send.recipient == "ann@example.com")
            #expect(send.subject == "Welcome")
            #expect(send.text == "Hello {{first_name}}")
            #expect(send.vars == ["first_name": "Ann", "name": "Ann Lee", "email": "ann@example.com", "ticket": "#1001"])
            #expect(send.locale == "en")
            #expect(send.version == "v1")
            let ticket = try await garden.store.read { try $0.tickets.get(number: 1001)?.id }
            #expect(send.ticket == ticket)
            let enrolment = try #require(try await garden.enrolments(customer).first)
            #expect(enrolment.step == "20-more")
            #expect(enrolment.nextAt == garden.time.now() + .seconds(86_400))

            garden.time.advance(.seconds(86_399))
            try await garden.advance()
            #expect(try await garden.sends().count == 1)
            garden.time.advance(.seconds(1))
            try await garden.advance()
            sends = try await garden.sends()
            #expect(sends.map(\.step) == ["10-hello", "20-more"])
            let finished = try #require(try await garden.enrolments(customer).first)
            #expect(finished.state == .finished)
            #expect(finished.nextAt == nil)
            let events = try await garden.store.read { try $0.events.read(after: 0, limit: 100).map(\.kind) }
            #expect(events.filter { $0 == .journeyEntered }.count == 1)
            #expect(events.filter { $0 == .journeyLeft }.count == 1)
            let reasons = try await garden.store.read { try $0.reasons.about(.enrolment, finished.id.rawValue).map(\.text) }
            #expect(reasons == ["entered welcome by customer.created", "finished welcome"])
        }
    }

    @Test("a reader of Chinese gets the Chinese text and layout")
    func chinese() async throws {
        try await Garden.with { garden in
            try await garden.greet("王小明", language: "zh")
            try await garden.advance()
            let send = try #require(try await garden.sends().first)
            #expect(send.subject == "欢迎")
            #expect(send.locale == "zh")
            #expect(send.vars["first_name"] == "王小明")
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let says: String
        var email: String? = "ann@example.com"
        var purpose = Send.Purpose.marketing
        var before: @Sendable (Transaction, ID<Customer>) throws -> Void = { _, _ in }
        let response: String?
        var testDescription: String { says }
    }

    @Test(
        "who cannot or must not be mailed is skipped with the reason",
        arguments: [
            Refusal(says: "no address", email: nil, response: "no address"),
            Refusal(
                says: "unsubscribed from the topic", before: { try $0.subscriptions.unsubscribe($1, topic: "tips", source: "link") },
                response: "the customer unsubscribed from tips"),
            Refusal(
                says: "unsubscribed from everything", before: { try $0.subscriptions.unsubscribe($1, topic: nil, source: "link") },
                response: "the customer unsubscribed from tips"),
            Refusal(
                says: "unsubscribed from something else", before: { try $0.subscriptions.unsubscribe($1, topic: "news", source: "link") },
                response: nil),
            Refusal(
                says: "service mail asks no consent", purpose: .service,
                before: { try $0.subscriptions.unsubscribe($1, topic: "tips", source: "link") }, response: nil),
            Refusal(
                says: "suppressed",
                before: { transaction, _ in try transaction.subscriptions.suppress(address: "ann@example.com", reason: "550") },
                response: "ann@example.com is suppressed: 550"),
        ])
    func refuses(_ it: Refusal) async throws {
        let journey = Garden.journey(purpose: it.purpose, steps: [Garden.welcome.steps[0]])
        try await Garden.with([journey]) { garden in
            let customer = try await garden.greet(email: it.email)
            try await garden.store.write { try it.before($0, customer) }
            try await garden.advance()
            let send = try #require(try await garden.sends().first)
            #expect(send.state == (it.response == nil ? .planned : .skipped))
            let reasons = try await garden.store.read { try $0.reasons.about(.send, send.id.rawValue) }
            if let response = it.response {
                #expect(reasons.map { "\($0.decision): \($0.text)" } == ["skip: \(response)"])
            } else {
                #expect(reasons.map(\.decision) == ["send"])
            }
            #expect(try await garden.enrolments(customer).map(\.state) == [.finished])
        }
    }

    @Test("events read twice let nobody in twice")
    func rereads() async throws {
        try await Garden.with(everywhere: true) { garden in
            let customer = try await garden.greet()
            try await garden.advance()
            try await garden.store.write { try $0.events.setCursor(JourneysService.consumer, 0) }
            try await garden.advance()
            #expect(try await garden.sends().count == 1)
            #expect(try await garden.enrolments(customer).count == 1)
        }
    }

    @Test("a step that was planned before its enrolment could move is not planned again")
    func replans() async throws {
        try await Garden.with(everywhere: true) { garden in
            let customer = try await garden.greet()
            try await garden.advance()
            let now = garden.time.now()
            try await garden.store.write { transaction in
                var enrolment = try #require(try transaction.enrolments.ofCustomer(customer).first)
                enrolment.step = "10-hello"
                enrolment.nextAt = now
                try transaction.enrolments.update(enrolment)
            }
            try await garden.advance()
            #expect(try await garden.sends().count == 1)
            #expect(try await garden.enrolments(customer).first?.step == "20-more")
        }
    }

    @Test("after a reload people go on by the new files: renamed steps by their order, removed journeys end")
    func reloads() async throws {
        try await Garden.with { garden in
            let customer = try await garden.greet()
            try await garden.advance()
            let other = JourneyStep(name: "30-later", after: .seconds(60), text: JourneyText(subject: "L", body: "L"), translations: [:])
            garden.service.reload(journeys: [Garden.journey(steps: [Garden.welcome.steps[0], other])])
            garden.time.advance(.seconds(86_400))
            try await garden.advance()
            #expect(try await garden.sends().map(\.step) == ["10-hello", "30-later"])

            let late = try await garden.greet("Bob", email: "bob@example.com")
            try await garden.advance()
            garden.service.reload(journeys: [])
            garden.time.advance(.seconds(86_400))
            try await garden.advance()
            #expect(try await garden.enrolments(late).map(\.state) == [.left])
            #expect(try await garden.enrolments(customer).map(\.state) == [.finished])
            #expect(try await garden.sends().count == 3)
        }
    }

    @Test("more events and steps than one transaction takes are all handled")
    func many() async throws {
        try await Garden.with { garden in
            let count = JourneysService.eventsMax + 5
            for number in 0..<count { try await garden.greet(email: "c\(number)@example.com") }
            try await garden.advance()
            #expect(try await garden.store.read { try $0.sends.counts()[.planned] } == Int64(count))
        }
    }

    @Test("a customer who comes while the service waits is welcomed, and the service ends when told to")
    func runs() async throws {
        try await Garden.with { garden in
            let group = ServiceGroup(services: [garden.service], logger: Garden.quiet)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var seen = garden.store.signals.ticket(.sends)
                try await garden.greet()
                while try await garden.sends().isEmpty {
                    seen = await garden.store.signals.wait(.sends, after: seen, atMost: .seconds(1))
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}
