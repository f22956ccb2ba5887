public import Domain

/// Dates as mail and feeds write them.
public enum DateText {
    static let lengthMax = 200

    /// RFC 5322 with its obsolete and wrong forms: two-digit years, named zones, comments, no seconds, no weekday, the month before the
    /// day, `asctime`, months in other languages, and the stamp at the end of a `Received` field. Nil when it is no date. A missing or
    /// unknown zone is UTC (RFC 5322 §4.3).
    public static func rfc5322(_ s: String) -> Timestamp? {
        var words = MailDateWords(s)
        return words.timestamp()
    }

    /// What a mail's `Date` says: RFC 5322, else any other form, because programs write what their library prints.
    public static func mail(_ s: String) -> Timestamp? { rfc5322(s) ?? anyFeedDate(s) }

    /// ISO 8601, RFC 3339 and W3CDTF: `2026`, `2026-11`, `2026-11-22`, `20261122`, `2026-326`, `2026-W47-7`, `2026-11-22T09:30:00.5+08:00`,
    /// with a blank for the `T`. A missing zone is UTC.
    public static func iso8601(_ s: String) -> Timestamp? {
        var reader = ISODateReader(s)
        return reader.timestamp()
    }

    /// Any form feeds use: ISO 8601, RFC 5322, seconds since 1970, `2026年11月22日 9:30`, `2026/11/22 09:30`, `11/22/2026`.
    public static func anyFeedDate(_ s: String) -> Timestamp? {
        let text = ASCII.trim(s)
        guard !text.isEmpty, text.utf8.count <= lengthMax else { return nil }
        if let time = iso8601(text) { return time }
        if text.utf8.count >= 9, text.utf8.count <= 13, text.utf8.allSatisfy(ASCII.isDigit), let number = Int64(text) {
            return text.utf8.count > 10 ? Timestamp(microseconds: number * 1000) : Timestamp(seconds: number)
        }
        if let time = shortISO(text) { return time }
        if let time = DateNumbers(text)?.timestamp() { return time }
        return rfc5322(text)
    }

    /// `Sun, 22 Nov 2026 09:30:00 +0000`
    public static func formatRFC5322(_ t: Timestamp) -> String {
        let days = Int((Double(t.seconds) / 86400).rounded(.down))
        let date = CivilDate(daysSince1970: days)
        let second = Int(t.seconds) - days * 86400
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        return "\(weekdays[date.weekday - 1]), \(two(date.day)) \(months[date.month - 1]) \(date.year) \(clock) +0000"
    }

    private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The truncated forms of ISO 8601:1988 with a year of two digits: `-2611`, `-26-11`, `261122`.
    private static func shortISO(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        let digits = bytes.filter { $0 != 0x2D }.map { Int($0) - 0x30 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let isMonth = bytes.first == 0x2D && digits.count == 4 && (bytes.count == 5 || bytes.count == 6 && bytes[3] == 0x2D)
        let isDay = digits.count == 6 && bytes.count == 6
        guard isMonth || isDay else { return nil }
        return time(
            year: MailDateWords.fullYear(digits[0] * 10 + digits[1], digits: 2), month: digits[2] * 10 + digits[3],
            day: isDay ? digits[4] * 10 + digits[5] : 1, hour: 0, minute: 0, second: 0, zoneMinutes: 0)
    }

    /// An instant of the calendar; nil when there is no such day or hour.
    public static func instant(
        year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, microsecond: Int = 0, zoneMinutes: Int = 0
    ) -> Timestamp? {
        time(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, micro: microsecond, zoneMinutes: zoneMinutes)
    }

    /// Checks every field; a leap second counts as the next second, 24:00:00 as the next day.
    static func time(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, micro: Int = 0, zoneMinutes: Int) -> Timestamp? {
        guard (1...12).contains(month), (1...31).contains(day), (0...24).contains(hour), (0...59).contains(minute),
            (0...60).contains(second)
        else { return nil }
        guard year >= 1900, year <= 9999, hour < 24 || minute + second == 0, abs(zoneMinutes) <= 24 * 60 else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        guard day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] else { return nil }
        let days = Int64(CivilDate(year: year, month: month, day: day).daysSince1970)
        let seconds = days * 86400 + Int64(hour * 3600 + minute * 60 + second - zoneMinutes * 60)
        return Timestamp(microseconds: seconds * 1_000_000 + Int64(micro))
    }
}
