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

    /// Names and values as the bytes they are.
    func forEachBytes(_ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void) {
        guard let raw else { return }
        var i = 0
        while i < Self.countMax * 2, let name = raw[i] {
            let value = raw[i + 1]
            body(
                UnsafeBufferPointer(start: name, count: Int(xmlStrlen(name))),
                UnsafeBufferPointer(start: value, count: value.map { Int(xmlStrlen($0)) } ?? 0))
            i += 2
        }
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
    /// libxml2 searches all open elements at each end tag. Where more are open the walk closes them and goes on behind.
    static let depthMax = 256
    static let roundsMax = 100
    /// Keeps libxml2 from inventing a paragraph around bare text.
    private static let frame = Array("<html><body>".utf8)

    static func walk(_ html: String, into sink: HTMLSink) {
        XMLLibrary.start()
        guard html.utf8.count < bytesMax, !html.isEmpty else { return }
        var bytes = frame + Array(html.utf8)
        var start = frame.count
        for _ in 0..<roundsMax where start < bytes.count {
            bytes.replaceSubrange((start - frame.count)..<start, with: frame)
            guard let stopped = HTMLRound(sink).run(bytes, from: start - frame.count) else { return }
            start += max(stopped - frame.count, 1)
            while start < bytes.count, bytes[start] == 0x2F || bytes[start] == 0x3E {  // the rest of the tag it stopped in
                start += 1
                if bytes[start - 1] == 0x3E { break }
            }
        }
    }
}

/// One run of libxml2's parser; keeps what is open, to close it when the run is stopped.
private final class HTMLRound {
    private let sink: HTMLSink
    private var open: [String] = []
    private var stoppedAt: Int?
    private var parser: htmlParserCtxtPtr?

    init(_ sink: HTMLSink) { self.sink = sink }

    /// - Returns: how many bytes were read when too much was open; nil at the end of the document.
    func run(_ bytes: [UInt8], from start: Int) -> Int? {
        guard let parser = htmlNewParserCtxt() else { return nil }
        defer { htmlFreeParserCtxt(parser) }
        self.parser = parser
        parser.pointee.sax.pointee = Self.handler
        parser.pointee.userData = Unmanaged.passUnretained(self).toOpaque()
        let options =
            Int32(HTML_PARSE_RECOVER.rawValue) | Int32(HTML_PARSE_NOERROR.rawValue) | Int32(HTML_PARSE_NOWARNING.rawValue)
            | Int32(HTML_PARSE_NONET.rawValue) | Int32(HTML_PARSE_COMPACT.rawValue) | Int32(HTML_PARSE_IGNORE_ENC.rawValue)
        withExtendedLifetime(self) {
            bytes[start...].withUnsafeBytes { buffer in
                let chars = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
                let document = htmlCtxtReadMemory(parser, chars, Int32(buffer.count), nil, "UTF-8", options)
                if document != nil { xmlFreeDoc(document) }
            }
        }
        while let name = open.popLast() { sink.end(name) }
        return stoppedAt
    }

    private static var handler: xmlSAXHandler {
        var handler = xmlSAXHandler()
        handler.startElement = { context, name, attributes in
            guard let name else { return }
            HTMLRound.of(context).start(String(cString: name), HTMLAttributes(raw: attributes))
        }
        handler.endElement = { context, name in
            guard let name else { return }
            HTMLRound.of(context).end(String(cString: name))
        }
        handler.characters = { context, text, length in
            HTMLRound.of(context).text(UnsafeBufferPointer(start: text, count: Int(length)))
        }
        handler.ignorableWhitespace = handler.characters
        handler.cdataBlock = { _, _, _ in }  // scripts and styles
        return handler
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTMLRound {
        guard let context else { fatalError("libxml2 lost the context it was given") }
        return Unmanaged<HTMLRound>.fromOpaque(context).takeUnretainedValue()
    }

    private func start(_ name: String, _ attributes: HTMLAttributes) {
        guard stoppedAt == nil else { return }
        sink.start(name, attributes)
        open.append(name)
        if open.count > HTMLEvents.depthMax, let parser, let input = parser.pointee.input {
            stoppedAt = Int(input.pointee.consumed) + (input.pointee.cur - input.pointee.base)
            xmlStopParser(parser)
        }
    }

    private func end(_ name: String) {
        guard stoppedAt == nil, !open.isEmpty else { return }
        open.removeLast()
        sink.end(name)
    }

    private func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        if stoppedAt == nil { sink.text(bytes) }
    }
}

enum XMLLibrary {
    /// libxml2 wants to be initialised once, before threads use it.
    static func start() { _ = once }
    private static let once: Void = {
        xmlInitParser()
        _ = htmlHandleOmittedElem(0)  // no invented <p> around bare text: it would look like a paragraph
    }()
}
