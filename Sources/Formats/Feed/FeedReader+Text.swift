import Domain

extension FeedReader {
    private enum Content {
        case plain([UInt8])
        case markup([UInt8])
    }

    private static let void = HTMLTags(.br, .hr, .img, .col, .wbr, .input, .area)

    /// A title as plain text on one line, whether it holds markup or not.
    func words(_ node: Int, _ base: String) -> String {
        switch content(node, base) {
        case .plain(let text): FeedText.oneLine(text)
        case .markup(let html): html.withUnsafeBufferPointer { HTMLText.words($0) }
        }
    }

    func html(_ node: Int, _ base: String) -> String { Charset.string(html(node, base)) }

    /// A body as HTML, from escaped HTML, real elements, Base64 or plain text; its links are absolute.
    func html(_ node: Int, _ base: String) -> [UInt8] {
        switch content(node, base) {
        case .markup(let html): return FeedLinks.absolute(html, base: self.base(of: node, base), growth: &xml.linkGrowth)
        case .plain(let text):
            guard FeedText.hasSpecial(text) else { return text }
            var out: [UInt8] = []
            out.reserveCapacity(text.count + 32)
            text.withUnsafeBufferPointer { HTMLText.escape($0, into: &out) }
            return out
        }
    }

    private func content(_ node: Int, _ base: String) -> Content {
        let type = ASCII.lowercased(ASCII.trim(xml.attribute("type", of: node) ?? ""))
        let mode = ASCII.lowercased(xml.attribute("mode", of: node) ?? "")
        let hasElements = xml.hasElements(node)
        if mode == "base64" || isBinary(type) && !hasElements { return base64(node, type) }
        if hasElements || type == "xhtml" || mode == "xml" && type.hasSuffix("xml") {
            var out: [UInt8] = []
            appendHTML(node, base: self.base(of: node, base), into: &out)
            return .markup(XMLText.mended(Array(ASCII.trim(out[...]))))
        }
        let text = Array(ASCII.trim(xml.text(node)[...]))
        let isText = (type == "text" || type == "text/plain") && mode != "escaped"
        return isText || !FeedText.hasMarkup(text) ? .plain(text) : .markup(text)
    }

    /// Atom 1.0 sends what is neither text nor XML in Base64 (RFC 4287 §4.1.3.3).
    private func isBinary(_ type: String) -> Bool {
        type.utf8.contains(0x2F) && !type.hasPrefix("text/") && !type.hasSuffix("+xml") && !type.hasSuffix("/xml")
            && !type.hasSuffix("/xhtml")
    }

    private func base64(_ node: Int, _ type: String) -> Content {
        let written = xml.text(node)
        let isBase64 = written.allSatisfy { Base64.isDigit($0) || $0 == 0x3D || ASCII.isSpace($0) }
        guard isBase64 else { return FeedText.hasMarkup(written) ? .markup(written) : .plain(written) }
        let bytes = Base64.decode(written[...])
        guard !type.hasPrefix("image/"), Charset.isUTF8(bytes) else { return .plain([]) }
        return type == "text/plain" || !FeedText.hasMarkup(bytes) ? .plain(bytes) : .markup(bytes)
    }

    /// The content as HTML source: prefixes dropped, texts escaped, links absolute.
    private func appendHTML(_ node: Int, base: String, into out: inout [UInt8]) {
        var child = xml.nodes[node].firstChild
        while child >= 0 {
            let at = Int(child)
            child = xml.nodes[at].next
            switch xml.nodes[at].kind {
            case .element: appendElement(at, base: base, into: &out)
            case .text, .literal:
                var text: [UInt8] = []
                if xml.nodes[at].kind == .text {
                    xml.appendDecoded(xml.nodes[at].range, into: &text)
                } else {
                    xml.appendLiteral(xml.nodes[at].range, into: &text)
                }
                text.withUnsafeBufferPointer { HTMLText.escape($0, into: &out) }
            }
        }
    }

    private func appendElement(_ node: Int, base outer: String, into out: inout [UInt8]) {
        let base = self.base(of: node, outer)
        let tag = xml.localName(node).map(ASCII.lower)
        out.append(0x3C)
        out += tag
        for attribute in xml.attributes(of: node) {
            let written = xml.bytes[attribute.name]
            if written.starts(with: "xmlns".utf8) || written.starts(with: "xml:base".utf8) { continue }
            let name = LooseXML.local(written).map(ASCII.lower)
            var value = xml.value(attribute)
            if FeedLinks.isLink(name), xml.linkGrowth > 0, let absolute = URLText.resolve(value, base: base) {
                xml.linkGrowth -= absolute.utf8.count - value.utf8.count
                value = absolute
            }
            out.append(ASCII.space)
            out += name
            out += "=\"".utf8
            HTMLText.escape(value.utf8, into: &out)
            out.append(0x22)
        }
        out.append(0x3E)
        appendHTML(node, base: base, into: &out)
        if tag.withUnsafeBufferPointer({ Self.void.contains(HTMLTag.of($0)) }) { return }
        out += "</".utf8
        out += tag
        out.append(0x3E)
    }
}

/// The bodies of one entry, best of each kind.
struct FeedBodies {
    enum Kind { case full, short, other }
    private struct Body {
        var html: [UInt8] = []
        var rank = Int.max
    }

    private var full = Body()
    private var brief = Body()
    private var other = Body()
    /// Dublin Core's date, which does not say of what.
    var date: Timestamp?
    /// What a `guid` says it is.
    var permalink: String?

    /// - Parameter rank: the smaller one counts, the first of equals.
    mutating func set(_ kind: Kind, _ html: [UInt8], rank: Int) {
        if html.isEmpty { return }
        let body = Body(html: html, rank: rank)
        switch kind {
        case .full: if rank < full.rank { full = body }
        case .short: if rank < brief.rank { brief = body }
        case .other: if rank < other.rank { other = body }
        }
    }

    var hasFull: Bool { !full.html.isEmpty }
    var fullest: [UInt8] { hasFull ? full.html : short }
    var short: [UInt8] { brief.html.isEmpty ? other.html : brief.html }
}
