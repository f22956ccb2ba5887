/// text/enriched (RFC 1896) and its elder text/richtext (RFC 1341) as HTML.
enum EnrichedText {
    static let tagBytesMax = 60

    private static let tags: [String: String] = [
        "bold": "b", "italic": "i", "underline": "u", "fixed": "code", "center": "center", "excerpt": "blockquote", "paragraph": "p",
        "smaller": "small", "bigger": "big", "subscript": "sub", "superscript": "sup", "heading": "h3", "signature": "small",
    ]

    /// - Parameter isRich: text/richtext, where line ends are blanks and `<nl>` and `<lt>` are what they say.
    static func html(_ text: String, isRich: Bool) -> String {
        let b = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(b.count + b.count / 8)
        var open: [String] = []
        var hidden = 0  // depth of <param> and <comment>
        var literal = false  // <nofill>, <verbatim>
        var i = 0
        while i < b.count {
            if b[i] == 0x3C, !isRich, i + 1 < b.count, b[i + 1] == 0x3C {
                if hidden == 0 { out += "&lt;".utf8 }
                i += 2
            } else if b[i] == 0x3C, let close = b[i...].prefix(tagBytesMax).firstIndex(of: 0x3E) {
                tag(Array(b[(i + 1)..<close]), &out, &open, &hidden, &literal)
                i = close + 1
            } else if b[i] == ASCII.lf {
                var count = 0
                while i < b.count, b[i] == ASCII.lf {
                    count += 1
                    i += 1
                }
                // One line end is a blank, n of them are n - 1 line ends.
                let breaks = literal ? count : isRich ? 0 : count - 1
                if hidden == 0 { out += breaks == 0 ? Array(" ".utf8) : Array(String(repeating: "<br>\n", count: breaks).utf8) }
            } else {
                if hidden == 0 { HTMLText.escape([b[i]], into: &out) }
                i += 1
            }
        }
        for name in open.reversed() { out += "</\(name)>".utf8 }
        return Charset.string(out)
    }

    private static func tag(_ raw: [UInt8], _ out: inout [UInt8], _ open: inout [String], _ hidden: inout Int, _ literal: inout Bool) {
        let isEnd = raw.first == 0x2F
        let name = ASCII.lowercased(ASCII.trim(Charset.string(isEnd ? Array(raw.dropFirst()) : raw)))
        switch name {
        case "param", "comment": hidden = max(0, hidden + (isEnd ? -1 : 1))
        case "nofill", "verbatim": literal = !isEnd
        case "nl": if hidden == 0, !isEnd { out += "<br>\n".utf8 }
        case "np": if hidden == 0, !isEnd { out += "<hr>\n".utf8 }
        case "lt": if hidden == 0, !isEnd { out += "&lt;".utf8 }
        default:
            guard let element = tags[name], hidden == 0 else { return }
            if !isEnd {
                open.append(element)
                out += "<\(element)>".utf8
            } else if open.last == element {
                open.removeLast()
                out += "</\(element)>".utf8
            }
        }
    }
}
