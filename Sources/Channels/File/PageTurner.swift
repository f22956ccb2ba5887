import Domain
import Formats

/// Which page comes next, and when there is none. Every way a source can go on for ever ends here.
struct PageTurner {
    private let page: ChannelFile.Page
    private var count = 0
    private var number: Int
    private var value: JSONValue?
    private var url: String?
    private var lastBody: Int?
    /// Tokens and addresses of this poll, as hashes: one that comes again would lead round in a circle.
    private var used: Set<Int> = []

    /// The same full page again, though it should have moved.
    private(set) var isStalled = false
    private let limit: Int
    private let isNewestFirst: Bool
    private let mustReachKnown: Bool

    /// - Parameter mustReachKnown: something was read before, so nothing between it and the newest may be left out: `max` ends only the
    ///   first reading of a source that comes newest first.
    init(_ page: ChannelFile.Page, isNewestFirst: Bool = false, mustReachKnown: Bool = false) {
        self.page = page
        self.isNewestFirst = isNewestFirst
        self.mustReachKnown = isNewestFirst && mustReachKnown
        limit =
            (isNewestFirst && mustReachKnown ? nil : page.max)
            ?? (isNewestFirst ? ChannelFile.Page.countMaxNewestFirst : ChannelFile.Page.countMax)
        number = page.start ?? (page.kind == .page ? 1 : 0)
    }

    func put(into builder: inout CallBuilder) {
        if let url {
            builder.address = url
            builder.query = []
            return
        }
        guard let place = page.place else { return }
        switch page.kind {
        case .page, .offset: builder.put(.number(String(number)), at: place)
        case .token, .lastRecord: if let value { builder.put(value, at: place) }
        case .none, .cursor, .nextURL, .link: break
        }
    }

    /// What becomes of a poll after a page.
    enum Turn: Equatable {
        case next, end
        /// There is more, and no way to it: what came is kept, and the place stays before what was not seen.
        case stuck(String)
    }

    /// - Returns: whether there is another page to ask for.
    mutating func turn(
        _ records: [JSONValue], root: JSONValue, answer: ChannelAnswer, scope: ChannelScope, cursorMoved: Bool = false,
        warn: (String) -> Void
    ) -> Turn {
        count += 1
        let body = answer.body.hashValue
        defer { lastBody = body }
        guard page.kind != .none else { return .end }
        let more = page.more?.value(scope).map(Self.isTrue) ?? (page.more == nil ? nil : false)
        if more == false { return .end }
        guard hasNext(records, more: more, scope, answer, cursorMoved: cursorMoved) else { return .end }
        if let step = value.map(\.hashValue) ?? url?.hashValue, !used.insert(step).inserted {
            return .stuck("the source leads back to a page it gave before, and says that there is more; its paging goes round in a circle")
        }
        if count > 1, body == lastBody {
            // Some sources repeat their last page for every number behind it.
            if page.kind == .page || page.kind == .offset {
                warn("the source gives the same page again; the poll stops there")
                return .end
            }
            return .stuck("the source gives the same page again and says that there is more")
        }
        guard count < limit else {
            if isNewestFirst, page.max == nil || mustReachKnown {
                return .stuck(
                    "the source has more than \(limit) pages, newest first, and no end; write `max` in `page` if it may end there")
            }
            warn(
                "the source has more than \(limit) pages; "
                    + (isNewestFirst ? "older ones are not read" : "the rest comes with the next poll")
            )
            return .end
        }
        return .next
    }

    private mutating func hasNext(_ records: [JSONValue], more: Bool?, _ scope: ChannelScope, _ answer: ChannelAnswer, cursorMoved: Bool)
        -> Bool
    {
        let isShort = records.isEmpty || page.size.map { records.count < $0 } ?? false
        switch page.kind {
        case .none: return false
        case .cursor:
            if !cursorMoved {
                isStalled = !isShort
                return false
            }
            return more == true || !isShort
        case .token:
            guard let next = page.path?.value(scope), more == true || !records.isEmpty else { return false }
            value = next
            return true
        case .nextURL:
            guard let next = page.path?.text(scope).map(Self.escaped) else { return false }
            url = next
            return true
        case .link:
            guard let next = Self.next(in: answer.headers.first { $0.name.lowercased() == "link" }?.value).map(Self.escaped)
            else { return false }
            url = next
            return true
        case .page:
            number += 1
            return more == true || !isShort
        case .offset:
            number += page.size ?? records.count
            return more == true || !isShort
        case .lastRecord:
            guard let last = records.last, let next = page.path?.value(scope.with(record: last)), more == true || !isShort
            else {
                return false
            }
            // Where the last record comes once more at the head of the next page, it is all there is at the end.
            if next == value, records.count == 1 { return false }
            value = next
            return true
        }
    }

    /// Sources write addresses with blanks and quotation marks in them.
    private static func escaped(_ url: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        return String(
            decoding: url.utf8.flatMap { byte -> [UInt8] in
                let isRight = byte > 0x20 && byte < 0x7F && !"\"<>{}|\\^`".utf8.contains(byte)
                return isRight ? [byte] : [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }, as: UTF8.self)
    }

    /// RFC 8288: `<https://…?page=2>; rel="next"`
    static func next(in link: String?) -> String? {
        guard let link else { return nil }
        for part in link.split(separator: ",<", omittingEmptySubsequences: true).flatMap({ $0.split(separator: ", <") }) {
            guard part.contains("rel=\"next\"") || part.contains("rel=next") else { continue }
            let start = part.drop { $0 == "<" || $0 == " " }
            return String(start.prefix { $0 != ">" })
        }
        return nil
    }

    private static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .bool(let yes): yes
        case .number(let text): text != "0"
        case .string(let text): !["", "0", "false", "no"].contains(text.lowercased())
        case .null: false
        case .array(let items): !items.isEmpty
        case .object: true
        }
    }
}
