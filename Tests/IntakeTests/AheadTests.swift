import Channels
import Domain
import Foundation
import Store
import Synchronization
import Testing

@testable import Intake

/// What a poll brings is read before it is stored, where that is safe.
@Suite(.timeLimit(.minutes(10))) struct AheadTests {
    /// Gives the same items with every poll.
    private struct Tap: Source {
        let items: [RawItem]
        func poll(into keeper: Keeper) async throws { try await keeper.store(Batch(items: items, stream: "s", cursor: "c")) }
    }

    private static let feed = RawItem(
        externalID: "doc", kind: .post,
        bytes: Array(
            """
            <rss version="2.0"><channel><title>Shop</title><link>https://shop.example/</link>
            <item><guid>1</guid><title>Late</title><description>Where is my parcel?</description></item>
            <item><guid>2</guid><title>Thanks</title><description>It came.</description></item>
            </channel></rss>
            """.utf8))

    private static func mail(_ id: String) -> RawItem {
        House.mail("INBOX/7/\(id)", "From: ana@example.com\nMessage-ID: <\(id)@example.com>\nSubject: Hello\n\nWhere is it?\n")
    }

    /// Polls once, with nobody who reads the spool.
    private static func poll(
        _ house: House, _ items: [RawItem], placer: DigestService.Placer? = nil
    ) async throws -> AccountHealth {
        let account = IntakeServiceTests.account("a")
        let digest = DigestService(store: house.store, accounts: [account], owner: "test", logger: House.logger, placer: placer)
        let service = IntakeService(store: house.store, accounts: [], digest: digest, logger: House.logger) { _ in Tap(items: items) }
        let healths = Mutex<[AccountHealth]>([])
        await service.pollOnce([account]) { health in healths.withLock { $0.append(health) } }
        return try #require(healths.withLock { $0.first })
    }

    private static func counts(_ house: House) async throws -> [String: Int64] { try await house.store.read { try $0.spool.counts() } }

    @Test func `a document and mails become messages in the transaction that stores them`() async throws {
        try await House.with { house in
            let health = try await Self.poll(house, [Self.feed, Self.mail("1"), Self.mail("2")])
            #expect(health.itemsStored == 3)
            #expect(try await Self.counts(house) == ["done": 3])
            let messages = try await house.interactions()
            #expect(messages.map(\.externalID) == ["2", "1", "INBOX/7/1", "INBOX/7/2"])  // a feed's oldest is its last
            #expect(messages.map(\.kind) == [.post, .post, .mail, .mail])
            #expect(try await house.events(.messageStored).count == 4)
            let reasons = try await house.store.read { try $0.reasons.about(.interaction, messages[2].id.rawValue) }
            #expect(reasons.map(\.decision) == ["nature"])
            #expect(try await house.store.read { try $0.accounts.cursor("a", "s") } == "c")
            // Both are known now, and are not read again.
            let hidden = try await house.store.read { try $0.spool.known("a", externalIDs: ["doc", "INBOX/7/1"]) }
            #expect(hidden == ["doc", "INBOX/7/1"])
        }
    }

    /// What a placer was asked.
    private final class Desk: Sendable {
        private let log = Mutex((placed: [String](), told: 0))
        var placed: [String] { log.withLock { $0.placed } }
        var told: Int { log.withLock { $0.told } }

        var placer: DigestService.Placer {
            { _ in
                { [self] transaction, stored, index in
                    try transaction.interactions.place(stored)
                    log.withLock { $0.placed.append("\(index) \(stored.externalID)") }
                    return { [self] in log.withLock { $0.told += 1 } }
                }
            }
        }
    }

    @Test func `messages are placed in the transaction that stores them, in the order in which they were written`() async throws {
        try await House.with { house in
            let desk = Desk()
            func mail(_ id: String, day: Int) -> RawItem {
                House.mail(id, "From: ana@example.com\nDate: Mon, 0\(day) Jun 2026 10:00:00 +0000\nSubject: \(id)\n\nHello\n")
            }
            _ = try await Self.poll(house, [mail("late", day: 2), mail("early", day: 1)], placer: desk.placer)
            #expect(desk.placed == ["0 early", "1 late"])
            #expect(desk.told == 2)
            #expect(try await house.store.read { try $0.interactions.unplacedCount() } == 0)
            // Known ones are not placed again.
            _ = try await Self.poll(house, [mail("late", day: 2)], placer: desk.placer)
            #expect(desk.told == 2)
        }
    }

    @Test func `while an older message waits for its place, later ones wait behind it`() async throws {
        try await House.with { house in
            let desk = Desk()
            _ = try await Self.poll(house, [Self.mail("1")])
            _ = try await Self.poll(house, [Self.mail("2")], placer: desk.placer)
            #expect(desk.placed == [])
            #expect(try await house.store.read { try $0.interactions.unplacedCount() } == 2)
            _ = try await house.interactions()  // somebody looks for their places now
            _ = try await Self.poll(house, [Self.mail("3")], placer: desk.placer)
            #expect(desk.placed == [])
        }
    }

    @Test func `the same once more changes nothing`() async throws {
        try await House.with { house in
            for _ in 0..<3 { _ = try await Self.poll(house, [Self.feed, Self.mail("1")]) }
            #expect(try await Self.counts(house) == ["done": 2])
            #expect(try await house.interactions().count == 3)
        }
    }

    @Test func `what cannot be read goes through the spool, and what came after it behind it`() async throws {
        try await House.with { house in
            let broken = RawItem(externalID: "broken", kind: .post, bytes: Array("this is no feed".utf8))
            var large = Self.mail("3")
            large.bytes += [UInt8](repeating: UInt8(ascii: "x"), count: DigestService.aheadBytesMax)
            var cut = Self.mail("4")
            cut.isCut = true
            for (number, odd) in [broken, large, cut].enumerated() {
                _ = try await Self.poll(house, [Self.mail("a\(number)"), odd, Self.mail("b\(number)")])
                #expect(try await Self.counts(house)["new"] == 2)
                let count = try await house.store.read { try $0.interactions.count() }
                try await house.drain(house.digest())
                #expect(try await house.store.read { try $0.interactions.count() } == count + (number == 0 ? 1 : 2))
            }
            #expect(try await house.quarantined().map(\.externalID) == ["broken"])
        }
    }

    @Test func `behind what waits in the spool everything goes through the spool`() async throws {
        try await House.with { house in
            try await house.spool("a", Self.mail("1"))
            _ = try await Self.poll(house, [Self.mail("2")])
            #expect(try await Self.counts(house) == ["new": 2])
            try await house.drain(house.digest())
            _ = try await Self.poll(house, [Self.mail("2"), Self.mail("3")])
            #expect(try await Self.counts(house) == ["done": 3])
            #expect(try await house.interactions().map(\.externalID) == ["INBOX/7/1", "INBOX/7/2", "INBOX/7/3"])
        }
    }

    /// A process that starts where another one was killed.
    private static func next(after note: Data, _ house: House, _ body: (House) async throws -> Void) async throws {
        let folder = house.folder + "/next-\(UUID().uuidString)"
        let store = try await Store.open("sqlite::memory:", blobs: folder, node: 1, time: SystemTime(), logger: House.logger)
        try await store.migrate()
        try note.write(to: URL(filePath: folder + "/in-hand"))
        try await body(House(store: store, folder: house.folder))
        await store.close()
    }

    @Test func `an account is noted until its messages are stored and placed`() async throws {
        try await House.with { house in
            let path = URL(filePath: house.folder + "/blobs/in-hand")
            let notes = Mutex<[Data]>([])
            let placer: DigestService.Placer = { _ in
                { transaction, stored, _ in
                    try transaction.interactions.place(stored)
                    let note = try Data(contentsOf: path)
                    notes.withLock { $0.append(note) }
                    return {}
                }
            }
            _ = try await Self.poll(house, [Self.mail("1")], placer: placer)
            #expect(try Data(contentsOf: path).allSatisfy { $0 == 0 })
            let note = try #require(notes.withLock { $0.first })
            // The program is killed while it places: the next goes through the spool, where tries are counted, until a poll is through.
            try await Self.next(after: note, house) { after in
                _ = try await Self.poll(after, [Self.feed])
                #expect(try await Self.counts(after) == ["new": 1])
                try await after.drain(after.digest())
                _ = try await Self.poll(after, [Self.feed, Self.mail("1")])
                #expect(try await Self.counts(after) == ["done": 2])
            }
        }
    }

    @Test func `a document with very many entries is stored in several transactions`() async throws {
        try await House.with { house in
            let items = (0...DigestService.entriesMax).map { "<item><guid>\($0)</guid><title>\($0)</title></item>" }.joined()
            let long = RawItem(externalID: "long", kind: .post, bytes: Array("<rss version=\"2.0\"><channel>\(items)</channel></rss>".utf8))
            _ = try await Self.poll(house, [long])
            #expect(try await Self.counts(house) == ["new": 1])
            try await house.drain(house.digest())
            #expect(try await house.store.read { try $0.interactions.count() } == Int64(DigestService.entriesMax + 1))
        }
    }
}
