import Domain

/// Dates of feeds. The two forms that nearly all of them write are read byte by byte; the rest by `DateText`.
enum FeedDate {
    static func read(_ bytes: [UInt8]) -> Timestamp? {
        let text = ASCII.trim(bytes[...])
        if text.isEmpty { return nil }
        return text.withUnsafeBufferPointer { rfc3339($0) ?? rfc822($0) } ?? DateText.anyFeedDate(Charset.string(Array(text)))
    }

    /// `2026-11-22T09:30:00Z`, also with a fraction and `+08:00`.
    private static func rfc3339(_ b: UnsafeBufferPointer<UInt8>) -> Timestamp? {
        guard b.count >= 20, b.count <= 35, b[4] == 0x2D, b[7] == 0x2D, b[10] == 0x54, b[13] == 0x3A, b[16] == 0x3A,
            let century = two(b, 0), let year = two(b, 2), let month = two(b, 5), let day = two(b, 8), let hour = two(b, 11),
            let minute = two(b, 14), let second = two(b, 17)
        else { return nil }
        var i = 19
        var micro = 0
        if b[i] == 0x2E {
            i += 1
            var scale = 100_000
            while i < b.count, ASCII.isDigit(b[i]) {
                micro += Int(b[i] - 0x30) * scale
                scale /= 10
                i += 1
            }
        }
        guard i < b.count else { return nil }
        var zone = 0
        if b[i] != 0x5A {
            guard b.count == i + 6, b[i] == 0x2B || b[i] == 0x2D, b[i + 3] == 0x3A, let hours = two(b, i + 1), let minutes = two(b, i + 4)
            else { return nil }
            zone = (hours * 60 + minutes) * (b[i] == 0x2D ? -1 : 1)
        } else if b.count != i + 1 {
            return nil
        }
        return DateText.time(
            year: century * 100 + year, month: month, day: day, hour: hour, minute: minute, second: second, micro: micro, zoneMinutes: zone)
    }

    /// `Sun, 22 Nov 2026 09:30:00 GMT`, also with `+0800`.
    private static func rfc822(_ b: UnsafeBufferPointer<UInt8>) -> Timestamp? {
        guard b.count >= 29, b.count <= 31, b[3] == 0x2C, b[4] == ASCII.space, b[7] == ASCII.space, b[11] == ASCII.space,
            b[16] == ASCII.space, b[19] == 0x3A, b[22] == 0x3A, b[25] == ASCII.space, let day = two(b, 5),
            let month = MonthNames.english(b[8] | 0x20, b[9] | 0x20, b[10] | 0x20),
            let century = two(b, 12), let year = two(b, 14), let hour = two(b, 17), let minute = two(b, 20), let second = two(b, 23)
        else { return nil }
        var zone = 0
        if b.count == 31, b[26] == 0x2B || b[26] == 0x2D, let hours = two(b, 27), let minutes = two(b, 29) {
            zone = (hours * 60 + minutes) * (b[26] == 0x2D ? -1 : 1)
        } else if b.count != 29 || b[26] != 0x47 || b[27] != 0x4D || b[28] != 0x54 {
            return nil
        }
        return DateText.time(
            year: century * 100 + year, month: month, day: day, hour: hour, minute: minute, second: second, zoneMinutes: zone)
    }

    private static func two(_ b: UnsafeBufferPointer<UInt8>, _ i: Int) -> Int? {
        ASCII.isDigit(b[i]) && ASCII.isDigit(b[i + 1]) ? Int(b[i] - 0x30) * 10 + Int(b[i + 1] - 0x30) : nil
    }
}
