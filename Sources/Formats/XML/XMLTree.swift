/// An XML document as the tree that paths walk: an element is an object, its children are lists under their names as written (prefix and
/// all), attributes stand under `@name`, its own text under `#text`.
public enum XMLTree {
    static let depthMax = 200

    /// - Returns: an object with the root element under its name; nil when there is no element, or its entities grow without end.
    public static func read(_ bytes: [UInt8]) -> JSONValue? {
        let xml = LooseXML(Charset.cleaned(FeedCharset.decode(bytes, contentType: nil).bytes), mendsFeeds: false)
        guard let root = xml.root else { return nil }
        let tree = JSONValue.object([.init(xml.written(root), .array([tree(xml, root, depth: 0)]))])
        return xml.budget.isSpent ? nil : tree
    }

    private static func tree(_ xml: LooseXML, _ node: Int, depth: Int) -> JSONValue {
        var members: [JSONValue.Member] = []
        for attribute in xml.attributes(of: node) {
            let name = xml.bytes[attribute.name]
            if name.starts(with: "xmlns".utf8) { continue }
            members.append(.init("@" + String(decoding: name, as: UTF8.self), .string(xml.value(attribute))))
        }
        if !xml.hasElements(node) || depth >= depthMax {
            let text = ASCII.trim(Charset.string(xml.text(node)))
            if !text.isEmpty { members.append(.init("#text", .string(text))) }
            return .object(members)
        }
        var names: [String] = []
        var found: [String: [JSONValue]] = [:]
        for child in xml.elements(node) {
            let name = xml.written(child)
            if found[name] == nil { names.append(name) }
            found[name, default: []].append(tree(xml, child, depth: depth + 1))
        }
        return .object(members + names.map { .init($0, .array(found[$0] ?? [])) })
    }
}
