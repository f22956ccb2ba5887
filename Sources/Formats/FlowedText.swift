/// format=flowed (RFC 3676): lines that end in a blank go on in the next one of the same quotation depth.
enum FlowedText {
    static func unwrapped(_ text: String, deletesSpace: Bool) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var openDepth: Int?  // quotation depth of the line that goes on
        for line in bytes.split(separator: ASCII.lf, omittingEmptySubsequences: false) {
            var rest = line
            var depth = 0
            while rest.first == 0x3E {
                depth += 1
                rest = rest.dropFirst()
            }
            if rest.first == ASCII.space { rest = rest.dropFirst() }  // space-stuffing
            let isSignature = rest.elementsEqual("-- ".utf8)
            if let openDepth, openDepth == depth, !isSignature {
                out += rest
            } else {
                if openDepth != nil || !out.isEmpty { out.append(ASCII.lf) }
                if depth > 0 { out += [UInt8](repeating: 0x3E, count: depth) + [ASCII.space] }
                out += rest
            }
            if rest.last == ASCII.space, !isSignature {
                if deletesSpace { out.removeLast() }
                openDepth = depth
            } else {
                openDepth = nil
                if out.isEmpty { out.append(ASCII.lf) }  // an empty first line must not vanish
            }
        }
        return Charset.string(out)
    }
}
