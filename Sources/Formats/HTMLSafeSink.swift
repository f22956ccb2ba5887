/// Writes the harmless part of an HTML document. Everything is written anew and escaped; nothing is copied through.
final class SafeSink: HTMLSink {
    static let depthMax = 200
    static let urlBytesMax = 8000
    static let imageBytesMax = 2 << 20

    private static let kept: Set<String> = [
        "a", "abbr", "address", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd",
        "del",
        "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd",
        "li", "ol",
        "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
        "tr", "tt",
        "u", "ul", "var", "wbr", "section", "article", "header", "footer", "aside", "main", "mark", "time",
    ]
    private static let void: Set<String> = ["br", "hr", "img", "col", "wbr"]
    /// Gone with everything inside.
    private static let dropped: Set<String> = [
        "script", "style", "head", "title", "noscript", "noframes", "noembed", "iframe", "frame", "frameset", "object", "embed", "applet",
        "svg", "math",
        "template", "audio", "video", "canvas", "select", "textarea", "button", "xmp", "plaintext", "listing", "map", "base", "link",
        "meta",
    ]
    private static let attributes: Set<String> = [
        "dir", "lang", "title", "align", "valign", "width", "height", "bgcolor", "colspan", "rowspan", "border", "cellpadding",
        "cellspacing", "color",
        "face", "size", "alt", "start", "type", "value", "nowrap", "span", "datetime",
    ]

    private let remoteImages: Bool
    private var out: [UInt8] = []
    private var open: [Bool] = []
    private var written = 0
    private var droppedDepth = 0

    init(remoteImages: Bool) { self.remoteImages = remoteImages }

    func finished() -> String { Charset.string(out) }

    override func start(_ name: String, _ attributes: HTMLAttributes) {
        if droppedDepth > 0 || Self.dropped.contains(name) {
            droppedDepth += 1
            return
        }
        let isKept = Self.kept.contains(name) && written < Self.depthMax
        open.append(isKept)
        guard isKept else { return }
        written += 1
        out.append(0x3C)
        out += name.utf8
        attributes.forEach { self.attribute($0, $1, of: name) }
        if name == "a" { out += " target=\"_blank\" rel=\"noopener noreferrer nofollow\"".utf8 }
        out.append(0x3E)
    }

    override func end(_ name: String) {
        if droppedDepth > 0 {
            droppedDepth -= 1
            return
        }
        guard let isKept = open.popLast(), isKept else { return }
        written -= 1
        if Self.void.contains(name) { return }
        out += "</".utf8
        out += name.utf8
        out.append(0x3E)
    }

    override func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        if droppedDepth == 0 { HTMLText.escape(bytes, into: &out) }
    }

    private func attribute(_ name: String, _ value: String, of element: String) {
        switch (element, name) {
        case ("a", "href"):
            if let url = Self.url(value, schemes: ["http", "https", "mailto", "tel"]) { write(name, url) }
        case ("img", "src"): image(value)
        case (_, "style"):
            let style = SafeStyle.filtered(value)
            if !style.isEmpty { write(name, style) }
        case _ where Self.attributes.contains(name): write(name, value)
        default: break
        }
    }

    private func image(_ value: String) {
        if let url = Self.url(value, schemes: ["cid"]) { return write("src", url) }
        if let url = Self.url(value, schemes: ["http", "https"]) { return write(remoteImages ? "src" : "data-remote-src", url) }
        let start = ASCII.lowercased(String(value.prefix(32)))
        let isPicture = ["png", "jpeg", "jpg", "gif", "webp"].contains { start.hasPrefix("data:image/\($0);base64,") }
        let digits = value.utf8.drop { $0 != 0x2C }.dropFirst()
        if isPicture, value.utf8.count <= Self.imageBytesMax, digits.allSatisfy({ Base64.isDigit($0) || $0 == 0x3D || ASCII.isSpace($0) }) {
            write("src", value)
        }
    }

    private func write(_ name: String, _ value: String) {
        out.append(ASCII.space)
        out += name.utf8
        out += "=\"".utf8
        HTMLText.escape(value.utf8, into: &out)
        out.append(0x22)
    }

    /// The address when its scheme is one of these. Browsers ignore blanks and control characters in a scheme, so they go first.
    static func url(_ text: String, schemes: Set<String>) -> String? {
        guard text.utf8.count <= urlBytesMax else { return nil }
        var bytes = text.utf8.filter { $0 > 0x20 && $0 != 0x7F }
        if bytes.starts(with: "//".utf8) { bytes = Array("https:".utf8) + bytes }
        guard let colon = bytes.firstIndex(of: 0x3A) else { return nil }
        let scheme = String(decoding: bytes[..<colon].map(ASCII.lower), as: UTF8.self)
        return schemes.contains(scheme) ? Charset.string(Array(bytes)) : nil
    }
}

/// The part of a `style` attribute that can only change how its own element looks.
enum SafeStyle {
    static let bytesMax = 4000
    private static let properties: Set<String> = [
        "color", "background-color", "font", "font-family", "font-size", "font-style", "font-weight", "font-variant", "line-height",
        "letter-spacing",
        "text-align", "text-decoration", "text-indent", "text-transform", "vertical-align", "white-space", "word-break", "word-wrap",
        "overflow-wrap", "margin", "margin-top", "margin-right", "margin-bottom", "margin-left", "padding", "padding-top", "padding-right",
        "padding-bottom", "padding-left", "border", "border-top", "border-right", "border-bottom", "border-left", "border-color",
        "border-style",
        "border-width", "border-collapse", "border-spacing", "border-radius", "width", "max-width", "min-width", "height", "max-height",
        "list-style-type", "table-layout", "direction",
    ]
    private static let functions: Set<String> = ["rgb", "rgba", "hsl", "hsla"]

    static func filtered(_ style: String) -> String {
        guard style.utf8.count <= bytesMax else { return "" }
        var kept: [String] = []
        for declaration in style.utf8.split(separator: 0x3B) {
            guard let colon = declaration.firstIndex(of: 0x3A) else { continue }
            let name = ASCII.lowercased(ASCII.trim(String(decoding: declaration[..<colon], as: UTF8.self)))
            let value = ASCII.trim(String(decoding: declaration[declaration.index(after: colon)...], as: UTF8.self))
            if properties.contains(name), isSafe(value, of: name) { kept.append("\(name): \(value)") }
        }
        return kept.joined(separator: "; ")
    }

    /// No escapes, comments, addresses or functions other than colours; nothing that pulls an element out of its place.
    private static func isSafe(_ value: String, of name: String) -> Bool {
        guard !value.isEmpty else { return false }
        var word: [UInt8] = []
        for byte in value.utf8 {
            switch byte {
            case 0x28:
                guard functions.contains(String(decoding: word, as: UTF8.self)) else { return false }
                word = []
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: word.append(ASCII.lower(byte))
            case 0x2D where name.hasPrefix("margin") || name == "text-indent": return false
            case 0x20, 0x21, 0x22, 0x23, 0x25, 0x27, 0x29, 0x2B, 0x2C, 0x2D, 0x2E, 0x80...: word = []
            default: return false
            }
        }
        return true
    }
}
