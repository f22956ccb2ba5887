public import Rules

extension FormPage {
    private static let keys = [
        "title", "locales", "intro", "submit", "thanks", "redirect", "redirects", "frame_ancestors", "protect", "fields",
    ]

    /// Reads and checks a form's file.
    /// - Throws: `RuleError` with file, line, column and what to write.
    public static func read(_ text: String, file: String) throws(RuleError) -> FormPage {
        let map = try StrictYAML.read(text, file: file).mapping(keys: keys)
        let title = try map.required("title")
        let locales = try locales(map, title)
        var page = FormPage(locales: locales, title: try phrase(title, locales))
        page.intro = try optional(map["intro"], locales)
        page.submit = try optional(map["submit"], locales)
        page.thanks = try optional(map["thanks"], locales)
        if let node = map["redirect"] {
            guard page.thanks == nil else { throw node.error("a form has either `thanks` or `redirect`; keep one") }
            page.redirect = try address(node)
        }
        for node in try map["redirects"]?.list() ?? [] {
            let text = try address(node)
            guard (text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).last ?? "").contains("/") else {
                throw node.error("`\(text)` would also allow other hosts that begin so; write a path too, such as \(text)/")
            }
            page.redirects.append(text)
        }
        for node in try map["frame_ancestors"]?.list() ?? [] { page.frameAncestors.append(try origin(node)) }
        if let node = map["protect"] { try protect(node, &page) }
        let fields = try map.required("fields")
        let entries = try fields.namedEntries().entries
        guard !entries.isEmpty else { throw fields.error("a form has fields; write at least one") }
        guard entries.count <= fieldsMax else { throw fields.error("a form has at most \(fieldsMax) fields") }
        for entry in entries { page.fields.append(try field(entry, locales)) }
        guard page.fields.contains(where: { $0.kind != .hidden }) else { throw fields.error("nobody sees any of these fields") }
        for meaning in Field.Meaning.allCases where page.fields.filter({ $0.meaning == meaning }).count > 1 {
            throw fields.error("more than one field is `as: \(meaning.rawValue)`; keep one")
        }
        return page
    }

    private static func locales(_ map: YAMLMapping, _ title: YAMLNode) throws(RuleError) -> [String] {
        var found: [(tag: String, node: YAMLNode)] = []
        if let node = map["locales"] {
            for item in try node.list() { found.append((try item.string(), item)) }
        } else if title.isMapping {
            for entry in try title.namedEntries().entries { found.append((entry.key, entry.keyNode)) }
        } else {
            return ["en"]
        }
        guard !found.isEmpty, found.count <= localesMax else { throw title.error("write from 1 to \(localesMax) languages") }
        for (tag, node) in found {
            let parts = tag.split(separator: "-", omittingEmptySubsequences: false)
            let isTag =
                (2...3).contains(parts[0].count) && parts.count <= 3
                && parts.allSatisfy { part in
                    (2...8).contains(part.count) && part.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) }
                }
            guard isTag else { throw node.error("`\(tag)` is no language; write a tag such as en, zh-CN or pt-BR") }
        }
        return found.map(\.tag)
    }

    /// One text for all languages, or one for each.
    private static func phrase(_ node: YAMLNode, _ locales: [String]) throws(RuleError) -> Phrase {
        guard node.isMapping else { return Phrase(try node.string()) }
        let map = try node.mapping(keys: locales)
        var texts: [String: String] = [:]
        for entry in map.entries { texts[entry.key] = try entry.value.string() }
        for locale in locales where texts[locale] == nil { throw node.error("`\(node.name)` has no text in \(locale); add it") }
        return Phrase(texts, first: locales[0])
    }

    private static func optional(_ node: YAMLNode?, _ locales: [String]) throws(RuleError) -> Phrase? {
        guard let node else { return nil }
        return try phrase(node, locales)
    }

    private static func address(_ node: YAMLNode) throws(RuleError) -> String {
        let text = try node.string()
        let isGood = text.hasPrefix("https://") || text.hasPrefix("http://")
        guard isGood, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x27 && $0 != 0x3B }) else {
            throw node.error("`\(text)` is no address; write one that begins with https://")
        }
        return text
    }

    /// `https://shop.example`, as a Content-Security-Policy wants it.
    private static func origin(_ node: YAMLNode) throws(RuleError) -> String {
        let text = try address(node)
        let host = text.drop { $0 != "/" }.dropFirst(2)
        guard !host.isEmpty, !host.contains("/"), !host.contains(","), !host.contains("?") else {
            throw node.error("`\(text)` must be an origin without a path, such as https://shop.example")
        }
        return text
    }

    private static func protect(_ node: YAMLNode, _ page: inout FormPage) throws(RuleError) {
        let map = try node.mapping(keys: ["min_time", "per_network", "puzzle"])
        if let node = map["min_time"] {
            page.secondsMin = Int(try node.duration(in: .zero ... .seconds(600)).components.seconds)
        }
        if let node = map["per_network"] { page.perNetwork = try node.int(in: 1...1_000_000) }
        if let node = map["puzzle"] { page.puzzleBits = try node.int(in: 8...24) }
    }

    // MARK: Fields

    private static let common = ["type", "label", "help", "required", "as"]
    private static let texts = ["placeholder", "min_length", "max_length", "pattern", "pattern_help", "autocomplete"]
    private static let more: [Field.Kind: [String]] = [
        .text: texts, .email: texts, .phone: texts, .textarea: texts + ["rows"], .select: ["options"], .radio: ["options"],
        .checkbox: ["options"], .date: ["min", "max"], .number: ["min", "max", "whole", "placeholder"],
        .file: ["accept", "max_size", "max_count"],
    ]

    private static func field(_ entry: YAMLMapping.Entry, _ locales: [String]) throws(RuleError) -> Field {
        guard !entry.key.isEmpty, entry.key.utf8.count <= 60, !entry.key.hasPrefix("_"),
            entry.key.unicodeScalars.allSatisfy({ scalar in
                scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value) || "-_".unicodeScalars.contains(scalar)
            })
        else {
            throw entry.keyNode.error("`\(entry.key)` cannot name a field; use letters, digits, - and _, beginning with no _")
        }
        let kind = try entry.value.namedEntries().required("type").oneOf(Field.Kind.self)
        if kind == .hidden { return try hidden(entry) }
        let map = try entry.value.mapping(keys: common + (more[kind] ?? []))
        var field = Field(name: entry.key, kind: kind)
        field.label = try phrase(try map.required("label"), locales)
        field.help = try optional(map["help"], locales)
        field.placeholder = try optional(map["placeholder"], locales)
        if let node = map["required"] { field.isRequired = try node.bool() }
        if let node = map["as"] { field.meaning = try node.oneOf(Field.Meaning.self) }
        if let node = map["autocomplete"] { field.autocomplete = try node.string() }
        if let node = map["rows"] { field.rows = try node.int(in: 2...40) }
        if let node = map["max_length"] { field.lengthMax = try node.int(in: 1...100_000) }
        if let node = map["min_length"] { field.lengthMin = try node.int(in: 1...field.lengthMax) }
        if let node = map["pattern"] {
            let text = try node.string()
            do { field.pattern = try FormPattern(text) } catch { throw node.error("the pattern `\(text)` cannot be read: \(error)") }
        }
        field.patternHelp = try optional(map["pattern_help"], locales)
        switch kind {
        case .select, .radio, .checkbox: try options(map, &field, locales)
        case .number: try bounds(map, &field)
        case .date:
            field.dateMin = try map["min"].map { node throws(RuleError) in try date(node) }
            field.dateMax = try map["max"].map { node throws(RuleError) in try date(node) }
        case .file: try file(map, &field)
        case .text, .email, .phone, .textarea, .hidden, .consent: break
        }
        return field
    }

    private static func hidden(_ entry: YAMLMapping.Entry) throws(RuleError) -> Field {
        let map = try entry.value.mapping(keys: ["type", "value", "query"])
        var field = Field(name: entry.key, kind: .hidden)
        if let node = map["value"] { field.value = try node.string() }
        if let node = map["query"] { field.query = try node.string() }
        guard map["value"] != nil || map["query"] != nil else {
            throw entry.value.error("a hidden field has a `value`, or takes it from the address: `query: campaign`")
        }
        return field
    }

    private static func options(_ map: YAMLMapping, _ field: inout Field, _ locales: [String]) throws(RuleError) {
        guard let node = map["options"] else {
            guard field.kind == .checkbox else { throw map.node.error("`options` is missing in `\(field.name)`; add it") }
            return  // a single box
        }
        if node.isList {
            for item in try node.list() {
                let text = try item.string()
                field.options.append(Option(value: text, label: Phrase(text)))
            }
        } else {
            for entry in try node.namedEntries().entries {
                field.options.append(Option(value: entry.key, label: try phrase(entry.value, locales)))
            }
        }
        guard !field.options.isEmpty, field.options.count <= optionsMax else {
            throw node.error("write from 1 to \(optionsMax) options")
        }
        guard Set(field.options.map(\.value)).count == field.options.count else { throw node.error("two options are the same") }
    }

    private static func bounds(_ map: YAMLMapping, _ field: inout Field) throws(RuleError) {
        func number(_ key: String) throws(RuleError) -> Double? {
            guard let node = map[key] else { return nil }
            let text = try node.string()
            guard let value = Double(text), value.isFinite else { throw node.error("`\(key)` is `\(text)`; write a number") }
            return value
        }
        field.numberMin = try number("min")
        field.numberMax = try number("max")
        if let node = map["whole"] { field.isWhole = try node.bool() }
        if let least = field.numberMin, let most = field.numberMax, least > most { throw map.node.error("`min` is above `max`") }
    }

    private static func date(_ node: YAMLNode) throws(RuleError) -> String {
        let text = try node.string()
        guard text == "today" || FormDate.isReal(text) else {
            throw node.error("`\(node.name)` is `\(text)`; write a date such as 2026-01-31, or today")
        }
        return text
    }

    private static func file(_ map: YAMLMapping, _ field: inout Field) throws(RuleError) {
        if let node = map["max_size"] { field.sizeBytesMax = try node.sizeBytes(in: 1 << 10...200 << 20) }
        if let node = map["max_count"] { field.countMax = try node.int(in: 1...20) }
        for node in try map["accept"]?.list() ?? [] {
            let text = try node.string().lowercased()
            let isType = text.split(separator: "/", omittingEmptySubsequences: false).count == 2 && !text.contains(" ")
            guard isType || text.hasPrefix(".") && text.count > 1 else {
                throw node.error("`\(text)` is no kind of file; write image/*, application/pdf or an ending such as .docx")
            }
            field.accept.append(text)
        }
    }
}
