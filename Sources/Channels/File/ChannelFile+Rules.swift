import Domain
import Formats
import Rules

/// What only the whole file can tell: names that nothing declares, parts that do not fit together.
extension ChannelFile {
    /// Names that expressions know by themselves; nothing of the file's own may be called so.
    static let reserved = ["config", "session", "check", "cursor", "now", "item", "reply", "keys", "account"]
    private static let proseKeys: Set<String> = ["about", "about_zh", "docs", "say", "config", "channel"]

    func checkWhole(_ map: YAMLMapping) throws(RuleError) {
        for entry in map.entries where !Self.proseKeys.contains(entry.key) { try checkInputs(entry.value) }
        if let node = map["docs"], !docs.hasPrefix("http"), !docs.contains(" ") {
            throw node.error("`docs` is `\(docs)`; write the address of the page the file was written from, https://…")
        }
        if let node = map["base"] { try checkBase(node) }
        for entry in try map["streams"]?.namedEntries().entries ?? [] {
            guard let stream = streams.first(where: { $0.name == entry.key }) else { continue }
            try check(stream, try entry.value.namedEntries())
        }
    }

    private func checkBase(_ node: YAMLNode) throws(RuleError) {
        guard let text = base?.text else { return }
        guard text.hasPrefix("https://") || text.hasPrefix("{{") || text.hasPrefix("http://127.0.0.1") || text.hasPrefix("http://localhost")
        else {
            throw node.error(
                text.hasPrefix("http://")
                    ? "`base` is not encrypted; write https://, only this machine is asked without"
                    : "`base` is `\(text)`; write https:// and the host, or {{ config.… }}")
        }
    }

    /// `config.NAME` must be an input.
    private func checkInputs(_ node: YAMLNode) throws(RuleError) {
        if node.isList {
            for item in try node.list() { try checkInputs(item) }
        } else if node.isMapping {
            for entry in try node.namedEntries().entries where entry.key != "say" { try checkInputs(entry.value) }
        } else if let text = try? node.string() {
            for range in text.ranges(of: "config.") {
                if let before = text[..<range.lowerBound].last, before.isLetter || before.isNumber || "._-$@".contains(before) { continue }
                let name = String(text[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" })
                guard !name.isEmpty, !inputs.contains(where: { $0.name == name }) else { continue }
                let nearest = Spelling.nearest(to: name, of: inputs.map(\.name)).map { "did you mean `\($0)`?" }
                throw node.error("`config.\(name)` is no input of this channel; " + (nearest ?? "add `\(name)` to `config`"))
            }
        }
    }

    private func check(_ stream: Stream, _ map: YAMLMapping) throws(RuleError) {
        if let each = stream.each, Self.reserved.contains(each.name), let node = try map["each"]?.namedEntries()["as"] {
            throw node.error("`\(each.name)` is a name of the engine's own; choose another")
        }
        for lookup in try map["lookup"]?.namedEntries().entries ?? [] where Self.reserved.contains(lookup.key) {
            throw lookup.keyNode.error("`\(lookup.key)` is a name of the engine's own; choose another")
        }
        if stream.page.kind == .cursor, stream.cursor.kind == .seen || stream.cursor.kind == .all,
            let node = try map["page"]?.namedEntries()["kind"]
        {
            throw node.error(
                "pages of the kind cursor go on from the cursor's newest value, and the kind \(stream.cursor.kind.rawValue) has none; "
                    + "use token, next_url, link, page or offset")
        }
        for name in ["cursor", "page"] {
            guard let send = try map[name]?.namedEntries()["send"], let part = try send.namedEntries()["path"] else { continue }
            let hole = "{\(try part.string())}"
            let path = (stream.request.path?.text ?? "") + (stream.request.url?.text ?? "")
            if !path.contains(hole) {
                throw part.error(
                    "the request's path has no \(hole) for it to go to; write it where the value belongs, such as /list/\(hole)")
            }
        }
        if stream.cursor.kind == .all, let node = try map["cursor"]?.namedEntries()["send"] {
            throw node.error(
                "a cursor of the kind all sends nothing: the whole document is read each time; remove `send`, or use id or time")
        }
        if stream.cursor.kind == .seen, let node = try map["cursor"]?.namedEntries()["send"] {
            throw node.error("a cursor of the kind seen sends nothing: it knows the ids it has read; remove `send`, or use id or time")
        }
        if stream.cursor.usesETag, stream.cursor.kind != .all, let node = try map["cursor"]?.namedEntries()["etag"] {
            throw node.error("`etag` is for documents that are read whole; use it with the kind all")
        }
    }

    /// RFC 9110 §5.1.
    static func headerName(_ node: YAMLNode, _ name: String) throws(RuleError) {
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }) else {
            throw node.error("`\(name)` cannot be the name of a header; use letters, digits and -")
        }
    }
}
