import Domain

/// Walks over an ISO 8601 date once.
struct ISODateReader {
    private let bytes: [UInt8]
    private var i = 0
    private var year = 0

    init(_ text: String) { bytes = text.utf8.count > DateText.lengthMax ? [] : Array(ASCII.trim(text).utf8) }

    mutating func timestamp() -> Timestamp? {
        guard let first = number(digits: 4) else { return nil }
        year = first
        var month = 1
        var day = 1
        if i < bytes.count {
            guard let date = monthAndDay(year) else { return nil }
            (month, day) = date
        }
        guard i < bytes.count else {
            return DateText.time(year: year, month: month, day: day, hour: 0, minute: 0, second: 0, zoneMinutes: 0)
        }
        return clock(year: year, month: month, day: day)
    }

    /// `-11`, `-11-22`, `1122`, `-326`, `-W47-7`, `-Nov-22`.
    private mutating func monthAndDay(_ year: Int) -> (month: Int, day: Int)? {
        let isExtended = skip(0x2D)
        guard i < bytes.count else { return nil }
        if ASCII.lower(bytes[i]) == 0x77, i + 1 < bytes.count, ASCII.isDigit(bytes[i + 1]) { return week(year) }
        if !ASCII.isDigit(bytes[i]) { return isExtended ? namedMonth() : nil }
        let digits = digitsAhead()
        let isMonth = digits == 3 && i + 3 < bytes.count && bytes[i + 3] == 0x2D  // `2003-012-31`
        if digits == 3 && !isMonth || digits == 7 && isExtended {
            guard let ordinal = number(digits: 3), (1...366).contains(ordinal) else { return nil }
            let date = CivilDate(daysSince1970: CivilDate(year: year, month: 1, day: 1).daysSince1970 + ordinal - 1)
            return date.year == year ? (date.month, date.day) : nil
        }
        guard let month = isMonth ? number(digits: 3) : isExtended ? shortNumber() : number(digits: 2) else { return nil }
        guard i < bytes.count, isExtended ? skip(0x2D) : ASCII.isDigit(bytes[i]) else {
            return isExtended ? (month, 1) : nil  // 202611 could be a time or a two-digit year
        }
        return shortNumber().map { (month, $0) }
    }

    /// `W47-7`, `W47`: ISO 8601 weeks begin on Monday, and the first holds January 4th.
    private mutating func week(_ year: Int) -> (month: Int, day: Int)? {
        i += 1
        guard let week = number(digits: 2), (1...53).contains(week) else { return nil }
        var weekday = 1
        if skip(0x2D) || digitsAhead() > 0 {
            guard let read = number(digits: 1), (1...7).contains(read) else { return nil }
            weekday = read
        }
        let fourth = CivilDate(year: year, month: 1, day: 4)
        let date = CivilDate(daysSince1970: fourth.daysSince1970 - fourth.weekday + (week - 1) * 7 + weekday)
        self.year = date.year  // the first and the last week reach into the years beside
        return (date.month, date.day)
    }

    private mutating func namedMonth() -> (month: Int, day: Int)? {
        let start = i
        while i < bytes.count, bytes[i] != 0x2D { i += 1 }
        let word = bytes[start..<i].map(ASCII.lower)
        guard let month = MonthNames.month(word[...]), skip(0x2D), let day = shortNumber() else { return nil }
        return (month, day)
    }

    private mutating func clock(year: Int, month: Int, day: Int) -> Timestamp? {
        guard ASCII.lower(bytes[i]) == 0x74 || ASCII.isSpace(bytes[i]) else { return nil }
        i += 1
        while i < bytes.count, ASCII.isSpace(bytes[i]) { i += 1 }
        guard let hour = number(digits: 2) ?? shortNumber() else { return nil }
        var minute = 0
        var second = 0
        var micro = 0
        if skip(0x3A) || digitsAhead() >= 2 {
            guard let readMinute = number(digits: 2) else { return nil }
            minute = readMinute
            if skip(0x3A) || digitsAhead() >= 2 {
                guard let readSecond = number(digits: 2) else { return nil }
                second = readSecond
            }
        }
        if i < bytes.count, bytes[i] == 0x2E || bytes[i] == 0x2C {
            i += 1
            var scale = 100_000
            while i < bytes.count, ASCII.isDigit(bytes[i]) {
                micro += Int(bytes[i] - 0x30) * scale
                scale /= 10
                i += 1
            }
        }
        guard let zone = zone() else { return nil }
        return DateText.time(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, micro: micro, zoneMinutes: zone)
    }

    /// Minutes east of Greenwich.
    private mutating func zone() -> Int? {
        while i < bytes.count, ASCII.isSpace(bytes[i]) { i += 1 }
        guard i < bytes.count else { return 0 }
        let rest = bytes[i...]
        if ASCII.isLetter(rest[i]) { return MailDateWords.zones[String(decoding: rest.map(ASCII.lower), as: UTF8.self)] }
        guard rest[i] == 0x2B || rest[i] == 0x2D else { return nil }
        let sign = rest[i] == 0x2D ? -1 : 1
        i += 1
        guard let hours = number(digits: 2) ?? number(digits: 1) else { return nil }
        var minutes = 0
        if skip(0x3A) || digitsAhead() == 2 {
            guard let read = number(digits: 2) else { return nil }
            minutes = read
        }
        return i == bytes.count ? sign * (hours * 60 + minutes) : nil
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard i < bytes.count, bytes[i] == byte else { return false }
        i += 1
        return true
    }

    private func digitsAhead() -> Int {
        var count = 0
        while i + count < bytes.count, ASCII.isDigit(bytes[i + count]) { count += 1 }
        return count
    }

    /// Exactly that many digits; more may follow.
    private mutating func number(digits: Int) -> Int? {
        guard digitsAhead() >= digits else { return nil }
        var value = 0
        for _ in 0..<digits {
            value = value * 10 + Int(bytes[i] - 0x30)
            i += 1
        }
        return value
    }

    /// One or two digits.
    private mutating func shortNumber() -> Int? {
        let digits = min(digitsAhead(), 2)
        return digits == 0 ? nil : number(digits: digits)
    }
}
