import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whose messages this process is reading before they are stored, noted where it outlives the process: the next one takes those accounts'
/// messages through the spool, where tries are counted, so that a message nobody survives is set aside in the end. The system keeps what
/// was written when a process dies, and a machine that goes down was not brought down by reading: nothing is synced.
public final class InHand: Sendable {
    static let slotBytes = 256
    static let slotsMax = 128

    private struct State {
        var file: Int32 = -1
        var free: [Int] = []
    }

    private let path: String
    private let state = Mutex(State())

    init(path: String) { self.path = path }

    deinit { state.withLock { if $0.file >= 0 { close($0.file) } } }

    /// Begins to take notes; without this, and while another process takes them, nothing can be held.
    /// - Returns: the accounts that were in hand when the last process ended.
    public func begin() -> Set<String> {
        state.withLock { state in
            if state.file < 0 { state.file = Self.open(path) }
            guard state.file >= 0 else { return [] }
            guard flock(state.file, LOCK_EX | LOCK_NB) == 0,
                let bytes = try? FileCalls.read(state.file, at: 0, count: Self.slotBytes * Self.slotsMax, path: path),
                ftruncate(state.file, 0) == 0
            else {
                close(state.file)
                state.file = -1
                return []
            }
            state.free = Array((0..<Self.slotsMax).reversed())
            let names = stride(from: 0, to: bytes.count, by: Self.slotBytes).map { start in
                String(decoding: bytes[start..<min(start + Self.slotBytes, bytes.count)].prefix { $0 != 0 }, as: UTF8.self)
            }
            return Set(names.filter { !$0.isEmpty })
        }
    }

    /// - Returns: what to give back when the reading is over; nil when it cannot be noted, so that the messages go through the spool.
    public func hold(_ account: String) -> Int? {
        state.withLock { state in
            guard state.file >= 0, account.utf8.count < Self.slotBytes, let slot = state.free.popLast() else { return nil }
            if write(account, slot, to: state.file) { return slot }
            state.free.append(slot)
            return nil
        }
    }

    public func release(_ slot: Int) {
        state.withLock { state in
            // A note that cannot be taken back makes the next start more careful than it need be, no more.
            _ = write("", slot, to: state.file)
            state.free.append(slot)
        }
    }

    private func write(_ text: String, _ slot: Int, to file: Int32) -> Bool {
        var bytes = Array(text.utf8)
        bytes.append(contentsOf: repeatElement(0, count: Self.slotBytes - bytes.count))
        return pwrite(file, bytes, bytes.count, off_t(slot * Self.slotBytes)) == bytes.count
    }

    private static func open(_ path: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        #else
            Darwin.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        #endif
    }
}
