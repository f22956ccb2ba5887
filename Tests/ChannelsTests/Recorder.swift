import Domain
import Synchronization

@testable import Channels

/// Takes what a source hands over, as Intake would.
final class Recorder: Sendable {
    private struct State {
        var cursors: [String: String] = [:]
        var batches: [Batch] = []
        var passed: Set<String> = []
        var counts: [String: FolderCount] = [:]
        var wanted: [String] = []
        var completed: [RawItem] = []
        var givenUp: [String: String] = [:]
        var sunk: [[UInt8]] = []
        var now: Timestamp
    }

    private let state: Mutex<State>
    init(now: Timestamp = Timestamp(seconds: 1_700_000_000)) { state = Mutex(State(now: now)) }

    var batches: [Batch] { state.withLock { $0.batches } }
    var items: [RawItem] { batches.flatMap(\.items) }
    var ids: [String] { items.map(\.externalID) }
    var passed: Set<String> { state.withLock { $0.passed } }
    var completed: [RawItem] { state.withLock { $0.completed } }
    var givenUp: [String: String] { state.withLock { $0.givenUp } }
    /// The large mails that went piece by piece.
    var sunk: [[UInt8]] { state.withLock { $0.sunk } }
    func cursor(_ stream: String) -> String? { state.withLock { $0.cursors[stream] } }
    func count(_ folder: String) -> FolderCount? { state.withLock { $0.counts[folder] } }
    func want(_ id: String) { state.withLock { $0.wanted.append(id) } }
    func advance(_ duration: Duration) { state.withLock { $0.now = $0.now + duration } }
    /// As if a batch had been lost, or never fetched.
    func forget(_ id: String) {
        state.withLock { state in
            for index in state.batches.indices { state.batches[index].items.removeAll { $0.externalID == id } }
        }
    }

    var keeper: Keeper {
        Keeper(
            cursor: { self.cursor($0) }, known: { ids in Set(self.ids).union(self.passed).intersection(ids) },
            store: { batch in
                self.state.withLock { state in
                    state.batches.append(batch)
                    if let cursor = batch.cursor { state.cursors[batch.stream] = cursor }
                }
            },
            now: { self.state.withLock { $0.now } }, ledger: ledger)
    }

    private var ledger: Keeper.Ledger {
        Keeper.Ledger(
            held: { ids in Set(self.items.filter { !$0.isCut }.map(\.externalID)).intersection(ids) },
            page: { prefix, after in Array(self.ids.filter { $0.hasPrefix(prefix) && $0 > (after ?? "") }.sorted().prefix(100)) },
            pass: { ids in self.state.withLock { $0.passed.formUnion(ids) } }, count: { self.count($0) },
            setCount: { count in self.state.withLock { $0.counts[count.folder] = count } },
            sink: {
                let bytes = Mutex<[UInt8]>([])
                let held = Held(bytes)
                return Keeper.Sink(
                    write: { piece in held.bytes.withLock { $0 += piece } },
                    finish: {
                        let whole = held.bytes.withLock { $0 }
                        self.state.withLock { $0.sunk.append(whole) }
                        return StoredBytes(hash: sha256(whole), sizeBytes: whole.count)
                    }, abandon: {})
            },
            wanted: { self.state.withLock { $0.wanted } },
            complete: { item in
                self.state.withLock { state in
                    state.completed.append(item)
                    state.wanted.removeAll { $0 == item.externalID }
                }
            },
            giveUp: { id, reason in
                self.state.withLock { state in
                    state.givenUp[id] = reason
                    state.wanted.removeAll { $0 == id }
                }
            })
    }

    private final class Held: Sendable {
        let bytes: Mutex<[UInt8]>
        init(_ bytes: consuming Mutex<[UInt8]>) { self.bytes = bytes }
    }
}
