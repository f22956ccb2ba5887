import Synchronization
import Testing

@testable import Channels

/// Batch after batch: prepared beside each other, stored one after another.
@Suite(.timeLimit(.minutes(10))) struct StoreAheadTests {
    private struct Full: Error {}

    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private static func batch(_ name: String) -> Batch { Batch(items: [], stream: "s", cursor: name) }

    /// A keeper that stores some only after something else has happened, and fails to store others.
    private static func keeper(_ log: Log, after: [String: String] = [:], fails: Set<String> = []) -> Keeper {
        var keeper = Recorder().keeper
        keeper.prepare = { batch in
            let name = batch.cursor ?? ""
            log.add("prepare \(name)")
            return {
                while let line = after[name], !log.all.contains(line) { await Task.yield() }
                if fails.contains(name) { throw Full() }
                log.add("store \(name)")
            }
        }
        return keeper
    }

    @Test func `batches are stored in order, and all of them when it is settled`() async throws {
        let log = Log()
        // It would wait for ever if the next one were not read while the one before it is stored.
        var ahead = StoreAhead(keeper: Self.keeper(log, after: ["1": "prepare 2"]))
        let names = (0..<6).map { "\($0)" }
        for name in names { try await ahead.store(Self.batch(name)) }
        try await ahead.settle()
        #expect(log.all.filter { $0.hasPrefix("store") } == names.map { "store \($0)" })
        try await ahead.settle()
        #expect(log.all.count == 12)
    }

    @Test func `after one that could not be stored nothing later is stored`() async throws {
        let log = Log()
        var ahead = StoreAhead(keeper: Self.keeper(log, fails: ["1"]))
        await #expect(throws: Full.self) {
            for name in ["0", "1", "2", "3"] { try await ahead.store(Self.batch(name)) }
            try await ahead.settle()
        }
        try await ahead.settle()
        #expect(log.all.filter { $0.hasPrefix("store") } == ["store 0"])
    }

    @Test func `without preparing it stores as it is told`() async throws {
        let recorder = Recorder()
        var ahead = StoreAhead(keeper: recorder.keeper)
        for name in ["a", "b", "c"] { try await ahead.store(Self.batch(name)) }
        try await ahead.settle()
        #expect(recorder.batches.map(\.cursor) == ["a", "b", "c"])
    }
}
