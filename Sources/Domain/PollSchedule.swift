/// When to poll an account next. A pure value: it is told the outcome and holds no clock and no dice.
public struct PollSchedule: Sendable, Equatable {
    public let interval: Duration
    public let longestWait: Duration
    public private(set) var consecutiveFailures = 0

    public init(interval: Duration, longestWait: Duration = .seconds(3600)) {
        precondition(interval > .zero, "a poll interval must be positive")
        self.interval = interval
        self.longestWait = max(longestWait, interval)
    }

    public mutating func recordSuccess() { consecutiveFailures = 0 }
    public mutating func recordFailure() { consecutiveFailures += 1 }

    /// Doubles after each failure in a row and never exceeds `longestWait`: with a 60 s interval the waits are 60, 120, 240, … 3600 s.
    public var nextWait: Duration {
        let doublings = min(consecutiveFailures, 16)  // 2^16 intervals is past any longestWait
        return min(interval * (1 << doublings), longestWait)
    }

    /// Spreads many accounts apart: the wait times 0.9…1.1.
    /// - Parameter dice: 0..<1.
    public func nextWait(dice: Double) -> Duration { nextWait * (0.9 + 0.2 * dice) }
}

/// A piece of a source as it came, before anything looked inside it.
public struct RawItem: Sendable, Hashable {
    /// The source's own identifier (`INBOX/1699/42`, a document's hash). Unique within the account.
    public var externalID: String
    public var kind: Interaction.Kind
    public var bytes: [UInt8]
    /// What the bytes do not say themselves: folder, response headers, when the server got it.
    public var meta: [String: String]
    /// Where the bytes are when they were too many to be held in memory; `bytes` is empty then.
    public var stored: StoredBytes?
    /// Only a part of it was taken; the rest is still at the source.
    public var isCut = false

    public init(externalID: String, kind: Interaction.Kind, bytes: [UInt8], meta: [String: String] = [:]) {
        self.externalID = externalID
        self.kind = kind
        self.bytes = bytes
        self.meta = meta
    }
}

/// Bytes in the blob store.
public struct StoredBytes: Sendable, Hashable {
    /// SHA-256, lower-case hex.
    public var hash: String
    public var sizeBytes: Int

    public init(hash: String, sizeBytes: Int) {
        self.hash = hash
        self.sizeBytes = sizeBytes
    }
}
