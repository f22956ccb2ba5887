import Domain
import Synchronization

@testable import Channels

/// Takes what a source hands over, as Intake would.
final class Recorder: Sendable {
    private struct State {
        var cursors: [String: String] = [:]
        var batches: [Batch] = []
    }

    private let state = Mutex(State())
    private let now: Timestamp
    init(now: Timestamp = Timestamp(seconds: 1_700_000_000)) { self.now = now }

    var batches: [Batch] { state.withLock { $0.batches } }
    var items: [RawItem] { batches.flatMap(\.items) }
    var ids: [String] { items.map(\.externalID) }
    func cursor(_ stream: String) -> String? { state.withLock { $0.cursors[stream] } }

    var keeper: Keeper {
        Keeper(
            cursor: { self.cursor($0) },
            known: { ids in Set(self.ids).intersection(ids) },
            store: { batch in
                self.state.withLock { state in
                    state.batches.append(batch)
                    if let cursor = batch.cursor { state.cursors[batch.stream] = cursor }
                }
            },
            now: { self.now })
    }
}
