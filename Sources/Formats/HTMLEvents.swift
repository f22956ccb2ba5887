import CXML

/// Receives the elements and texts of an HTML document in order. libxml2 closes what authors left open, so ends always match starts.
class HTMLSink {
    func start(_ name: String, _ attributes: HTMLAttributes) {}
    func end(_ name: String) {}
    func text(_ bytes: UnsafeBufferPointer<UInt8>) {}
}

/// The attributes of one start tag; valid only during the call.
struct HTMLAttributes {
    fileprivate let raw: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    static let countMax = 100

    subscript(name: String) -> String? { raw(name).map { $0.value.map { String(cString: $0) } ?? "" } }

    func contains(_ name: String) -> Bool { raw(name) != nil }

    /// Whether an attribute holds these characters in any case; costs no String.
    func value(of name: String, holds part: String) -> Bool {
        raw(name).map { $0.value != nil && xmlStrcasestr($0.value, part) != nil } ?? false
    }

    private func raw(_ name: String) -> (name: UnsafePointer<xmlChar>, value: UnsafePointer<xmlChar>?)? {
        guard let raw else { return nil }
        var i = 0
        while i < Self.countMax * 2, let found = raw[i] {
            if xmlStrcmp(found, name) == 0 { return (found, raw[i + 1]) }
            i += 2
        }
        return nil
    }

    func forEach(_ body: (String, String) -> Void) {
        guard let raw else { return }
        var i = 0
        while i < Self.countMax * 2, let name = raw[i] {
            body(String(cString: name), raw[i + 1].map { String(cString: $0) } ?? "")
            i += 2
        }
    }
}

/// Walks over an HTML document without building a tree, so that neither depth nor size can hurt. Opens no connection and no file.
enum HTMLEvents {
    static let bytesMax = 1 << 30

    static func walk(_ html: String, into sink: HTMLSink) {
        XMLLibrary.start()
        guard let parser = htmlNewParserCtxt() else { return }
        defer { htmlFreeParserCtxt(parser) }
        var handler = xmlSAXHandler()
        handler.startElement = { context, name, attributes in
            guard let name else { return }
            HTMLEvents.sink(context).start(String(cString: name), HTMLAttributes(raw: attributes))
        }
        handler.endElement = { context, name in
            guard let name else { return }
            HTMLEvents.sink(context).end(String(cString: name))
        }
        handler.characters = { context, text, length in
            HTMLEvents.sink(context).text(UnsafeBufferPointer(start: text, count: Int(length)))
        }
        handler.ignorableWhitespace = handler.characters
        handler.cdataBlock = { _, _, _ in }  // scripts and styles
        parser.pointee.sax.pointee = handler
        parser.pointee.userData = Unmanaged.passUnretained(sink).toOpaque()
        let options =
            Int32(HTML_PARSE_RECOVER.rawValue) | Int32(HTML_PARSE_NOERROR.rawValue) | Int32(HTML_PARSE_NOWARNING.rawValue)
            | Int32(HTML_PARSE_NONET.rawValue) | Int32(HTML_PARSE_COMPACT.rawValue) | Int32(HTML_PARSE_IGNORE_ENC.rawValue)
        var html = html
        html.withUTF8 { buffer in
            guard buffer.count > 0, buffer.count < bytesMax else { return }
            buffer.withMemoryRebound(to: CChar.self) { chars in
                let document = htmlCtxtReadMemory(parser, chars.baseAddress, Int32(chars.count), nil, "UTF-8", options)
                if document != nil { xmlFreeDoc(document) }
            }
        }
        withExtendedLifetime(sink) {}
    }

    private static func sink(_ context: UnsafeMutableRawPointer?) -> HTMLSink {
        guard let context else { fatalError("libxml2 lost the context it was given") }
        return Unmanaged<HTMLSink>.fromOpaque(context).takeUnretainedValue()
    }
}

enum XMLLibrary {
    /// libxml2 wants to be initialised once, before threads use it.
    static func start() { _ = once }
    private static let once: Void = { xmlInitParser() }()
}
