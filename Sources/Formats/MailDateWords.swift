import Domain

/// Takes an RFC 5322 date apart into words and recognises each by what it looks like, because their order cannot be trusted.
struct MailDateWords {
    private var words: [[UInt8]] = []

    init(_ text: String) {
        guard text.utf8.count <= DateText.lengthMax else { return }
        var depth = 0
        var word: [UInt8] = []
        func isBreak(_ byte: UInt8) -> Bool { ASCII.isSpace(byte) || byte == 0x2C }
        for byte in text.utf8 {
            if byte == 0x28 { depth += 1 }
            if depth > 0 {
                if byte == 0x29 { depth -= 1 }
                continue
            }
            if isBreak(byte) {
                if !word.isEmpty { words.append(word) }
                word = []
            } else {
                word.append(ASCII.lower(byte))
            }
        }
        if !word.isEmpty { words.append(word) }
    }

    mutating func timestamp() -> Timestamp? {
        var day: Int?
        var month: Int?
        var year: Int?
        var clock: (hour: Int, minute: Int, second: Int)?
        var zone: Int?
        splitDashes()
        for word in words {
            if let time = Self.clock(word) {
                guard clock == nil else { return nil }
                clock = time
            } else if word[0] == 0x2B || word[0] == 0x2D, let offset = Self.offset(word) {
                zone = offset
            } else if word.allSatisfy(ASCII.isDigit) {
                guard word.count <= 4, let value = Int(String(decoding: word, as: UTF8.self)) else { return nil }
                if day == nil, word.count <= 2 {
                    day = value
                } else if year == nil {
                    year = Self.fullYear(value, digits: word.count)
                } else {
                    return nil
                }
            } else if month == nil, let index = Self.month(word) {
                month = index
            } else if let meridian = Self.meridian(word), let time = clock {
                clock?.hour = time.hour % 12 + meridian
            } else if let offset = Self.zone(word) {
                zone = zone ?? offset
            }
        }
        guard let day, let month, let year else { return nil }
        let time = clock ?? (0, 0, 0)
        return DateText.time(
            year: year, month: month, day: day, hour: time.hour, minute: time.minute, second: time.second, zoneMinutes: zone ?? 0)
    }

    /// `22-Nov-2026` is three words.
    private mutating func splitDashes() {
        words = words.flatMap { word -> [[UInt8]] in
            guard word.contains(0x2D), let first = word.first, ASCII.isDigit(first), !word.contains(0x3A) else { return [word] }
            return word.split(separator: 0x2D).map(Array.init)
        }
    }

    /// `09:30:00`, `9:30`, `09.30.00`, `09:30:00.123`, also with the zone glued on: `09:30:00+0100`.
    private static func clock(_ word: [UInt8]) -> (hour: Int, minute: Int, second: Int)? {
        let separator: UInt8 = word.contains(0x3A) ? 0x3A : 0x2E
        let parts = word.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts.count <= 4, parts[0].count <= 2, parts[1].count >= 1 else { return nil }
        let numbers = parts.prefix(3).map { Int(String(decoding: $0.prefix { ASCII.isDigit($0) }, as: UTF8.self)) }
        guard let hour = numbers[0], let minute = numbers[1] else { return nil }
        return (hour, minute, numbers.count > 2 ? numbers[2] ?? 0 : 0)
    }

    /// `+0100`, `+01:00`, `-5`. Impossible ones are UTC rather than the end of the date.
    private static func offset(_ word: [UInt8]) -> Int? {
        let digits = word.dropFirst().filter(ASCII.isDigit)
        guard !digits.isEmpty, digits.count <= 4, let value = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
        let minutes = digits.count <= 2 ? value * 60 : value / 100 * 60 + value % 100
        guard minutes <= 14 * 60, value % 100 < 60 || digits.count <= 2 else { return 0 }
        return word[0] == 0x2D ? -minutes : minutes
    }

    /// RFC 5322 §4.3: two digits below 50 are in this century; three digits count from 1900.
    private static func fullYear(_ value: Int, digits: Int) -> Int {
        switch digits {
        case ...2: value < 50 ? 2000 + value : 1900 + value
        case 3: 1900 + value
        default: value
        }
    }

    private static func month(_ word: [UInt8]) -> Int? {
        guard word.count >= 3 else { return nil }
        let start = word.prefix(3)
        return DateText.months.firstIndex { ASCII.equalsIgnoringCase($0.utf8, start) }.map { $0 + 1 }
    }

    private static func meridian(_ word: [UInt8]) -> Int? {
        word.elementsEqual("am".utf8) ? 0 : word.elementsEqual("pm".utf8) ? 12 : nil
    }

    private static func zone(_ word: [UInt8]) -> Int? {
        if let known = zones[String(decoding: word, as: UTF8.self)] { return known }
        // `GMT+0800`, `UTC-5`
        guard word.count > 3, let named = zones[String(decoding: word[..<3], as: UTF8.self)], let extra = offset(Array(word[3...])) else {
            return nil
        }
        return named + extra
    }

    /// Minutes east of Greenwich. Military letters are unknown on purpose (RFC 5322 §4.3), except Z.
    static let zones: [String: Int] = [
        "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "met": 60, "mez": 60, "cest": 120, "mest": 120,
        "mesz": 120,
        "eet": 120, "eest": 180, "msk": 180, "msd": 240, "ist": 330, "hkt": 480, "sgt": 480, "awst": 480, "jst": 540, "kst": 540,
        "aest": 600,
        "aedt": 660, "nzst": 720, "nzdt": 780, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480,
        "pdt": -420,
        "akst": -540, "akdt": -480, "hst": -600, "ast": -240, "adt": -180, "at": -240, "et": -300, "ct": -360, "mt": -420, "pt": -480,
        "nst": -210, "ndt": -150,
    ]
}
