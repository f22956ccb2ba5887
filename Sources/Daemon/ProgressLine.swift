import Synchronization

/// One line on standard error that is written over, twice a second at most.
final class ProgressLine: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)
    private let began = ContinuousClock.now

    /// - Parameters:
    ///   - done: what the rate counts.
    ///   - words: what stands before the rate.
    func tell(_ done: Int, _ words: @autoclosure () -> String) {
        let isDue = last.withLock { last in
            if let last, last.duration(to: .now) < .milliseconds(500) { return false }
            last = .now
            return true
        }
        guard isDue else { return }
        let seconds = max(0.001, began.duration(to: .now) / .seconds(1))
        try? FileHandleText.standardError("\r\(words()), \(Int(Double(done) / seconds))/s   ")
    }

    func end() { if last.withLock({ $0 != nil }) { try? FileHandleText.standardError("\n") } }
}
