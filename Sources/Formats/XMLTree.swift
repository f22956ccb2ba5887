import CXML

/// An XML document as the tree that paths walk: an element is an object, its children are lists under their names as written (prefix and
/// all), attributes stand under `@name`, its own text under `#text`.
public enum XMLTree {
    static let depthMax = 200

    /// - Returns: an object with the root element under its name; nil when there is no element.
    public static func read(_ bytes: [UInt8]) -> JSONValue? {
        let text = Charset.cleaned(Charset.decode(bytes, label: declared(bytes)))
        guard let document = XMLDocument(text), let root = document.root, !document.isEntityLoop else { return nil }
        var budget = EntityBudget()
        return .object([.init(written(root), .array([tree(root, depth: 0, &budget)]))])
    }

    /// `<?xml … encoding="GB2312"?>`
    private static func declared(_ bytes: [UInt8]) -> String? {
        let start = String(decoding: bytes.prefix(200), as: UTF8.self)
        guard start.hasPrefix("<?xml"), let at = start.firstRange(of: "encoding=") else { return nil }
        let quote = start[at.upperBound...].first
        return String(start[at.upperBound...].dropFirst().prefix { $0 != quote && $0 != "?" })
    }

    private static func written(_ node: XMLNode) -> String {
        let name = node.raw.pointee.name.map { String(cString: $0) } ?? ""
        guard let prefix = node.raw.pointee.ns?.pointee.prefix else { return name }
        return String(cString: prefix) + ":" + name
    }

    private static func tree(_ node: XMLNode, depth: Int, _ budget: inout EntityBudget) -> JSONValue {
        var members: [JSONValue.Member] = []
        var attribute = node.raw.pointee.properties
        while let property = attribute {
            if let name = property.pointee.name, let value = xmlGetProp(node.raw, name) {
                let prefix = property.pointee.ns?.pointee.prefix.map { String(cString: $0) + ":" } ?? ""
                members.append(.init("@\(prefix)\(String(cString: name))", .string(String(cString: value))))
                cxml_free(value)
            }
            attribute = property.pointee.next
        }
        let children = node.elements
        if children.isEmpty || depth >= depthMax {
            let text = ASCII.trim(node.text(&budget))
            if !text.isEmpty { members.append(.init("#text", .string(text))) }
            return .object(members)
        }
        var names: [String] = []
        var found: [String: [JSONValue]] = [:]
        for child in children {
            let name = written(child)
            if found[name] == nil { names.append(name) }
            found[name, default: []].append(tree(child, depth: depth + 1, &budget))
        }
        return .object(members + names.map { .init($0, .array(found[$0] ?? [])) })
    }
}
