import Domain
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(10)))
struct SpoolTests {
    @Test(arguments: Engine.available)
    func `an item is stored once by account and external id`(engine: Engine) async throws {
        try await withStore(engine) { house async throws in
            let store = house.store
            #expect(try await store.write { try $0.spool.add("support", [item("a"), item("b"), item("a")]) } == 2)
            #expect(try await store.write { try $0.spool.add("support", [item("b"), item("c")]) } == 1)
            #expect(try await store.write { try $0.spool.add("sales", [item("a")]) } == 1)
            #expect(try await store.read { try $0.spool.known("support", externalIDs: ["a", "x", "c", "\"q\""]) } == ["a", "c"])
            #expect(try await store.read { try $0.spool.counts() } == ["new": 4])
        }
    }

    @Test(arguments: Engine.available)
    func `what was read before it was stored is done at once, and only mails keep their bytes`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let feed = RawItem(externalID: "feed", kind: .post, bytes: [4, 5])
            try await store.write { try $0.spool.add("support", [item("known")]) }
            let items = [item("known"), item("read"), feed, item("waiting"), item("read")]
            let ids = try await store.write { try $0.spool.add("support", items, read: 3) }
            #expect(ids.keys.sorted() == [1, 2, 3])
            #expect(try await store.read { try $0.spool.counts() } == ["new": 2, "done": 2])
            #expect(try await store.read { try $0.spool.isAnyWaiting(of: "support") })
            #expect(try await store.read { try $0.spool.isAnyWaiting(of: "sales") } == false)
            let (mail, document) = try await store.read { (try $0.spool.get(ids[1]!), try $0.spool.get(ids[2]!)) }
            #expect(mail?.bytes == [1, 2, 3])
            #expect(mail?.state == "done")
            #expect(document?.bytes == [])
            let claimed = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }
            #expect(claimed.map(\.externalID) == ["known", "waiting"])
            #expect(try await store.read { try $0.spool.isAnyWaiting(of: "support") })
            try await store.write { try $0.spool.add("import", (0..<300).map { item("\($0)") }) }
            #expect(try await store.read { try $0.spool.isAnyWaiting(of: "sales") })
            try await store.write { try $0.execute("DELETE FROM spool WHERE account = 'import'") }
            try await store.write { for item in claimed { try $0.spool.done(item.id, keepBytes: true) } }
            #expect(try await store.read { try $0.spool.isAnyWaiting(of: "support") } == false)
        }
    }

    @Test(arguments: Engine.available)
    func `an item comes back byte for byte`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let bytes = (0...255).map { UInt8($0) } + [0, 0, 0]
            let raw = RawItem(externalID: "INBOX/7/42", kind: .form, bytes: bytes, meta: ["a": "\"1\"\n", "ü": "\\"])
            try await house.store.write { try $0.spool.add("support", [raw, RawItem(externalID: "empty", kind: .mail, bytes: [])]) }
            let claimed = try await house.store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }
            #expect(claimed.count == 2)
            #expect(claimed.first?.bytes == bytes)
            #expect(claimed.first?.meta == raw.meta)
            #expect(claimed.first?.kind == .form)
            #expect(claimed.first?.attempts == 1)
            #expect(claimed.first?.state == "claimed")
            #expect(claimed.last?.bytes == [])
        }
    }

    @Test(arguments: Engine.available)
    func `large items do not fill the memory at once`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let large = [UInt8](repeating: 7, count: 20 << 20)
            try await store.write { try $0.spool.add("support", [item("a"), item("b", large), item("c", large), item("d")]) }
            @Sendable func claim() async throws -> [String] {
                try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }.map(\.externalID)
            }
            #expect(try await claim() == ["a"])
            #expect(try await claim() == ["b"])
            #expect(try await claim() == ["c"])
            #expect(try await claim() == ["d"])
        }
    }

    @Test(arguments: Engine.available)
    func `many claimers take each item once`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.spool.add("support", (0..<300).map { item("\($0)") }) }
            let taken = try await withThrowingTaskGroup { group in
                for claimer in 0..<6 {
                    group.addTask {
                        var mine: [String] = []
                        while true {
                            let items = try await store.write { try $0.spool.claim(owner: "c\(claimer)", lease: .seconds(600), limit: 7) }
                            if items.isEmpty { return mine }
                            mine += items.map(\.externalID)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.count == 300)
            #expect(Set(taken).count == 300)
        }
    }

    @Test(arguments: Engine.available)
    func `an item claimed three times and never finished is quarantined by the next claim`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.spool.add("support", [item("poison")]) }
            for attempt in 1...3 {
                let claimed = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }
                #expect(claimed.map(\.attempts) == [attempt])
                #expect(try await store.write { try $0.spool.claim(owner: "you", lease: .seconds(60), limit: 10) } == [])
                house.time.pass(.seconds(61))
            }
            #expect(try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) } == [])
            let quarantined = try await store.read { try $0.spool.quarantined(limit: 10) }
            #expect(quarantined.map(\.externalID) == ["poison"])
            #expect(quarantined.first?.error == "Tried 3 times and not finished: the program was stopped or died at it.")
            #expect(try await events(store, count: 1).map(\.kind) == [.messageQuarantined])
        }
    }

    @Test(arguments: Engine.available)
    func `items whose worker died come alone and keep their place, failed ones stand back`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            @Sendable func claim() async throws -> [String] {
                try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }.map(\.externalID)
            }
            try await store.write { try $0.spool.add("support", ["a", "b", "c"].map { item($0) }) }
            #expect(try await claim() == ["a", "b", "c"])
            house.time.pass(.seconds(30))
            try await store.write { try $0.spool.add("support", [item("d"), item("e")]) }
            house.time.pass(.seconds(30))  // the process died with all three
            #expect(try await claim() == ["a"])
            house.time.pass(.seconds(60))  // and again, with the first alone
            #expect(try await claim() == ["a"])
            #expect(try await claim() == ["b"])
            let last = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }
            #expect(last.map(\.externalID) == ["c"])
            try await store.write { try $0.spool.fail(try #require(last.first).id, error: "not now") }
            #expect(try await claim() == ["d", "e"])
            #expect(try await claim() == ["c"])
            #expect(try await claim() == [])
        }
    }

    @Test(arguments: Engine.available)
    func `a failed item is tried again, then quarantined with its last error, then replayed or dropped`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.spool.add("support", [item("bad")]) }
            for attempt in 1...3 {
                let claimed = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }
                let id = try #require(claimed.first).id
                #expect(try await store.write { try $0.spool.fail(id, error: "no header in try \(attempt)") } == (attempt == 3))
            }
            let bad = try #require(try await store.read { try $0.spool.quarantined(limit: 10) }.first)
            #expect(bad.error == "no header in try 3")
            #expect(try await store.read { try $0.spool.get(bad.id) }?.bytes == [1, 2, 3])

            #expect(try await store.write { try $0.spool.replay(bad.id) })
            #expect(try await store.write { try $0.spool.replay(bad.id) } == false)
            #expect(try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }.map(\.attempts) == [1])
            #expect(try await store.write { try $0.spool.drop(bad.id) } == false)
            for _ in 1...3 {
                try await store.write { try $0.spool.fail(bad.id, error: "again") }
                _ = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }
            }
            #expect(try await store.read { try $0.spool.counts() } == ["quarantined": 1])
            #expect(try await store.write { try $0.spool.drop(bad.id) })
            #expect(try await store.write { try $0.spool.add("support", [item("bad")]) } == 0)
            #expect(try await store.read { try $0.spool.get(bad.id) }?.bytes == [])
        }
    }

    @Test(arguments: Engine.available)
    func `a finished item stays known, with its bytes only if they are wanted`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let gone = RawItem(externalID: "gone", kind: .form, bytes: [1, 2, 3])  // mails are always kept
            try await store.write { try $0.spool.add("support", [item("kept"), gone]) }
            let items = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) }
            try await store.write { transaction in
                for item in items { try transaction.spool.done(item.id, keepBytes: item.externalID == "kept") }
            }
            house.time.pass(.seconds(120))
            #expect(try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 10) } == [])
            #expect(try await store.read { try $0.spool.counts() } == ["done": 2])
            #expect(try await store.read { transaction in try items.map { try transaction.spool.get($0.id)?.bytes } } == [[1, 2, 3], []])
        }
    }

    @Test(arguments: [Engine.file, .memory])
    func `the claims of a dead predecessor are free at once, and counted`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.spool.add("support", [item("a"), item("b")]) }
            _ = try await store.write { try $0.spool.claim(owner: "dead", lease: .seconds(600), limit: 10) }
            try await store.releaseLeases()
            let next = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(600), limit: 10) }
            #expect(next.map(\.externalID) == ["a"])
            #expect(next.map(\.attempts) == [2])
        }
    }
}
