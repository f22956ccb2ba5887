import Domain

/// The text of a message as HTML: escaped, with the words that made its mood marked.
enum MessageText {
    /// More of a message is on its own page.
    static let shownBytesMax = 48 << 10
    static let marksMax = 60
    static let wordsMax = 16

    struct Shown {
        var html: SafeHTML
        var isCut: Bool
    }

    static func shown(_ text: String, mood: Mood?) -> Shown {
        let (whole, isCut) = cut(text)
        return Shown(html: SafeHTML(marked(whole.trimmedNewlines, mood: mood)), isCut: isCut)
    }

    /// At most `shownBytesMax`, ending at a character.
    static func cut(_ body: String) -> (String, Bool) {
        guard body.utf8.count > shownBytesMax else { return (body, false) }
        var end = body.utf8.index(body.startIndex, offsetBy: shownBytesMax)
        while end > body.startIndex, body.utf8[end] & 0xC0 == 0x80 { end = body.utf8.index(before: end) }
        return (String(body[..<end]), true)
    }

    /// Escapes `text` and puts `<mark>` around the words of the mood, `class="up"` for those that raised it.
    static func marked(_ text: String, mood: Mood?) -> String {
        let words = (mood?.words ?? []).prefix(wordsMax).filter { !$0.text.trimmed.isEmpty }
        guard !words.isEmpty else { return SafeHTML.escape(text) }
        let bytes = Array(text.utf8)
        let folded = bytes.map(lower)
        var hits: [(range: Range<Int>, isUp: Bool)] = []
        for word in words {
            let needle = word.text.utf8.map(lower)
            var at = 0
            while hits.count < marksMax, let range = find(needle, in: folded, from: at) {
                at = range.upperBound
                if !hits.contains(where: { $0.range.overlaps(range) }) { hits.append((range, word.weight > 0)) }
            }
        }
        var out = ""
        var at = 0
        for hit in hits.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            out += SafeHTML.escape(String(decoding: bytes[at..<hit.range.lowerBound], as: UTF8.self))
            out += hit.isUp ? "<mark class=\"up\">" : "<mark>"
            out += SafeHTML.escape(String(decoding: bytes[hit.range], as: UTF8.self)) + "</mark>"
            at = hit.range.upperBound
        }
        return out + SafeHTML.escape(String(decoding: bytes[at...], as: UTF8.self))
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    /// A Latin word must not be part of a longer one; Chinese has no spaces to go by.
    private static func find(_ needle: [UInt8], in hay: [UInt8], from start: Int) -> Range<Int>? {
        var at = start
        while at + needle.count <= hay.count {
            guard let hit = hay[at...].firstIndex(of: needle[0]), hit + needle.count <= hay.count else { return nil }
            let end = hit + needle.count
            if hay[hit..<end].elementsEqual(needle), !(isLetter(needle[0]) && hit > 0 && isLetter(hay[hit - 1])),
                !(isLetter(needle[needle.count - 1]) && end < hay.count && isLetter(hay[end]))
            {
                return hit..<end
            }
            at = hit + 1
        }
        return nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
}

extension String {
    /// Without empty lines at both ends.
    var trimmedNewlines: String {
        var lines = split(separator: "\n", omittingEmptySubsequences: false)[...]
        while lines.first?.trimmed.isEmpty == true { lines.removeFirst() }
        while lines.last?.trimmed.isEmpty == true { lines.removeLast() }
        return lines.joined(separator: "\n")
    }
}
