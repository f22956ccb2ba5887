/// Receives the elements and texts of an HTML document in order. What authors left open is closed, so ends always match starts.
class HTMLSink {
    func start(_ tag: HTMLTag, _ attributes: HTMLAttributes) {}
    func end(_ tag: HTMLTag) {}
    func text(_ bytes: UnsafeBufferPointer<UInt8>) {}
}

/// The attributes of one start tag, each name once; valid only during the call.
struct HTMLAttributes {
    struct Place {
        var name: Range<Int>
        var value: Range<Int>
    }
    /// The element's name as written.
    let tag: UnsafeBufferPointer<UInt8>
    fileprivate let places: UnsafeBufferPointer<Place>
    /// Names in lower case and values with their references resolved.
    fileprivate let arena: UnsafeBufferPointer<UInt8>

    var isEmpty: Bool { places.isEmpty }

    /// The source of a formula, which stands beside its signs (`annotation`, `annotation-xml`).
    func isAnnotation(_ element: HTMLTag) -> Bool {
        element == .unknown && tag.count >= 10 && tag.prefix(10).lazy.map(ASCII.lower).elementsEqual("annotation".utf8)
    }

    subscript(name: String) -> String? { value(name).map { String(decoding: $0, as: UTF8.self) } }

    func contains(_ name: String) -> Bool { value(name) != nil }

    /// Whether an attribute holds these characters in any case; costs no String.
    func value(of name: String, holds part: String) -> Bool {
        guard let value = value(name) else { return false }
        let part = part.utf8
        guard value.count >= part.count else { return false }
        return (0...(value.count - part.count)).contains { start in
            zip(value[start...], part).allSatisfy { ASCII.lower($0) == ASCII.lower($1) }
        }
    }

    private func value(_ name: String) -> UnsafeBufferPointer<UInt8>? {
        if places.isEmpty { return nil }
        for place in places where place.name.count == name.utf8.count && arena[place.name].elementsEqual(name.utf8) {
            return UnsafeBufferPointer(rebasing: arena[place.value])
        }
        return nil
    }

    /// Names and values as bytes.
    func forEachBytes(_ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void) {
        for place in places {
            body(UnsafeBufferPointer(rebasing: arena[place.name]), UnsafeBufferPointer(rebasing: arena[place.value]))
        }
    }

    func forEach(_ body: (String, String) -> Void) {
        forEachBytes { body(String(decoding: $0, as: UTF8.self), String(decoding: $1, as: UTF8.self)) }
    }
}

/// Walks over an HTML document without building a tree, so that neither depth nor size can hurt. Opens no connection and no file.
enum HTMLEvents {
    /// Elements inside so many others are passed over; their texts are not.
    static let depthMax = 256

    static func walk(_ html: String, into sink: HTMLSink) {
        var html = html
        html.withUTF8 { walk($0, into: sink) }
    }

    static func walk(_ html: UnsafeBufferPointer<UInt8>, into sink: HTMLSink) {
        guard !html.isEmpty else { return }
        var walk = HTMLWalk(html, sink)
        walk.run()
    }
}

/// The open elements of a document, and which tags close which: HTML's tree construction as far as the order of things shows.
private struct HTMLWalk {
    /// Browsers start these inside a paragraph only after closing it (WHATWG HTML §13.2.6.4.7).
    private static let closesParagraph = HTMLTags(
        .address, .article, .aside, .blockquote, .center, .details, .dialog, .dir, .div, .dl, .fieldset, .figcaption, .figure,
        .footer, .form, .h1, .h2, .h3, .h4, .h5, .h6, .header, .hgroup, .hr, .listing, .main, .menu, .nav, .ol, .p, .plaintext,
        .pre, .section, .summary, .table, .ul, .xmp, .li, .dd, .dt
    )
    private static let void = HTMLTags(
        .area, .base, .basefont, .bgsound, .br, .col, .embed, .frame, .hr, .img, .input, .keygen, .link, .meta, .param,
        .source, .track, .wbr
    )
    private static let frame = HTMLTags(.html, .head, .body, .frameset)
    private static let headings = HTMLTags(.h1, .h2, .h3, .h4, .h5, .h6)
    /// What a search for an open element does not look beyond.
    private static let scopes = HTMLTags(
        .table, .td, .th, .caption, .button, .applet, .marquee, .object, .template, .select
    )
    private static let lists = HTMLTags(.ul, .ol, .dl, .menu, .dir, .table, .td, .th, .blockquote)
    private static let cells = HTMLTags(.td, .th, .caption)
    private static let raw = HTMLTags(.script, .style, .iframe, .noembed, .noframes)
    private static let verbatim = HTMLTags(.xmp, .plaintext)
    private static let escapable = HTMLTags(.title, .textarea)
    private static let foreign = HTMLTags(.svg, .math)
    /// Tags that end a drawing or a formula (§13.2.6.5).
    private static let breakout = HTMLTags(
        .b, .big, .blockquote, .body, .br, .center, .code, .dd, .div, .dl, .dt, .em, .embed, .h1, .h2, .h3, .h4, .h5, .h6,
        .head, .hr, .i, .img, .li, .menu, .meta, .nobr, .ol, .p, .pre, .ruby, .s, .small, .span, .strong, .strike, .sub, .sup,
        .table, .tt, .u, .ul, .`var`
    )
    private static let sections = HTMLTags(.tbody, .thead, .tfoot)
    private static let tableParts = HTMLTags(.tbody, .thead, .tfoot, .tr, .td, .th, .caption, .colgroup)

    private let sink: HTMLSink
    private let bytes: UnsafeBufferPointer<UInt8>
    private var tokens: HTMLTokenizer
    private let mayHaveReferences: Bool
    private var open: [HTMLTag] = []
    /// Where the names of open elements stand in `bytes`; asked for unknown ones only.
    private var names: [Range<Int>] = []
    /// Elements passed over because too many are open.
    private var passedOver = 0
    private var foreignDepth = 0
    private var tableDepth = 0
    private var arena: [UInt8] = []
    private var places: [HTMLAttributes.Place] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ sink: HTMLSink) {
        self.bytes = bytes
        self.sink = sink
        tokens = HTMLTokenizer(bytes)
        mayHaveReferences = ByteScan.find(0x26, in: bytes, from: 0) != nil || ByteScan.find(0, in: bytes, from: 0) != nil
    }

    mutating func run() {
        while let token = tokens.next() {
            switch token {
            case .text(let range): text(range)
            case .start: start(tag())
            case .end: end(tag())
            }
        }
        close(to: 0)
    }

    private func tag() -> HTMLTag { HTMLTag.of(UnsafeBufferPointer(rebasing: bytes[tokens.name])) }

    private mutating func text(_ range: Range<Int>) {
        let piece = UnsafeBufferPointer(rebasing: bytes[range])
        guard mayHaveReferences, ByteScan.find(0x26, in: piece, from: 0) != nil || ByteScan.find(0, in: piece, from: 0) != nil else {
            return sink.text(piece)
        }
        arena.removeAll(keepingCapacity: true)
        HTMLEntities.decode(piece, isAttribute: false, into: &arena)
        arena.withUnsafeBufferPointer { sink.text($0) }
    }

    private mutating func start(_ written: HTMLTag) {
        let tag = written == .image ? .img : written
        if Self.frame.contains(tag) { return }
        if foreignDepth > 0, Self.breakout.contains(tag), let at = open.firstIndex(where: Self.foreign.contains) { close(to: at) }
        closeBefore(tag)
        guard open.count < HTMLEvents.depthMax else {
            if Self.raw.contains(tag) { skipRaw(tag) }
            if !Self.void.contains(tag), !tokens.isSelfClosing { passedOver += 1 }
            return
        }
        emit(tag)
        let isEmpty = Self.void.contains(tag) || tokens.isSelfClosing && !Self.raw.contains(tag) && !Self.verbatim.contains(tag)
        if isEmpty { return sink.end(tag) }
        push(tag)
        guard foreignDepth == 0 else { return }
        if Self.raw.contains(tag) { return skipRaw(tag) }
        if Self.verbatim.contains(tag) { return verbatim(tag) }
        // A title that is never closed must not swallow the document.
        if Self.escapable.contains(tag), let range = tokens.rawText(of: tag) { text(range) }
    }

    /// What stands in scripts and the like is for no reader; browsers let one that is never closed run to the end.
    private mutating func skipRaw(_ tag: HTMLTag) { if tokens.rawText(of: tag) == nil { tokens.skipToEnd() } }

    /// Text that holds no tags: `<xmp>` up to its end, `<plaintext>` up to the document's.
    private mutating func verbatim(_ tag: HTMLTag) {
        let range = (tag == .plaintext ? nil : tokens.rawText(of: tag)) ?? tokens.i..<bytes.count
        if range.upperBound == bytes.count { tokens.skipToEnd() }
        sink.text(UnsafeBufferPointer(rebasing: bytes[range]))
    }

    private mutating func emit(_ tag: HTMLTag) {
        arena.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        for attribute in tokens.attributes {
            let nameStart = arena.count
            for byte in bytes[attribute.name] { arena.append(ASCII.lower(byte)) }
            let name = nameStart..<arena.count
            if places.contains(where: { $0.name.count == name.count && arena[$0.name] == arena[name] }) {
                arena.removeLast(name.count)
                continue
            }
            HTMLEntities.decode(UnsafeBufferPointer(rebasing: bytes[attribute.value]), isAttribute: true, into: &arena)
            places.append(HTMLAttributes.Place(name: name, value: name.upperBound..<arena.count))
        }
        let written = UnsafeBufferPointer(rebasing: bytes[tokens.name])
        arena.withUnsafeBufferPointer { arena in
            places.withUnsafeBufferPointer { sink.start(tag, HTMLAttributes(tag: written, places: $0, arena: arena)) }
        }
    }

    private mutating func push(_ tag: HTMLTag) {
        open.append(tag)
        names.append(tokens.name)
        if Self.foreign.contains(tag) { foreignDepth += 1 }
        if tag == .table { tableDepth += 1 }
    }

    /// Closes from the innermost on, until `count` are open.
    private mutating func close(to count: Int) {
        while open.count > count, let tag = open.popLast() {
            names.removeLast()
            if Self.foreign.contains(tag) { foreignDepth -= 1 }
            if tag == .table { tableDepth -= 1 }
            sink.end(tag)
        }
    }

    private mutating func closeBefore(_ tag: HTMLTag) {
        guard !open.isEmpty, tag != .unknown else { return }
        if Self.closesParagraph.contains(tag) {
            if tag == .li {
                closeOpen(.li, within: Self.lists)
            } else if tag == .dd || tag == .dt {
                closeOpen(.dd, within: Self.lists)
                closeOpen(.dt, within: Self.lists)
            }
            closeOpen(.p, within: Self.scopes)
            if Self.headings.contains(tag), let last = open.last, Self.headings.contains(last) { close(to: open.count - 1) }
        } else if tag == .a {
            closeOpen(tag, within: Self.scopes)
        } else if tag == .option {
            if open.last == tag { close(to: open.count - 1) }
        } else if tableDepth > 0, Self.tableParts.contains(tag) {
            closeTableParts(before: tag)
        }
    }

    private mutating func closeOpen(_ tag: HTMLTag, within stops: HTMLTags) {
        for at in open.indices.reversed() {
            if open[at] == tag { return close(to: at) }
            if stops.contains(open[at]) { return }
        }
    }

    /// A cell ends the cell before it, a row the row, a section the section.
    private mutating func closeTableParts(before tag: HTMLTag) {
        for at in open.indices.reversed() {
            let other = open[at]
            if other == .table { return close(to: at + 1) }
            if other == .tr, Self.cells.contains(tag) { return close(to: at + 1) }
            if Self.sections.contains(other), tag == .tr || Self.cells.contains(tag) { return close(to: at + 1) }
        }
    }

    private mutating func end(_ tag: HTMLTag) {
        if Self.frame.contains(tag) { return }
        if tag == .br { return start(tag) }
        if passedOver > 0 {
            passedOver -= 1
            return
        }
        // An end tag closes what is inside its element, but nothing stronger: a stray `</div>` does not end a table.
        let strength = Self.strength(tag)
        for at in open.indices.reversed() {
            if open[at] == tag, tag != .unknown || isSameName(names[at], tokens.name) { return close(to: at) }
            if Self.strength(open[at]) > strength { return }
        }
    }

    private func isSameName(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        guard a.count == b.count else { return false }
        for k in 0..<a.count where ASCII.lower(bytes[a.lowerBound + k]) != ASCII.lower(bytes[b.lowerBound + k]) { return false }
        return true
    }

    private static func strength(_ tag: HTMLTag) -> Int {
        switch tag {
        case .table: 5
        case .tbody, .thead, .tfoot: 4
        case .tr: 3
        case .td, .th: 2
        case .div: 1
        default: 0
        }
    }
}
