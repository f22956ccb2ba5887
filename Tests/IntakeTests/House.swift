import Domain
import Foundation
import Logging
import Store
import Testing

@testable import Intake

/// A fresh store in memory with its blobs in a folder of its own.
struct House: Sendable {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let store: Store
    let folder: String

    static func with(_ test: (House) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hongyan-intake-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let store = try await Store.open("sqlite::memory:", blobs: folder + "/blobs", node: 1, time: SystemTime(), logger: logger)
        try await store.migrate()
        let result: Result<Void, any Error>
        do { result = .success(try await test(House(store: store, folder: folder))) } catch { result = .failure(error) }
        await store.close()
        try FileManager.default.removeItem(atPath: folder)
        try result.get()
    }

    func digest(_ accounts: [Account] = []) -> DigestService {
        DigestService(store: store, accounts: accounts, ownAddresses: ["care@shop.example"], owner: "test", logger: Self.logger)
    }

    func spool(_ account: String, _ items: RawItem...) async throws {
        try await store.write { _ = try $0.spool.add(account, items) }
    }

    /// Digests until nothing is left.
    func drain(_ service: DigestService) async throws {
        var batches = 0
        while try await service.step() {
            batches += 1
            try #require(batches < 100)
        }
    }

    func interactions() async throws -> [Interaction] {
        try await store.write { try $0.interactions.claimNew(owner: "test", lease: .seconds(60), limit: 1000) }
    }

    func quarantined() async throws -> [SpooledItem] { try await store.read { try $0.spool.quarantined(limit: 100) } }
    func events(_ kind: Event.Kind) async throws -> [Event] {
        try await store.read { try $0.events.read(after: 0, limit: 1000) }.filter { $0.kind == kind }
    }

    static func mail(_ id: String, _ text: String) -> RawItem {
        RawItem(externalID: id, kind: .mail, bytes: Array(text.replacing("\n", with: "\r\n").utf8), meta: [:])
    }
}
