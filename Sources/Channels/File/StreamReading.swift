import Domain
import Formats

/// How far a stream is read, while it is being read. Pure.
struct StreamReading {
    let stream: ChannelFile.Stream
    private(set) var mark: ChannelState.Mark
    private let before: ChannelState.Mark
    private var newSeen: [String] = []
    private let seenBefore: Set<String>
    /// Of ids of this poll, as hashes: a source may give a million of them.
    private var known: Set<Int> = []
    private var newest: String?
    private var waiting: [[ChannelItem]] = []
    /// A page held a record that was read before: the rest is known.
    private(set) var isAtKnown = false
    private(set) var hasMoved = false

    init(_ stream: ChannelFile.Stream, mark: ChannelState.Mark) {
        self.stream = stream
        self.mark = mark
        before = mark
        seenBefore = Set(mark.seen)
        newest = mark.cursor
    }

    private var cursor: ChannelFile.Cursor { stream.cursor }
    /// A poll before this one came to its end.
    var knowsSomething: Bool { before.cursor != nil || !before.seen.isEmpty }

    /// Of one poll, where each is remembered.
    static let recordsMax = 1_000_000
    var isEndless: Bool { known.count > Self.recordsMax }

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
            guard let id = cursor.path?.text(scope).map(Self.short) else { return true }
            if seenBefore.contains(id) {
                isAtKnown = true
                return false
            }
            guard known.insert(id.hashValue).inserted else { return false }
            if newSeen.count < ChannelState.seenMax { newSeen.append(id) }
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

    mutating func add(_ items: [ChannelItem]) { waiting.append(items) }

    mutating func finishPage(root: ChannelScope, etag: String?) {
        if cursor.usesETag { mark.etag = etag }
        if cursor.kind == .token, let token = cursor.path?.text(root), token != mark.cursor {
            mark.cursor = token
            hasMoved = true
        }
        if commitsPages, cursor.kind != .token { mark.cursor = newest }
    }

    mutating func put(contents: [String]) { mark.contents = contents }

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
