/// Message ids of a field (RFC 5322 §3.6.4): what stands in angle brackets, else words with an at sign. Blanks inside, which folding puts
/// there, go; everything else stays, because an id is compared byte by byte.
enum MessageIDs {
    static let lengthMax = 998

    static func parse(_ raw: [UInt8]) -> [String] {
        var bytes = raw
        // Programs that fold long ids wrongly write them as encoded-words.
        if !raw.contains(0x3C), ASCII.find("=?", in: raw) != nil { bytes = HeaderText.decodeWords(HeaderText.unfolded(raw)) }
        var ids = inBrackets(bytes)
        if !ids.isEmpty { return ids }
        let words = bytes.split { ASCII.isSpace($0) || $0 == 0x2C || $0 == 0x3C || $0 == 0x3E }
        for word in words where word.contains(0x40) { append(word, to: &ids) }
        if ids.isEmpty, words.count == 1 { append(words[0], to: &ids) }
        return ids
    }

    private static func inBrackets(_ bytes: [UInt8]) -> [String] {
        var ids: [String] = []
        var current: [UInt8] = []
        var isOpen = false
        for byte in bytes {
            switch byte {
            case 0x3C:
                if isOpen, current.contains(0x40) { append(current[...], to: &ids) }  // `<a@b <c@d>`: a bracket is missing
                current.removeAll(keepingCapacity: true)
                isOpen = true
            case 0x3E:
                if isOpen { append(current[...], to: &ids) }
                isOpen = false
            default: if isOpen, byte > 0x20, byte != 0x7F { current.append(byte) }
            }
        }
        if isOpen, current.contains(0x40) { append(current[...], to: &ids) }
        return ids
    }

    private static func append(_ id: ArraySlice<UInt8>, to ids: inout [String]) {
        if !id.isEmpty, id.count <= lengthMax { ids.append(String(decoding: id, as: UTF8.self)) }
    }
}
