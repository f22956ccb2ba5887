import Dispatch
import Synchronization

/// A connection and the serial queue its blocking calls run on, never the cooperative pool. Opened when first needed.
final class Lane: @unchecked Sendable {  // its state is touched on `queue` alone
    let queue: DispatchQueue
    private let open: @Sendable () throws -> any SQLConnection
    private var connection: (any SQLConnection)?
    private var isClosed = false

    init(label: String, open: @escaping @Sendable () throws -> any SQLConnection) {
        queue = DispatchQueue(label: label)
        self.open = open
    }

    /// Call it on `queue`. A connection that turned out to be lost is replaced by the next call.
    func use<T>(_ body: (any SQLConnection) throws -> T) throws -> T {
        if isClosed { throw StoreError.closed }
        let connection = try self.connection ?? open()
        self.connection = connection
        defer {
            if !connection.isUsable {
                connection.close()
                self.connection = nil
            }
        }
        return try body(connection)
    }

    func close() async {
        await withCheckedContinuation { continuation in
            queue.async {
                self.connection?.close()
                self.connection = nil
                self.isClosed = true
                continuation.resume()
            }
        }
    }
}

/// Lanes that take jobs as they become free.
final class LanePool: Sendable {
    /// Jobs that may wait for a lane; past this the database is not keeping up and callers are told so.
    static let waitingMax = 10_000

    typealias Job = @Sendable (Lane) -> Void

    private struct State {
        var idle: [Lane]
        var waiting: [Job] = []
        var firstWaiting = 0
        var isClosed = false
    }

    private let lanes: [Lane]
    private let state: Mutex<State>

    init(label: String, count: Int, open: @escaping @Sendable () throws -> any SQLConnection) {
        lanes = (0..<count).map { Lane(label: "\(label).\($0)", open: open) }
        // The lane that worked last is taken first, so that a quiet daemon opens no more connections than it needs.
        state = Mutex(State(idle: lanes.reversed()))
    }

    func run<T: Sendable>(_ body: @escaping @Sendable (Lane) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try submit { lane in continuation.resume(with: Result { try body(lane) }) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    func close() async {
        state.withLock { $0.isClosed = true }
        for lane in lanes { await lane.close() }
    }

    private func submit(_ job: @escaping Job) throws {
        let lane: Lane? = try state.withLock { state in
            if state.isClosed { throw StoreError.closed }
            if let lane = state.idle.popLast() { return lane }
            if state.waiting.count - state.firstWaiting >= Self.waitingMax { throw StoreError.overloaded }
            state.waiting.append(job)
            return nil
        }
        if let lane { start(job, on: lane) }
    }

    private func start(_ job: @escaping Job, on lane: Lane) {
        lane.queue.async {
            job(lane)
            while let next = self.next(for: lane) { next(lane) }
        }
    }

    /// The next job, or nil when the lane has gone idle.
    private func next(for lane: Lane) -> Job? {
        state.withLock { state in
            guard state.firstWaiting < state.waiting.count else {
                state.waiting.removeAll(keepingCapacity: false)
                state.firstWaiting = 0
                state.idle.append(lane)
                return nil
            }
            let job = state.waiting[state.firstWaiting]
            state.firstWaiting += 1
            if state.firstWaiting == 1000 {  // keeps taking from the front cheap without growing for ever
                state.waiting.removeFirst(state.firstWaiting)
                state.firstWaiting = 0
            }
            return job
        }
    }
}
