import Domain
import Synchronization
import Transport

/// One visit to one folder of a mailbox: what is new, then what the operator wants done with it, now and then a comparison.
struct FolderPoll {
    let folder: String
    let account: Account
    let mailbox: String
    let client: IMAPClient
    let keeper: Keeper
    let breaks: FetchBreaks

    /// - Returns: how many mails were new.
    func run() async throws -> Int {
        let status = account.after == .keep ? try await client.examine(folder) : try await client.select(folder)
        let before = MailboxCursor(try await keeper.cursor(folder))
        var cursor = MailboxCursor.next(
            before, uidValidity: status.uidValidity, uidNext: status.uidNext, mailbox: mailbox, start: account.start, now: keeper.now())
        if cursor != before { try await keeper.store(Batch(items: [], stream: folder, cursor: cursor.text)) }
        let afterwards = FolderAfter(poll: self)
        let mark = try await afterwards.mark(before: before, cursor: cursor)
        let new = try await fetchNew(status, &cursor)
        if let mark { try await afterwards.act(mark, upTo: cursor) }
        try await FolderComparison(poll: self, mark: mark).run(cursor, isForced: before?.isSameNumbering(as: cursor) != true)
        return new
    }

    private func fetchNew(_ status: MailboxStatus, _ cursor: inout MailboxCursor) async throws -> Int {
        if let next = status.uidNext, UInt64(next) <= UInt64(cursor.last) + 1 { return 0 }
        var new = 0
        for _ in 0..<IMAPSource.roundsMax {
            // `n:*` always names the last mail, even one below n (RFC 3501 §6.4.8).
            let uids = try await client.uidSearch(cursor.search).filter { $0 > cursor.last }.sorted()
            guard !uids.isEmpty else { return new }
            for start in stride(from: 0, to: uids.count, by: IMAPSource.summariesMax) {
                new += try await take(Array(uids[start..<min(start + IMAPSource.summariesMax, uids.count)]), cursor: &cursor)
            }
        }
        return new
    }

    private func take(_ uids: [UInt32], cursor: inout MailboxCursor) async throws -> Int {
        let wanted = try await summaries(uids, cursor: cursor).wanted.filter { $0.uid > cursor.last }
        var ahead = StoreAhead(keeper: keeper)
        var count = 0
        do {
            for batch in batches(wanted) {
                let items = try await fetch(batch, cursor: cursor)
                cursor.last = batch[batch.count - 1].uid
                count += items.count
                try await ahead.store(Batch(items: items, stream: folder, cursor: cursor.text))
            }
        } catch {
            try? await ahead.settle()
            throw error
        }
        try await ahead.settle()
        breaks.settle(folder)
        // Mails that vanished or are too old are passed for good.
        if let last = uids.last, last > cursor.last {
            cursor.last = last
            try await keeper.store(Batch(items: [], stream: folder, cursor: cursor.text))
        }
        return count
    }

    /// In ascending order: those the account wants, and how many it does not.
    func summaries(_ uids: [UInt32], cursor: MailboxCursor) async throws -> (wanted: [MailSummary], unwanted: Int) {
        let all = try await client.fetchSummaries(MailboxCursor.set(uids)).sorted { $0.uid < $1.uid }
        let wanted = all.filter { summary in
            guard let since = cursor.since, let arrived = summary.internalDate else { return true }
            return arrived.microseconds >= since - MailboxCursor.clockSlack
        }
        return (wanted, all.count - wanted.count)
    }

    func batches(_ mails: [MailSummary]) -> [[MailSummary]] {
        FetchPlan.batches(mails, sizeBytesMax: account.sizeBytesMax, count: breaks.isCareful(folder) ? 1 : FetchPlan.batchCount)
    }

    /// In ascending order. A mail that is gone meanwhile is not there.
    func fetch(_ mails: [MailSummary], cursor: MailboxCursor) async throws -> [RawItem] {
        var items: [UInt32: RawItem] = [:]
        let whole = mails.filter { $0.sizeBytes <= account.sizeBytesMax }
        for mail in mails where mail.sizeBytes > account.sizeBytesMax {
            let sentence = MailCut.sentence(sizeBytes: mail.sizeBytes, max: account.sizeBytesMax, place: "the mailbox, folder \(folder)")
            items[mail.uid] = try await part(of: mail, cursor: cursor, why: sentence)
        }
        if let only = whole.first, whole.count == 1, let why = breaks.verdict(cursor.externalID(folder: folder, uid: only.uid)) {
            items[only.uid] = broken(only, cursor: cursor, why: why)
            return mails.compactMap { items[$0.uid] }
        }
        do {
            if let only = whole.first, whole.count == 1, only.sizeBytes > FetchPlan.streamedBytesMin {
                items[only.uid] = try await streamed(only.uid, cursor: cursor)
            } else {
                for mail in try await bodies(whole.map(\.uid)) { items[mail.uid] = item(mail, cursor: cursor) }
            }
        } catch let error as TransportError where error.isRefusal {
            // One mail the server cannot give must not keep the others out: ask for each alone.
            for mail in whole { items[mail.uid] = try await alone(mail, cursor: cursor) }
        } catch let error as TransportError {
            breaks.record(folder, mail: whole.count == 1 ? cursor.externalID(folder: folder, uid: whole[0].uid) : nil, error)
            throw error
        }
        try await addMissing(whole.filter { items[$0.uid] == nil }, to: &items, cursor: cursor)
        return mails.compactMap { items[$0.uid] }
    }

    private func alone(_ mail: MailSummary, cursor: MailboxCursor) async throws -> RawItem? {
        do { return try await bodies([mail.uid]).first.map { item($0, cursor: cursor) } } catch let error as TransportError
            where error.isRefusal
        {
            return try await part(of: mail, cursor: cursor, why: "The mail server did not give this mail whole: \(error)")
        }
    }

    /// Mails the server announced and did not give: either they were removed meanwhile, or it cannot read them itself.
    private func addMissing(_ mails: [MailSummary], to items: inout [UInt32: RawItem], cursor: MailboxCursor) async throws {
        guard !mails.isEmpty else { return }
        let there = Set(try await client.fetchSummaries(MailboxCursor.set(mails.map(\.uid))).map(\.uid))
        for mail in mails where there.contains(mail.uid) && items[mail.uid] == nil {
            items[mail.uid] = try await part(of: mail, cursor: cursor, why: "The mail server announced this mail but gave no text for it.")
        }
    }

    private func bodies(_ uids: [UInt32]) async throws -> [FetchedMail] {
        guard !uids.isEmpty else { return [] }
        var fetched: [FetchedMail] = []
        // Servers count sizes a little differently from what they send.
        try await client.fetch(uids, sizeBytesMax: account.sizeBytesMax + FetchPlan.sizeSlack) { fetched.append($0) }
        return fetched
    }

    /// A large mail in pieces, of which only one is in memory. Thunderbird reads like this by default, so servers know it well.
    /// - Returns: nil when the mail is gone.
    func streamed(_ uid: UInt32, cursor: MailboxCursor, bytesMax: Int? = nil) async throws -> RawItem? {
        let limit = bytesMax ?? account.sizeBytesMax + FetchPlan.sizeSlack
        let sink = try await keeper.ledger.sink()
        do {
            var offset = 0
            var first: FetchedMail?
            while true {
                var piece: FetchedMail?
                try await client.fetch(
                    [uid], firstBytes: FetchPlan.pieceBytes, offset: offset, sizeBytesMax: FetchPlan.pieceBytes + FetchPlan.sizeSlack
                ) { piece = $0 }
                guard let piece, !piece.bytes.isEmpty else { break }
                first =
                    first
                    ?? FetchedMail(uid: uid, flags: piece.flags, internalDate: piece.internalDate, threadID: piece.threadID, bytes: [])
                try await sink.write(piece.bytes)
                offset += piece.bytes.count
                guard offset <= limit else {
                    throw TransportError.unexpectedAnswer(host: account.name, reason: "mail \(uid) has more than \(limit) bytes")
                }
                if piece.bytes.count < FetchPlan.pieceBytes { break }
            }
            guard let first else {
                await sink.abandon()
                return nil
            }
            var item = item(first, cursor: cursor)
            item.stored = try await sink.finish()
            return item
        } catch {
            await sink.abandon()
            throw error
        }
    }

    /// Its header and first part, and why. Without even that the item is empty: it ends in quarantine, where somebody sees it.
    private func part(of mail: MailSummary, cursor: MailboxCursor, why: String) async throws -> RawItem? {
        var first: [FetchedMail] = []
        do { try await client.fetch([mail.uid], firstBytes: MailCut.windowBytes) { first.append($0) } } catch let error as TransportError
            where error.isRefusal
        {
            return broken(mail, cursor: cursor, why: why)
        }
        guard var fetched = first.first else { return broken(mail, cursor: cursor, why: why) }
        fetched.bytes = MailCut.firstPart(fetched.bytes)
        var item = item(fetched, cursor: cursor)
        item.meta[MetaKey.cut] = why
        item.isCut = true
        return item
    }

    private func broken(_ mail: MailSummary, cursor: MailboxCursor, why: String) -> RawItem {
        var item = item(FetchedMail(uid: mail.uid, flags: mail.flags, internalDate: mail.internalDate, bytes: []), cursor: cursor)
        item.meta[MetaKey.cut] = why
        item.isCut = true
        return item
    }

    private func item(_ mail: FetchedMail, cursor: MailboxCursor) -> RawItem {
        var meta = [MetaKey.folder: folder]
        if !mail.flags.isEmpty { meta[MetaKey.flags] = mail.flags.joined(separator: " ") }
        meta[MetaKey.arrivedAt] = mail.internalDate.map { String($0.microseconds) }
        meta[MetaKey.threadID] = mail.threadID
        return RawItem(externalID: cursor.externalID(folder: folder, uid: mail.uid), kind: .mail, bytes: mail.bytes, meta: meta)
    }
}
