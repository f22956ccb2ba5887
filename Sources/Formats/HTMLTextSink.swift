/// Writes what a reader sees, as plain text.
final class TextSink: HTMLSink {
    static let listDepthMax = 10
    static let quoteDepthMax = 20
    static let linkBytesMax = 2000

    private enum Shape { case line, paragraph }
    private static let blocks: [String: Shape] = {
        var table: [String: Shape] = [:]
        for name in [
            "div", "section", "article", "header", "footer", "aside", "main", "nav", "form", "fieldset", "address", "center", "dt", "dd",
            "tr",
            "caption", "figure", "figcaption", "li", "body", "option", "legend", "details", "summary",
        ] { table[name] = .line }
        for name in ["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "listing", "xmp", "hr"] {
            table[name] = .paragraph
        }
        return table
    }()
    private static let unseen: Set<String> = [
        "script", "style", "head", "title", "template", "noscript", "noframes", "object", "applet", "iframe", "svg", "math", "select",
        "textarea",
        "audio", "video", "map", "datalist",
    ]

    private var out: [UInt8] = []
    /// Line ends owed before the next text; 2 makes an empty line.
    private var breaks = 0
    private var space = false
    private var isLineEmpty = true
    private var hiddenDepth = 0
    private var preDepth = 0
    private var quoteDepth = 0
    /// Item counters of open lists; nil for bullets.
    private var lists: [Int?] = []
    private var links: [(url: String, start: Int)] = []
    private var cells = 0
    /// The line being written, from 0: what maps a place of the document to a line of its text.
    private(set) var line = 0

    func finished() -> String {
        while let last = out.last, ASCII.isSpace(last) { out.removeLast() }
        return Charset.string(out)
    }

    override func start(_ name: String, _ attributes: HTMLAttributes) {
        if hiddenDepth > 0 {
            hiddenDepth += 1
            return
        }
        if Self.unseen.contains(name) || isHidden(attributes) {
            hiddenDepth = 1
            return
        }
        if let shape = Self.blocks[name] { owe(shape == .paragraph ? 2 : 1) }
        switch name {
        case "br": lineBreak()
        case "hr": write("---")
        case "pre", "listing", "xmp": preDepth += 1
        case "blockquote": quoteDepth += 1
        case "ul": lists.append(nil)
        case "ol": lists.append(Int(attributes["start"] ?? "") ?? 1)
        case "li": item()
        case "tr": cells = 0
        case "td", "th":
            if cells > 0, !isLineEmpty, breaks == 0 { out.append(ASCII.tab); space = false }
            cells += 1
        case "img":
            if let alt = attributes["alt"].map(ASCII.trim), !alt.isEmpty { write("[\(alt)]") }
        case "a": links.append((attributes["href"] ?? "", out.count))
        default: break
        }
    }

    override func end(_ name: String) {
        if hiddenDepth > 0 {
            hiddenDepth -= 1
            return
        }
        switch name {
        case "pre", "listing", "xmp": preDepth -= 1
        case "blockquote": quoteDepth -= 1
        case "ul", "ol": if !lists.isEmpty { lists.removeLast() }
        case "a": if let link = links.popLast() { close(link) }
        default: break
        }
        if let shape = Self.blocks[name] { owe(shape == .paragraph ? 2 : 1) }
    }

    override func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        if hiddenDepth > 0 { return }
        var i = 0
        while i < bytes.count {
            let byte = bytes[i]
            if preDepth > 0, byte == ASCII.lf {
                owe(min(breaks + 1, 2))
            } else if ASCII.isSpace(byte) {
                if preDepth > 0, !isLineEmpty { out.append(ASCII.space) } else { space = true }
            } else if byte == 0xC2, i + 1 < bytes.count, bytes[i + 1] == 0xA0 {  // no-break space
                space = true
                i += 1
            } else if let length = invisible(bytes, at: i) {
                i += length - 1
            } else {
                settle()
                out.append(byte)
            }
            i += 1
        }
    }

    /// Length of a soft hyphen, a zero-width space or a byte order mark: filler of newsletters' previews.
    private func invisible(_ b: UnsafeBufferPointer<UInt8>, at i: Int) -> Int? {
        if b[i] == 0xC2, i + 1 < b.count, b[i + 1] == 0xAD { return 2 }
        if b[i] == 0xCD, i + 1 < b.count, b[i + 1] == 0x8F { return 2 }
        if b[i] == 0xE2, i + 2 < b.count, b[i + 1] == 0x80, b[i + 2] == 0x8B { return 3 }
        if b[i] == 0xEF, i + 2 < b.count, b[i + 1] == 0xBB, b[i + 2] == 0xBF { return 3 }
        return nil
    }

    private func isHidden(_ attributes: HTMLAttributes) -> Bool {
        attributes.contains("hidden") || attributes.value(of: "style", holds: "display:none")
            || attributes.value(of: "style", holds: "display: none")
    }

    private func owe(_ count: Int) {
        space = false
        if !out.isEmpty { breaks = max(breaks, count) }
    }

    private func lineBreak() {
        space = false
        breaks = min(breaks + 1, 2)
    }

    private func item() {
        guard !lists.isEmpty else { return write("- ") }
        let indent = String(repeating: "  ", count: min(lists.count, Self.listDepthMax) - 1)
        if let number = lists[lists.count - 1] {
            lists[lists.count - 1] = number &+ 1
            write("\(indent)\(number). ")
        } else {
            write("\(indent)- ")
        }
    }

    private func close(_ link: (url: String, start: Int)) {
        let url = ASCII.trim(link.url)
        let scheme = ASCII.lowercased(String(url.prefix { $0 != ":" }))
        guard ["http", "https", "mailto", "ftp", "tel"].contains(scheme), url.utf8.count <= Self.linkBytesMax, link.start < out.count else {
            return
        }
        let shown = ASCII.trim(out[link.start...])
        guard !shown.isEmpty, !Self.isSame(shown, url) else { return }
        space = true
        write("(\(url))")
    }

    /// Whether the link's words are its address, give or take the scheme and a slash at the end.
    private static func isSame(_ shown: ArraySlice<UInt8>, _ url: String) -> Bool {
        func bare(_ bytes: some Collection<UInt8>) -> [UInt8] {
            var out = bytes.map(ASCII.lower)
            for prefix in ["https://", "http://", "mailto:", "tel:"] where out.starts(with: prefix.utf8) {
                out.removeFirst(prefix.utf8.count)
            }
            if out.starts(with: "www.".utf8) { out.removeFirst(4) }
            while out.last == 0x2F { out.removeLast() }
            return out
        }
        return bare(shown) == bare(url.utf8)
    }

    private func write(_ text: String) {
        settle()
        out += text.utf8
    }

    /// Pays the owed line ends and blank before visible text.
    private func settle() {
        if breaks > 0, !out.isEmpty {
            while out.last == ASCII.space || out.last == ASCII.tab { out.removeLast() }
            for _ in 0..<breaks { out.append(ASCII.lf) }
            line += breaks
            isLineEmpty = true
        }
        breaks = 0
        if isLineEmpty {
            for _ in 0..<min(quoteDepth, Self.quoteDepthMax) { out += "> ".utf8 }
            isLineEmpty = false
            space = false
        } else if space, let last = out.last, last != ASCII.tab, last != ASCII.lf {
            if last != ASCII.space { out.append(ASCII.space) }
        }
        space = false
    }
}
