import Domain
import Testing

@testable import Store

/// What only a server can do to us.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Engine.postgresURL != nil))
struct PostgresTests {
    @Test func `a connection that died while nobody looked is replaced unnoticed`() async throws {
        try await withStore(.postgres) { house in
            let name = "idle-\(house.folder.suffix(8))"
            let other = try await Store.open(
                house.url + "&application_name=\(name)", blobs: house.folder, node: 2, time: house.time, logger: quiet)
            try await other.write { try $0.meta.set("colour", "red") }
            let ended = try await house.store.write {
                try $0.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name).count
            }
            #expect(ended > 0)
            #expect(try await other.read { try $0.meta.get("colour") } == "red")
            try await other.write { try $0.meta.set("colour", "blue") }
            #expect(await other.check() == nil)
            await other.close()
        }
    }

    @Test func `a connection that dies inside a transaction fails it as temporary, and the next one works`() async throws {
        try await withStore(.postgres) { house async throws in
            let error = await #expect(throws: StoreError.self) {
                try await house.store.write { transaction in
                    try transaction.meta.set("colour", "red")
                    _ = try transaction.query("SELECT pg_terminate_backend(pg_backend_pid())")
                }
            }
            #expect(error?.isTemporary == true)
            #expect(error?.description.contains(": FATAL: terminating connection due to administrator command server closed") == true)
            #expect(error?.description.hasSuffix(" while processing the request. Check that the server runs.") == true)
            #expect(try await house.store.read { try $0.meta.get("colour") } == nil)
        }
    }

    @Test func `two transactions that change the same row both count`() async throws {
        try await withStore(.postgres) { house in
            try await house.store.write { try $0.meta.set("sum", "0") }
            try await withThrowingTaskGroup { group in
                for _ in 0..<40 {
                    group.addTask {
                        try await house.store.write { transaction in
                            let sum = Int(try transaction.meta.get("sum") ?? "") ?? 0
                            try transaction.meta.set("sum", "\(sum + 1)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await house.store.read { try $0.meta.get("sum") } == "40")
        }
    }
}
