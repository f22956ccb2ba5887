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
        var text = text
        return text.withUTF8(names).compactMap(verifyMessageID)
    }

    /// What looks like one: `h.s.` and more.
    private func names(in bytes: UnsafeBufferPointer<UInt8>) -> [String] {
        var found: [String] = []
        let dot = UInt8(ascii: ".")
        let end = min(bytes.count, Self.markedTextBytesMax)
        var start = 0
        while start + 1 < end, found.count < Self.marksMax {
            defer { start += 1 }
            // Within a word it is somebody else's.
            guard bytes[start] | 0x20 == UInt8(ascii: "h"), bytes[start + 1] == dot, start == 0 || !Self.isPlain(bytes[start - 1]) else {
                continue
            }
            let run = bytes[start..<end].prefix(64).prefix { Self.isPlain($0) || $0 == dot }
            // The end of a sentence is no part of it.
            let words = run.split(separator: dot, maxSplits: 4, omittingEmptySubsequences: false).prefix(4)
            let name = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
            if name.utf8.count >= 22 { found.append(name) }
        }
        return found
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
