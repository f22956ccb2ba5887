import Formats

extension ChannelGuess {
    /// How the next page may be asked for, the likeliest first; the last is always: there is only this one.
    /// - Parameters:
    ///   - headers: of the example, when it was fetched.
    ///   - query: of the address that was asked.
    ///   - id: the expression of a record's id.
    public func pages(headers: [(name: String, value: String)] = [], query: [(name: String, value: String)] = [], id: String = "id")
        -> [Choice]
    {
        var found: [Choice] = []
        func add(_ value: String, _ english: String, _ chinese: String, _ seen: String, _ score: Int) {
            if !found.contains(where: { $0.value == value }) {
                found.append(Choice(value: value, english: english, chinese: chinese, seen: String(seen.prefix(60)), score: score))
            }
        }
        if let link = headers.first(where: { $0.name.lowercased() == "link" })?.value, PageTurner.next(in: link) != nil {
            add("{kind: link}", "the answer has a Link header with rel=next", "应答带有 rel=next 的 Link 头", link, 100)
        }
        let members = scalars(root, "$", depth: 0)
        let more = members.first { ["hasmore", "more", "hasnext", "hasnextpage", "moreavailable"].contains($0.name) }
        let moreText = more.map { ", more: \(Self.flow($0.path))" } ?? ""
        for member in members {
            if let value = member.value, value.hasPrefix("http"),
                ["next", "nexturl", "nextpage", "nextpageurl", "odatanextlink", "nextlink"].contains(member.name)
            {
                add("{kind: next_url, path: \(Self.flow(member.path))}", "\(member.path) is an address", "\(member.path) 是网址", value, 90)
            } else if let value = member.value, !value.isEmpty, let parameter = Self.tokens[member.name] {
                let written = query.first { Self.bare($0.name) == Self.bare(parameter) }?.name ?? parameter
                add(
                    "{kind: token, path: \(Self.flow(member.path)), send: {query: \(written)}\(moreText)}",
                    "\(member.path) looks like the token of the next page", "\(member.path) 像是下一页的标记", value, 80)
            }
        }
        let size = query.first { ["limit", "perpage", "pagesize", "size", "count", "pagelen"].contains(Self.bare($0.name)) }.flatMap {
            Int($0.value)
        }
        let sizeText = size.map { ", size: \($0)" } ?? ""
        if let page = query.first(where: { ["page", "pageno", "pagenum", "pagenumber", "currentpage"].contains(Self.bare($0.name)) }) {
            add(
                "{kind: page, send: {query: \(Self.flow(page.name))}, start: \(Int(page.value) ?? 1)\(sizeText)\(moreText)}",
                "the address counts pages",
                "网址按页码翻页", "\(page.name)=\(page.value)", 60)
        } else if members.contains(where: { ["page", "totalpages", "pagecount", "currentpage", "pages", "lastpage"].contains($0.name) }) {
            add(
                "{kind: page, send: {query: page}, start: 1\(sizeText)\(moreText)}", "the answer counts pages", "应答含有页码",
                members.filter { $0.name.contains("page") }.map { "\($0.path) = \($0.value ?? "")" }.joined(separator: ", "), 40)
        }
        if let offset = query.first(where: { ["offset", "skip", "start", "startat"].contains(Self.bare($0.name)) })
            ?? members.first(where: { ["offset", "skip"].contains($0.name) }).map({
                (name: String($0.path.split(separator: ".").last ?? "offset"), value: $0.value ?? "")
            })
        {
            let limit = size ?? members.first { $0.name == "limit" }.flatMap { $0.value }.flatMap(Int.init)
            add(
                "{kind: offset, send: {query: \(Self.flow(offset.name))}\(limit.map { ", size: \($0)" } ?? "")\(moreText)}",
                "it counts from an offset",
                "按偏移量翻页", "\(offset.name)=\(offset.value)", 50)
        }
        if let more, found.isEmpty {
            add(
                "{kind: last_record, path: \(Self.flow(id)), send: {query: starting_after}, more: \(Self.flow(more.path))}",
                "\(more.path) says whether there is more; the parameter is a guess, see the documentation",
                "\(more.path) 表示是否还有更多；参数名是猜测，请查阅文档",
                more.value ?? "", 20)
        }
        found.sort { $0.score > $1.score }
        return found + [Choice(value: "{kind: none}", english: "there is only this page", chinese: "只有这一页", seen: "", score: 0)]
    }

    /// Member → the parameter that usually takes it.
    private static let tokens = [
        "nextcursor": "cursor", "cursor": "cursor", "nextpagetoken": "pageToken", "nexttoken": "next_token", "pagetoken": "page_token",
        "continuation": "continuation", "continuationtoken": "continuationToken", "after": "after", "endcursor": "after",
        "nextpage": "page",
        "nextoffset": "offset",
    ]

    private struct Scalar {
        var path: String
        var name: String
        /// Nil for null.
        var value: String?
    }

    /// Single values outside of lists.
    private func scalars(_ value: JSONValue, _ path: String, depth: Int) -> [Scalar] {
        guard depth <= 3 else { return [] }
        switch value {
        case .object(let members): return members.flatMap { scalars($0.value, path + Self.step($0.name), depth: depth + 1) }
        case .array(let items):
            guard format == .xml, depth < 2, let first = items.first else { return [] }
            return scalars(first, path + "[0]", depth: depth)
        case .null: return [Scalar(path: path, name: Self.last(path), value: nil)]
        case .bool(let flag): return [Scalar(path: path, name: Self.last(path), value: flag ? "true" : "false")]
        case .string(let text), .number(let text): return [Scalar(path: path, name: Self.last(path), value: text)]
        }
    }

    private static func last(_ path: String) -> String {
        bare(path.split(whereSeparator: { ".[]'".contains($0) }).last.map(String.init) ?? "")
    }

    /// As it may stand inside { }.
    static func flow(_ text: String) -> String {
        text.contains(where: { ",{}[]#:&*!|>'\"%@`".contains($0) }) ? ChannelDraft.quoted(text) : text
    }
}
