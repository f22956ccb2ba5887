import Domain
import Foundation
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Testing
import Transport

@testable import Delivery

/// A store in a folder of its own, and what a delivery needs around it.
struct House: Sendable {
    let folder: String
    let store: Store
    let loop: TransferLoop
    let time: TestTime

    static let layoutFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "templates/layouts").path

    static func with<T>(_ body: (House) async throws -> T) async throws -> T {
        let folder = NSTemporaryDirectory() + "hongyan-delivery-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = TestTime()
        let store = try await open(folder, time)
        let house = House(folder: folder, store: store, loop: TransferLoop(logger: quiet), time: time)
        do {
            let result = try await body(house)
            await house.close()
            return result
        } catch {
            await house.close()
            throw error
        }
    }

    static func open(_ folder: String, _ time: TestTime, file: String = "hongyan.sqlite3") async throws -> Store {
        let store = try await Store.open("sqlite://\(folder)/\(file)", blobs: folder + "/blobs", node: 1, time: time, logger: quiet)
        try await store.migrate()
        return store
    }

    private func close() async {
        await loop.shutdown()
        await store.close()
    }

    // MARK: Senders and rows

    func smtp(_ server: StubMailServer, name: String = "care", concurrency: Int = 2) -> Sender {
        var sender = Sender(name: name, kind: .smtp, url: server.url, from: "Care Team <care@shop.example>")
        sender.tls.allowPlain = true
        sender.concurrency = concurrency
        return sender
    }

    func folderSender(_ name: String = "out") -> Sender {
        Sender(name: name, kind: .folder, url: "\(folder)/\(name)", from: "Care Team <care@shop.example>")
    }

    func composer(publicURL: String = "https://care.example") throws -> Composer {
        Composer(
            layouts: try Layouts.load(from: Self.layoutFolder), publicURL: publicURL, replyTo: nil, signer: store.signer,
            templates: TemplateCache())
    }

    func send(
        _ key: String, to recipient: String = "ana@example.com", purpose: Send.Purpose = .marketing, kind: Send.Kind = .journey,
        change: @escaping @Sendable (inout Send) -> Void = { _ in }
    ) async throws -> Send {
        try await store.write { transaction in
            var send = Send(
                id: transaction.newID(), key: key, kind: kind, purpose: purpose, recipient: recipient, dueAt: transaction.now,
                createdAt: transaction.now)
            send.subject = "Welcome, {{first_name}}"
            send.text = "Hello {{first_name}},\n\nnice to have you."
            send.vars = ["first_name": "Ana"]
            if kind == .journey { (send.journey, send.step, send.topic) = ("welcome", "10-hello", "tips") }
            change(&send)
            return send
        }
    }

    @discardableResult
    func plan(
        _ key: String, to recipient: String = "ana@example.com", purpose: Send.Purpose = .marketing, kind: Send.Kind = .journey,
        change: @escaping @Sendable (inout Send) -> Void = { _ in }
    ) async throws -> ID<Send> {
        let row = try await send(key, to: recipient, purpose: purpose, kind: kind, change: change)
        let isNew = try await store.write { try $0.sends.plan(row) }
        #expect(isNew)
        return row.id
    }

    func customer(_ email: String) async throws -> ID<Customer> {
        try await store.write { transaction in
            let customer = Customer(
                id: transaction.newID(), name: "Ana", createdAt: transaction.now, lastSeenAt: transaction.now,
                identities: [Identity(kind: .email, value: email)])
            try transaction.customers.create(customer)
            return customer.id
        }
    }

    func row(_ id: ID<Send>) async throws -> Send { try #require(try await store.read { try $0.sends.get(id) }) }

    func reasons(_ id: ID<Send>) async throws -> [String] {
        try await store.read { try $0.reasons.about(.send, id.rawValue) }.map(\.text)
    }

    // MARK: Running

    func service(
        _ senders: [Sender], node: Int = 1, change: (inout DeliverySettings) -> Void = { _ in }
    ) throws -> DeliveryService {
        var settings = DeliverySettings(publicURL: "https://care.example")
        settings.retry = RetrySchedule(first: .milliseconds(20), longest: .milliseconds(100), giveUpAfter: .seconds(3600))
        change(&settings)
        return DeliveryService(
            store: store, loop: loop, senders: senders, layouts: try Layouts.load(from: Self.layoutFolder), settings: settings,
            gate: gate(node: node), logger: quiet)
    }

    /// Each node has a data directory of its own.
    func gate(node: Int = 1) -> DeliveryGate {
        let directory = node == 1 ? folder : "\(folder)/node\(node)"
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return DeliveryGate(store: store, dataDirectory: directory, node: node, logger: quiet)
    }

    /// Runs the service in a group of its own until `body` returns, then shuts it down gracefully.
    func running<T>(_ service: DeliveryService, _ body: () async throws -> T) async throws -> T {
        let group = ServiceGroup(configuration: .init(services: [.init(service: service)], logger: quiet))
        let run = Task { try await group.run() }
        let result: T
        do { result = try await body() } catch {
            await group.triggerGracefulShutdown()
            try await run.value
            throw error
        }
        await group.triggerGracefulShutdown()
        try await run.value
        return result
    }

    /// Waits until every given row is in one of these states.
    func settled(_ ids: [ID<Send>], _ states: Set<Send.State> = [.accepted, .rejected, .uncertain, .skipped, .held]) async throws {
        try await until {
            try await store.read { transaction in
                try ids.allSatisfy { id in try transaction.sends.get(id).map { states.contains($0.state) } ?? false }
            }
        }
    }
}

/// The machine's clock, which a test may shift.
final class TestTime: TimeSource {
    private let shift = Mutex(Duration.zero)
    func now() -> Timestamp { SystemTime().now() + shift.withLock { $0 } }
    func move(by duration: Duration) { shift.withLock { $0 += duration } }
}

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Waits as long as the test's time limit allows.
func until(_ isTrue: () async throws -> Bool) async throws {
    while try await !isTrue() { try await Task.sleep(for: .milliseconds(5)) }
}
