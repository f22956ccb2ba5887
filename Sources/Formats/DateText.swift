public import Domain

/// Dates as mail and feeds write them.
public enum DateText {
    static let lengthMax = 200

    /// RFC 5322 with its obsolete and wrong forms: two-digit years, named zones, comments, no seconds, no weekday, the month before the
    /// day. Nil when it is no date. A missing or unknown zone is UTC (RFC 5322 §4.3).
    public static func rfc5322(_ s: String) -> Timestamp? {
        var words = MailDateWords(s)
        return words.timestamp()
    }

    /// ISO 8601, RFC 3339 and W3CDTF: `2026`, `2026-11`, `2026-11-22`, `20261122`, `2026-326`, `2026-11-22T09:30:00.5+08:00`, with a
    /// blank for the `T`. A missing zone is UTC.
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
        if let time = numbersOnly(text) { return time }
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

    /// 年月日 with 时分秒, or groups of digits; East Asian local times are taken as UTC+8 for Chinese words and UTC otherwise.
    private static func numbersOnly(_ text: String) -> Timestamp? {
        var numbers: [Int] = []
        var isChinese = false
        var afternoon = false
        var number: Int?
        for scalar in text.unicodeScalars {
            if let digit = scalar.properties.numericType == .decimal ? Int(scalar.properties.numericValue ?? 0) : nil, scalar.value < 0xFF20
            {
                number = (number ?? 0) * 10 + digit
                if number ?? 0 > 99_999_999 { return nil }
                continue
            }
            if let value = number { numbers.append(value) }
            number = nil
            switch scalar {
            case "年", "月", "日", "时", "時", "点", "點", "分", "秒": isChinese = true
            case "下", "晚": afternoon = true
            case "上", "午", "早", "星", "期", "周", "一", "二", "三", "四", "五", "六": break
            case "/", "-", ".", ":", "\u{FF1A}", " ", ",": break
            default: return nil
            }
        }
        if let value = number { numbers.append(value) }
        guard numbers.count >= 3, numbers.count <= 7 else { return nil }
        if numbers[0] < 32, numbers[2] > 1000 {  // day and month first: the larger one is the day, else American order
            numbers.swapAt(0, 2)
            if numbers[1] <= 12, numbers[2] > 12 {} else { numbers.swapAt(1, 2) }
        }
        var hour = numbers.count > 3 ? numbers[3] : 0
        if afternoon, hour < 12 { hour += 12 }
        return time(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: hour, minute: numbers.count > 4 ? numbers[4] : 0,
            second: numbers.count > 5 ? numbers[5] : 0, zoneMinutes: isChinese ? 480 : 0)
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
