import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whose messages this process is reading and storing, noted where it outlives the process: the next one takes those accounts' messages
/// through the spool, where tries are counted, so that a message nobody survives is set aside in the end. The system keeps what was written
/// when a process dies, and a machine that goes down was not brought down by a message: nothing is synced.
///
/// One process takes notes at a time; another one holds nothing until that ends.
public final class InHand: Sendable {
    static let slotBytes = 256
    /// Two for each account that is polled at the same time: one batch is read while another is stored.
    static let slotsMax = 256

    private struct State {
        var file: Int32 = -1
        var free: [Int] = []
        /// The slots of accounts that were in hand when the last process ended. They keep their notes until they are cleared.
        var suspects: [String: [Int]] = [:]
    }

    private let path: String
    private let state = Mutex(State())

    init(path: String) { self.path = path }

    deinit { state.withLock { if $0.file >= 0 { close($0.file) } } }

    /// A note. It is taken back when it is released, or when nobody has it any more.
    public final class Note: Sendable {
        private let hands: InHand
        private let slot: Int
        private let isReleased = Mutex(false)

        fileprivate init(_ hands: InHand, _ slot: Int) {
            self.hands = hands
            self.slot = slot
        }

        deinit { release() }

        public func release() {
            let isFirst = isReleased.withLock { isReleased in
                defer { isReleased = true }
                return !isReleased
            }
            if isFirst { hands.release(slot) }
        }
    }

    /// - Returns: nil when it cannot be noted, and for a suspect: the messages are to go through the spool.
    public func hold(_ account: String) -> Note? {
        let slot: Int? = state.withLock { state in
            if state.file < 0 { begin(&state) }
            guard state.file >= 0, state.suspects[account] == nil, account.utf8.count < Self.slotBytes, let slot = state.free.popLast()
            else { return nil }
            if write(account, slot, to: state.file) { return slot }
            state.free.append(slot)
            return nil
        }
        return slot.map { Note(self, $0) }
    }

    /// What was in hand of this account is in the spool: from now on tries are counted there.
    public func clear(_ account: String) {
        state.withLock { state in
            for slot in state.suspects.removeValue(forKey: account) ?? [] { free(slot, &state) }
        }
    }

    /// Accounts that are no more need no care.
    public func clear(except accounts: Set<String>) {
        let gone = state.withLock { state -> [String] in
            if state.file < 0 { begin(&state) }
            return state.suspects.keys.filter { !accounts.contains($0) }
        }
        for account in gone { clear(account) }
    }

    private func release(_ slot: Int) { state.withLock { free(slot, &$0) } }

    private func free(_ slot: Int, _ state: inout State) {
        // A note that cannot be taken back makes the next start more careful than it need be, no more.
        _ = write("", slot, to: state.file)
        state.free.append(slot)
    }

    /// Opens the file and reads what the last process left. Without effect while another one has it.
    private func begin(_ state: inout State) {
        let file = Self.open(path)
        guard file >= 0 else { return }
        guard flock(file, LOCK_EX | LOCK_NB) == 0,
            let bytes = try? FileCalls.read(file, at: 0, count: Self.slotBytes * Self.slotsMax, path: path)
        else {
            close(file)
            return
        }
        state.file = file
        for slot in (0..<Self.slotsMax).reversed() {
            let note = bytes.dropFirst(slot * Self.slotBytes).prefix(Self.slotBytes).prefix { $0 != 0 }
            if note.isEmpty {
                state.free.append(slot)
            } else {
                state.suspects[String(decoding: note, as: UTF8.self), default: []].append(slot)
            }
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
