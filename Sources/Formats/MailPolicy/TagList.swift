/// `name=value; name=value` as DKIM, DMARC, MTA-STS and TLS-RPT write it in DNS (RFC 6376 §3.2).
struct TagList {
    static let tagsMax = 100
    private(set) var tags: [(name: String, value: String)] = []

    /// Nil when a part has no `=` or a name stands twice.
    init?(_ text: String) {
        for part in text.split(separator: ";") {
            let part = ASCII.trim(String(part))
            if part.isEmpty { continue }
            guard let equals = part.firstIndex(of: "="), tags.count < Self.tagsMax else { return nil }
            let name = ASCII.lowercased(ASCII.trim(String(part[..<equals])))
            guard !name.isEmpty, !tags.contains(where: { $0.name == name }) else { return nil }
            tags.append((name, ASCII.trim(String(part[part.index(after: equals)...]))))
        }
    }

    subscript(name: String) -> String? { tags.first { $0.name == name }?.value }
}
