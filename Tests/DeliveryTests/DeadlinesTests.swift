import Synchronization
import Testing

@testable import Delivery

@Suite struct DeadlinesTests {
    /// Sleeps until it is cancelled, at most a minute.
    private static func slow() async -> String {
        do {
            try await Task.sleep(for: .seconds(60))
            return "slept"
        } catch { return "cancelled" }
    }

    @Test("what is in time is left alone, what is not is cancelled", .timeLimit(.minutes(10)))
    func cancels() async {
        let deadlines = Deadlines(tick: .milliseconds(10))
        #expect(await deadlines.run(atMost: .seconds(60)) { "done" } == "done")
        #expect(await deadlines.run(atMost: .milliseconds(30)) { await Self.slow() } == "cancelled")
        #expect(deadlines.count == 0)
        // It looks again after it had nothing to do.
        #expect(await deadlines.run(atMost: .milliseconds(30)) { await Self.slow() } == "cancelled")
    }

    @Test("a cancelled caller cancels the work", .timeLimit(.minutes(10)))
    func passesOn() async {
        let deadlines = Deadlines(tick: .milliseconds(10))
        let caller = Task { await deadlines.run(atMost: .seconds(600)) { await Self.slow() } }
        caller.cancel()
        #expect(await caller.value == "cancelled")
    }
}
