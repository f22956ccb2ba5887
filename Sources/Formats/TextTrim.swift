public enum TextTrim {
    /// The first words on one line, at most `max` characters; cut at a character, with `…` when something is missing.
    public static func snippet(_ text: String, max: Int) -> String {
        guard max > 0 else { return "" }
        var line: [UInt8] = []
        let enough = max &* 32 + 64  // no sane character is longer than 32 bytes
        var isCut = false
        for byte in text.utf8 {
            if ASCII.isSpace(byte) {
                if let last = line.last, last != ASCII.space { line.append(ASCII.space) }
            } else if byte >= 0x20 {
                line.append(byte)
            }
            if line.count >= enough {
                isCut = true
                break
            }
        }
        while line.last == ASCII.space { line.removeLast() }
        let folded = Charset.string(line)
        guard isCut || folded.count > max else { return folded }
        return String(folded.prefix(max - 1)) + "…"
    }

    /// White space runs become one blank.
    static func oneLine(_ text: String) -> String {
        let words = text.utf8.split(whereSeparator: ASCII.isSpace)
        return String(decoding: Array(words.joined(separator: [ASCII.space])), as: UTF8.self)
    }
}
