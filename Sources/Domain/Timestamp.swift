/// An instant: microseconds since 1970-01-01T00:00:00Z. Local time exists only at the edges.
public struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    public var rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(microseconds: Int64) { rawValue = microseconds }
    public init(seconds: Int64) { rawValue = seconds * 1_000_000 }

    public var microseconds: Int64 { rawValue }
    public var seconds: Int64 { Int64((Double(rawValue) / 1_000_000).rounded(.down)) }

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public static func + (a: Self, b: Duration) -> Self { Self(rawValue: a.rawValue + b.microseconds) }
    public static func - (a: Self, b: Duration) -> Self { Self(rawValue: a.rawValue - b.microseconds) }
    public static func - (a: Self, b: Self) -> Duration { .microseconds(a.rawValue - b.rawValue) }

    public init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(Int64.self) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with seconds: `2026-11-22T09:30:00Z`.
    public var description: String {
        let date = CivilDate(daysSince1970: Int((Double(seconds) / 86400).rounded(.down)))
        let second = Int(seconds) - date.daysSince1970 * 86400
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let year =
            date.year < 1000 ? String(repeating: "0", count: 4 - String(max(0, date.year)).count) + "\(max(0, date.year))" : "\(date.year)"
        return "\(year)-\(two(date.month))-\(two(date.day))T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
    }
}

/// A day of the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
public struct CivilDate: Hashable, Sendable {
    public var year: Int
    public var month: Int
    public var day: Int

    public init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    public init(daysSince1970 days: Int) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    public var daysSince1970: Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// 1 is Monday, 7 is Sunday (ISO 8601).
    public var weekday: Int { ((daysSince1970 + 3) % 7 + 7) % 7 + 1 }
}

extension Duration {
    public var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
    public var milliseconds: Int64 { microseconds / 1000 }
}

/// Where the time comes from: the daemon's clock, or a test's. One of the three seams to the outside world.
public protocol TimeSource: Sendable {
    func now() -> Timestamp
}
