/// A glance at an HTML: cheap, since every mail that has both a text and an HTML is looked at.
enum HTMLWords {
    /// No history is shorter: an attribution alone has more.
    static let historyBytesMin = 24

    /// Whether the HTML may hold history that the text beside it does not: it marks some, or it has more words.
    static func mayHoldHistory(_ html: String, beside text: String) -> Bool {
        if marks.contains(where: { ASCII.holds(html, $0) }) { return true }
        return visibleBytes(html) >= text.utf8.count { !ASCII.isSpace($0) } + historyBytesMin
    }

    /// In what mail programs call the elements around history (`ReplyHTMLMark`).
    private static let marks = [
        "blockquote", "BLOCKQUOTE", "Blockquote", "quote", "Quote", "OutlookMessageHeader", "RplyFwdMsg", "appendonsend", "moz-cite",
        "original", "reply", "__aliyun", "id=\"qt\"", "zmail_extra", "origbody", "history", "stopSpelling", "zwchr", "__DIVIDER__",
        "gmail_attr", "clean_bq", "airmail_ext", "OLK_SRC", "ReplyContent", "editor-reference",
    ]

    /// Bytes a reader sees, roughly: not the blanks, tags, comments, styles and scripts. A character reference counts as a letter of three.
    static func visibleBytes(_ html: String) -> Int {
        var html = html
        return html.withUTF8 { bytes in
            var seen = 0
            var i = 0
            while i < bytes.count {
                switch bytes[i] {
                case 0x3C where i + 1 < bytes.count && opensTag(bytes[i + 1]): i = behindTag(bytes, at: i)
                case 0x26:
                    let end = bytes[i...].prefix(referenceBytesMax).firstIndex(of: 0x3B)
                    seen += end == nil ? 1 : bytes[i...].starts(with: "&nbsp;".utf8) ? 0 : 3
                    i = (end ?? i) + 1
                default:
                    if !ASCII.isSpace(bytes[i]) { seen += 1 }
                    i += 1
                }
            }
            return seen
        }
    }

    private static let referenceBytesMax = 10

    private static func opensTag(_ byte: UInt8) -> Bool { ASCII.isLetter(byte) || byte == 0x2F || byte == 0x21 || byte == 0x3F }

    private static func behindTag(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Int {
        let rest = bytes[(start + 1)...]
        if rest.starts(with: "!--".utf8) { return behind("-->", bytes, from: start + 4) }
        let name = rest.prefix(while: ASCII.isLetter).prefix(7).map(ASCII.lower)
        let end = ByteScan.find(0x3E, in: bytes, from: start, to: bytes.count).map { $0 + 1 } ?? bytes.count
        if name == Array("style".utf8) { return behind("</style", bytes, from: end) }
        if name == Array("script".utf8) { return behind("</script", bytes, from: end) }
        if name == Array("title".utf8) { return behind("</title", bytes, from: end) }
        return end
    }

    /// In small letters, as programs write it; where it is missing, the rest counts as seen.
    private static func behind(_ word: StaticString, _ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let needle = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        let text = UnsafeRawBufferPointer(bytes)
        return ByteScan.find(needle, in: text, from: start, to: text.count).map { $0 + needle.count } ?? start
    }
}
