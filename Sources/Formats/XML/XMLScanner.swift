/// Cuts XML into elements and texts and hangs them into a tree. What is not well-formed is read as it was meant: an end tag closes what was
/// left open inside, a new item ends the one before, a lone less-than sign is a character.
struct XMLScanner {
    static let entitiesMax = 1000
    static let attributesMax = 100

    private(set) var nodes: ContiguousArray<LooseXML.Node> = []
    private(set) var attributes: ContiguousArray<LooseXML.Attribute> = []
    private(set) var entities: [String: [UInt8]] = [:]

    private let bytes: UnsafeBufferPointer<UInt8>
    private var i = 0
    /// Nodes that are open; the first is the document.
    private var open: [Int32] = [0]
    private var passedOver = 0
    private var scopes = XMLScopes()
    private var noDoubleQuoteFrom = Int.max
    private var noSingleQuoteFrom = Int.max

    /// Which ends there are further on, so that nobody looks twice for one that is not there.
    private var endings = (instruction: true, literal: true, comment: true)

    private let mendsFeeds: Bool

    init(_ bytes: UnsafeBufferPointer<UInt8>, mendsFeeds: Bool) {
        self.bytes = bytes
        self.mendsFeeds = mendsFeeds
        nodes.reserveCapacity(bytes.count / 64 + 16)
        nodes.append(LooseXML.Node(kind: .element, start: 0, end: 0))
    }

    mutating func run() {
        while i < bytes.count, nodes.count < LooseXML.nodesMax {
            guard bytes[i] == 0x3C, i + 1 < bytes.count else {
                let from = i
                i = ByteScan.find(0x3C, in: bytes, from: i + 1) ?? bytes.count
                add(.text, from..<i)
                continue
            }
            switch bytes[i + 1] {
            case 0x2F: endTag()
            case 0x21: declaration()
            case 0x3F: i = Self.closing("?>", bytes, from: i + 2, &endings.instruction).map { $0 + 2 } ?? after(0x3E, from: i + 2)
            case let next where Self.startsName(next): startTag()
            default:
                let from = i
                i = ByteScan.find(0x3C, in: bytes, from: i + 1) ?? bytes.count
                add(.text, from..<i)
            }
        }
    }

    private static func startsName(_ byte: UInt8) -> Bool { ASCII.isLetter(byte) || byte == 0x5F || byte == 0x3A || byte >= 0x80 }

    private func after(_ byte: UInt8, from: Int) -> Int { ByteScan.find(byte, in: bytes, from: from).map { $0 + 1 } ?? bytes.count }

    private mutating func add(_ kind: LooseXML.Node.Kind, _ range: Range<Int>) {
        guard open.count > 1, !range.isEmpty else { return }
        hang(LooseXML.Node(kind: kind, start: Int32(range.lowerBound), end: Int32(range.upperBound)))
    }

    private mutating func hang(_ node: LooseXML.Node) {
        let at = Int32(nodes.count)
        let parent = Int(open[open.count - 1])
        nodes.append(node)
        let last = nodes[parent].lastChild
        if last < 0 { nodes[parent].firstChild = at } else { nodes[Int(last)].next = at }
        nodes[parent].lastChild = at
    }

    // MARK: declarations

    private static func closing(
        _ end: StaticString, _ bytes: UnsafeBufferPointer<UInt8>, from: Int, _ isThere: inout Bool
    ) -> Int? {
        guard isThere else { return nil }
        let found = ByteScan.find(end, in: bytes, from: from)
        isThere = found != nil
        return found
    }

    private mutating func declaration() {
        if starts(with: "<![CDATA[", at: i) {
            let from = i + 9
            let end = Self.closing("]]>", bytes, from: from, &endings.literal)
            let last = end ?? endOfBrokenCDATA(from)
            add(.literal, from..<last)
            i = end == nil ? last : last + 3
        } else if starts(with: "<!--", at: i) {
            i = Self.closing("-->", bytes, from: i + 2, &endings.comment).map { $0 + 3 } ?? after(0x3E, from: i)
        } else if starts(with: "<!doctype", at: i) {
            doctype()
        } else {
            i = after(0x3E, from: i)
        }
    }

    /// A section that nothing closes ends where its element does, if that is to be seen, else with the document.
    private func endOfBrokenCDATA(_ from: Int) -> Int {
        let name = nodes[Int(open[open.count - 1])].range
        var k = from
        while let at = ByteScan.find("</", in: bytes, from: k) {
            let end = at + 2 + name.count
            if end <= bytes.count, !name.isEmpty, zip(bytes[(at + 2)..<end], bytes[name]).allSatisfy({ ASCII.lower($0) == ASCII.lower($1) })
            {
                return at
            }
            k = at + 2
        }
        return bytes.count
    }

    /// In any case of letters; `words` is in lower case.
    private func starts(with words: StaticString, at start: Int) -> Bool {
        let count = words.utf8CodeUnitCount
        guard start + count <= bytes.count else { return false }
        for k in 0..<count where ASCII.lower(bytes[start + k]) != ASCII.lower(words.utf8Start[k]) { return false }
        return true
    }

    private mutating func doctype() {
        var k = i
        while k < bytes.count, bytes[k] != 0x3E, bytes[k] != 0x5B { k += 1 }
        guard k < bytes.count, bytes[k] == 0x5B else {
            i = min(k + 1, bytes.count)
            return
        }
        k += 1
        while k < bytes.count, bytes[k] != 0x5D {
            if starts(with: "<!--", at: k) {
                k = ByteScan.find("-->", in: bytes, from: k + 4).map { $0 + 3 } ?? bytes.count
            } else if starts(with: "<!entity", at: k) {
                k = entity(from: k + 8)
            } else if bytes[k] == 0x22 || bytes[k] == 0x27 {
                k = after(bytes[k], from: k + 1)
            } else {
                k += 1
            }
        }
        i = after(0x3E, from: k)
    }

    /// `name "text">`. One from outside is empty.
    private mutating func entity(from start: Int) -> Int {
        var k = start
        while k < bytes.count, ASCII.isSpace(bytes[k]) { k += 1 }
        let nameStart = k
        while k < bytes.count, !ASCII.isSpace(bytes[k]), bytes[k] != 0x3E { k += 1 }
        let name = nameStart..<k
        while k < bytes.count, ASCII.isSpace(bytes[k]) { k += 1 }
        var text: [UInt8] = []
        if k < bytes.count, bytes[k] == 0x22 || bytes[k] == 0x27 {
            let end = ByteScan.find(bytes[k], in: bytes, from: k + 1) ?? bytes.count
            text = Array(bytes[min(k + 1, end)..<end])
            k = min(end + 1, bytes.count)
        }
        let key = String(decoding: bytes[name], as: UTF8.self)
        if entities.count < Self.entitiesMax, !name.isEmpty, entities[key] == nil { entities[key] = text }
        while k < bytes.count, bytes[k] != 0x3E { k = bytes[k] == 0x22 || bytes[k] == 0x27 ? after(bytes[k], from: k + 1) : k + 1 }
        return min(k + 1, bytes.count)
    }

    // MARK: tags

    private mutating func startTag() {
        var k = i + 1
        while k < bytes.count, !ASCII.isSpace(bytes[k]), bytes[k] != 0x2F, bytes[k] != 0x3E, bytes[k] != 0x3C { k += 1 }
        var node = LooseXML.Node(kind: .element, start: Int32(i + 1), end: Int32(k))
        node.firstAttribute = Int32(attributes.count)
        var isEmpty = false
        while k < bytes.count, bytes[k] != 0x3E, bytes[k] != 0x3C {
            if bytes[k] == 0x2F {
                isEmpty = k + 1 < bytes.count && bytes[k + 1] == 0x3E
                k += 1
            } else if ASCII.isSpace(bytes[k]) {
                k += 1
            } else {
                k = attribute(at: k, first: Int(node.firstAttribute))
            }
        }
        i = k < bytes.count && bytes[k] == 0x3E ? k + 1 : k
        node.attributesCount = Int32(attributes.count - Int(node.firstAttribute))
        guard open.count < LooseXML.depthMax else {
            if !isEmpty { passedOver += 1 }
            return
        }
        scopes.enter(bytes, attributes[Int(node.firstAttribute)...], depth: open.count)
        (node.space, node.name) = scopes.resolve(bytes, node.range)
        if mendsFeeds { closeBefore(node) }
        hang(node)
        if isEmpty { scopes.leave(depth: open.count) } else { open.append(Int32(nodes.count - 1)) }
    }

    private mutating func attribute(at start: Int, first: Int) -> Int {
        var k = start + 1
        while k < bytes.count, !ASCII.isSpace(bytes[k]), bytes[k] != 0x3D, bytes[k] != 0x3E, bytes[k] != 0x2F, bytes[k] != 0x3C { k += 1 }
        let nameEnd = k
        while k < bytes.count, ASCII.isSpace(bytes[k]) { k += 1 }
        guard k < bytes.count, bytes[k] == 0x3D else { return nameEnd }
        k += 1
        while k < bytes.count, ASCII.isSpace(bytes[k]) { k += 1 }
        guard k < bytes.count else { return k }
        let quote = bytes[k]
        var value = k..<k
        if quote == 0x22 || quote == 0x27, let close = closing(quote, from: k + 1) {
            value = (k + 1)..<close
            k = close + 1
        } else {
            while k < bytes.count, bytes[k] != 0x3E, !ASCII.isSpace(bytes[k]) { k += 1 }
            let isCut = k > value.lowerBound && bytes[k - 1] == 0x2F && k < bytes.count && bytes[k] == 0x3E  // `<a b=c/>`
            value = value.lowerBound..<(isCut ? k - 1 : k)
            k = value.upperBound
        }
        if attributes.count - first < Self.attributesMax {
            attributes.append(
                LooseXML.Attribute(
                    nameStart: Int32(start), nameEnd: Int32(nameEnd), valueStart: Int32(value.lowerBound), valueEnd: Int32(value.upperBound)
                ))
        }
        return k
    }

    private mutating func closing(_ quote: UInt8, from: Int) -> Int? {
        if from >= (quote == 0x22 ? noDoubleQuoteFrom : noSingleQuoteFrom) { return nil }
        if let found = ByteScan.find(quote, in: bytes, from: from) {
            // A tag's end and another's beginning inside a value: the quote that should close it is missing.
            let value = UnsafeBufferPointer(rebasing: bytes[from..<found])
            if let end = ByteScan.find(0x3E, in: value, from: 0), let open = ByteScan.find(0x3C, in: value, from: 0), end < open {
                return nil
            }
            return found
        }
        if quote == 0x22 { noDoubleQuoteFrom = from } else { noSingleQuoteFrom = from }
        return nil
    }

    private mutating func endTag() {
        var k = i + 2
        while k < bytes.count, !ASCII.isSpace(bytes[k]), bytes[k] != 0x3E, bytes[k] != 0x3C { k += 1 }
        let name = bytes[(i + 2)..<k]
        while k < bytes.count, bytes[k] != 0x3E, bytes[k] != 0x3C { k += 1 }
        i = k < bytes.count && bytes[k] == 0x3E ? k + 1 : k
        if passedOver > 0 {
            passedOver -= 1
            return
        }
        for at in open.indices.dropFirst().reversed() {
            let written = nodes[Int(open[at])].range
            if written.count == name.count, zip(bytes[written], name).allSatisfy({ ASCII.lower($0) == ASCII.lower($1) }) {
                return close(to: at)
            }
        }
    }

    private mutating func close(to count: Int) {
        open.removeLast(open.count - count)
        scopes.leave(depth: count)
    }

    // MARK: what authors forgot to close

    /// A new item ends the one before it, and a new field of an item one that can only hold words.
    private mutating func closeBefore(_ node: LooseXML.Node) {
        guard node.space == .bare || node.space == .atom, open.count > 2 else { return }
        if node.name == .item || node.name == .entry {
            if let at = open.indices.dropFirst().last(where: { isSame(nodes[Int(open[$0])], node) }) { close(to: at) }
        } else if Self.fields.contains(node.name) {
            let last = nodes[Int(open[open.count - 1])]
            if last.space == node.space, Self.leaves.contains(last.name) { close(to: open.count - 1) }
        }
    }

    private func isSame(_ a: LooseXML.Node, _ b: LooseXML.Node) -> Bool { a.name == b.name && a.space == b.space }

    private static let fields: Set<XMLName> = [
        .title, .link, .description, .guid, .pubdate, .category, .comments, .enclosure, .id, .updated, .published, .summary, .content,
        .author, .ttl, .language,
    ]
    private static let leaves: Set<XMLName> = [
        .link, .guid, .pubdate, .id, .updated, .published, .comments, .ttl, .language, .lastbuilddate,
    ]
}

/// Which namespaces the open elements declared.
struct XMLScopes {
    static let declaredMax = 200
    /// More names than feeds have; a document of ever new ones would make every declaration slow.
    static let knownMax = 500

    private struct Declared {
        var prefix: String
        var space: XMLSpace
        var depth: Int
    }

    private var declared: [Declared] = []
    /// What names were found to mean; holds until a declaration comes or goes.
    private var known: [UInt64: (space: XMLSpace, name: XMLName)] = [:]

    mutating func enter(_ bytes: UnsafeBufferPointer<UInt8>, _ attributes: ContiguousArray<LooseXML.Attribute>.SubSequence, depth: Int) {
        for attribute in attributes {
            let name = bytes[attribute.name]
            guard declared.count < Self.declaredMax, name.count >= 5, name.starts(with: "xmlns".utf8),
                name.count == 5 || name[name.startIndex + 5] == 0x3A
            else { continue }
            let prefix = String(decoding: name.dropFirst(6), as: UTF8.self)
            let uri = String(decoding: bytes[attribute.value], as: UTF8.self)
            let space = XMLSpace.of(uri: uri) ?? (prefix.isEmpty ? .bare : XMLSpace.of(prefix: prefix) ?? .other)
            declared.append(Declared(prefix: prefix, space: space, depth: depth))
            known.removeAll(keepingCapacity: true)
        }
    }

    /// - Parameter depth: how many elements stay open.
    mutating func leave(depth: Int) {
        while let last = declared.last, last.depth >= depth {
            declared.removeLast()
            known.removeAll(keepingCapacity: true)
        }
    }

    mutating func resolve(_ bytes: UnsafeBufferPointer<UInt8>, _ written: Range<Int>) -> (XMLSpace, XMLName) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var colon: Int?
        for at in written {
            if bytes[at] == 0x3A { colon = at }
            hash = (hash ^ UInt64(bytes[at])) &* 0x100_0000_01B3
        }
        if let found = known[hash] { return found }
        let prefix = String(decoding: bytes[written.lowerBound..<(colon ?? written.lowerBound)], as: UTF8.self)
        let local = bytes[(colon.map { $0 + 1 } ?? written.lowerBound)..<written.upperBound]
        let space = declared.last { $0.prefix == prefix }?.space ?? (prefix.isEmpty ? .bare : XMLSpace.of(prefix: prefix) ?? .other)
        let found = (space, XMLName.of(local))
        if known.count < Self.knownMax { known[hash] = found }
        return found
    }
}
