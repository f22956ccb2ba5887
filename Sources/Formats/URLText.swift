/// Relative references (RFC 3986 §5.2), as much as links of feeds need.
enum URLText {
    static let bytesMax = 8000

    /// `reference` made absolute; nil when it is empty, too long, or neither it nor the base has a scheme.
    static func resolve(_ reference: String, base: String) -> String? {
        let reference = ASCII.trim(reference)
        guard !reference.isEmpty, reference.utf8.count <= bytesMax else { return nil }
        if scheme(reference) != nil { return reference }
        guard let scheme = scheme(base) else { return nil }
        if reference.hasPrefix("//") { return "\(scheme):\(reference)" }
        let afterScheme = base.dropFirst(scheme.count + 1)
        guard afterScheme.hasPrefix("//") else { return nil }
        let authority = afterScheme.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let root = "\(scheme)://\(authority)"
        let rest = afterScheme.dropFirst(2 + authority.count)
        let path = rest.prefix { $0 != "?" && $0 != "#" }
        if reference.hasPrefix("#") { return root + rest.prefix { $0 != "#" } + reference }
        if reference.hasPrefix("?") { return root + (path.isEmpty ? "/" : path) + reference }
        let referencePath = reference.prefix { $0 != "?" && $0 != "#" }
        let suffix = reference.dropFirst(referencePath.count)
        let merged: String
        if reference.hasPrefix("/") {
            merged = String(referencePath)
        } else {
            let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "/"
            merged = folder + referencePath
        }
        let found = root + withoutDots(merged) + suffix
        return found.utf8.count <= bytesMax ? found : nil
    }

    static func scheme(_ url: String) -> String? {
        guard let colon = url.utf8.firstIndex(of: 0x3A), let first = url.utf8.first, ASCII.isLetter(first) else { return nil }
        let scheme = url.utf8[..<colon]
        guard scheme.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }) else { return nil }
        return String(decoding: scheme, as: UTF8.self)
    }

    private static func withoutDots(_ path: String) -> String {
        var out: [Substring] = []
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            switch segment {
            case ".": if isLast { out.append("") }
            case "..":
                if out.count > 1 { out.removeLast() }
                if isLast { out.append("") }
            default: out.append(segment)
            }
        }
        return out.joined(separator: "/")
    }
}
