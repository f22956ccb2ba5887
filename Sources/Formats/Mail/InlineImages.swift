/// Which parts the HTML shows by `cid:` links (RFC 2392).
enum InlineImages {
    static let linksMax = 5000

    static func referenced(in html: String) -> Set<String> {
        var found: Set<String> = []
        let bytes = Array(html.utf8)
        guard ASCII.find("cid:", in: bytes[...]) != nil || ASCII.find("CID:", in: bytes[...]) != nil else { return found }
        var i = 0
        while found.count < linksMax, let colon = next(bytes, from: i) {
            let id = bytes[colon...].prefix { byte in
                byte > 0x20 && byte != 0x22 && byte != 0x27 && byte != 0x3E && byte != 0x3C && byte != 0x29 && byte != 0x26
            }
            i = colon + id.count
            if !id.isEmpty, id.count < 1000 {
                found.insert(Charset.string(Array(id)))
                found.insert(Charset.string(MediaType.percentDecoded(id)))
            }
        }
        return found
    }

    /// Place behind the next `cid:` in any case.
    private static func next(_ b: [UInt8], from start: Int) -> Int? {
        var i = start
        while i + 4 <= b.count {
            if b[i] | 0x20 == 0x63, b[i + 1] | 0x20 == 0x69, b[i + 2] | 0x20 == 0x64, b[i + 3] == 0x3A { return i + 4 }
            i += 1
        }
        return nil
    }
}
