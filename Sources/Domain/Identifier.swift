/// A 63-bit id made by the program: 41 bits of milliseconds since 2020, 10 of node, 12 of sequence. Sorts by time; people never see it.
public struct ID<Of>: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public init?(_ text: some StringProtocol) {
        guard let value = Int64(text) else { return nil }
        rawValue = value
    }

    public var description: String { String(rawValue) }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    public init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(Int64.self) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Makes ids for one node. A pure value: it is told the time, and never hands out the same id twice even when the clock steps back.
public struct IDSequence: Sendable {
    /// 2020-01-01T00:00:00Z in milliseconds since 1970.
    public static let epochMilliseconds: Int64 = 1_577_836_800_000
    let node: Int64
    private var last: Int64 = 0
    private var sequence: Int64 = 0

    /// The smallest id that can be made at this time.
    public static func first(at time: Timestamp) -> Int64 { max(0, time.microseconds / 1000 - epochMilliseconds) << 22 }

    /// - Parameter node: 0…1023; unique among the nodes that share a database.
    public init(node: Int) {
        precondition((0..<1024).contains(node), "a node number is 0 to 1023")
        self.node = Int64(node)
    }

    public mutating func next(at now: Timestamp) -> Int64 {
        let milliseconds = max(now.microseconds / 1000 - Self.epochMilliseconds, last)
        if milliseconds == last {
            sequence += 1
            if sequence == 4096 {  // this millisecond is used up: borrow the next one
                last += 1
                sequence = 0
            }
        } else {
            last = milliseconds
            sequence = 0
        }
        return last << 22 | node << 12 | sequence
    }
}
