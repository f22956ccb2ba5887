/// The words of a text/calendar part (RFC 5545, RFC 5546): what a person needs to know about a meeting. The part stays an attachment.
struct Invitation {
    static let bytesMax = 2 << 20
    static let linesMax = 50_000
    static let valueBytesMax = 4000
    static let attendeesMax = 20
    /// Components inside components: a calendar, an event, an alarm.
    static let depthMax = 10

    var method = ""
    var summary = ""
    var start = ""
    var end = ""
    var location = ""
    var organiser = ""
    var attendees: [String] = []
    var description = ""
    var recurrence = ""
    var uid = ""

    /// The first event, to-do or journal entry. Nil when the bytes are no calendar or hold none.
    init?(_ bytes: [UInt8], label: String?) {
        let text = Array(Charset.text(Array(bytes.prefix(Self.bytesMax)), label: label).utf8)
        var depth = 0
        var isInside = false
        var isCalendar = false
        for line in Self.lines(text) {
            guard let property = Self.property(line) else { continue }
            switch property.name {
            case "begin":
                depth += 1
                if depth > Self.depthMax { return nil }
                let kind = ASCII.lowercased(property.value)
                if kind == "vcalendar" { isCalendar = true }
                if depth == 2, ["vevent", "vtodo", "vjournal"].contains(kind), summary.isEmpty, start.isEmpty { isInside = true }
            case "end":
                if depth == 2 { isInside = false }
                depth = max(0, depth - 1)
            case "method" where depth == 1: method = property.value.uppercased()
            default: if isInside, depth == 2 { take(property) }
            }
        }
        if !isCalendar || summary.isEmpty && start.isEmpty { return nil }
    }

    private mutating func take(_ property: (name: String, parameters: [(String, String)], value: String)) {
        func parameter(_ name: String) -> String? { property.parameters.first { $0.0 == name }?.1 }
        let text = Self.unescaped(property.value)
        switch property.name {
        case "summary": summary = text
        case "location": location = text
        case "description": description = text
        case "uid": uid = property.value
        case "dtstart": start = Self.moment(property.value, zone: parameter("tzid"))
        case "dtend", "due": end = Self.moment(property.value, zone: parameter("tzid"))
        case "duration" where end.isEmpty: end = property.value
        case "rrule": recurrence = property.value
        case "organizer": organiser = Self.person(property.value, name: parameter("cn"))
        case "attendee": if attendees.count < Self.attendeesMax { attendees.append(Self.person(property.value, name: parameter("cn"))) }
        default: break
        }
    }

    /// A few lines for people; in Chinese when the invitation is.
    var text: String {
        let isChinese = Self.isChinese(summary + location + description)
        func label(_ english: String, _ chinese: String) -> String { isChinese ? chinese + "：" : english + ": " }
        let kinds = [
            "REQUEST": ("Invitation", "会议邀请"), "CANCEL": ("Cancelled", "会议取消"), "REPLY": ("Answer to an invitation", "会议答复"),
            "COUNTER": ("Other time proposed", "建议新时间"), "PUBLISH": ("Event", "日程"),
        ]
        let kind = kinds[method] ?? ("Event", "日程")
        var lines = [label(kind.0, kind.1) + (summary.isEmpty ? "–" : summary)]
        if !start.isEmpty { lines.append(label("When", "时间") + (end.isEmpty ? start : start + " – " + end)) }
        if !recurrence.isEmpty { lines.append(label("Repeats", "重复") + recurrence) }
        if !location.isEmpty { lines.append(label("Where", "地点") + location) }
        if !organiser.isEmpty { lines.append(label("Organiser", "组织者") + organiser) }
        if !attendees.isEmpty { lines.append(label("Attendees", "参加者") + attendees.joined(separator: ", ")) }
        return lines.joined(separator: "\n")
    }

    /// Han characters, and no kana or hangul.
    private static func isChinese(_ text: String) -> Bool {
        var hasHan = false
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x3040...0x30FF, 0xAC00...0xD7A3: return false
            case 0x4E00...0x9FFF: hasHan = true
            default: break
            }
        }
        return hasHan
    }

    // MARK: content lines (RFC 5545 §3.1)

    /// Unfolded lines, each cut at a limit.
    private static func lines(_ text: [UInt8]) -> [[UInt8]] {
        var out: [[UInt8]] = []
        for line in text.split(separator: ASCII.lf, maxSplits: linesMax) {
            if let first = line.first, first == ASCII.space || first == ASCII.tab, !out.isEmpty {
                if out[out.count - 1].count < valueBytesMax { out[out.count - 1] += line.dropFirst() }
            } else {
                out.append(Array(line.prefix(valueBytesMax)))
            }
        }
        return out
    }

    private static func property(_ line: [UInt8]) -> (name: String, parameters: [(String, String)], value: String)? {
        var isQuoted = false
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        for (index, byte) in line.enumerated() {
            if byte == 0x22 { isQuoted.toggle() }
            if isQuoted || byte != 0x3A && byte != 0x3B { continue }
            pieces.append(line[start..<index])
            start = index + 1
            if byte == 0x3A {
                guard let name = pieces.first, !name.isEmpty else { return nil }
                let parameters = pieces.dropFirst().prefix(20).map { piece -> (String, String) in
                    let parts = piece.split(separator: 0x3D, maxSplits: 1)
                    let value = parts.count > 1 ? parts[1].filter { $0 != 0x22 } : []
                    return (ASCII.lowercased(Charset.string(Array(parts.first ?? []))), Charset.string(value))
                }
                return (ASCII.lowercased(Charset.string(Array(name))), parameters, ASCII.trim(Charset.string(Array(line[start...]))))
            }
        }
        return nil
    }

    private static func unescaped(_ value: String) -> String {
        guard value.utf8.contains(0x5C) else { return value }
        var out: [UInt8] = []
        var isEscaped = false
        for byte in value.utf8 {
            if isEscaped {
                out.append(byte == 0x6E || byte == 0x4E ? ASCII.lf : byte)
                isEscaped = false
            } else if byte == 0x5C {
                isEscaped = true
            } else {
                out.append(byte)
            }
        }
        return ASCII.trim(Charset.string(out))
    }

    /// `20261122T093000Z` as `2026-11-22 09:30 UTC`; with a zone, its name behind it.
    private static func moment(_ value: String, zone: String?) -> String {
        let b = Array(value.utf8)
        func digits(_ range: Range<Int>) -> String? {
            guard range.upperBound <= b.count, b[range].allSatisfy(ASCII.isDigit) else { return nil }
            return Charset.string(Array(b[range]))
        }
        guard let year = digits(0..<4), let month = digits(4..<6), let day = digits(6..<8) else { return value }
        let date = "\(year)-\(month)-\(day)"
        guard b.count > 8, b[8] | 0x20 == 0x74, let hour = digits(9..<11), let minute = digits(11..<13) else { return date }
        let place = b.last == 0x5A ? " UTC" : zone.map { " " + $0 } ?? ""
        return "\(date) \(hour):\(minute)\(place)"
    }

    private static func person(_ value: String, name: String?) -> String {
        let address = ASCII.lowercased(String(value.prefix(7))) == "mailto:" ? String(value.dropFirst(7)) : value
        guard let name, !name.isEmpty, name != address else { return address }
        return "\(name) <\(address)>"
    }
}
