/// Our signed names outside of Message-IDs: in an address that answers are sent to, and in a text that mail programs quote.
extension Signer {
    /// Text longer than this is looked through to here.
    static let markedTextBytesMax = 1 << 20
    /// Names that look like ours and are checked in one text.
    static let marksMax = 16

    /// `h.s.1a2b.0123456789abcdef`: what a Message-ID of ours has before the @.
    public func mark(kind: Character, id: Int64) -> String { String(messageID(kind: kind, id: id, domain: "").dropLast()) }

    /// `support@shop.example` → `support+h.s.….…@shop.example` (RFC 5233: what stands behind the + is the mailbox's own business).
    /// - Returns: nil when there would be no room for it: a local part has at most 64 bytes (RFC 5321 §4.5.3.1.1).
    public func address(_ address: String, kind: Character, id: Int64) -> String? {
        guard let at = address.lastIndex(of: "@") else { return nil }
        let local = "\(address[..<at])+\(mark(kind: kind, id: id))"
        return local.utf8.count <= 64 ? local + address[at...] : nil
    }

    /// Every name of ours in a text, in their order. Whoever has one was sent it, or was shown it by somebody who was.
    public func marks(in text: String) -> [(kind: Character, id: Int64)] {
        var found: [(kind: Character, id: Int64)] = []
        var tried = 0
        let bytes = text.utf8
        var index = bytes.startIndex
        let end = bytes.index(index, offsetBy: Self.markedTextBytesMax, limitedBy: bytes.endIndex) ?? bytes.endIndex
        while tried < Self.marksMax, let start = bytes[index..<end].firstIndex(where: { $0 | 0x20 == UInt8(ascii: "h") }) {
            index = bytes.index(after: start)
            guard index < end, bytes[index] == UInt8(ascii: ".") else { continue }
            // Within a word it is somebody else's.
            if start > bytes.startIndex, Self.isPlain(bytes[bytes.index(before: start)]) { continue }
            let run = bytes[start..<end].prefix(64).prefix { Self.isPlain($0) || $0 == UInt8(ascii: ".") }
            // The end of a sentence is no part of it.
            let name =
                String(Substring(run)).split(separator: ".", maxSplits: 4, omittingEmptySubsequences: false).prefix(4).joined(
                    separator: ".")
            guard name.utf8.count >= 22 else { continue }
            tried += 1
            if let mark = verifyMessageID(name) { found.append(mark) }
        }
        return found
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
