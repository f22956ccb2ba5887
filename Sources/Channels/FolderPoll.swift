import Domain
import Synchronization
import Transport

/// One visit to one folder of a mailbox.
struct FolderPoll {
    let folder: String
    let account: Account
    let mailbox: String
    let client: IMAPClient
    let keeper: Keeper
    let breaks: FetchBreaks

    func run() async throws {
        let status = try await client.examine(folder)
        let before = MailboxCursor(try await keeper.cursor(folder))
        var cursor = MailboxCursor.next(
            before, uidValidity: status.uidValidity, uidNext: status.uidNext, mailbox: mailbox, start: account.start, now: keeper.now())
        if cursor != before { try await keeper.store(Batch(items: [], stream: folder, cursor: cursor.text)) }
        if let next = status.uidNext, UInt64(next) <= UInt64(cursor.last) + 1 { return }
        for _ in 0..<IMAPSource.roundsMax {
            // `n:*` always names the last mail, even one below n (RFC 3501 §6.4.8).
            let uids = try await client.uidSearch(cursor.search).filter { $0 > cursor.last }.sorted()
            guard !uids.isEmpty else { return }
            for start in stride(from: 0, to: uids.count, by: IMAPSource.summariesMax) {
                try await take(Array(uids[start..<min(start + IMAPSource.summariesMax, uids.count)]), cursor: &cursor)
            }
        }
    }

    private func take(_ uids: [UInt32], cursor: inout MailboxCursor) async throws {
        let summaries = try await client.fetchSummaries(MailboxCursor.set(uids)).filter { $0.uid > cursor.last }.sorted { $0.uid < $1.uid }
        let wanted = summaries.filter { summary in
            guard let since = cursor.since, let arrived = summary.internalDate else { return true }
            return arrived.microseconds >= since - MailboxCursor.clockSlack
        }
        for batch in FetchPlan.batches(
            wanted, sizeBytesMax: account.sizeBytesMax, count: breaks.isCareful(folder) ? 1 : FetchPlan.batchCount)
        {
            let items = try await fetch(batch, cursor: cursor)
            cursor.last = batch[batch.count - 1].uid
            try await keeper.store(Batch(items: items, stream: folder, cursor: cursor.text))
        }
        breaks.settle(folder)
        // Mails that vanished or are too old are passed for good.
        guard let last = uids.last, last > cursor.last else { return }
        cursor.last = last
        try await keeper.store(Batch(items: [], stream: folder, cursor: cursor.text))
    }

    /// In ascending order. A mail that is gone meanwhile is not there.
    private func fetch(_ mails: [MailSummary], cursor: MailboxCursor) async throws -> [RawItem] {
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
            for mail in try await bodies(whole.map(\.uid)) { items[mail.uid] = item(mail, cursor: cursor) }
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

    /// The header alone, and why. Without even that the item is empty: it ends in quarantine, where somebody sees it.
    private func part(of mail: MailSummary, cursor: MailboxCursor, why: String) async throws -> RawItem? {
        var first: [FetchedMail] = []
        do { try await client.fetch([mail.uid], firstBytes: FolderSource.headerBytes) { first.append($0) } } catch let error
            as TransportError
            where error.isRefusal
        {
            return broken(mail, cursor: cursor, why: why)
        }
        guard var fetched = first.first else { return broken(mail, cursor: cursor, why: why) }
        fetched.bytes = MailCut.header(fetched.bytes)
        var item = item(fetched, cursor: cursor)
        item.meta[MetaKey.cut] = why
        return item
    }

    private func broken(_ mail: MailSummary, cursor: MailboxCursor, why: String) -> RawItem {
        var item = item(FetchedMail(uid: mail.uid, flags: mail.flags, internalDate: mail.internalDate, bytes: []), cursor: cursor)
        item.meta[MetaKey.cut] = why
        return item
    }

    private func item(_ mail: FetchedMail, cursor: MailboxCursor) -> RawItem {
        var meta = [MetaKey.folder: folder]
        if !mail.flags.isEmpty { meta[MetaKey.flags] = mail.flags.joined(separator: " ") }
        meta[MetaKey.arrivedAt] = mail.internalDate.map { String($0.microseconds) }
        return RawItem(externalID: cursor.externalID(folder: folder, uid: mail.uid), kind: .mail, bytes: mail.bytes, meta: meta)
    }
}

/// Remembers mails at which the connection broke, so that one of them cannot keep all later mail out: after a break mails are fetched one
/// by one, and a mail that breaks the connection again and again is passed over with a note.
final class FetchBreaks: Sendable {
    static let breaksMax = 5
    static let mailsMax = 100

    private struct State {
        var careful: Set<String> = []
        var mails: [String: (count: Int, error: String)] = [:]
    }

    private let state = Mutex(State())

    func isCareful(_ folder: String) -> Bool { state.withLock { $0.careful.contains(folder) } }

    func record(_ folder: String, mail: String?, _ error: TransportError) {
        state.withLock { state in
            state.careful.insert(folder)
            guard let mail, state.mails[mail] != nil || state.mails.count < Self.mailsMax else { return }
            state.mails[mail, default: (0, "")].count += 1
            state.mails[mail]?.error = "\(error)"
        }
    }

    /// Why a mail is given up; nil while it is still worth trying.
    func verdict(_ mail: String) -> String? {
        state.withLock { state in
            guard let known = state.mails[mail], known.count >= Self.breaksMax else { return nil }
            return "The connection broke \(known.count) times while this mail was fetched: \(known.error)"
        }
    }

    func settle(_ folder: String) {
        state.withLock { state in
            state.careful.remove(folder)
            state.mails = state.mails.filter { !$0.key.hasPrefix(folder + "/") && !$0.key.hasPrefix(folder + "~") }
        }
    }
}
