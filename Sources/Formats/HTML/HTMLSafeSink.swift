/// Writes the harmless part of an HTML document. Everything is written anew and escaped; nothing is copied through.
final class SafeSink: HTMLSink {
    static let depthMax = 200
    static let urlBytesMax = 8000
    static let imageBytesMax = 2 << 20

    private static let kept = HTMLTags(
        .a, .abbr, .acronym, .address, .article, .aside, .b, .bdi, .bdo, .big, .blockquote, .br, .caption, .center, .cite,
        .code, .col, .colgroup, .data, .dd, .del, .details, .dfn, .dir, .div, .dl, .dt, .em, .figcaption, .figure, .font,
        .footer, .h1, .h2, .h3, .h4, .h5, .h6, .header, .hgroup, .hr, .i, .img, .ins, .kbd, .li, .main, .mark, .menu, .nav,
        .nobr, .ol, .p, .pre, .q, .rp, .rt, .ruby, .s, .samp, .section, .small, .span, .strike, .strong, .sub, .summary, .sup,
        .table, .tbody, .td, .tfoot, .th, .thead, .time, .tr, .tt, .u, .ul, .`var`, .wbr
    )
    private static let void = HTMLTags(.br, .hr, .img, .col, .wbr)
    /// Gone with everything inside; of any other, the words inside stay.
    private static let dropped = HTMLTags(
        .script, .style, .head, .title, .noscript, .noframes, .noembed, .iframe, .frame, .frameset, .embed, .svg, .template, .audio, .video,
        .canvas, .select, .textarea, .button, .xmp, .plaintext, .listing, .map, .base,
        .link, .meta
    )
    private static let attributes: Set<String> = [
        "dir", "lang", "title", "align", "valign", "width", "height", "bgcolor", "colspan", "rowspan", "border", "cellpadding",
        "cellspacing", "color", "face", "size", "alt", "start", "type", "value", "nowrap", "span", "datetime", "scope", "abbr", "clear",
        "compact", "noshade", "hspace", "vspace", "reversed", "rules", "frame", "summary", "open", "char", "charoff",
    ]

    private let remoteImages: Bool
    private var out: [UInt8] = []
    private var open: [Bool] = []
    private var written = 0
    private var droppedDepth = 0

    init(remoteImages: Bool) { self.remoteImages = remoteImages }

    func finished() -> String { Charset.string(out) }

    override func start(_ tag: HTMLTag, _ attributes: HTMLAttributes) {
        if droppedDepth > 0 || Self.dropped.contains(tag) || attributes.isAnnotation(tag) {
            droppedDepth += 1
            return
        }
        let isKept = Self.kept.contains(tag) && written < Self.depthMax
        open.append(isKept)
        guard isKept else { return }
        written += 1
        out.append(0x3C)
        out += tag.name.utf8
        if !attributes.isEmpty { attributes.forEach { self.attribute($0, $1, of: tag) } }
        if tag == .a { out += " target=\"_blank\" rel=\"noopener noreferrer nofollow\"".utf8 }
        out.append(0x3E)
    }

    override func end(_ tag: HTMLTag) {
        if droppedDepth > 0 {
            droppedDepth -= 1
            return
        }
        guard let isKept = open.popLast(), isKept else { return }
        written -= 1
        if Self.void.contains(tag) { return }
        out += "</".utf8
        out += tag.name.utf8
        out.append(0x3E)
    }

    override func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        if droppedDepth == 0 { HTMLText.escape(bytes, into: &out) }
    }

    private func attribute(_ name: String, _ value: String, of tag: HTMLTag) {
        switch name {
        case "href" where tag == .a:
            if let url = Self.url(value, schemes: ["http", "https", "mailto", "tel"]) { write(name, url) }
        case "src" where tag == .img: image(value)
        case "style":
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
