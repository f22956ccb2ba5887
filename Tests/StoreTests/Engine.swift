import Domain
import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import Store

/// The databases every test runs on: files and memory always, PostgreSQL when `HONGYAN_TEST_POSTGRES` holds its URL.
enum Engine: String, Sendable, CaseIterable {
    case file, memory, postgres

    static let postgresURL = ProcessInfo.processInfo.environment["HONGYAN_TEST_POSTGRES"]
    static let available = postgresURL == nil ? [Engine.file, .memory] : Engine.allCases
    /// Where several connections meet.
    static let shared = available.filter { $0 != .memory }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A clock that stands still until it is told.
final class TestTime: TimeSource {
    static let start = Timestamp(seconds: 1_800_000_000)
    private let time = Mutex(start)
    func now() -> Timestamp { time.withLock { $0 } }
    func pass(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}

/// An empty, migrated database of its own, and a second way into it.
struct House: Sendable {
    let engine: Engine
    let store: Store
    let time: TestTime
    let url: String
    let folder: String

    /// The same database as another node sees it.
    func neighbour(node: Int = 2) async throws -> Store {
        let other = try await Store.open(url, blobs: folder + "/blobs", node: node, time: time, logger: quiet)
        try await other.migrate()
        return other
    }
}

func withStore(_ engine: Engine, _ body: (House) async throws -> Void) async throws {
    let name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }
    let folder = FileManager.default.temporaryDirectory.appending(path: "hongyan-\(name)").path()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let url =
        switch engine {
        case .file: "sqlite://\(folder)/store.sqlite3"
        case .memory: "sqlite::memory:"
        case .postgres: "\(Engine.postgresURL ?? "")?schema=\(name)"
        }
    let time = TestTime()
    let store = try await Store.open(url, blobs: folder + "/blobs", node: 1, time: time, logger: quiet)
    try await store.migrate()
    let house = House(engine: engine, store: store, time: time, url: url, folder: folder)
    do {
        try await body(house)
    } catch {
        await house.leave(name)
        throw error
    }
    await house.leave(name)
}

extension House {
    fileprivate func leave(_ name: String) async {
        if engine == .postgres { try? await store.write { try $0.run("DROP SCHEMA \(name) CASCADE") } }
        await store.close()
    }
}

/// Something the rows of a test can be about.
func item(_ name: String, _ bytes: [UInt8] = [1, 2, 3]) -> RawItem {
    RawItem(externalID: name, kind: .mail, bytes: bytes, meta: ["folder": "INBOX"])
}

func message(_ id: Int64, _ externalID: String, subject: String = "Late parcel") -> Interaction {
    Interaction(
        id: ID(id), account: "support", externalID: externalID, kind: .mail, occurredAt: TestTime.start, receivedAt: TestTime.start,
        author: Interaction.Author(name: "Ana", email: "ana@example.com"), recipients: ["care@example.com"], subject: subject,
        body: "Where is it?")
}

func ticket(_ id: Int64, number: Int64, customer: Int64 = 1, queue: String = "Support", status: Ticket.Status = .new) -> Ticket {
    Ticket(
        id: ID(id), number: number, subject: "Late parcel", status: status, queue: queue, customer: ID(customer), customerName: "Ana",
        account: "support", kind: .mail, createdAt: TestTime.start)
}

func send(_ id: Int64, key: String, _ purpose: Send.Purpose = .marketing) -> Send {
    Send(
        id: ID(id), key: key, kind: .journey, purpose: purpose, recipient: "ana@example.com", dueAt: TestTime.start,
        createdAt: TestTime.start)
}

/// Everything in the log. Other tests' transactions hold PostgreSQL's horizon back for a moment, so it asks until `count` are there.
func events(_ store: Store, count: Int) async throws -> [Event] {
    while true {
        let events = try await store.read { try $0.events.read(after: 0, limit: 10_000) }
        if events.count >= count { return events }
        try await Task.sleep(for: .milliseconds(5))
    }
}
