import Domain
import FoundationEssentials
import Testing

@testable import Store

/// What readers of mailboxes ask of the store.
@Suite(.timeLimit(.minutes(10))) struct ReadingTests {
    @Test(arguments: Engine.available)
    func `the ledger tells what is here, what is here whole and what was passed over`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            var part = item("INBOX/7/3")
            part.isCut = true
            let items = [item("INBOX/7/1"), item("INBOX/7/20"), part, item("INBOX/71/1"), item("INBOX~1/7/1")]
            try await store.write { try $0.spool.add("support", items) }
            try await store.write { try $0.spool.pass("support", externalIDs: ["old/1", "INBOX/7/1"]) }
            let read = try await store.read { tx in
                (
                    try tx.spool.ledger("support", prefix: "INBOX/7/", after: nil, limit: 10),
                    try tx.spool.ledger("support", prefix: "INBOX/7/", after: "INBOX/7/1", limit: 1),
                    try tx.spool.known("support", externalIDs: ["INBOX/7/1", "INBOX/7/3", "old/1", "new"]),
                    try tx.spool.held("support", externalIDs: ["INBOX/7/1", "INBOX/7/3", "old/1", "new"]),
                    try tx.spool.counts()
                )
            }
            #expect(read.0 == ["INBOX/7/1", "INBOX/7/20", "INBOX/7/3"])
            #expect(read.1 == ["INBOX/7/20"])
            #expect(read.2 == ["INBOX/7/1", "INBOX/7/3", "old/1"])
            #expect(read.3 == ["INBOX/7/1"])
            #expect(read.4 == ["new": 5])
        }
    }

    @Test(arguments: Engine.available)
    func `a mail that is here in part is fetched when somebody asks, and read again`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            var part = item("big")
            part.isCut = true
            try await store.write { [part] in try $0.spool.add("support", [part]) }
            #expect(try await store.write { try $0.spool.want("support", externalID: "big") } == .asked)
            #expect(try await store.write { try $0.spool.want("support", externalID: "none") } == .unknown)
            #expect(try await store.read { try $0.spool.wanted("support", limit: 9) } == ["big"])
            let writer = try await store.blobs.writer()
            try await writer.write([1, 2])
            try await writer.write([3])
            let blob = try await writer.finish()
            var whole = RawItem(externalID: "big", kind: .mail, bytes: [], meta: ["whole": "1"])
            whole.stored = StoredBytes(hash: blob.hash, sizeBytes: blob.sizeBytes)
            let isComplete = try await store.write { [whole] in try $0.spool.complete("support", whole) }
            #expect(isComplete)
            #expect(try await store.read { try $0.spool.wanted("support", limit: 9) } == [])
            #expect(try await store.write { try $0.spool.want("support", externalID: "big") } == .isWhole)
            let claimed = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 9) }
            #expect(claimed.map(\.blob) == [blob.hash])
            #expect(claimed.map(\.sizeBytes) == [3])
            #expect(try await store.bytes(of: claimed[0]) == [1, 2, 3])
        }
    }

    @Test(arguments: Engine.available)
    func `a folder's counts are kept, and what was found late adds up`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            var count = FolderCount(account: "support", folder: "INBOX", server: 10, ours: 9, late: 2, checkedAt: TestTime.start)
            for _ in 0..<2 { try await store.write { [count] in try $0.accounts.save(count) } }
            count.late = 4
            #expect(try await store.read { try $0.accounts.folderCounts() } == [count])
            #expect(try await store.read { try $0.accounts.folderCount("support", "INBOX") } == count)
            #expect(try await store.read { try $0.accounts.folderCount("support", "Junk") } == nil)
        }
    }

    @Test func `a blob given up leaves nothing behind, and drafts of dead processes are swept`() async throws {
        try await withStore(.file) { house in
            let incoming = house.folder + "/blobs/incoming"
            let writer = try await house.store.blobs.writer()
            try await writer.write([1])
            #expect(try FileManager.default.contentsOfDirectory(atPath: incoming).count == 1)
            await writer.abandon()
            #expect(try FileManager.default.contentsOfDirectory(atPath: incoming) == [])
            // No process has this number: Linux ends below.
            try Data([1]).write(to: URL(filePath: incoming + "/99999999-1"))
            let other = try await house.neighbour()
            #expect(try FileManager.default.contentsOfDirectory(atPath: incoming) == [])
            await other.close()
        }
    }

    @Test func `raw mails lie in files beside the database, come back byte for byte, and are erased when dropped`() async throws {
        try await withStore(.file) { house in
            let store = house.store
            let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await store.write { try $0.spool.add("support", [item("a", bytes), item("b", [9, 9])]) }
            try await store.write { try $0.spool.add("support", [item("a", [0]), item("c", [7])]) }
            let claimed = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 9) }
            #expect(claimed.map(\.bytes) == [bytes, [9, 9], [7]])
            for _ in 0..<Spool.attemptsMax { _ = try await store.write { try $0.spool.quarantine(claimed[0].id, error: "x") } }
            let segments = try FileManager.default.contentsOfDirectory(atPath: house.folder + "/blobs/spool")
            #expect(segments.count == 1)
            let size = { try Data(contentsOf: URL(filePath: house.folder + "/blobs/spool/" + segments[0])) }
            #expect(try size().count == bytes.count + 3)
            #expect(try await store.write { try $0.spool.drop(claimed[0].id) })
            #expect(try size().prefix(bytes.count).allSatisfy { $0 == 0 })
            #expect(try size().suffix(3) == Data([9, 9, 7]))
        }
    }

    @Test func `a transaction that is taken back leaves no bytes beside the database`() async throws {
        struct Refusal: Error {}
        try await withStore(.file) { house in
            let store = house.store
            try await store.write { try $0.spool.add("support", [item("a", [1, 2, 3])]) }
            await #expect(throws: Refusal.self) {
                try await store.write { transaction in
                    try transaction.spool.add("support", [item("b", [4, 5, 6, 7])])
                    throw Refusal()
                }
            }
            // Of several that are committed together, too.
            let isHeld = Gate()
            let holder = Task { try await store.write { _ in isHeld.wait() } }
            let jobs = (0..<3).map { number in
                Task {
                    try await store.write { transaction in
                        try transaction.spool.add("support", [item("c\(number)", [UInt8](repeating: UInt8(10 + number), count: 5))])
                        if number == 1 { throw Refusal() }
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(200))
            isHeld.open()
            try await holder.value
            for job in jobs { _ = await job.result }
            let names = try FileManager.default.contentsOfDirectory(atPath: house.folder + "/blobs/spool")
            let found = try names.map { try Data(contentsOf: URL(filePath: house.folder + "/blobs/spool/" + $0)) }.reduce(Data(), +)
            #expect(found.sorted() == [1, 2, 3] + [10, 10, 10, 10, 10, 12, 12, 12, 12, 12])
            let claimed = try await store.write { try $0.spool.claim(owner: "me", lease: .seconds(60), limit: 9) }
            #expect(Set(claimed.map(\.bytes)) == [[1, 2, 3], [10, 10, 10, 10, 10], [12, 12, 12, 12, 12]])
        }
    }

    @Test(
        "JSON in columns is read as it was written",
        arguments: [
            [], [""], ["a"], ["\"q\" \\ / \n\t\u{1}"], ["中文", "😀", "é"], ["a,b", "]", "{\"a\":1}"],
        ])
    func json(_ list: [String]) throws {
        #expect(try JSONText.decode([String].self, JSONText.encode(list), empty: []) == list)
        let fields = list.map { Interaction.Field(name: $0, value: $0 + "!") }
        #expect(try JSONText.decode([Interaction.Field].self, JSONText.encode(fields), empty: []) == fields)
        let map = Dictionary(list.map { ($0, $0) }, uniquingKeysWith: { $1 })
        #expect(try JSONText.decode([String: String].self, JSONText.encode(map), empty: [:]) == map)
    }

    @Test func `JSON of another hand is read too, and broken JSON is an error`() throws {
        #expect(try JSONText.decode([String].self, " [ \"\\u4e2d\\ud83d\\ude00\" , \"\\/\" ] ", empty: []) == ["中😀", "/"])
        for text in ["[", "[\"a\"", "[\"a\",]", "[1]", "[\"a\"]x", "{}", "[\"\\q\"]"] {
            #expect(throws: StoreError.self) { try JSONText.decode([String].self, text, empty: []) }
        }
    }
}
