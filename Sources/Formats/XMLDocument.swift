import CXML

/// An XML document in memory. Nothing is loaded from outside, entities are not put in; freed exactly once.
struct XMLDocument: ~Copyable {
    private let document: xmlDocPtr
    let root: XMLNode?
    /// Why reading stopped early or was repaired; nil when the document is right.
    let problem: String?
    let isEntityLoop: Bool

    /// - Parameter utf8: UTF-8; any encoding the declaration names is ignored.
    init?(_ utf8: [UInt8]) {
        XMLLibrary.start()
        guard utf8.count < Int(Int32.max), let parser = xmlNewParserCtxt() else { return nil }
        defer { xmlFreeParserCtxt(parser) }
        let options =
            Int32(XML_PARSE_RECOVER.rawValue) | Int32(XML_PARSE_NONET.rawValue) | Int32(XML_PARSE_NOERROR.rawValue)
            | Int32(XML_PARSE_NOWARNING.rawValue) | Int32(XML_PARSE_NOCDATA.rawValue) | Int32(XML_PARSE_IGNORE_ENC.rawValue)
        let read = utf8.withUnsafeBytes { bytes in
            xmlCtxtReadMemory(parser, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count), nil, "UTF-8", options)
        }
        guard let read else { return nil }
        let error = parser.pointee.lastError
        document = read
        root = xmlDocGetRootElement(read).map { XMLNode(raw: $0) }
        isEntityLoop = error.code == Int32(XML_ERR_ENTITY_LOOP.rawValue)
        problem = error.message.map { "\(ASCII.trim(String(cString: $0))) (line \(error.line))" }
    }

    deinit { xmlFreeDoc(document) }
}

/// How much text entities may still become, so that a few bytes cannot grow without end.
struct EntityBudget {
    static let bytesMax = 1 << 20
    static let depthMax = 8
    var bytes = bytesMax
    var isSpent = false
}

/// An element, borrowed from its document.
struct XMLNode {
    let raw: xmlNodePtr

    /// Lower-cased, with the usual prefix of its namespace (`dc:creator`), bare for the feed formats' own elements. Prefixes that were
    /// never declared are believed.
    var name: String {
        let local = ASCII.lowercased(raw.pointee.name.map { String(cString: $0) } ?? "")
        guard let namespace = raw.pointee.ns, let href = namespace.pointee.href.map({ String(cString: $0) }) else { return local }
        guard let prefix = Self.prefixes[ASCII.lowercased(href)] else {
            let written = namespace.pointee.prefix.map { String(cString: $0) } ?? "other"
            return ASCII.lowercased(written) + ":" + local
        }
        return prefix.isEmpty ? local : prefix + ":" + local
    }

    private static let prefixes: [String: String] = [
        "http://www.w3.org/2005/atom": "atom", "http://purl.org/atom/ns#": "atom", "http://purl.org/echo/": "atom",
        "http://example.com/newformat#": "atom", "http://purl.org/net/echo/": "atom", "http://purl.org/dc/elements/1.1/": "dc",
        "http://purl.org/dc/elements/1.0/": "dc", "http://purl.org/dc/terms/": "dcterms",
        "http://purl.org/rss/1.0/modules/content/": "content",
        "http://www.w3.org/1999/xhtml": "xhtml", "http://search.yahoo.com/mrss/": "media", "http://search.yahoo.com/mrss": "media",
        "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes", "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
        "http://purl.org/rss/1.0/": "", "http://my.netscape.com/rdf/simple/0.9/": "", "http://channel.netscape.com/rdf/simple/0.9/": "",
        "http://purl.org/net/rss1.1#": "", "http://backend.userland.com/rss2": "", "http://blogs.law.harvard.edu/tech/rss": "",
        "http://purl.org/rss/2.0/": "",
    ]

    /// The name without any prefix.
    var localName: String {
        let full = name
        return full.utf8.lastIndex(of: 0x3A).map { String(full[full.index(after: $0)...]) } ?? full
    }

    var elements: [XMLNode] {
        var found: [XMLNode] = []
        var child = raw.pointee.children
        while let node = child {
            if node.pointee.type == XML_ELEMENT_NODE { found.append(XMLNode(raw: node)) }
            child = node.pointee.next
        }
        return found
    }

    /// By local name, whatever the prefix.
    func attribute(_ name: String) -> String? {
        guard let value = xmlGetProp(raw, name) else { return nil }
        defer { cxml_free(value) }
        return String(cString: value)
    }

    /// All text inside.
    func text(_ budget: inout EntityBudget) -> String {
        var out: [UInt8] = []
        appendText(into: &out, &budget)
        return String(decoding: out, as: UTF8.self)
    }

    private func appendText(into out: inout [UInt8], _ budget: inout EntityBudget) {
        var child = raw.pointee.children
        while let node = child {
            switch node.pointee.type {
            case XML_TEXT_NODE, XML_CDATA_SECTION_NODE: if let content = node.pointee.content { out += Self.bytes(content) }
            case XML_ENTITY_REF_NODE: Self.expand(node.pointee.name, raw.pointee.doc, depth: 0, into: &out, &budget)
            case XML_ELEMENT_NODE: XMLNode(raw: node).appendText(into: &out, &budget)
            default: break
            }
            child = node.pointee.next
        }
    }

    /// The content as HTML source: prefixes dropped, texts escaped. libxml2 limits the depth to 256.
    func innerHTML(_ budget: inout EntityBudget) -> String {
        var out: [UInt8] = []
        appendHTML(into: &out, &budget)
        return String(decoding: out, as: UTF8.self)
    }

    private func appendHTML(into out: inout [UInt8], _ budget: inout EntityBudget) {
        var child = raw.pointee.children
        while let node = child {
            switch node.pointee.type {
            case XML_TEXT_NODE, XML_CDATA_SECTION_NODE:
                if let content = node.pointee.content { HTMLText.escape(Self.bytes(content), into: &out) }
            case XML_ENTITY_REF_NODE:
                var text: [UInt8] = []
                Self.expand(node.pointee.name, raw.pointee.doc, depth: 0, into: &text, &budget)
                HTMLText.escape(text, into: &out)
            case XML_ELEMENT_NODE: XMLNode(raw: node).appendElement(into: &out, &budget)
            default: break
            }
            child = node.pointee.next
        }
    }

    private func appendElement(into out: inout [UInt8], _ budget: inout EntityBudget) {
        let tag = localName
        out += "<\(tag)".utf8
        var attribute = raw.pointee.properties
        while let property = attribute {
            if let name = property.pointee.name, let value = xmlGetProp(raw, name) {
                out += " \(String(cString: name))=\"".utf8
                HTMLText.escape(Self.bytes(value), into: &out)
                out.append(0x22)
                cxml_free(value)
            }
            attribute = property.pointee.next
        }
        out.append(0x3E)
        if ["br", "hr", "img", "col", "wbr"].contains(tag) { return }
        appendHTML(into: &out, &budget)
        out += "</\(tag)>".utf8
    }

    private static func bytes(_ text: UnsafePointer<xmlChar>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: text, count: Int(xmlStrlen(text)))
    }

    private static func expand(
        _ name: UnsafePointer<xmlChar>?, _ document: xmlDocPtr?, depth: Int, into out: inout [UInt8], _ budget: inout EntityBudget
    ) {
        guard let entity = xmlGetDocEntity(document, name), let content = entity.pointee.content, !budget.isSpent else { return }
        guard depth < EntityBudget.depthMax else {
            budget.isSpent = true
            return
        }
        let text = bytes(content)
        var i = 0
        while i < text.count {
            if text[i] == 0x26, let end = text[i...].firstIndex(of: 0x3B), end > i + 1, text[i + 1] != 0x23 {
                let inner = Array(text[(i + 1)..<end]) + [0]
                inner.withUnsafeBufferPointer { expand($0.baseAddress, document, depth: depth + 1, into: &out, &budget) }
                i = end + 1
            } else {
                out.append(text[i])
                budget.bytes -= 1
                i += 1
            }
            if budget.bytes <= 0 { budget.isSpent = true }
            if budget.isSpent { return }
        }
    }
}
