import Channels
import Domain
import Formats
import FoundationEssentials
import Glibc
import Rules

/// Many feeds as one entry: `list` names a file of addresses, one a line, or an OPML file as feed readers export it.
extension Settings {
    static let listBytesMax = 16 << 20

    /// One account, or one for each feed of a list. A listed feed is called `<entry>-<mark of its address>`, so that a list may be sorted
    /// anew and grow, and each feed keeps its place.
    static func accounts(_ entry: YAMLMapping.Entry, _ secrets: SecretReader) throws -> [Account] {
        let model = try account(entry, secrets)
        guard let node = try entry.value.namedEntries()["list"] else { return [model] }
        guard model.kind == .feed else { throw node.error("`list` is for feeds; a \(model.kind.rawValue) has one place") }
        if let url = try entry.value.namedEntries()["url"] { throw url.error("`url` and `list` are two ways to say it; keep one") }
        let path = beside(node.file, try node.string())
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count <= listBytesMax else {
            throw node.error("`list` names \(path), which cannot be read or is larger than \(listBytesMax >> 20) MiB")
        }
        var seen: Set<String> = []
        var accounts: [Account] = []
        for (line, address) in try addresses(Array(bytes), path) where seen.insert(address).inserted {
            guard ["http://", "https://", "file://"].contains(where: address.hasPrefix) else {
                throw RuleError(
                    file: path, line: line, column: 1, problem: "`\(address.prefix(80))` is no address; write http://… or https://…")
            }
            var account = model
            account.name = "\(entry.key)-\(sha256(Array(address.utf8)).prefix(12))"
            account.url = address
            accounts.append(account)
        }
        return accounts
    }

    private static func addresses(_ bytes: [UInt8], _ path: String) throws -> [(line: Int, address: String)] {
        let text = String(decoding: bytes, as: UTF8.self)
        let start = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        guard start.hasPrefix("<") else {
            return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
                let line = String(line).trimmed
                return line.isEmpty || line.hasPrefix("#") ? nil : (index + 1, line)
            }
        }
        guard let tree = XMLTree.read(bytes) else {
            throw RuleError(file: path, line: 1, column: 1, problem: "this is neither a list of addresses nor OPML")
        }
        var found: [(line: Int, address: String)] = []
        func walk(_ value: JSONValue) {
            switch value {
            case .object(let members):
                for member in members {
                    if member.name.lowercased() == "@xmlurl", let address = member.value.string { found.append((1, address.trimmed)) }
                    walk(member.value)
                }
            case .array(let items): for item in items { walk(item) }
            default: break
            }
        }
        walk(tree)
        return found
    }
}
