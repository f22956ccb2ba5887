import Domain
import Formats

/// How far a stream is read, while it is being read. Pure.
struct StreamReading {
    let stream: ChannelFile.Stream
    private(set) var mark: ChannelState.Mark
    private let before: ChannelState.Mark
    private var newSeen: [String] = []
    private var known: Set<String>
    private var newest: String?
    private var waiting: [[ChannelItem]] = []
    /// A page held a record that was read before: the rest is known.
    private(set) var isAtKnown = false
    private(set) var hasMoved = false

    init(_ stream: ChannelFile.Stream, mark: ChannelState.Mark) {
        self.stream = stream
        self.mark = mark
        before = mark
        known = Set(mark.seen)
        newest = mark.cursor
    }

    private var cursor: ChannelFile.Cursor { stream.cursor }

    /// Pages that come oldest first are stored one by one; of the others nothing is stored before the last is there, or a crash would leave
    /// a hole that nobody fills.
    var commitsPages: Bool {
        switch cursor.kind {
        case .token, .all: true
        case .seen: false
        case .id, .time: cursor.order == .asc
        }
    }

    /// What is sent at the cursor's place, and what `{{ cursor }}` is; nil at the first poll. It moves from page to page where the pages
    /// are the cursor's own: numbered pages count from where the poll began.
    func sent() -> JSONValue? {
        guard let value = stream.page.kind == .cursor || cursor.kind == .token ? mark.cursor : before.cursor else { return nil }
        switch cursor.kind {
        case .id:
            guard cursor.add != 0, let number = Int64(value) else { return .string(value) }
            let (sum, isTooLarge) = number.addingReportingOverflow(Int64(cursor.add))
            return .string(isTooLarge ? value : String(sum))
        case .time:
            guard let time = DateText.iso8601(value) else { return .string(value) }
            let format = cursor.format ?? DateFormat("iso")
            return .string(format?.written(time - cursor.overlap, zone: Zone(cursor.zone) ?? Zone("UTC")!) ?? value)
        case .token: return .string(value)
        case .seen, .all: return nil
        }
    }

    /// The records of a page that are new and wanted.
    mutating func take(_ records: [JSONValue], _ scope: ChannelScope) -> [JSONValue] {
        hasMoved = false
        var fresh: [JSONValue] = []
        for record in records {
            let inner = scope.with(record: record)
            guard isNew(inner) else { continue }
            if stream.conditions.allSatisfy({ $0.holds(inner) }) { fresh.append(record) }
        }
        guard cursor.order == .asc, cursor.kind == .id || cursor.kind == .time, let path = cursor.path else { return fresh }
        // Pages go forward, and yet may be newest first inside.
        let keyed = fresh.map { ($0, path.text(scope.with(record: $0)) ?? "") }
        return keyed.enumerated().sorted { a, b in
            isAfter(b.element.1, a.element.1) || !isAfter(a.element.1, b.element.1) && a.offset < b.offset
        }.map(\.element.0)
    }

    private mutating func isNew(_ scope: ChannelScope) -> Bool {
        switch cursor.kind {
        case .all, .token: return true
        case .seen:
            guard let id = cursor.path?.text(scope) else { return true }
            guard known.insert(id).inserted else {
                if before.seen.contains(id) { isAtKnown = true }
                return false
            }
            newSeen.append(id)
            return true
        case .id:
            guard let id = cursor.path?.text(scope) else { return true }
            if let last = before.cursor, !isAfter(id, last) {
                if cursor.order == .desc { isAtKnown = true }
                return false
            }
            advance(to: id)
            return true
        case .time:
            guard let text = cursor.path?.text(scope), let time = DateText.iso8601(text) else { return true }
            if let last = before.cursor.flatMap(DateText.iso8601), time < last - cursor.overlap {
                if cursor.order == .desc { isAtKnown = true }
                return false
            }
            // A date in the future would hide everything after it.
            let now = scope.names["now"].flatMap { DateText.iso8601($0.plain) }
            advance(to: DateFormat.exact(now.map { min(time, $0) } ?? time))
            return true
        }
    }

    private mutating func advance(to value: String) {
        guard newest.map({ isAfter(value, $0) }) ?? true else { return }
        newest = value
        hasMoved = true
    }

    /// Ids are compared as whole numbers of any length, or as text.
    private func isAfter(_ a: String, _ b: String) -> Bool {
        if cursor.kind == .time, let x = DateText.iso8601(a), let y = DateText.iso8601(b) { return x > y }
        let isNumber = { (text: String) in !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard cursor.comparison == .number, isNumber(a), isNumber(b) else { return a > b }
        let (x, y) = (a.drop { $0 == "0" }, b.drop { $0 == "0" })
        return x.utf8.count == y.utf8.count ? x > y : x.utf8.count > y.utf8.count
    }

    mutating func finishPage(_ items: [ChannelItem], root: ChannelScope, etag: String?) {
        waiting.append(items)
        if cursor.usesETag { mark.etag = etag }
        if cursor.kind == .token, let token = cursor.path?.text(root), token != mark.cursor {
            mark.cursor = token
            hasMoved = true
        }
        if commitsPages, cursor.kind != .token { mark.cursor = newest }
    }

    var waitingCount: Int { waiting.reduce(0) { $0 + $1.count } }

    /// Goes on behind the second that the cursor stands in.
    mutating func passSecond() {
        guard let time = mark.cursor.flatMap(DateText.iso8601) else { return }
        newest = DateFormat.exact(time + .seconds(1))
        mark.cursor = newest
    }

    /// What came since the last harvest, oldest first.
    mutating func harvest() -> [ChannelItem] {
        defer { waiting = [] }
        let items = waiting.flatMap { $0 }
        guard !commitsPages else { return items }
        // Newest first, as they came: turned round, then by their time where they have one.
        return items.reversed().enumerated().sorted { a, b in
            guard let x = a.element.occurredAt, let y = b.element.occurredAt, x != y else { return a.offset < b.offset }
            return x < y
        }.map(\.element)
    }

    func mark(atEnd: Bool) -> ChannelState.Mark {
        var mark = mark
        if !commitsPages {
            if cursor.kind != .seen { mark.cursor = newest }
            mark.seen = Array((newSeen + before.seen).prefix(ChannelState.seenMax))
        }
        return mark
    }
}

/// Which page comes next, and when there is none. Every way a source can go on for ever ends here.
struct PageTurner {
    private let page: ChannelFile.Page
    private var count = 0
    private var number: Int
    private var value: JSONValue?
    private var url: String?
    private var lastBody: Int?

    /// The same full page again, though it should have moved.
    private(set) var isStalled = false
    private let limit: Int
    private let isNewestFirst: Bool

    init(_ page: ChannelFile.Page, isNewestFirst: Bool = false) {
        self.page = page
        self.isNewestFirst = isNewestFirst
        limit = page.max ?? (isNewestFirst ? ChannelFile.Page.countMaxNewestFirst : ChannelFile.Page.countMax)
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

    /// - Returns: whether there is another page to ask for.
    mutating func turn(
        _ records: [JSONValue], root: JSONValue, answer: ChannelAnswer, scope: ChannelScope, cursorMoved: Bool = false,
        warn: (String) -> Void
    ) -> Bool {
        count += 1
        let body = answer.body.hashValue
        defer { lastBody = body }
        guard page.kind != .none else { return false }
        let more = page.more?.value(scope).map(Self.isTrue) ?? (page.more == nil ? nil : false)
        if more == false { return false }
        guard hasNext(records, more: more, scope, answer, cursorMoved: cursorMoved) else { return false }
        if count > 1, body == lastBody {
            warn("the source gives the same page again; the poll stops there")
            return false
        }
        guard count < limit else {
            warn(
                "the source has more than \(limit) pages; "
                    + (isNewestFirst ? "older ones are not read" : "the rest comes with the next poll")
            )
            return false
        }
        return true
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
            guard let next = page.path?.value(scope), next != value, more == true || !records.isEmpty else { return false }
            value = next
            return true
        case .nextURL:
            guard let next = page.path?.text(scope).map(Self.escaped), next != url else { return false }
            url = next
            return true
        case .link:
            guard let next = Self.next(in: answer.headers.first { $0.name.lowercased() == "link" }?.value).map(Self.escaped), next != url
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
            guard let last = records.last, let next = page.path?.value(scope.with(record: last)), next != value, more == true || !isShort
            else {
                return false
            }
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
