import Domain

/// How things are written in IMAP commands and answers. Pure.
enum IMAPText {
    /// `"INBOX"`; other scripts in the modified UTF-7 of RFC 3501 §5.1.3.
    static func mailbox(_ name: String) throws(TransportError) -> String {
        guard !name.isEmpty, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw .invalid("a mailbox name is empty or holds a control character; check the account's folders.")
        }
        return "\"\(modifiedUTF7(name).replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    static func modifiedUTF7(_ name: String) -> String {
        var result = ""
        var other: [UInt16] = []
        func flush() {
            guard !other.isEmpty else { return }
            result += "&\(base64(other.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }))-"
            other = []
        }
        for unit in name.utf16 {
            if (0x20...0x7e).contains(unit) {
                flush()
                result += unit == 0x26 ? "&-" : String(UnicodeScalar(UInt8(unit)))
            } else {
                other.append(unit)
            }
        }
        flush()
        return result
    }

    /// With a comma for the slash and without padding.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)
        var (bits, count) = (0, 0)
        var text: [UInt8] = []
        for byte in bytes {
            bits = (bits << 8 | Int(byte)) & 0xffff
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[bits >> count & 63])
            }
        }
        if count > 0 { text.append(alphabet[bits << (6 - count) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// `1:3,7` for 1, 2, 3, 7: in pieces of at most `limit` UIDs each, in ascending order.
    static func sets(_ uids: [UInt32], limit: Int) -> [String] {
        let sorted = Set(uids).sorted()
        return stride(from: 0, to: sorted.count, by: limit).map { start in
            var ranges: [(first: UInt32, last: UInt32)] = []
            for uid in sorted[start..<min(start + limit, sorted.count)] {
                if let last = ranges.last?.last, last + 1 == uid {
                    ranges[ranges.count - 1].last = uid
                } else {
                    ranges.append((uid, uid))
                }
            }
            return ranges.map { $0.first == $0.last ? "\($0.first)" : "\($0.first):\($0.last)" }.joined(separator: ",")
        }
    }

    /// `"17-Jul-1996 02:44:25 -0700"`, the day with a leading space when it has one digit.
    static func date(_ text: String) -> Timestamp? {
        let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        let words = text.split(separator: " ")
        guard words.count == 3 else { return nil }
        let day = words[0].split(separator: "-")
        let time = words[1].split(separator: ":").compactMap { Int($0) }
        guard day.count == 3, let dayOfMonth = Int(day[0]), let month = months.firstIndex(of: day[1].lowercased()), let year = Int(day[2]),
            (1...31).contains(dayOfMonth), (0...9999).contains(year), time.count == 3, (0...23).contains(time[0]),
            (0...59).contains(time[1]), (0...60).contains(time[2]), words[2].utf8.count == 5, let zone = Int(words[2])
        else { return nil }
        let offset = (zone / 100 * 60 + zone % 100) * 60
        let days = CivilDate(year: year, month: month + 1, day: dayOfMonth).daysSince1970
        return Timestamp(seconds: Int64(days * 86400 + time[0] * 3600 + time[1] * 60 + time[2] - offset))
    }
}
