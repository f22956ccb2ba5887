import Domain

/// Dates that are all numbers, with East Asian words between them: `2026/11/22 09:30`, `22.11.2026`, `2026年11月22日 下午5时30分`,
/// `2026년 11월 22일 17:30`, `2026-11-22 오후 05:30:00`. Local times are taken where the words are spoken, else as UTC.
struct DateNumbers {
    private static let zoneChina = 480
    private static let zoneKoreaJapan = 540
    private static let digitsMax = 4

    private var numbers: [Int] = []
    /// Where the clock begins in `numbers`.
    private var clock: Int?
    private var afternoon = false
    private var morning = false
    private var zone = 0

    /// Nil when anything else than numbers and those words is in it.
    init?(_ text: String) {
        var number: Int?
        var digits = 0
        var before: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            if let digit = Self.digit(scalar) {
                if number == nil { guard begin(after: before) else { return nil } }
                number = (number ?? 0) * 10 + digit
                digits += 1
                guard digits <= Self.digitsMax else { return nil }
            } else {
                if let number { numbers.append(number) }
                number = nil
                digits = 0
                guard take(scalar) else { return nil }
            }
            before = scalar
        }
        if let number { numbers.append(number) }
    }

    private static func digit(_ scalar: Unicode.Scalar) -> Int? {
        switch scalar.value {
        case 0x30...0x39: Int(scalar.value) - 0x30
        case 0xFF10...0xFF19: Int(scalar.value) - 0xFF10
        default: nil
        }
    }

    /// A number after the third is the hour: it must not hang on the day, as in `2013-01-27-01`.
    private mutating func begin(after before: Unicode.Scalar) -> Bool {
        if numbers.count == 3, clock == nil {
            guard before != "-", before != "/", before != "." else { return false }
            clock = 3
        }
        return numbers.count < 7
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "年", "月", "日", "时", "時", "点", "點", "分", "秒": if zone == 0 { zone = Self.zoneChina }
        case "년", "월", "일", "시", "분", "초", "오": zone = Self.zoneKoreaJapan
        case "후": afternoon = true
        case "전": morning = true
        case "下", "晚": afternoon = true
        case "後":  // 午後 is Japanese
            afternoon = true
            zone = Self.zoneKoreaJapan
        case "前":
            morning = true
            zone = Self.zoneKoreaJapan
        case "上", "早", "凌", "晨": morning = true
        case "午", "星", "期", "周", "週", "曜", "一", "二", "三", "四", "五", "六", "火", "水", "木", "金", "土", "中": break
        case "/", "-", ".", ":", "\u{FF1A}", " ", ",", "(", ")", "\u{3000}", "\u{A0}": break
        default: return false
        }
        return true
    }

    func timestamp() -> Timestamp? {
        guard numbers.count >= 3 else { return nil }
        var date = Array(numbers[..<3])
        if date[0] < 32, date[2] > 1000 {  // day and month first: the larger one is the day, else American order
            date.swapAt(0, 2)
            if date[1] <= 12, date[2] > 12 {} else { date.swapAt(1, 2) }
        }
        let time = numbers[3...] + [0, 0, 0]
        var hour = time[3]
        if afternoon, hour < 12 { hour += 12 }
        if morning, hour == 12 { hour = 0 }
        return DateText.time(year: date[0], month: date[1], day: date[2], hour: hour, minute: time[4], second: time[5], zoneMinutes: zone)
    }
}
