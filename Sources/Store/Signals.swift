/// Wake-ups: a commit that touched a topic raises its counter, and everybody waiting for that returns.
public final class Signals: Sendable {
    public enum Topic: Int, Sendable, CaseIterable { case spool, interactions, events, sends }

    init() {}

    /// The topic's counter now; take it before looking for work, wait for it to change afterwards.
    public func ticket(_ topic: Topic) -> Int { 0 }

    /// Returns as soon as the counter is no longer `after` (at once if it already is), after `atMost`, or when the task is cancelled.
    /// - Returns: the counter then.
    @discardableResult
    public func wait(_ topic: Topic, after: Int, atMost: Duration) async -> Int { 0 }
}
