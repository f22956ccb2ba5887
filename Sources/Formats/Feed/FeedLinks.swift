/// Makes the links inside HTML absolute; every other byte stays.
enum FeedLinks {
    /// How much longer absolute links may be than what was written, in one feed: a long base and many short links grow without end.
    static let growthMax = 16 << 20

    private static let names: Set<String> = [
        "href", "src", "action", "cite", "background", "longdesc", "poster", "data", "usemap", "profile", "codebase", "classid",
        "formaction",
        "lowsrc", "dynsrc",
    ]

    static func isLink(_ name: some Sequence<UInt8>) -> Bool { names.contains(String(decoding: Array(name), as: UTF8.self)) }

    /// - Parameter growth: how many bytes may still be added; where none is left, links stay relative.
    static func absolute(_ html: [UInt8], base: String, growth: inout Int) -> [UInt8] {
        guard URLText.scheme(base) != nil else { return html }
        return html.withUnsafeBufferPointer { bytes in
            if ByteScan.find(0x3D, in: bytes, from: 0) == nil { return html }  // no attribute has a value
            var out: [UInt8] = []
            var copied = 0
            var tokens = HTMLTokenizer(bytes)
            while let token = tokens.next() {
                guard case .start = token else { continue }
                for attribute in tokens.attributes where !attribute.value.isEmpty && isLinkName(bytes, attribute.name) {
                    guard isRelative(bytes, attribute.value) else { continue }
                    var value: [UInt8] = []
                    HTMLEntities.decode(UnsafeBufferPointer(rebasing: bytes[attribute.value]), isAttribute: true, into: &value)
                    guard growth > 0, let url = URLText.resolve(Charset.string(value), base: base) else { continue }
                    growth -= url.utf8.count - attribute.value.count
                    out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied..<attribute.value.lowerBound]))
                    let before = bytes[attribute.value.lowerBound - 1]
                    let isQuoted = before == 0x22 || before == 0x27
                    if !isQuoted { out.append(0x22) }
                    HTMLText.escape(url.utf8, into: &out)
                    if !isQuoted { out.append(0x22) }
                    copied = attribute.value.upperBound
                }
            }
            if copied == 0 { return html }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[copied...]))
            return out
        }
    }

    private static func isLinkName(_ bytes: UnsafeBufferPointer<UInt8>, _ name: Range<Int>) -> Bool {
        guard name.count >= 3, name.count <= 10 else { return false }
        return isLink(bytes[name].lazy.map(ASCII.lower))
    }

    /// Without a scheme; blanks at the front do not count.
    private static func isRelative(_ bytes: UnsafeBufferPointer<UInt8>, _ value: Range<Int>) -> Bool {
        var i = value.lowerBound
        while i < value.upperBound, bytes[i] <= ASCII.space { i += 1 }
        guard i < value.upperBound, ASCII.isLetter(bytes[i]) else { return true }
        while i < value.upperBound, ASCII.isLetter(bytes[i]) || ASCII.isDigit(bytes[i]) || [0x2B, 0x2D, 0x2E].contains(bytes[i]) { i += 1 }
        return i >= value.upperBound || bytes[i] != 0x3A
    }
}
