/// The words an answer quotes, as mail programs write them: `> ` before each line, or a `blockquote`.
public enum QuotedText {
    /// Quoted once more: `> new` and `>> older`. At most `bytesMax` of it, ended by a line that says so.
    public static func text(_ body: String, bytesMax: Int) -> String {
        let (body, isCut) = cut(body, bytesMax)
        var lines = body.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            if line.isEmpty { return ">" }
            return (line.hasPrefix(">") ? ">" : "> ") + line
        }
        if isCut { lines.append("> […]") }
        return lines.joined(separator: "\n")
    }

    /// Plain text as HTML with its lines kept.
    public static func html(_ body: String, bytesMax: Int) -> String {
        let (body, isCut) = cut(body, bytesMax)
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false).map { HTMLText.escaped(String($0)) }
        return lines.joined(separator: "<br>\n") + (isCut ? "<br>\n[…]" : "")
    }

    /// Without the empty lines around it; a character is never cut.
    private static func cut(_ body: String, _ bytesMax: Int) -> (String, Bool) {
        var bytes = Array(Charset.cleaned(Array(body.utf8)))[...]
        while let first = bytes.first, first == ASCII.lf { bytes.removeFirst() }
        while let last = bytes.last, ASCII.isSpace(last) { bytes.removeLast() }
        let isCut = bytes.count > bytesMax
        if isCut {
            bytes = bytes.prefix(bytesMax)
            while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
            if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
        }
        return (String(decoding: bytes, as: UTF8.self), isCut)
    }
}
