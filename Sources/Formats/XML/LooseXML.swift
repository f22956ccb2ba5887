/// The elements and texts of an XML document as they stand, however broken it is: nothing is an error, only the limits end the reading.
/// Text stays where it is in the bytes until somebody asks for it. Nothing is loaded from outside.
final class LooseXML {
    /// Elements inside so many others are passed over; their texts are not.
    static let depthMax = 256
    static let nodesMax = 1 << 21

    struct Node {
        /// `literal` is CDATA, in which nothing is a reference.
        enum Kind: UInt8 { case element, text, literal }
        var kind: Kind
        var space = XMLSpace.bare
        var name = XMLName.other
        /// An element's name as written, or a text.
        var start: Int32
        var end: Int32
        var firstAttribute: Int32 = 0
        var attributesCount: Int32 = 0
        var firstChild: Int32 = -1
        var lastChild: Int32 = -1
        var next: Int32 = -1

        var range: Range<Int> { Int(start)..<Int(end) }
    }

    struct Attribute {
        var nameStart: Int32
        var nameEnd: Int32
        var valueStart: Int32
        var valueEnd: Int32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    let bytes: [UInt8]
    let nodes: ContiguousArray<Node>
    let attributes: ContiguousArray<Attribute>
    /// Those the document defines itself.
    let entities: [String: [UInt8]]
    var budget: EntityBudget
    /// How much longer absolute links may still be than what was written.
    var linkGrowth = FeedLinks.growthMax
    private let mendsFeeds: Bool

    /// - Parameters:
    ///   - utf8: UTF-8, maybe with broken sequences; less than 2 GB.
    ///   - mendsFeeds: puts right what authors of feeds forget to close and send through the wrong charset. What an API writes is meant so.
    init(_ utf8: [UInt8], mendsFeeds: Bool = true) {
        bytes = utf8
        self.mendsFeeds = mendsFeeds
        budget = EntityBudget(documentBytes: utf8.count)
        (nodes, attributes, entities) = utf8.withUnsafeBufferPointer { bytes in
            var scanner = XMLScanner(bytes, mendsFeeds: mendsFeeds)
            if bytes.count < Int(Int32.max) { scanner.run() }
            return (scanner.nodes, scanner.attributes, scanner.entities)
        }
    }

    /// The elements that stand in no other.
    var roots: ElementSequence { ElementSequence(xml: self, first: nodes.isEmpty ? -1 : nodes[0].firstChild) }

    var root: Int? { roots.first { _ in true } }

    func elements(_ node: Int) -> ElementSequence { ElementSequence(xml: self, first: nodes[node].firstChild) }

    func hasElements(_ node: Int) -> Bool {
        for _ in elements(node) { return true }
        return false
    }

    struct ElementSequence: Sequence, IteratorProtocol {
        let xml: LooseXML
        var first: Int32

        mutating func next() -> Int? {
            while first >= 0 {
                let at = Int(first)
                first = xml.nodes[at].next
                if xml.nodes[at].kind == .element { return at }
            }
            return nil
        }
    }

    /// The name as written, prefix and all.
    func written(_ node: Int) -> String { String(decoding: bytes[nodes[node].range], as: UTF8.self) }

    /// The name as written, without prefix.
    func localName(_ node: Int) -> ArraySlice<UInt8> { Self.local(bytes[nodes[node].range]) }

    static func local(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        name.lastIndex(of: 0x3A).map { name[($0 + 1)...] } ?? name
    }

    func attributes(of node: Int) -> ContiguousArray<Attribute>.SubSequence {
        let first = Int(nodes[node].firstAttribute)
        return attributes[first..<(first + Int(nodes[node].attributesCount))]
    }

    /// By local name in any case, whatever the prefix.
    func attribute(_ name: StaticString, of node: Int) -> String? {
        let count = Int(nodes[node].attributesCount)
        if count == 0 { return nil }
        let first = Int(nodes[node].firstAttribute)
        for at in first..<(first + count) where Self.isLocal(bytes[attributes[at].name], name) {
            return value(attributes[at])
        }
        return nil
    }

    private static func isLocal(_ written: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard written.count >= count else { return false }
        let start = written.endIndex - count
        if start > written.startIndex, written[start - 1] != 0x3A { return false }
        for k in 0..<count where ASCII.lower(written[start + k]) != name.utf8Start[k] { return false }
        return true
    }

    func value(_ attribute: Attribute) -> String {
        var out: [UInt8] = []
        appendDecoded(attribute.value, into: &out)
        return Charset.string(out)
    }

    /// All text inside.
    func text(_ node: Int) -> [UInt8] {
        var out: [UInt8] = []
        appendText(node, into: &out)
        return XMLText.mended(out, undoesTwice: mendsFeeds)
    }

    private func appendText(_ node: Int, into out: inout [UInt8]) {
        var child = nodes[node].firstChild
        while child >= 0 {
            let at = Int(child)
            switch nodes[at].kind {
            case .text: appendDecoded(nodes[at].range, into: &out)
            case .literal: appendLiteral(nodes[at].range, into: &out)
            case .element: appendText(at, into: &out)
            }
            child = nodes[at].next
        }
    }

    func appendLiteral(_ range: Range<Int>, into out: inout [UInt8]) {
        bytes.withUnsafeBufferPointer { out.append(contentsOf: UnsafeBufferPointer(rebasing: $0[range])) }
    }

    func appendDecoded(_ range: Range<Int>, into out: inout [UInt8]) {
        bytes.withUnsafeBufferPointer { all in
            let piece = UnsafeBufferPointer(rebasing: all[range])
            guard ByteScan.find(0x26, in: piece, from: 0) != nil else { return out.append(contentsOf: piece) }
            XMLText.decode(piece, own: entities, &budget, into: &out)
        }
    }
}

/// How much text entities may still become, so that a few bytes cannot grow without end.
struct EntityBudget {
    static let depthMax = 8
    var bytes: Int
    var isSpent = false

    /// Who defines a short name for a character may use it as often as he likes.
    init(documentBytes: Int) { bytes = max(1 << 20, documentBytes &* 2) }
}
