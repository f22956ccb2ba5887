/// Deadlines in order, as a binary heap. An entry stays until its time has come, so owners that no longer care ignore it.
struct TimerHeap {
    private var entries: [(deadline: Int64, id: Int)] = []

    var first: Int64? { entries.first?.deadline }
    var count: Int { entries.count }

    mutating func add(_ id: Int, at deadline: Int64) {
        entries.append((deadline, id))
        var child = entries.count - 1
        while child > 0, entries[child].deadline < entries[(child - 1) / 2].deadline {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Whose deadline has passed, earliest first; nil when none has.
    mutating func popDue(_ now: Int64) -> Int? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].deadline < entries[smallest].deadline { smallest = child }
            }
            if smallest == parent { return first.id }
            entries.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
