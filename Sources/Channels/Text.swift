/// Small readings of what people write into fields.
enum Text {
    static let firstLineCharacters = 80

    /// Lower-cased; nil when it cannot be an address.
    static func email(_ text: String) -> String? {
        let trimmed = trim(text).lowercased()
        let parts = trimmed.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].contains("."), trimmed.utf8.count <= 254,
            trimmed.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2C && $0 != 0x3B && $0 != 0x3C && $0 != 0x3E })
        else { return nil }
        return trimmed
    }

    /// Digits, with `+` before a country code that was given; nil when there are fewer than five.
    static func phone(_ text: String) -> String? {
        let trimmed = trim(text)
        let digits = String(decoding: trimmed.utf8.filter { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)
        guard digits.utf8.count >= 5, digits.utf8.count <= 20 else { return nil }
        if trimmed.hasPrefix("+") || trimmed.hasPrefix("(+") { return "+" + digits }
        return digits.hasPrefix("00") ? "+" + digits.dropFirst(2) : digits
    }

    static func firstLine(_ text: String) -> String {
        let line = text.split(separator: "\n", omittingEmptySubsequences: true).lazy.map { trim(String($0)) }.first { !$0.isEmpty } ?? ""
        guard line.count > firstLineCharacters else { return line }
        return String(line.prefix(firstLineCharacters - 1)) + "…"
    }

    /// Without white space at either end.
    static func trim(_ text: String) -> String {
        var slice = text[...]
        while let first = slice.first, first.isWhitespace { slice.removeFirst() }
        while let last = slice.last, last.isWhitespace { slice.removeLast() }
        return String(slice)
    }
}
