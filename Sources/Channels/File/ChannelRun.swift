public import Domain
public import Formats

/// What is remembered of an account between polls, as JSON: the session, what the check told, a cursor for each stream and partition.
public struct ChannelState: Sendable, Hashable {
    /// By name; `renew_at` is when it should be renewed.
    public var session: [String: String] = [:]
    /// Where answers need a permission of their own.
    public var replySession: [String: String] = [:]
    public var check: [String: String] = [:]
    /// A digest of the account's inputs; sealed like a session.
    var inputs: String?
    /// The digest that was read, and as what it stood there: sealed anew, the same would look like a change.
    var inputsRead: [String] = []
    public var cursors: [String: Mark] = [:]
    /// When the account was read for the first time.
    public var connectedAt: Timestamp?

    /// How far one partition of one stream is read.
    public struct Mark: Sendable, Hashable {
        public var cursor: String?
        /// The newest ids of a stream without a cursor of its own, newest first.
        public var seen: [String] = []
        public var etag: String?
        /// Of the newest messages, what they say and how they are called, as digests: to notice when ids change.
        var contents: [String] = []
        /// Nothing older is wanted: the account began with `start: latest`.
        public var since: String?
        public init(cursor: String? = nil) { self.cursor = cursor }
    }

    public init() {}
    static let seenMax = 2000
}

/// What ended a poll before its end, and what is to be done.
public struct ChannelTrouble: Error, Hashable, CustomStringConvertible {
    public var remedy: ChannelFile.Remedy
    /// Not earlier than this.
    public var wait: Duration?
    /// For people; holds no secret.
    public var say: String
    /// Of the answer, when there was one.
    public var status: Int?
    /// What became of the request that met it.
    public var fate = Fate.refused
    public var description: String { say }

    public enum Fate: Sendable {
        /// The source said no.
        case refused
        /// It never saw it.
        case notSent
        /// It may have done what it was asked.
        case unknown
    }
}

/// One harvest: what a page, or a poll, brought, and the state to store with it.
public struct ChannelBatch: Sendable {
    public var stream: String
    /// Oldest first.
    public var items: [ChannelItem]
    public var state: ChannelState
    /// Nothing more is known to be there.
    public var isLast = true
    /// Brings nothing but a renewed session.
    public var isSession: Bool { stream.isEmpty }
}

/// For those who look on while a source is asked: trials and recordings.
public struct ChannelWatch: Sendable {
    public struct Page: Sendable {
        public var stream: String
        /// The stream's name, and which of several it is.
        public var partition: String
        /// Everything the page held, wanted or not.
        public var records: [JSONValue]
        public var root: JSONValue
        public var items: [ChannelItem]
        public var goesOn: Bool
    }

    /// No more pages of a partition than these.
    public var pagesMax: Int?
    public var partitionsMax: Int?
    public var page: (@Sendable (Page) -> Void)?
    public var trouble: @Sendable (_ partition: String, ChannelTrouble) -> Void = { _, _ in }
    public init() {}
}

/// One poll of one account, by its channel file. Knows no network and no clock: requests go through `send`.
public struct ChannelRun {
    public struct Tools: Sendable {
        public var send: @Sendable (ChannelCall) async throws -> ChannelAnswer
        /// Waits for the account's rate.
        public var admit: @Sendable () async throws -> Void
        /// Stores what came and the state with it, in one transaction.
        public var keep: @Sendable (ChannelBatch) async throws -> Void
        public var now: @Sendable () -> Timestamp
        /// Waits for the rate limit.
        public var pause: @Sendable (Duration) async throws -> Void
        /// Sentences for the operator.
        public var warn: @Sendable (String) -> Void
        /// Shared with others who speak for the account.
        public var room: ChannelRoom
        /// Which of these ids are of messages that we sent: they come back with everybody's.
        public var sent: @Sendable (Set<String>) async throws -> Set<String>

        public init(
            send: @escaping @Sendable (ChannelCall) async throws -> ChannelAnswer,
            keep: @escaping @Sendable (ChannelBatch) async throws -> Void,
            now: @escaping @Sendable () -> Timestamp, pause: @escaping @Sendable (Duration) async throws -> Void = { _ in },
            warn: @escaping @Sendable (String) -> Void = { _ in },
            sent: @escaping @Sendable (Set<String>) async throws -> Set<String> = { _ in [] },
            admit: @escaping @Sendable () async throws -> Void = {}, room: ChannelRoom = ChannelRoom()
        ) {
            self.room = room
            self.admit = admit
            self.sent = sent
            self.send = send
            self.keep = keep
            self.now = now
            self.pause = pause
            self.warn = warn
        }
    }

    /// What is first seen so soon after the account was connected was there before it.
    static let connecting = Duration.seconds(60)
    /// Items held until the last page is there.
    static let waitingMax = 1000
    /// Of a stream that goes over a list.
    static let partitionsMax = 5000

    var file: ChannelFile
    let config: JSONValue
    let account: String
    let tools: Tools
    public internal(set) var state: ChannelState
    /// What look-ups found; handed from poll to poll.
    public var lookups = LookupCache()
    /// What the source says may still be asked; handed from poll to poll.
    public var budget: RateBudget?
    /// Which of several a stream is being read for.
    var partition = ""
    /// Which partition of a stream is asked first: the one behind the last that the source refused.
    public var resumeAt: [String: String] = [:]
    /// Whether the permission to answer stands in the place of the usual one.
    var isAnswering = false
    public var watch = ChannelWatch()

    /// - Parameter config: the account's inputs by name.
    public init(_ file: ChannelFile, config: [String: JSONValue], account: String, state: ChannelState, tools: Tools) {
        self.file = file
        var members: [JSONValue.Member] = []
        for input in file.inputs {
            if let value = config[input.name] {
                members.append(.init(input.name, value))
            } else if !input.preset.isEmpty {
                members.append(.init(input.name, input.kind == .list ? .array(input.preset.map { .string($0) }) : .string(input.preset[0])))
            }
        }
        self.config = .object(members)
        self.account = account
        self.state = state
        self.tools = tools
    }

    func scope(_ more: [String: JSONValue] = [:]) -> ChannelScope {
        var names: [String: JSONValue] = [
            "config": config, "now": .string(DateFormat.exact(tools.now())),
            "session": Self.object(state.session), "check": Self.object(state.check), "cursor": .null,
        ]
        for (name, value) in more { names[name] = value }
        return ChannelScope(names: names)
    }

    static func object(_ values: [String: String]) -> JSONValue {
        .object(values.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
    }

    // MARK: One stream

    /// Reads what is new and hands it to `keep`, batch by batch, each with the state that belongs to it.
    public mutating func poll(_ stream: ChannelFile.Stream, start: Account.Start = .latest) async throws {
        var all = try await partitions(stream)
        if let most = watch.partitionsMax { all = Array(all.prefix(most)) }
        guard !all.isEmpty else { return }
        let turn = all.firstIndex { $0.key == resumeAt[stream.name] } ?? 0
        var first: ChannelTrouble?
        // One that is in trouble holds up no other; where the source has had enough, the next poll begins with the next one.
        for (offset, (key, names)) in (all[turn...] + all[..<turn]).enumerated() {
            do {
                try await poll(stream, mark: key, names, start)
            } catch let trouble as ChannelTrouble {
                watch.trouble(key, trouble)
                if trouble.remedy == .skip {
                    tools.warn(trouble.say)
                    continue
                }
                let known = trouble.remedy == .resetCursor ? try await reset(key, stream, trouble) : trouble
                first = first ?? known
                guard known.remedy == .backoff || known.remedy == .retry else { continue }
                resumeAt[stream.name] = all[(turn + offset + 1) % all.count].key
                break
            }
        }
        if let first { throw first }
    }

    /// From the beginning, once: what is there is known by its ids. When that helps nothing, nothing does.
    private mutating func reset(_ key: String, _ stream: ChannelFile.Stream, _ trouble: ChannelTrouble) async throws -> ChannelTrouble {
        var trouble = trouble
        if state.cursors[key]?.cursor == nil { trouble.remedy = .stop }
        // What was seen stays known, and what is older than the account stays out.
        state.cursors[key]?.cursor = nil
        state.cursors[key]?.etag = nil
        try await tools.keep(ChannelBatch(stream: stream.name, items: [], state: state))
        return trouble
    }

    /// Names a partition's cursor, and what its requests see.
    private mutating func partitions(_ stream: ChannelFile.Stream) async throws -> [(key: String, names: [String: JSONValue])] {
        guard let each = stream.each else { return [(stream.name, [:])] }
        var values: [JSONValue] = []
        if let list = each.list {
            let value = list.value(scope()) ?? .array([])
            values = value.array ?? [value]
        } else if let request = each.request, let records = each.records {
            let pages = try await pages(of: request, each.page, records: records)
            values = pages
        }
        if values.count > Self.partitionsMax {
            tools.warn("\(stream.name) goes over \(values.count) things; only the first \(Self.partitionsMax) are asked")
            values = Array(values.prefix(Self.partitionsMax))
        }
        let found = values.map { value in
            let id = [value.string, value["id"]?.plain, value["name"]?.plain].compactMap { $0 }.first { !$0.isEmpty } ?? value.json
            return (key: "\(stream.name)/\(id)", names: [each.name: value])
        }
        // What is gone from the list may come back, and then goes on from its place; only without end these are not kept.
        if each.request != nil, state.cursors.count > Self.partitionsMax {
            let keys = Set(found.map(\.key))
            state.cursors = state.cursors.filter { !$0.key.hasPrefix("\(stream.name)/") || keys.contains($0.key) }
        }
        return found
    }

    /// All records of a request that lists something.
    private mutating func pages(of request: ChannelFile.Request, _ page: ChannelFile.Page?, records: JSONPath) async throws -> [JSONValue] {
        var all: [JSONValue] = []
        var turner = PageTurner(page ?? ChannelFile.Page())
        while true {
            let answer = try await ask { run throws(ChannelCallError) in
                let scope = run.scope()
                var builder = try CallBuilder(request, base: run.file.base, scope)
                turner.put(into: &builder)
                return (builder, scope)
            }
            if answer.isIgnored { return all }
            let root = try document(answer, .json, decode: nil, body: nil)
            let found = Self.records(records, root)
            all += found
            switch turner.turn(found, root: root, answer: answer, scope: scope(), warn: tools.warn) {
            case .next: continue
            case .end: return all
            case .stuck(let words): throw ChannelTrouble(remedy: .backoff, say: "\(file.name): \(words)")
            }
        }
    }

    private mutating func poll(_ stream: ChannelFile.Stream, mark key: String, _ names: [String: JSONValue], _ start: Account.Start)
        async throws
    {
        let isFirst = state.cursors[key] == nil
        var mark = state.cursors[key] ?? .init()
        partition = key
        // A chat that began after the account was connected is new from its first word.
        let connected = state.connectedAt ?? tools.now()
        if isFirst, start == .latest { mark.since = DateFormat.exact(connected) }
        // Of a source that goes forward in time, the first page would be the oldest one.
        if isFirst, start == .latest, stream.cursor.kind == .time, stream.cursor.order == .asc, stream.cursor.place != nil {
            mark.cursor = DateFormat.exact(connected)
        }
        var reading = StreamReading(stream, mark: mark)
        do {
            try await read(
                stream, key, names, &reading, isOnePage: isFirst && start == .latest && connected >= tools.now() - Self.connecting)
        } catch {
            // Newest first, and the rest would not come: what came is kept, the place is not. It is known by its ids.
            if !reading.commitsPages, reading.waitingCount > 0 {
                try await tools.keep(ChannelBatch(stream: stream.name, items: reading.harvest(), state: state))
            }
            throw error
        }
    }

    private mutating func read(
        _ stream: ChannelFile.Stream, _ key: String, _ names: [String: JSONValue], _ reading: inout StreamReading, isOnePage: Bool
    ) async throws {
        var turner = PageTurner(stream.page, isNewestFirst: !reading.commitsPages, mustReachKnown: reading.knowsSomething)
        var pages = 0
        while true {
            let current = reading
            let page = turner
            let answer = try await ask { run throws(ChannelCallError) in
                let (reading, turner) = (current, page)
                var more = names
                more["cursor"] = reading.sent() ?? .null
                let scope = run.scope(more)
                var builder = try CallBuilder(stream.request, base: run.file.base, scope)
                if let place = stream.cursor.place, let value = reading.sent() { builder.put(value, at: place) }
                if stream.cursor.usesETag, let etag = reading.mark.etag { builder.headers.append(("If-None-Match", etag)) }
                turner.put(into: &builder)
                return (builder, scope)
            }
            if answer.status == 304, reading.mark.etag == nil || !stream.cursor.usesETag {
                throw ChannelTrouble(
                    remedy: .backoff, say: "\(file.name) answered “not modified” (304) though nobody asked for that", status: 304)
            }
            if answer.status == 304 || answer.isIgnored {
                state.cursors[key] = reading.mark(atEnd: true)
                return try await tools.keep(ChannelBatch(stream: stream.name, items: reading.harvest(), state: state))
            }
            let root = try document(answer, stream.format, decode: stream.decode, body: stream.body)
            var inner = scope(names)
            inner.root = root
            inner.headers = answer.headers
            let all = Self.records(stream.records, root)
            let fresh = reading.take(all, inner)
            let items = try await take(fresh, stream, inner, &reading, asOf: answer.asOf)
            reading.finishPage(root: inner, etag: answer.headers.first { $0.name.lowercased() == "etag" }?.value)
            var turn = turner.turn(all, root: root, answer: answer, scope: inner, cursorMoved: reading.hasMoved, warn: tools.warn)
            if turner.isStalled, stream.cursor.kind == .time {
                tools.warn("a full page of one moment: what else belongs to that second is left out, or nothing after it would come")
                reading.passSecond()
            }
            if reading.isEndless, turn == .next {
                turn = .stuck("the source has more than \(StreamReading.recordsMax) records, newest first, and no end")
            }
            pages += 1
            watch.page?(.init(stream: stream.name, partition: key, records: all, root: root, items: items, goesOn: turn != .end))
            if case .stuck(let words) = turn, !reading.isAtKnown, !isOnePage, pages != watch.pagesMax {
                try await stop(stream, key, &reading, words)
            }
            let isEnd = turn != .next || reading.isAtKnown || isOnePage || pages == watch.pagesMax
            if reading.commitsPages || isEnd {
                state.cursors[key] = reading.mark(atEnd: isEnd)
                try await tools.keep(ChannelBatch(stream: stream.name, items: reading.harvest(), state: state, isLast: isEnd))
            } else if reading.waitingCount >= Self.waitingMax {
                // With the old place: after a crash these come again, and are known.
                try await tools.keep(ChannelBatch(stream: stream.name, items: reading.harvest(), state: state))
            }
            if isEnd { return }
        }
    }

    /// In parts, so that a page of a hundred thousand records is never held as that many messages.
    private mutating func take(
        _ records: [JSONValue], _ stream: ChannelFile.Stream, _ scope: ChannelScope, _ reading: inout StreamReading,
        asOf: ClosedRange<Timestamp>?
    ) async throws -> [ChannelItem] {
        var all: [ChannelItem] = []
        // What belongs to one order may stand in rows far apart.
        let most = stream.isGrouped ? max(1, records.count) : Self.waitingMax
        for from in stride(from: 0, to: records.count, by: most) {
            let part = Array(records[from..<min(from + most, records.count)])
            var items = try await items(of: part, stream, scope, since: reading.mark.since)
            for index in items.indices { items[index].asOf = asOf }
            if from == 0 { try reading.compare(items, file.name) }
            reading.add(items)
            if watch.page != nil { all += items }
            guard records.count > most else { break }
            // With the old place: after a crash these come again, and are known.
            try await tools.keep(ChannelBatch(stream: stream.name, items: reading.harvest(), state: state))
        }
        return all
    }

    /// What was seen is kept, and the place moves over nothing else.
    private mutating func stop(
        _ stream: ChannelFile.Stream, _ key: String, _ reading: inout StreamReading, _ words: String
    ) async throws {
        if reading.commitsPages { state.cursors[key] = reading.mark(atEnd: false) }
        try await tools.keep(ChannelBatch(stream: stream.name, items: reading.harvest(), state: state))
        throw ChannelTrouble(remedy: .backoff, say: "\(file.name): \(words); what came is kept")
    }
}
