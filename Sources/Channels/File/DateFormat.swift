import Domain
import Formats

/// How a source writes instants: `iso`, `epoch` (seconds), `epoch_ms`, a strptime pattern (`%a %b %d %H:%M:%S %z %Y`) or one of letters
/// (`yyyy-MM-dd'T'HH:mm:ss`). Names of days and months are English, as in the C locale.
struct DateFormat: Sendable, Equatable {
    private enum Kind: Sendable, Equatable { case iso, epoch, epochMilliseconds, pattern([Token]) }

    private enum Token: Sendable, Equatable {
        case year, shortYear, month, monthName, day, dayName, hour, hour12, minute, second, fraction, half, zone
        /// White space stands for any.
        case literal(Unicode.Scalar)
    }

    private let kind: Kind

    init?(_ text: String) {
        switch text {
        case "iso": kind = .iso
        case "epoch": kind = .epoch
        case "epoch_ms": kind = .epochMilliseconds
        default:
            guard let tokens = text.contains("%") ? Self.percent(text) : Self.letters(text) else { return nil }
            kind = .pattern(tokens)
        }
    }

    var isNumber: Bool { kind == .epoch || kind == .epochMilliseconds }

    /// RFC 3339 in UTC with microseconds where there are any: how instants travel through a pipeline.
    static func exact(_ time: Timestamp) -> String {
        let text = time.description
        let micro = time.microseconds - time.seconds * 1_000_000
        guard micro != 0 else { return text }
        let digits = String(micro)
        return text.dropLast() + "." + String(repeating: "0", count: 6 - digits.count) + digits + "Z"
    }

    // MARK: Reading

    /// - Parameter zone: of a text that names none.
    func time(_ text: String, zone: Zone) -> Timestamp? {
        let text = Text.trim(text)
        switch kind {
        case .iso:
            guard let time = DateText.iso8601(text) else { return nil }
            return Self.namesZone(text) ? time : zone.instant(local: time)
        case .epoch: return Self.decimal(text, unit: 1_000_000)
        case .epochMilliseconds: return Self.decimal(text, unit: 1000)
        case .pattern(let tokens):
            var reader = PatternReader(text)
            for token in tokens { guard reader.take(token) else { return nil } }
            return reader.isAtEnd ? reader.timestamp(zone) : nil
        }
    }

    private static func namesZone(_ text: String) -> Bool {
        guard let time = text.firstIndex(where: { $0 == "T" || $0 == "t" || $0 == " " }) else { return false }
        return text[time...].contains { $0 == "Z" || $0 == "z" || $0 == "+" || $0 == "-" }
    }

    /// Some eight thousand years: what is farther away is no date, and would not be counted safely.
    private static let microsecondsMax = 2.5e17

    /// `1732147200`, `1732147200.25`, without going through a Double.
    private static func decimal(_ text: String, unit: Int64) -> Timestamp? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ Int64($0) }) else {
            guard let number = Double(text), abs(number * Double(unit)) < microsecondsMax else { return nil }
            return Timestamp(microseconds: Int64((number * Double(unit)).rounded()))
        }
        let (product, isTooLarge) = whole.multipliedReportingOverflow(by: unit)
        guard !isTooLarge, abs(Double(product)) < microsecondsMax else { return nil }
        var fraction: Int64 = 0
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let digits = Double("0." + parts[1]) else { return nil }
            fraction = Int64((digits * Double(unit)).rounded())
        }
        return Timestamp(microseconds: product + (whole < 0 ? -fraction : fraction))
    }

    private struct PatternReader {
        private let scalars: [Unicode.Scalar]
        private var i = 0
        private var year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, micro = 0
        private var isAfternoon: Bool?
        private var zoneMinutes: Int?

        init(_ text: String) { scalars = Array(text.unicodeScalars) }
        var isAtEnd: Bool { i == scalars.count }

        mutating func take(_ token: Token) -> Bool {
            switch token {
            case .year: return number(4) { $0.year = $1 }
            case .shortYear: return number(2) { $0.year = $1 + ($1 < 69 ? 2000 : 1900) }
            case .month: return number(2) { $0.month = $1 }
            case .day: return number(2) { $0.day = $1 }
            case .hour, .hour12: return number(2) { $0.hour = $1 }
            case .minute: return number(2) { $0.minute = $1 }
            case .second: return number(2) { $0.second = $1 }
            case .fraction: return fraction()
            case .monthName:
                return word { reader, word in
                    guard let index = DateFormat.monthNames.firstIndex(where: { word.hasPrefix($0) }) else { return false }
                    reader.month = index + 1
                    return true
                }
            case .dayName: return word { _, word in DateFormat.dayNames.contains { word.hasPrefix($0) } }
            case .half:
                return word { reader, word in
                    guard word == "am" || word == "pm" else { return false }
                    reader.isAfternoon = word == "pm"
                    return true
                }
            case .zone: return zone()
            case .literal(let scalar):
                if scalar == " " {
                    guard i < scalars.count, scalars[i] == " " else { return false }
                    while i < scalars.count, scalars[i] == " " { i += 1 }
                    return true
                }
                guard i < scalars.count, scalars[i] == scalar else { return false }
                i += 1
                return true
            }
        }

        private mutating func number(_ digitsMax: Int, _ put: (inout Self, Int) -> Void) -> Bool {
            while i < scalars.count, scalars[i] == " " { i += 1 }
            var value = 0
            let start = i
            while i < scalars.count, i - start < digitsMax, ("0"..."9").contains(scalars[i]) {
                value = value * 10 + Int(scalars[i].value - 0x30)
                i += 1
            }
            guard i > start else { return false }
            put(&self, value)
            return true
        }

        private mutating func fraction() -> Bool {
            var unit = 100_000
            let start = i
            while i < scalars.count, ("0"..."9").contains(scalars[i]) {
                micro += Int(scalars[i].value - 0x30) * unit
                unit /= 10
                i += 1
            }
            return i > start
        }

        private mutating func word(_ put: (inout Self, String) -> Bool) -> Bool {
            var word = ""
            while i < scalars.count, scalars[i].properties.isAlphabetic {
                word.unicodeScalars.append(scalars[i])
                i += 1
            }
            return !word.isEmpty && put(&self, word.lowercased())
        }

        /// `Z`, `UTC`, `GMT`, `+0800`, `+08:00`.
        private mutating func zone() -> Bool {
            guard i < scalars.count else { return false }
            if scalars[i] == "+" || scalars[i] == "-" {
                let sign = scalars[i] == "-" ? -1 : 1
                i += 1
                var digits: [Int] = []
                while i < scalars.count, digits.count < 4, scalars[i] == ":" || ("0"..."9").contains(scalars[i]) {
                    if scalars[i] != ":" { digits.append(Int(scalars[i].value - 0x30)) }
                    i += 1
                }
                guard digits.count == 4 || digits.count == 2 else { return false }
                if digits.count == 2 { digits += [0, 0] }
                zoneMinutes = sign * ((digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3])
                return true
            }
            return word { reader, word in
                guard ["z", "utc", "gmt", "ut"].contains(word) else { return false }
                reader.zoneMinutes = 0
                return true
            }
        }

        func timestamp(_ zone: Zone) -> Timestamp? {
            var hour = hour
            if let isAfternoon { hour = hour % 12 + (isAfternoon ? 12 : 0) }
            guard
                let local = DateText.instant(
                    year: year, month: month, day: day, hour: hour, minute: minute, second: second, microsecond: micro,
                    zoneMinutes: zoneMinutes ?? 0)
            else { return nil }
            return zoneMinutes == nil ? zone.instant(local: local) : local
        }
    }

    // MARK: Writing

    func written(_ time: Timestamp, zone: Zone) -> String {
        switch kind {
        case .iso: return Self.exact(time)
        case .epoch: return String(time.seconds)
        case .epochMilliseconds: return String(Int64((Double(time.microseconds) / 1000).rounded(.down)))
        case .pattern(let tokens):
            let offset = zone.offsetSeconds(at: time)
            let local = time + .seconds(offset)
            let days = Int((Double(local.seconds) / 86400).rounded(.down))
            let date = CivilDate(daysSince1970: days)
            let second = Int(local.seconds) - days * 86400
            var out = ""
            for token in tokens { out += Self.part(token, date, second, local, offset) }
            return out
        }
    }

    private static func part(_ token: Token, _ date: CivilDate, _ second: Int, _ time: Timestamp, _ offset: Int64) -> String {
        func padded(_ value: Int, _ width: Int = 2) -> String {
            let text = String(abs(value))
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        switch token {
        case .year: return padded(date.year, 4)
        case .shortYear: return padded(date.year % 100)
        case .month: return padded(date.month)
        case .monthName: return monthNames[date.month - 1].capitalizedFirst
        case .day: return padded(date.day)
        case .dayName: return dayNames[date.weekday - 1].capitalizedFirst
        case .hour: return padded(second / 3600)
        case .hour12: return padded((second / 3600 + 11) % 12 + 1)
        case .minute: return padded(second / 60 % 60)
        case .second: return padded(second % 60)
        case .fraction: return padded(Int(time.microseconds - time.seconds * 1_000_000), 6)
        case .half: return second < 43200 ? "AM" : "PM"
        case .zone: return (offset < 0 ? "-" : "+") + padded(Int(offset) / 3600) + padded(Int(offset) / 60 % 60)
        case .literal(let scalar): return String(scalar)
        }
    }

    // MARK: Patterns

    private static let monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    private static func percent(_ text: String) -> [Token]? {
        var tokens: [Token] = []
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                tokens.append(.literal(scalar))
                continue
            }
            switch rest.popFirst() {
            case "Y": tokens.append(.year)
            case "y": tokens.append(.shortYear)
            case "m": tokens.append(.month)
            case "b", "B", "h": tokens.append(.monthName)
            case "d", "e": tokens.append(.day)
            case "a", "A": tokens.append(.dayName)
            case "H": tokens.append(.hour)
            case "I": tokens.append(.hour12)
            case "M": tokens.append(.minute)
            case "S": tokens.append(.second)
            case "f": tokens.append(.fraction)
            case "p": tokens.append(.half)
            case "z", "Z": tokens.append(.zone)
            case "T": tokens += [.hour, .literal(":"), .minute, .literal(":"), .second]
            case "F": tokens += [.year, .literal("-"), .month, .literal("-"), .day]
            case "%": tokens.append(.literal("%"))
            default: return nil
            }
        }
        return tokens
    }

    private static func letters(_ text: String) -> [Token]? {
        var tokens: [Token] = []
        let scalars = Array(text.unicodeScalars)
        var i = 0
        var isDate = false
        while i < scalars.count {
            if scalars[i] == "'" {
                guard let end = scalars[(i + 1)...].firstIndex(of: "'") else { return nil }
                tokens += scalars[(i + 1)..<end].map(Token.literal)
                i = end + 1
                continue
            }
            var end = i
            while end < scalars.count, scalars[end] == scalars[i] { end += 1 }
            let run = String(String.UnicodeScalarView(scalars[i..<end]))
            switch run {
            case "yyyy": tokens.append(.year)
            case "yy": tokens.append(.shortYear)
            case "MM", "M": tokens.append(.month)
            case "MMM": tokens.append(.monthName)
            case "dd", "d": tokens.append(.day)
            case "EEE": tokens.append(.dayName)
            case "HH", "H": tokens.append(.hour)
            case "hh", "h": tokens.append(.hour12)
            case "mm", "m": tokens.append(.minute)
            case "ss", "s": tokens.append(.second)
            case "SSS", "SSSSSS": tokens.append(.fraction)
            case "a": tokens.append(.half)
            case "Z", "XXX", "X": tokens.append(.zone)
            default:
                guard !scalars[i].properties.isAlphabetic else { return nil }
                tokens += scalars[i..<end].map(Token.literal)
                i = end
                continue
            }
            isDate = true
            i = end
        }
        return isDate ? tokens : nil
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
