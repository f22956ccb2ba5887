/// Writes what a reader sees, as plain text.
final class TextSink: HTMLSink {
    static let listDepthMax = 10
    static let quoteDepthMax = 20
    static let linkBytesMax = 2000

    private static let lines = HTMLTags(
        .div, .section, .article, .header, .footer, .aside, .main, .nav, .form, .fieldset, .address, .center, .dt, .dd, .tr,
        .caption, .figure, .figcaption, .li, .body, .option, .legend, .details, .summary
    )
    private static let paragraphs = HTMLTags(
        .p, .h1, .h2, .h3, .h4, .h5, .h6, .ul, .ol, .dl, .table, .blockquote, .pre, .listing, .xmp, .hr
    )
    private static let unseen = HTMLTags(
        .script, .style, .head, .title, .template, .noscript, .noframes, .iframe, .svg, .select,
        .textarea, .audio, .video, .map, .datalist
    )
    /// Those that do more than begin a line.
    private static let special = HTMLTags(
        .br, .hr, .pre, .listing, .xmp, .blockquote, .ul, .ol, .li, .tr, .td, .th, .img, .a
    )
    /// Bytes that are written as they are: no white space, no control character, no beginning of an invisible character.
    private static let plain: [Bool] = (0..<256).map { $0 > 0x20 && $0 != 0x7F && ![0xC2, 0xCD, 0xE2, 0xEF].contains($0) }

    private let showsLinks: Bool
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

    /// - Parameter showsLinks: writes addresses behind the words that lead to them, and the names of pictures.
    init(showsLinks: Bool = true) { self.showsLinks = showsLinks }

    func finished() -> String {
        while let last = out.last, ASCII.isSpace(last) { out.removeLast() }
        return Charset.string(out)
    }

    override func start(_ tag: HTMLTag, _ attributes: HTMLAttributes) {
        if hiddenDepth > 0 {
            hiddenDepth += 1
            return
        }
        if Self.unseen.contains(tag) || isHidden(attributes) || attributes.isAnnotation(tag) {
            hiddenDepth = 1
            return
        }
        owe(around: tag)
        guard Self.special.contains(tag) else { return }
        switch tag {
        case .br: lineBreak()
        case .hr: write("---")
        case .pre, .listing, .xmp: preDepth += 1
        case .blockquote: quoteDepth += 1
        case .ul: lists.append(nil)
        case .ol: lists.append(Int(attributes["start"] ?? "") ?? 1)
        case .li: item()
        case .tr: cells = 0
        case .td, .th:
            if cells > 0, !isLineEmpty, breaks == 0 { out.append(ASCII.tab); space = false }
            cells += 1
        case .img:
            if showsLinks, let alt = attributes["alt"].map(ASCII.trim), !alt.isEmpty { write("[\(alt)]") }
        case .a: links.append((showsLinks ? attributes["href"] ?? "" : "", out.count))
        default: break
        }
    }

    private func owe(around tag: HTMLTag) {
        if Self.paragraphs.contains(tag) { owe(2) } else if Self.lines.contains(tag) { owe(1) }
    }

    override func end(_ tag: HTMLTag) {
        if hiddenDepth > 0 {
            hiddenDepth -= 1
            return
        }
        defer { owe(around: tag) }
        guard Self.special.contains(tag) else { return }
        switch tag {
        case .pre, .listing, .xmp: preDepth -= 1
        case .blockquote: quoteDepth -= 1
        case .ul, .ol: if !lists.isEmpty { lists.removeLast() }
        case .a: if let link = links.popLast() { close(link) }
        default: break
        }
    }

    override func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        if hiddenDepth > 0 { return }
        let plain = Self.plain
        var i = 0
        while i < bytes.count {
            let byte = bytes[i]
            if plain[Int(byte)] {
                let end = wordsEnd(bytes, from: i, plain)
                settle()
                out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[i..<end]))
                i = end
                continue
            }
            if preDepth > 0, byte == ASCII.lf {
                owe(min(breaks + 1, 2))
            } else if ASCII.isSpace(byte) {
                if preDepth > 0, !isLineEmpty { out.append(ASCII.space) } else { space = true }
            } else if byte == 0xC2, i + 1 < bytes.count, bytes[i + 1] == 0xA0 {  // no-break space
                space = true
                i += 1
            } else if let length = invisible(bytes, at: i) {
                i += length - 1
            } else if byte < ASCII.space || byte == 0x7F {
                i += 1
                continue
            } else {
                settle()
                out.append(byte)
            }
            i += 1
        }
    }

    /// The end of words that are parted by one blank each.
    private func wordsEnd(_ bytes: UnsafeBufferPointer<UInt8>, from: Int, _ plain: [Bool]) -> Int {
        var end = from + 1
        while end < bytes.count {
            if plain[Int(bytes[end])] {
                end += 1
            } else if bytes[end] == ASCII.space, preDepth == 0, end + 1 < bytes.count, plain[Int(bytes[end + 1])] {
                end += 2
            } else {
                break
            }
        }
        return end
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
        !attributes.isEmpty
            && (attributes.contains("hidden") || attributes.value(of: "style", holds: "display:none")
                || attributes.value(of: "style", holds: "display: none"))
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
