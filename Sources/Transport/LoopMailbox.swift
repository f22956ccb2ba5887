internal import CCurl
import Synchronization

/// How other threads reach the loop's thread: a queue of closures and a doorbell that ends its wait.
final class LoopMailbox: Sendable {
    typealias Command = @Sendable (LoopCore) -> Void

    private struct State {
        var commands: [Command] = []
        var isClosed = false
        var lastID = 0
    }

    private let state = Mutex(State())
    let doorbell: Int32

    init() {
        doorbell = loop_doorbell()
        guard doorbell >= 0 else { fatalError("no file descriptor left for the transfer loop; raise LimitNOFILE.") }
    }

    deinit { close(doorbell) }

    func newID() -> Int {
        state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    /// False when the loop has ended and the command will never run.
    func post(_ command: @escaping Command) -> Bool {
        state.withLock { state in
            if state.isClosed { return false }
            if state.commands.isEmpty { loop_ring(doorbell) }
            state.commands.append(command)
            return true
        }
    }

    func takeAll() -> [Command] {
        state.withLock { state in
            loop_silence(doorbell)
            let commands = state.commands
            state.commands = []
            return commands
        }
    }

    /// Takes no command from now on and returns the last ones.
    func close() -> [Command] {
        state.withLock { state in
            state.isClosed = true
            let commands = state.commands
            state.commands = []
            return commands
        }
    }

    private func close(_ descriptor: Int32) { _ = CCurl.close(descriptor) }
}
