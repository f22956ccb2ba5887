import Domain
import Foundation
import Synchronization
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(10)))
struct TransactionTests {
    private static let newest = Migrations.steps.last?.version ?? 0

    struct Refusal: Error, Equatable {}

    @Test(arguments: Engine.available)
    func `what a closure throws takes back all it wrote`(engine: Engine) async throws {
        try await withStore(engine) { house async throws in
            await #expect(throws: Refusal.self) {
                try await house.store.write { transaction in
                    try transaction.meta.set("colour", "red")
                    throw Refusal()
                }
            }
            #expect(try await house.store.read { try $0.meta.get("colour") } == nil)
        }
    }

    @Test(arguments: Engine.available)
    func `one failing closure among many takes nobody along`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let written = try await withThrowingTaskGroup { group in
                for number in 0..<60 {
                    group.addTask {
                        do {
                            return try await house.store.write { transaction -> Int in
                                try transaction.meta.set("n\(number)", "written")
                                if number % 10 == 3 { throw Refusal() }
                                return 1
                            }
                        } catch is Refusal {
                            return 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            let found = try await house.store.read { transaction in
                try (0..<60).filter { try transaction.meta.get("n\($0)") == "written" }
            }
            #expect(written == 54)
            #expect(found == (0..<60).filter { $0 % 10 != 3 })
        }
    }

    @Test(arguments: [Engine.file, .memory])
    func `a group of which one fails is run again, each for itself`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let tally = Tally()
            let isHeld = Gate()
            // Whoever holds the writer makes the others a group.
            let holder = Task { try await house.store.write { _ in isHeld.wait() } }
            let jobs = (0..<5).map { number in
                Task {
                    try await house.store.write { transaction in
                        tally.runs.withLock { $0[number, default: 0] += 1 }
                        try transaction.meta.set("n\(number)", "written")
                        if number == 3 { throw Refusal() }
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(200))
            isHeld.open()
            try await holder.value
            for (number, job) in jobs.enumerated() {
                if number == 3 { await #expect(throws: Refusal.self) { try await job.value } } else { try await job.value }
            }
            let found = try await house.store.read { transaction in try (0..<5).filter { try transaction.meta.get("n\($0)") != nil } }
            #expect(found == [0, 1, 2, 4])
            #expect(tally.runs.withLock { $0[3] } == 2)
            // Signals and results are those of the second run; nothing of the first is left.
            #expect(tally.runs.withLock { $0.values.max() } == 2)
        }
    }

    @Test func `the log is copied back while it grows, and does not grow for ever`() async throws {
        try await withStore(.file) { house in
            func bytes(_ name: String) throws -> Int {
                let values = try FileManager.default.attributesOfItem(atPath: "\(house.folder)/\(name)")
                return (values[.size] as? NSNumber)?.intValue ?? 0
            }
            let piece = [UInt8](repeating: 7, count: 1 << 20)
            var longest = 0
            for number in 0..<300 {
                // Long before the writer would have to wait for it, somebody else copies.
                if number == 40 { while try bytes("store.sqlite3") < 8 << 20 { try await Task.sleep(for: .milliseconds(10)) } }
                let item = RawItem(externalID: "\(number)", kind: .form, bytes: piece)
                try await house.store.write { try $0.spool.add("forms", [item]) }
                longest = max(longest, try bytes("store.sqlite3-wal"))
            }
            #expect(try bytes("store.sqlite3") > SQLiteDatabase.copyEveryBytes)
            #expect(longest < SQLiteDatabase.logBytesMax + 2 * SQLiteDatabase.copyEveryBytes)
        }
    }

    @Test(arguments: Engine.available)
    func `a statement that failed fails its transaction even if the closure got over it`(engine: Engine) async throws {
        try await withStore(engine) { house async throws in
            let error = await #expect(throws: StoreError.self) {
                try await house.store.write { transaction in
                    try transaction.meta.set("colour", "red")
                    _ = try? transaction.query("SELECT nothing FROM nowhere")
                }
            }
            #expect(error?.kind == .statement)
            #expect(try await house.store.read { try $0.meta.get("colour") } == nil)
        }
    }

    @Test(arguments: Engine.available)
    func `a read cannot write`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let error = await #expect(throws: StoreError.self) { try await house.store.read { try $0.meta.set("colour", "red") } }
            #expect(
                error?.description
                    == "a read may not change anything; use write for: INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT "
                    + "(name) DO UPDATE SET value = excluded.value")
        }
    }

    @Test(arguments: Engine.available)
    func `a transaction is of no use after its end`(engine: Engine) async throws {
        final class Thief: @unchecked Sendable { var loot: Transaction? }  // touched by one closure, then by the test
        try await withStore(engine) { house in
            let thief = Thief()
            try await house.store.write { thief.loot = $0 }
            let error = #expect(throws: StoreError.self) { try thief.loot?.meta.get("colour") }
            #expect(error?.description == "a transaction was used after its end")
        }
    }

    @Test(arguments: Engine.available)
    func `a NUL in a text becomes a replacement character`(engine: Engine) async throws {
        try await withStore(engine) { house in
            try await house.store.write { transaction in
                try transaction.meta.set("text", "a\0b")
                var noisy = message(1, "m1")
                noisy.body = "x\0y"
                noisy.recipients = ["a\0@example.com"]
                noisy.fields = [Interaction.Field(name: "n\0", value: "v")]
                try transaction.interactions.addPlaced(noisy)
            }
            let (text, kept) = try await house.store.read { (try $0.meta.get("text"), try $0.interactions.get(ID(1))) }
            #expect(text == "a\u{FFFD}b")
            #expect(kept?.body == "x\u{FFFD}y")
            #expect(kept?.recipients == ["a\u{FFFD}@example.com"])
            // A JSON encoder writes a NUL as an escape, which both engines take as it is.
            #expect(kept?.fields.first?.value == "v")
        }
    }

    @Test(arguments: Engine.available)
    func `migrating twice changes nothing`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let token = house.store.signer.token("u", ["1"])
            try await house.store.write { try $0.meta.set("colour", "red") }
            try await house.store.migrate()
            #expect(try await house.store.read { try $0.meta.get("colour") } == "red")
            #expect(house.store.signer.verifyToken("u", token) == ["1"])
        }
    }

    @Test(arguments: Engine.shared)
    func `a clock that was set back makes no id a second time`(engine: Engine) async throws {
        try await withStore(engine) { house in
            house.time.pass(.seconds(3600))
            let before: ID<Agent> = try await house.store.write {
                try $0.agents.create(login: "li", name: "Li", passwordHash: "h", locale: "en")
            }
            house.time.pass(.seconds(-3600))
            let restarted = try await house.neighbour(node: 1)
            let after: ID<Agent> = try await restarted.write { $0.newID() }
            #expect(after > before)
            await restarted.close()
        }
    }

    @Test(arguments: Engine.available)
    func `a newer schema is refused with the way back`(engine: Engine) async throws {
        try await withStore(engine) { house in
            try await house.store.write {
                try $0.execute("INSERT INTO schema_migrations (version, name, applied_at) VALUES (99, 'the future', 0)")
            }
            let error = await #expect(throws: StoreError.self) { try await house.store.migrate() }
            #expect(
                error?.description
                    == "the database has schema 99, this program knows \(Self.newest) and older. Install the newer hongyan again, or "
                    + "restore the backup made before its upgrade.")
        }
    }

    @Test(arguments: Engine.available)
    func `a migration that fails leaves no half of it behind`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let steps =
                Migrations.steps + [
                    Migrations.Step(
                        version: Self.newest + 1, name: "broken", common: "CREATE TABLE half (id {int} PRIMARY KEY);\nCREATE NONSENSE;\n",
                        only: { _ in "" })
                ]
            await #expect(throws: StoreError.self) { try await house.store.write { try Migrations.step($0, schema: nil, steps: steps) } }
            #expect(try await house.store.read { try Migrations.version($0) } == Self.newest)
            try await house.store.write { try $0.run("CREATE TABLE half (id INTEGER PRIMARY KEY)") }
        }
    }

    @Test(arguments: Engine.available)
    func `two nodes may migrate at the same time`(engine: Engine) async throws {
        guard engine != .memory else { return }
        try await withStore(engine) { house in
            try await withThrowingTaskGroup { group in
                for node in 2..<6 { group.addTask { await (try house.neighbour(node: node)).close() } }
                try await group.waitForAll()
            }
            #expect(await house.store.check() == nil)
        }
    }

    @Test(arguments: Engine.available)
    func `a closed store says so`(engine: Engine) async throws {
        try await withStore(engine) { house in
            await house.store.close()
            #expect(await house.store.check() == "the store is closed")
        }
    }

    @Test(arguments: [
        (
            "mysql://root:secret@host/db",
            "cannot open a database of kind \"mysql\". Write sqlite:///path/to/file.sqlite3 or postgres://user:password@host/database."
        ),
        (
            "sqlite:///nowhere/at/all.sqlite3",
            "cannot open /nowhere/at/all.sqlite3: unable to open database file. "
                + "Check that the folder exists and the daemon's user may write to it."
        ),
        (
            "postgres://ana:secret@host/db?schema=Robert'--",
            "the database URL's schema is not a name of a-z, 0-9 and _ that starts with a letter; write schema=hongyan"
        ),
    ])
    func `a database that cannot be opened says why and what to do`(url: String, says: String) async throws {
        let error = await #expect(throws: StoreError.self) {
            try await Store.open(url, blobs: "/tmp", node: 1, time: TestTime(), logger: quiet)
        }
        #expect(error?.description == says)
    }

    @Test func `a server that is not there is named without its password`() async throws {
        let error = await #expect(throws: StoreError.self) {
            try await Store.open(
                "postgres://ana:hush-hush@127.0.0.1:1/db", blobs: "/tmp", node: 1, time: TestTime(), logger: quiet)
        }
        #expect(error?.description.hasPrefix("cannot open postgres://ana@127.0.0.1:1/db: ") == true)
        #expect(error?.description.hasSuffix(". Check that the server runs, and the user, password and database of the URL.") == true)
        #expect(error?.description.contains("hush-hush") == false)
        #expect(error?.isTemporary == true)
    }

    @Test func `a full disk fails the writes, says so, and is forgotten when there is room again`() async throws {
        try await withStore(.file) { house in
            let store = house.store
            let bytes = [UInt8](repeating: 7, count: 200_000)
            try await store.write { transaction in
                var row = try #require(try transaction.first("PRAGMA page_count"))
                _ = try transaction.query("PRAGMA max_page_count = \(try row.integer())")
            }
            let error = await #expect(throws: StoreError.self) {
                try await store.write { try $0.spool.add("support", [RawItem(externalID: "big", kind: .form, bytes: bytes)]) }
            }
            #expect(
                error?.description
                    == "the disk that holds \(house.folder)/store.sqlite3 is full. Free some space; work goes on by itself then.")
            #expect(error?.isTemporary == true)
            #expect(try await store.read { try $0.spool.counts() } == [:])
            try await store.write { _ = try $0.query("PRAGMA max_page_count = 1000000") }
            #expect(await store.check() == nil)
            #expect(try await store.write { try $0.spool.add("support", [RawItem(externalID: "big", kind: .form, bytes: bytes)]) } == 1)
        }
    }
}

/// How often each closure ran.
private final class Tally: Sendable { let runs = Mutex<[Int: Int]>([:]) }

/// Holds threads until it is opened, and none after that.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func wait() {
        semaphore.wait()
        semaphore.signal()
    }
    func open() { semaphore.signal() }
}
