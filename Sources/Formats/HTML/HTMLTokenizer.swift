/// Cuts HTML into tags and texts as browsers do (WHATWG HTML §13.2.5), without building anything. Comments, declarations and what looks
/// like either are passed over.
struct HTMLTokenizer {
    enum Token {
        case text(Range<Int>)
        case start
        case end
    }

    /// Places in `bytes`, as written.
    struct Attribute {
        var name: Range<Int>
        var value: Range<Int>
    }

    static let attributesMax = 100

    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var i = 0
    /// Of the tag just read.
    private(set) var name = 0..<0
    private(set) var attributes: [Attribute] = []
    private(set) var isSelfClosing = false
    /// There is no such quote any more, so that nobody looks for it twice.
    private var noDoubleQuoteFrom = Int.max
    private var noSingleQuoteFrom = Int.max
    private var noRawEnd: [HTMLTag: Int] = [:]

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func next() -> Token? {
        while i < bytes.count {
            if bytes[i] != 0x3C {
                let from = i
                i = find(0x3C, from: i) ?? bytes.count
                return .text(from..<i)
            }
            guard i + 1 < bytes.count else { return character() }
            let next = bytes[i + 1]
            if ASCII.isLetter(next) { return startTag() }
            switch next {
            case 0x2F:
                guard i + 2 < bytes.count else { return character() }
                if ASCII.isLetter(bytes[i + 2]) {
                    if tag(from: i + 2) { return .end }
                } else {
                    skipBogus(from: i + 2)
                }
            case 0x21: skipDeclaration()
            case 0x3F: skipBogus(from: i + 1)
            default: return character()
            }
        }
        return nil
    }

    /// A `<` that opens nothing.
    private mutating func character() -> Token {
        i += 1
        return .text((i - 1)..<i)
    }

    private func find(_ byte: UInt8, from: Int) -> Int? { ByteScan.find(byte, in: bytes, from: from) }

    private mutating func startTag() -> Token? {
        let from = i
        if tag(from: i + 1) { return .start }
        // The document ends inside a tag: words behind a less-than sign are kept, the half of a real tag is not.
        if HTMLTag.of(UnsafeBufferPointer(rebasing: bytes[name])) != .unknown || attributes.contains(where: { !$0.value.isEmpty }) {
            return nil
        }
        i = bytes.count
        return .text(from..<bytes.count)
    }

    private mutating func skipBogus(from: Int) { i = (find(0x3E, from: from) ?? bytes.count - 1) + 1 }

    /// `<!`: a comment, or anything up to the next `>`.
    private mutating func skipDeclaration() {
        guard i + 3 < bytes.count, bytes[i + 2] == 0x2D, bytes[i + 3] == 0x2D else { return skipBogus(from: i + 2) }
        var k = i + 4
        if k < bytes.count, bytes[k] == 0x3E {  // <!-->
            i = k + 1
            return
        }
        if k + 1 < bytes.count, bytes[k] == 0x2D, bytes[k + 1] == 0x3E {  // <!--->
            i = k + 2
            return
        }
        while let close = find(0x3E, from: k) {
            let dashes = close >= i + 6 && bytes[close - 1] == 0x2D && bytes[close - 2] == 0x2D
            let bang = close >= i + 7 && bytes[close - 1] == 0x21 && bytes[close - 2] == 0x2D && bytes[close - 3] == 0x2D
            if dashes || bang {
                i = close + 1
                return
            }
            k = close + 1
        }
        i = bytes.count
    }

    /// Reads name and attributes up to `>`.
    /// - Returns: false when the document ends before.
    private mutating func tag(from: Int) -> Bool {
        attributes.removeAll(keepingCapacity: true)
        isSelfClosing = false
        var k = from
        while k < bytes.count, !ASCII.isSpace(bytes[k]), bytes[k] != 0x2F, bytes[k] != 0x3E { k += 1 }
        name = from..<k
        while k < bytes.count {
            let byte = bytes[k]
            if byte == 0x3E {
                i = k + 1
                return true
            }
            if byte == 0x2F {
                isSelfClosing = k + 1 < bytes.count && bytes[k + 1] == 0x3E
                k += 1
            } else if ASCII.isSpace(byte) {
                k += 1
            } else {
                k = attribute(at: k)
            }
        }
        i = bytes.count
        return false
    }

    private mutating func attribute(at start: Int) -> Int {
        var k = start + 1  // even a `=` may begin a name
        while k < bytes.count, !ASCII.isSpace(bytes[k]), bytes[k] != 0x2F, bytes[k] != 0x3E, bytes[k] != 0x3D { k += 1 }
        let name = start..<k
        var after = k
        while after < bytes.count, ASCII.isSpace(bytes[after]) { after += 1 }
        guard after < bytes.count, bytes[after] == 0x3D else {
            add(name, k..<k)
            return k
        }
        k = after + 1
        while k < bytes.count, ASCII.isSpace(bytes[k]) { k += 1 }
        guard k < bytes.count else { return k }
        let quote = bytes[k]
        if quote == 0x22 || quote == 0x27, let close = closing(quote, from: k + 1) {
            add(name, (k + 1)..<close)
            return close + 1
        }
        let from = k
        while k < bytes.count, bytes[k] != 0x3E, !ASCII.isSpace(bytes[k]) { k += 1 }
        add(name, from..<k)
        return k
    }

    private mutating func closing(_ quote: UInt8, from: Int) -> Int? {
        if from >= (quote == 0x22 ? noDoubleQuoteFrom : noSingleQuoteFrom) { return nil }
        if let found = find(quote, from: from) { return found }
        if quote == 0x22 { noDoubleQuoteFrom = from } else { noSingleQuoteFrom = from }
        return nil
    }

    private mutating func add(_ name: Range<Int>, _ value: Range<Int>) {
        if attributes.count < Self.attributesMax { attributes.append(Attribute(name: name, value: value)) }
    }

    /// The text up to the end tag of this element, whatever is in it. Nil when there is none; nothing is read then.
    mutating func rawText(of tag: HTMLTag) -> Range<Int>? {
        if i >= noRawEnd[tag] ?? Int.max { return nil }
        let name = tag.name.utf8
        var k = i
        while let open = find(0x3C, from: k) {
            k = open + 1
            let end = open + 2 + name.count
            guard end < bytes.count, bytes[open + 1] == 0x2F, bytes[end] == 0x3E || bytes[end] == 0x2F || ASCII.isSpace(bytes[end]) else {
                continue
            }
            if zip(bytes[(open + 2)..<end], name).allSatisfy({ ASCII.lower($0) == $1 }) {
                let text = i..<open
                i = open
                return text
            }
        }
        noRawEnd[tag] = i
        return nil
    }

    mutating func skipToEnd() { i = bytes.count }
}
