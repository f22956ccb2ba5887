import Domain
import Formats
import Rules

extension ChannelFile {
    private static let streamKeys = [
        "every", "format", "decode", "body", "as", "each", "request", "records", "where", "cursor", "page", "lookup", "revision", "group",
        "map",
    ]

    static func stream(_ entry: YAMLMapping.Entry) throws(RuleError) -> Stream {
        let map = try entry.value.mapping(keys: streamKeys)
        var stream = Stream(name: entry.key, records: try path(try map.required("records")))
        if let node = map["every"] { stream.every = try node.duration(in: .seconds(1) ... .seconds(86400 * 7)) }
        if let node = map["format"] { stream.format = try node.oneOf(Stream.Format.self) }
        if let node = map["decode"] { stream.decode = try node.oneOf(Stream.Decoding.self) }
        stream.body = try map["body"].map { node throws(RuleError) in try expression(node) }
        if let node = map["as"] { stream.product = try node.oneOf(Stream.Product.self) }
        stream.request = try request(try map.required("request"))
        stream.each = try map["each"].map { node throws(RuleError) in try each(node) }
        for node in try map["where"]?.list() ?? [] { stream.conditions.append(try condition(node)) }
        if let node = map["cursor"] { stream.cursor = try cursor(node) }
        if let node = map["page"] { stream.page = try page(node) }
        for entry in try map["lookup"]?.namedEntries().entries ?? [] { stream.lookups.append(try lookup(entry)) }
        stream.revision = try map["revision"].map { node throws(RuleError) in try expression(node) }
        stream.map = try mapping(try map.required("map"), stream.product)
        if let node = map["group"] {
            stream.isGrouped = try node.bool()
            guard !stream.isGrouped || stream.product == .order, stream.map.parts != nil else {
                throw node.error("`group` joins the rows of an order; it needs `as: order` and `items`")
            }
        }
        return stream
    }

    private static func each(_ node: YAMLNode) throws(RuleError) -> Each {
        let map = try node.mapping(keys: ["in", "as", "request", "records", "page"])
        var each = Each(name: try map.required("as").string())
        each.list = try map["in"].map { node throws(RuleError) in try expression(node) }
        each.request = try map["request"].map { node throws(RuleError) in try request(node) }
        each.records = try map["records"].map { node throws(RuleError) in try path(node) }
        each.page = try map["page"].map { node throws(RuleError) in try page(node) }
        guard (each.list == nil) != (each.request == nil), (each.request == nil) == (each.records == nil) else {
            throw node.error("`each` goes over `in: config.…`, or over the `records` of a `request`")
        }
        return each
    }

    private static func cursor(_ node: YAMLNode) throws(RuleError) -> Cursor {
        let map = try node.mapping(keys: [
            "kind", "path", "send", "format", "zone", "overlap", "order", "compare", "add", "commit", "etag",
        ])
        var cursor = Cursor(kind: try map.required("kind").oneOf(Cursor.Kind.self))
        cursor.path = try map["path"].map { node throws(RuleError) in try expression(node) }
        cursor.place = try map["send"].map { node throws(RuleError) in try place(node) }
        if let node = map["format"] {
            guard let format = DateFormat(try node.string()) else {
                throw node.error("`format` is no form of a date; write iso, epoch, epoch_ms or yyyy-MM-dd'T'HH:mm:ss")
            }
            cursor.format = format
        }
        if let node = map["zone"] {
            cursor.zone = try node.string()
            guard Zone(cursor.zone) != nil || cursor.zone.contains("{{") else {
                throw node.error("`\(cursor.zone)` is no time zone; write UTC, +08:00 or Asia/Shanghai")
            }
        }
        if let node = map["overlap"] { cursor.overlap = try node.duration() }
        if let node = map["order"] { cursor.order = try node.oneOf(Cursor.Order.self) }
        cursor.comparison = cursor.kind == .time ? .text : .number
        if let node = map["compare"] { cursor.comparison = try node.oneOf(Cursor.Comparison.self) }
        if let node = map["add"] { cursor.add = try node.int(in: -1000...1000) }
        if let node = map["commit"] { cursor.commitsWhenStored = try node.oneOf(["stored"], what: "a moment") == "stored" }
        if let node = map["etag"] { cursor.usesETag = try node.bool() }
        guard cursor.path != nil || cursor.kind == .all else { throw node.error("a cursor needs `path`: where its value stands") }
        return cursor
    }

    private static func page(_ node: YAMLNode) throws(RuleError) -> Page {
        let map = try node.mapping(keys: ["kind", "path", "send", "size", "start", "more", "max"])
        var page = Page(kind: try map.required("kind").oneOf(Page.Kind.self))
        page.path = try map["path"].map { node throws(RuleError) in try expression(node) }
        page.place = try map["send"].map { node throws(RuleError) in try place(node) }
        if let node = map["size"] { page.size = try node.int(in: 1...100_000) }
        if let node = map["start"] { page.start = try node.int(in: 0...1_000_000) }
        page.more = try map["more"].map { node throws(RuleError) in try expression(node) }
        if let node = map["max"] { page.max = try node.int(in: 1...10_000) }
        switch page.kind {
        case .token, .lastRecord:
            guard page.path != nil, page.place != nil else { throw node.error("a page of this kind needs `path` and `send`") }
        case .nextURL:
            guard page.path != nil else { throw node.error("a page of this kind needs `path`: where the next address stands") }
        case .page, .offset:
            guard page.place != nil else { throw node.error("a page of this kind needs `send`: where its number goes") }
        case .none, .cursor, .link: break
        }
        return page
    }

    private static func lookup(_ entry: YAMLMapping.Entry) throws(RuleError) -> Lookup {
        let map = try entry.value.mapping(keys: requestKeys + ["keys", "batch", "records", "index", "cache", "once"])
        var lookup = Lookup(name: entry.key, request: try request(map))
        lookup.keys = try map["keys"].map { node throws(RuleError) in try expression(node) }
        if let node = map["batch"] { lookup.batch = try node.int(in: 1...10_000) }
        lookup.records = try map["records"].map { node throws(RuleError) in try path(node) }
        lookup.index = try map["index"].map { node throws(RuleError) in try path(node) }
        if let node = map["cache"] { lookup.cache = try node.duration() }
        let isOnce = try map["once"]?.bool() ?? false
        guard isOnce == (lookup.keys == nil), isOnce || lookup.records != nil && lookup.index != nil else {
            throw entry.value.error("a look-up has `keys`, `records` and `index`, or `once: true`")
        }
        return lookup
    }

    // MARK: What is made of a record

    static func mapping(_ node: YAMLNode, _ product: Stream.Product) throws(RuleError) -> Mapping {
        let names = targets(product)
        let parts = product == .interaction ? "attachments" : product == .order ? "items" : nil
        var mapping = Mapping()
        for entry in try node.namedEntries().entries {
            if entry.key == "fields" {
                try fields(entry.value, into: &mapping)
            } else if entry.key.hasPrefix("fields."), entry.key.count > 7 {
                mapping.fields.append((String(entry.key.dropFirst(7)), try expression(entry.value)))
            } else if entry.key == "amounts", product != .interaction {
                mapping.amounts = try amounts(entry.value)
            } else if entry.key == parts {
                mapping.parts = try self.parts(entry.value, product)
            } else if names.contains(entry.key) {
                mapping.targets.append((entry.key, try expression(entry.value)))
            } else {
                let known = names + ["fields"] + (product == .interaction ? [] : ["amounts"]) + (parts.map { [$0] } ?? [])
                let nearest = Spelling.nearest(to: entry.key, of: known)
                throw entry.keyNode.error(
                    "`\(entry.key)` is not a part of \(product.words); "
                        + (nearest.map { "did you mean `\($0)`?" } ?? "use \(Spelling.choice(known))"))
            }
        }
        for needed in ["external_id"] + (product == .customer ? [] : ["occurred_at"])
        where !mapping.targets.contains(where: { $0.name == needed }) {
            throw node.error("`\(needed)` is missing")
        }
        return mapping
    }

    /// `minor`, or with more to say `{kind: minor, digits: {MGA: 0}}`, `{kind: written, mark: comma}`.
    private static func amounts(_ node: YAMLNode) throws(RuleError) -> ChannelAmounts {
        var amounts = ChannelAmounts()
        guard (try? node.string()) == nil else {
            amounts.kind = try node.oneOf(ChannelAmounts.Kind.self)
            return amounts
        }
        let map = try node.mapping(keys: ["kind", "digits", "mark"])
        amounts.kind = try map.required("kind").oneOf(ChannelAmounts.Kind.self)
        for entry in try map["digits"]?.namedEntries().entries ?? [] {
            guard let currency = Currency(rawValue: entry.key) else {
                throw entry.keyNode.error("`\(entry.key)` is no currency of ISO 4217")
            }
            amounts.digits[currency.rawValue] = try entry.value.int(in: 0...4)
        }
        if let node = map["digits"], amounts.kind != .minor { throw node.error("`digits` belongs to `kind: minor`") }
        amounts.mark = try map["mark"].map { node throws(RuleError) in try template(node) }
        if let node = map["mark"] {
            guard amounts.kind == .written else { throw node.error("`mark` belongs to `kind: written`") }
            let text = try node.string()
            guard text.contains("{{") || ExactNumber.Mark(rawValue: text) != nil else {
                throw node.error("`mark` is what stands before the fraction: write point or comma")
            }
        }
        return amounts
    }

    private static func fields(_ node: YAMLNode, into mapping: inout Mapping) throws(RuleError) {
        let any = try node.namedEntries()
        guard any["pairs"] != nil else {
            for entry in any.entries { mapping.fields.append((entry.key, try expression(entry.value))) }
            return
        }
        let map = try node.mapping(keys: ["pairs", "key", "value"])
        mapping.pairs = Mapping.Pairs(
            list: try expression(try map.required("pairs")), key: try expression(try map.required("key")),
            value: try expression(try map.required("value")))
    }

    private static func parts(_ node: YAMLNode, _ product: Stream.Product) throws(RuleError) -> Mapping.Parts {
        let names = product == .order ? ["sku", "name", "quantity", "price"] : ["url", "ref", "type", "name", "size"]
        let map = try node.mapping(keys: ["each"] + names)
        var members: [(name: String, value: ChannelExpression)] = []
        for name in names { if let node = map[name] { members.append((name, try expression(node))) } }
        return Mapping.Parts(
            name: product == .order ? "items" : "attachments", list: try expression(try map.required("each")), members: members)
    }

    // MARK: The way back

    static func reply(_ node: YAMLNode) throws(RuleError) -> Reply {
        let map = try node.mapping(keys: ["limit", "window", "request", "sent_id", "auth"])
        var reply = Reply(request: try request(try map.required("request")))
        reply.mayRepeat = try names(map.required("request"), ["reply.id", "reply.tid"])
        if let limit = try map["limit"]?.mapping(keys: Reply.Unit.allCases.map(\.rawValue) + ["split"]) {
            let units = limit.entries.filter { $0.key != "split" }
            guard units.count == 1 else {
                throw (units.dropFirst().first?.keyNode ?? limit.node).error(
                    "a limit counts in one unit: write one of chars, graphemes and bytes")
            }
            for unit in Reply.Unit.allCases {
                if let node = limit[unit.rawValue] { (reply.limit, reply.unit) = (try node.int(in: 10...10_000_000), unit) }
            }
            if let node = limit["split"] { reply.splits = try node.bool() }
        }
        if let window = try map["window"]?.mapping(keys: ["open_for", "messages", "since"]) {
            if let node = window["open_for"] { reply.openFor = try node.duration() }
            if let node = window["messages"] { reply.messagesMax = try node.int(in: 1...1000) }
            if let node = window["since"] { _ = try node.oneOf(["last_inbound"], what: "a moment") }
        }
        reply.sentID = try map["sent_id"].map { node throws(RuleError) in try expression(node) }
        reply.auth = try map["auth"].map { node throws(RuleError) in try authorization(node) }
        return reply
    }

    /// Whether any text below holds one of these.
    private static func names(_ node: YAMLNode, _ wanted: [String]) -> Bool {
        if let text = try? node.string() { return wanted.contains { text.contains($0) } }
        if let list = try? node.list() { return list.contains { names($0, wanted) } }
        return (try? node.namedEntries())?.entries.contains { names($0.value, wanted) } ?? false
    }
}
