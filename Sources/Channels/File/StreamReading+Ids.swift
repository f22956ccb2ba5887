import Domain
import Formats

extension StreamReading {
    static let contentsMax = 50
    static let idBytesMax = 500

    /// An id that nobody would make so long is kept as its digest.
    static func short(_ id: String) -> String { id.utf8.count > idBytesMax ? sha256(id.utf8) : id }
    /// So many of a page must have changed their ids before it counts: two people may well write the same.
    static let changedMin = 3

    /// A source that calls the same messages by other ids each time would fill the inbox with copies.
    /// - Throws: `ChannelTrouble`; nothing of the page is taken then.
    mutating func compare(_ items: [ChannelItem], _ name: String) throws(ChannelTrouble) {
        let pairs = items.suffix(Self.contentsMax).compactMap(Self.digests)
        let known = Set(mark.contents)
        let said = Set(mark.contents.compactMap { $0.split(separator: ":").first.map(String.init) })
        let changed = pairs.count { said.contains($0.content) && !known.contains("\($0.content):\($0.id)") }
        if changed >= Self.changedMin, changed * 2 >= pairs.count {
            throw ChannelTrouble(
                remedy: .stop,
                say:
                    "\(name) gives \(changed) messages that are known under other ids than before; "
                    + "`external_id` must be something that never changes"
            )
        }
        if !pairs.isEmpty { put(contents: Array((pairs.map { "\($0.content):\($0.id)" } + mark.contents).prefix(Self.contentsMax))) }
    }

    private static func digests(_ item: ChannelItem) -> (content: String, id: String)? {
        guard let time = item["occurred_at"]?.plain, let text = item["text"]?.plain else { return nil }
        let parts = [time, text, item["author.id"]?.plain, item["author.name"]?.plain, item["author.email"]?.plain, item["subject"]?.plain]
        func digest(_ text: String) -> String { String(sha256(text.utf8).prefix(8)) }
        return (digest(parts.map { $0 ?? "" }.joined(separator: "\u{0}")), digest(item.externalID))
    }
}
