import Domain
import Transport

/// Compares a folder on its server with the ledger, once an hour and when its numbering changed: counts both, and fetches what is missing.
struct FolderComparison {
    static let every = Duration.seconds(3600)
    /// Fetched by one comparison; the next goes on.
    static let lateMax = 5000

    let poll: FolderPoll
    let mark: MailboxCursor?

    func run(_ cursor: MailboxCursor, isForced: Bool) async throws {
        let now = poll.keeper.now()
        if !isForced, let last = try await poll.keeper.ledger.count(poll.folder), last.checkedAt <= now, now - last.checkedAt < Self.every {
            return
        }
        let onServer =
            cursor.last < cursor.first
            ? []
            : try await poll.client.uidSearch("UID \(cursor.first):\(cursor.last)").filter { $0 >= cursor.first && $0 <= cursor.last }
                .sorted()
        var missing = try await missing(onServer, cursor: cursor)
        var (unwanted, late) = (0, 0)
        for start in stride(from: 0, to: min(missing.count, Self.lateMax), by: IMAPSource.summariesMax) {
            let slice = Array(missing[start..<min(start + IMAPSource.summariesMax, missing.count)])
            let (wanted, others) = try await poll.summaries(slice, cursor: cursor)
            unwanted += others + slice.count - wanted.count - others
            for batch in poll.batches(wanted) {
                let items = try await poll.fetch(batch, cursor: cursor)
                try await poll.keeper.store(Batch(items: items, stream: poll.folder, cursor: nil))
                late += items.count
                unwanted += batch.count - items.count
            }
        }
        missing.removeFirst(min(missing.count, Self.lateMax))
        let server = onServer.count - unwanted
        try await poll.keeper.ledger.setCount(
            FolderCount(
                account: poll.account.name, folder: poll.folder, server: server, ours: server - missing.count, late: late, checkedAt: now))
        try await actAgain(onServer, cursor: cursor)
    }

    /// In ascending order.
    private func missing(_ onServer: [UInt32], cursor: MailboxCursor) async throws -> [UInt32] {
        if onServer.isEmpty { return [] }
        let prefix = cursor.prefix(folder: poll.folder)
        var ours: [UInt32] = []
        var last: String?
        while true {
            let page = try await poll.keeper.ledger.page(prefix, last)
            ours += page.compactMap { UInt32($0.utf8.count > prefix.utf8.count ? String($0.dropFirst(prefix.count)) : "") }
            guard let end = page.last else { break }
            last = end
        }
        ours.sort()
        var at = 0
        return onServer.filter { uid in
            while at < ours.count, ours[at] < uid { at += 1 }
            return at == ours.count || ours[at] != uid
        }
    }

    /// A mail that should be gone or moved and is still there: an answer of the server's was lost.
    private func actAgain(_ onServer: [UInt32], cursor: MailboxCursor) async throws {
        guard let mark, mark.isSameNumbering(as: cursor) else { return }
        switch poll.account.after {
        case .keep, .seen: return
        case .delete, .move: break
        }
        let left = onServer.filter { $0 >= mark.first && $0 <= mark.last }
        for start in stride(from: 0, to: left.count, by: FolderAfter.sliceCount) {
            try await FolderAfter(poll: poll).act(Array(left[start..<min(start + FolderAfter.sliceCount, left.count)]), cursor: cursor)
        }
    }
}
