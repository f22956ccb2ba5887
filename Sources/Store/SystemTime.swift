public import Domain

/// The machine's clock.
public struct SystemTime: TimeSource {
    public init() {}
    public func now() -> Timestamp { Timestamp(microseconds: 0) }
}
