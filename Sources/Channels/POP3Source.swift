import Domain
import Transport

/// A mailbox over POP3. What was read is remembered by UIDL, so a mail left on the server comes once. Deleted is only what an earlier
/// session stored whole, and only when the operator asks: a crash before QUIT keeps the mail (RFC 1939 §6).
struct POP3Source: Source {
    static let stream = "pop3"
    /// Names looked up at once.
    static let sliceCount = 500
    /// Lines of the body taken from a mail over the limit.
    static let topLines = 2000

    let account: Account
    let connect: @Sendable (LineEndpoint) async throws -> POP3Client

    /// Another mailbox under the same account name has other mails, even under the same UIDLs.
    private var mailbox: String { String(sha256("\(account.url.lowercased()) \(account.user ?? "")".utf8).prefix(12)) }

    private func name(_ entry: POP3Entry) -> String { "\(mailbox)/\(entry.uidl)" }

    func poll(into keeper: Keeper) async throws {
        try await session { client in
            let entries = try await client.entries()
            let known = try await among(entries) { try await keeper.known($0) }
            let isFirst = try await keeper.cursor(Self.stream) == nil
            var fresh = entries.filter { !known.contains(name($0)) }
            if isFirst, account.start == .latest {
                for start in stride(from: 0, to: fresh.count, by: Self.sliceCount) {
                    try await keeper.ledger.pass(fresh[start..<min(start + Self.sliceCount, fresh.count)].map(name))
                }
                fresh = []
            }
            if isFirst { try await keeper.store(Batch(items: [], stream: Self.stream, cursor: "\(keeper.now().microseconds)")) }
            let stored = try await take(fresh, client, keeper)
            if account.after == .delete { try await remove(entries.filter { known.contains(name($0)) }, client, keeper) }
            try await keeper.ledger.setCount(
                FolderCount(
                    account: account.name, folder: "POP3", server: entries.count, ours: entries.count - fresh.count + stored,
                    checkedAt: keeper.now()))
        }
    }

    func fetchWanted(into keeper: Keeper) async throws {
        let wanted = try await keeper.ledger.wanted()
        guard !wanted.isEmpty else { return }
        try await session { client in
            let entries = Dictionary(try await client.entries().map { (name($0), $0) }, uniquingKeysWith: { $1 })
            for wish in wanted {
                guard let entry = entries[wish] else {
                    try await keeper.ledger.giveUp(wish, "it is no longer in the mailbox")
                    continue
                }
                guard var item = try await streamed(entry, client, keeper, bytesMax: FetchPlan.wantedBytesMax) else {
                    try await keeper.ledger.giveUp(wish, "the mail server does not give it")
                    continue
                }
                item.meta[MetaKey.whole] = "1"
                try await keeper.ledger.complete(item)
            }
        }
    }

    /// Each poll is a session of its own: a POP3 server shows a mailbox as it was when the session began.
    private func session(_ body: (POP3Client) async throws -> Void) async throws {
        let client = try await connect(
            LineEndpoint(
                account.url, user: account.user, password: account.password, accessToken: account.accessToken, tls: account.tls))
        do {
            try await body(client)
            try await client.quit()
        } catch {
            client.close()
            throw error
        }
    }

    private func among(_ entries: [POP3Entry], _ ask: ([String]) async throws -> Set<String>) async throws -> Set<String> {
        var found: Set<String> = []
        for start in stride(from: 0, to: entries.count, by: Self.sliceCount) {
            found.formUnion(try await ask(entries[start..<min(start + Self.sliceCount, entries.count)].map(name)))
        }
        return found
    }

    // MARK: Taking

    /// - Returns: how many were stored.
    private func take(_ entries: [POP3Entry], _ client: POP3Client, _ keeper: Keeper) async throws -> Int {
        let summaries = entries.map { MailSummary(uid: UInt32(clamping: $0.number), flags: [], internalDate: nil, sizeBytes: $0.sizeBytes) }
        let byNumber = Dictionary(entries.map { (UInt32(clamping: $0.number), $0) }, uniquingKeysWith: { $1 })
        var ahead = StoreAhead(keeper: keeper)
        var count = 0
        do {
            for batch in FetchPlan.batches(summaries, sizeBytesMax: account.sizeBytesMax) {
                let items = try await fetch(batch.compactMap { byNumber[$0.uid] }, client, keeper)
                count += items.count
                try await ahead.store(Batch(items: items, stream: Self.stream, cursor: nil))
            }
        } catch {
            try? await ahead.settle()
            throw error
        }
        try await ahead.settle()
        return count
    }

    private func fetch(_ entries: [POP3Entry], _ client: POP3Client, _ keeper: Keeper) async throws -> [RawItem] {
        if let only = entries.first, entries.count == 1, only.sizeBytes > FetchPlan.streamedBytesMin, only.sizeBytes <= account.sizeBytesMax
        {
            let whole = try await streamed(only, client, keeper, bytesMax: account.sizeBytesMax + FetchPlan.sizeSlack)
            if let whole { return [whole] }
            return [try await part(only, client, why: "The mail server did not give this mail whole.")]
        }
        var bytes: [Int: [UInt8]] = [:]
        var whole: Set<Int> = []
        var refusals: [Int: String] = [:]
        let limit = account.sizeBytesMax + FetchPlan.sizeSlack
        let account = account
        try await client.retrieve(entries.filter { $0.sizeBytes <= account.sizeBytesMax }.map(\.number)) { number, piece, isLast in
            bytes[number, default: []] += piece
            guard bytes[number, default: []].count <= limit else {
                throw TransportError.unexpectedAnswer(host: account.name, reason: "mail \(number) is longer than the server said")
            }
            if isLast { whole.insert(number) }
        } refused: { number, reply in
            refusals[number] = reply
        }
        var items: [RawItem] = []
        for entry in entries {
            if whole.contains(entry.number) {
                items.append(item(entry, bytes[entry.number] ?? []))
            } else {
                let sentence =
                    refusals[entry.number].map { "The mail server did not give this mail whole: \($0)" }
                    ?? MailCut.sentence(sizeBytes: entry.sizeBytes, max: account.sizeBytesMax, place: "the mailbox")
                items.append(try await part(entry, client, why: sentence))
            }
        }
        return items
    }

    /// Its header and first part; without TOP (RFC 1939 §7 makes it optional) nothing but the note, which ends in quarantine.
    private func part(_ entry: POP3Entry, _ client: POP3Client, why: String) async throws -> RawItem {
        var top: [UInt8] = []
        do { top = try await client.top(entry.number, lines: Self.topLines) } catch let error as TransportError where error.isRefusal {}
        var item = item(entry, MailCut.firstPart(Array(top.prefix(MailCut.windowBytes))))
        item.meta[MetaKey.cut] = why
        item.isCut = true
        return item
    }

    /// - Returns: nil when the server does not give it.
    private func streamed(_ entry: POP3Entry, _ client: POP3Client, _ keeper: Keeper, bytesMax: Int) async throws -> RawItem? {
        let sink = try await keeper.ledger.sink()
        var size = 0
        var isRefused = false
        do {
            try await client.retrieve([entry.number]) { _, piece, _ in
                size += piece.count
                guard size <= bytesMax else {
                    throw TransportError.unexpectedAnswer(
                        host: account.name, reason: "mail \(entry.number) has more than \(bytesMax) bytes")
                }
                try await sink.write(piece)
            } refused: { _, _ in
                isRefused = true
            }
            guard !isRefused else {
                await sink.abandon()
                return nil
            }
            var item = item(entry, [])
            item.stored = try await sink.finish()
            return item
        } catch {
            await sink.abandon()
            throw error
        }
    }

    private func item(_ entry: POP3Entry, _ bytes: [UInt8]) -> RawItem {
        RawItem(externalID: name(entry), kind: .mail, bytes: bytes, meta: [MetaKey.folder: "POP3"])
    }

    // MARK: Deleting

    private func remove(_ entries: [POP3Entry], _ client: POP3Client, _ keeper: Keeper) async throws {
        let held = try await among(entries) { try await keeper.ledger.held($0) }
        for entry in entries where held.contains(name(entry)) { try await client.delete(entry.number) }
    }
}
