/// A mail over the size limit: its header and its first part are taken, the rest stays where it is until somebody asks.
enum MailCut {
    /// Looked at to find the first part.
    static let windowBytes = 256 << 10
    /// Of a mail that has one part only.
    static let textBytes = 64 << 10
    private static let boundariesMax = 50
    private static let boundaryBytesMax = 200

    static func sentence(sizeBytes: Int, max: Int, place: String) -> String {
        "This mail has \(megabytes(sizeBytes)), more than the limit of \(megabytes(max)); only its header and its first part were taken. "
            + "The whole mail is in \(place)."
    }

    /// Up to the first empty line, and a last line end.
    static func header(_ bytes: [UInt8]) -> [UInt8] {
        var lineStart = 0
        var i = 0
        while i < bytes.count {
            if bytes[i] == 10 {
                if i == lineStart || (i == lineStart + 1 && bytes[lineStart] == 13) { return Array(bytes[...i]) }
                lineStart = i + 1
            }
            i += 1
        }
        return Array(bytes[..<lineStart])
    }

    /// What of a mail's first bytes can be read by itself: up to the last line that ends a part which is here whole (RFC 2046 §5.1.1); of a
    /// mail whose first part is longer, the text as far as it goes; of anything else the header.
    static func firstPart(_ bytes: [UInt8]) -> [UInt8] {
        let head = header(bytes)
        var boundaries: [[UInt8]] = []
        var delimiters = 0
        var cut: Int?
        var start = 0
        while start < bytes.count, let end = bytes[start...].firstIndex(of: 10) {
            let line = bytes[start...end]
            if start >= head.count, line.starts(with: [0x2D, 0x2D]), boundaries.contains(where: { line.dropFirst(2).starts(with: $0) }) {
                delimiters += 1
                if delimiters > 1 { cut = start }
            } else if boundaries.count < boundariesMax, let boundary = boundary(in: line) {
                boundaries.append(boundary)
            }
            start = end + 1
        }
        if let cut { return Array(bytes[..<cut]) }
        guard isText(head) || (delimiters == 1 && !boundaries.isEmpty) else { return head }
        let text = bytes.prefix(head.count + textBytes)
        return Array(text[...(text.lastIndex(of: 10) ?? head.count - 1)])
    }

    /// `boundary="…"` of a header line.
    private static func boundary(in line: ArraySlice<UInt8>) -> [UInt8]? {
        let name = Array("boundary=".utf8)
        guard line.count <= 2000, let at = index(of: name, in: line) else { return nil }
        var value = line[(at + name.count)...]
        if value.first == 0x22 {
            value = value.dropFirst().prefix { $0 != 0x22 }
        } else {
            value = value.prefix { $0 > 0x20 && $0 != 0x3B }
        }
        return value.isEmpty || value.count > boundaryBytesMax ? nil : Array(value)
    }

    private static func isText(_ head: [UInt8]) -> Bool {
        let lines = [10] + head  // so that the first field, too, stands behind a line end
        guard let at = index(of: Array("\ncontent-type:".utf8), in: lines[...]) else { return true }
        return lines[(at + 14)...].drop { $0 == 0x20 || $0 == 9 }.prefix(5).map(lower) == Array("text/".utf8)
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    /// In any case.
    private static func index(of needle: [UInt8], in hay: ArraySlice<UInt8>) -> Int? {
        guard hay.count >= needle.count else { return nil }
        return (hay.startIndex...hay.endIndex - needle.count).first { at in
            needle.indices.allSatisfy { lower(hay[at + $0]) == needle[$0] }
        }
    }

    private static func megabytes(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20) MB" : bytes >= 1 << 10 ? "\(bytes >> 10) KB" : "\(bytes) bytes"
    }
}
