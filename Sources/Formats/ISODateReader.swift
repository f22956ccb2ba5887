import Domain

/// Walks over an ISO 8601 date once.
struct ISODateReader {
    private let bytes: [UInt8]
    private var i = 0

    init(_ text: String) { bytes = text.utf8.count > DateText.lengthMax ? [] : Array(ASCII.trim(text).utf8) }

    mutating func timestamp() -> Timestamp? {
        guard let year = number(digits: 4) else { return nil }
        var month = 1
        var day = 1
        if i < bytes.count {
            let isExtended = skip(0x2D)
            let digits = digitsAhead()
            if digits == 3 || (digits == 7 && isExtended) {
                guard let ordinal = number(digits: 3), (1...366).contains(ordinal) else { return nil }
                let date = CivilDate(daysSince1970: CivilDate(year: year, month: 1, day: 1).daysSince1970 + ordinal - 1)
                (month, day) = (date.month, date.day)
            } else {
                guard let readMonth = isExtended ? shortNumber() : number(digits: 2) else { return nil }
                month = readMonth
                if i < bytes.count, isExtended ? skip(0x2D) : ASCII.isDigit(bytes[i]) {
                    guard let readDay = shortNumber() else { return nil }
                    day = readDay
                } else if !isExtended {
                    return nil  // 202611 could be a time or a two-digit year
                }
            }
        }
        guard i < bytes.count else {
            return DateText.time(year: year, month: month, day: day, hour: 0, minute: 0, second: 0, zoneMinutes: 0)
        }
        return clock(year: year, month: month, day: day)
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
