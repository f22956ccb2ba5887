import Domain

/// Takes an RFC 5322 date apart into words and recognises each by what it looks like, because their order cannot be trusted.
struct MailDateWords {
    /// Lower-cased (ASCII only), comments left out.
    private var bytes: [UInt8] = []
    private var words: [Range<Int>] = []
    /// A comment that does not end took what came after it.
    private var isCutOff = false

    private var day: Int?
    private var month: Int?
    private var year: Int?
    private var numbers: [Int] = []
    private var clock: (hour: Int, minute: Int, second: Int)?
    private var zone: Int?

    init(_ text: String) {
        guard text.utf8.count <= DateText.lengthMax else { return }
        bytes.reserveCapacity(text.utf8.count)
        var depth = 0
        var start = 0
        for byte in text.utf8 {
            if byte == 0x28 { depth += 1 }
            if depth > 0 {
                if byte == 0x29 { depth -= 1 }
                continue
            }
            if ASCII.isSpace(byte) || byte == 0x2C {
                if bytes.count > start { words.append(start..<bytes.count) }
                start = bytes.count
            } else if byte == 0x3B {  // the stamp of a Received field stands behind the last semicolon (RFC 5321 §4.4)
                words.removeAll()
                start = bytes.count
            } else {
                bytes.append(ASCII.lower(byte))
            }
        }
        if bytes.count > start { words.append(start..<bytes.count) }
        isCutOff = depth > 0
    }

    mutating func timestamp() -> Timestamp? {
        for word in words {
            guard read(bytes[word]) else { return nil }
        }
        if day == nil, year == nil, month == nil, numbers.count == 3, clock != nil {  // `20 11 79 05:34:27`
            (day, month, year) = (numbers[0], numbers[1], Self.fullYear(numbers[2], digits: numbers[2] > 999 ? 4 : 2))
        } else if year == nil {
            guard numbers.count == 2 else { return nil }
            (day, year) = (numbers[0], numbers[1])
        }
        guard let day, let month, let year, clock != nil || !isCutOff else { return nil }
        let time = clock ?? (0, 0, 0)
        return DateText.time(
            year: year, month: month, day: day, hour: time.hour, minute: time.minute, second: time.second, zoneMinutes: zone ?? 0)
    }

    /// - Returns: false when the word cannot stand in a date.
    private mutating func read(_ word: ArraySlice<UInt8>) -> Bool {
        guard let first = word.first else { return true }
        if ASCII.isDigit(first) { return readNumber(word) }
        if first >= 0xE3, first <= 0xED { return false }  // East Asian words are more than weekdays: see `DateNumbers`
        if first == 0x2B || first == 0x2D {
            guard let offset = Self.offset(word) else { return false }  // a zone that nobody can read is no instant
            zone = offset
        } else if let index = MonthNames.month(word), month == nil || day == nil && !numbers.isEmpty && numbers.count < 2 {
            month = index  // of two, the one behind the day: French and Spanish Tuesdays begin like March
        } else if let meridian = Self.meridian(word), let time = clock {
            clock?.hour = time.hour % 12 + meridian
        } else if zone == nil, let offset = Self.zone(word) {
            zone = offset
        }
        return true
    }

    private mutating func readNumber(_ word: ArraySlice<UInt8>) -> Bool {
        if let (time, rest) = Self.clock(word) {
            guard clock == nil else { return false }
            clock = time
            if let meridian = Self.meridian(rest) {
                clock?.hour = time.hour % 12 + meridian
            } else if rest.first == 0x2B || rest.first == 0x2D {
                zone = Self.offset(rest)
            } else if let offset = Self.zone(rest) {
                zone = offset
            }
            return true
        }
        if word.allSatisfy(ASCII.isDigit) { return take(word) }
        if word.contains(0x2D), !word.contains(0x3A) { return readDashes(word) }
        if word.contains(0x2F) {  // `2026/11/22`
            let parts = word.split(separator: 0x2F)
            guard parts.count == 3, parts[0].count == 4, let date = Self.numbers(parts) else { return false }
            (year, month, day) = (date[0], date[1], date[2])
            return true
        }
        let digits = word.prefix(while: ASCII.isDigit)  // `22nd`, `22.`
        return digits.count > 2 || take(digits)
    }

    /// `22-Nov-2026`, `2026-11-22`.
    private mutating func readDashes(_ word: ArraySlice<UInt8>) -> Bool {
        let parts = word.split(separator: 0x2D)
        if parts.count == 3, parts[0].count == 4, let date = Self.numbers(parts) {
            (year, month, day) = (date[0], date[1], date[2])
            return true
        }
        for part in parts {
            guard read(part) else { return false }
        }
        return true
    }

    private mutating func take(_ digits: ArraySlice<UInt8>) -> Bool {
        guard digits.count <= 4, numbers.count < 3, let value = Self.number(digits) else { return false }
        switch numbers.count {
        case 0 where digits.count > 2: numbers = [0, Self.fullYear(value, digits: digits.count)]  // the year first: its day comes later
        case 1 where month != nil: numbers.append(Self.fullYear(value, digits: digits.count))
        case 2 where numbers[0] == 0 && month != nil && digits.count <= 2: numbers[0] = value
        default: numbers.append(value)
        }
        return true
    }

    private static func numbers(_ parts: [ArraySlice<UInt8>]) -> [Int]? {
        let values = parts.compactMap { $0.count <= 4 ? number($0) : nil }
        return values.count == parts.count ? values : nil
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for byte in digits {
            guard ASCII.isDigit(byte), value < 100_000 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return digits.isEmpty ? nil : value
    }

    /// `09:30:00`, `9:30`, `09.30.00`, `09:30:00.123`, and what is glued to it: `09:30:00+0100`, `9:30pm`.
    private static func clock(_ word: ArraySlice<UInt8>) -> (time: (hour: Int, minute: Int, second: Int), rest: ArraySlice<UInt8>)? {
        var i = word.startIndex
        var parts: [Int] = []
        let separator: UInt8 = word.contains(0x3A) ? 0x3A : 0x2E
        while i < word.endIndex, parts.count < 3 {
            var end = i
            while end < word.endIndex, ASCII.isDigit(word[end]) { end += 1 }
            guard end > i, end - i <= 2, let value = number(word[i..<end]) else { return nil }
            parts.append(value)
            i = end
            guard parts.count < 3, i < word.endIndex, word[i] == separator else { break }
            i += 1
        }
        guard parts.count >= 2 else { return nil }
        if i < word.endIndex, word[i] == 0x2E || word[i] == 0x2C || word[i] == 0x3A {  // a fraction
            i += 1
            while i < word.endIndex, ASCII.isDigit(word[i]) { i += 1 }
        }
        return ((parts[0], parts[1], parts.count > 2 ? parts[2] : 0), word[i...])
    }

    /// `+0100`, `+01:00`, `-5`, in minutes. Impossible ones are UTC rather than the end of the date; what has no digits is nil.
    private static func offset(_ word: ArraySlice<UInt8>) -> Int? {
        var value = 0
        var count = 0
        for byte in word.dropFirst() {
            if byte == 0x3A { continue }
            guard ASCII.isDigit(byte), count < 4 else { return nil }
            value = value * 10 + Int(byte - 0x30)
            count += 1
        }
        guard count > 0 else { return nil }
        let minutes = count <= 2 ? value * 60 : value / 100 * 60 + value % 100
        guard minutes <= 14 * 60, value % 100 < 60 || count <= 2 else { return 0 }
        return word.first == 0x2D ? -minutes : minutes
    }

    /// RFC 5322 §4.3: two digits below 50 are in this century; three digits count from 1900.
    static func fullYear(_ value: Int, digits: Int) -> Int {
        switch digits {
        case ...2: value < 50 ? 2000 + value : 1900 + value
        case 3: 1900 + value
        default: value
        }
    }

    private static func meridian(_ word: ArraySlice<UInt8>) -> Int? {
        switch word.first {
        case 0x61 where word.elementsEqual("am".utf8) || word.elementsEqual("a.m.".utf8): 0
        case 0x70 where word.elementsEqual("pm".utf8) || word.elementsEqual("p.m.".utf8): 12
        default: nil
        }
    }

    private static func zone(_ word: ArraySlice<UInt8>) -> Int? {
        guard let first = word.first, ASCII.isLetter(first) else { return nil }
        if let known = zones[String(decoding: word, as: UTF8.self)] { return known }
        let letters = word.prefix(while: ASCII.isLetter)
        guard letters.count < word.count, let named = zones[String(decoding: letters, as: UTF8.self)] else { return nil }
        let rest = word[letters.endIndex...]
        if ASCII.isDigit(word[letters.endIndex]) { return named }  // `EST5EDT` of POSIX: nothing says which half of the year it is
        return offset(rest).map { named + $0 }  // `GMT+0800`, `UTC-5`
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
