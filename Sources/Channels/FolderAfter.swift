import Domain
import Transport

/// What becomes of mails on their server once they are stored: marked, moved or deleted, only when the operator asked for it, and only
/// those read since then. A mark in the ledger follows behind the cursor, so that a crash between the two only does it again.
struct FolderAfter {
    /// Told to the server at once.
    static let sliceCount = 200

    let poll: FolderPoll

    private var stream: String { "after:\(poll.folder)" }

    /// The mark as it stands before this visit reads; nil when nothing is asked.
    /// - Parameter before: the folder's cursor before this visit; nil when it is the first.
    func mark(before: MailboxCursor?, cursor: MailboxCursor) async throws -> MailboxCursor? {
        guard poll.account.after != .keep else { return nil }
        let known = MailboxCursor(try await poll.keeper.cursor(stream))
        if let known, known.isSameNumbering(as: cursor) { return known }
        // Mails that were here before this was asked, or before the server numbered anew, are left alone.
        var mark = cursor
        let isFirst = before == nil
        mark.last = isFirst ? cursor.last : max(cursor.last, before?.last ?? 0)
        mark.first = mark.last + (mark.last == .max ? 0 : 1)
        try await poll.keeper.store(Batch(items: [], stream: stream, cursor: mark.text))
        return mark
    }

    func act(_ mark: MailboxCursor, upTo cursor: MailboxCursor) async throws {
        guard mark.last < cursor.last else { return }
        var mark = mark
        let unseen = poll.account.after == .seen ? " UNSEEN" : ""
        let uids = try await poll.client.uidSearch("UID \(mark.last + 1):\(cursor.last)\(unseen)")
            .filter { $0 > mark.last && $0 <= cursor.last }.sorted()
        for start in stride(from: 0, to: uids.count, by: Self.sliceCount) {
            let slice = Array(uids[start..<min(start + Self.sliceCount, uids.count)])
            try await act(slice, cursor: cursor)
            mark.last = slice[slice.count - 1]
            try await poll.keeper.store(Batch(items: [], stream: stream, cursor: mark.text))
        }
        guard mark.last < cursor.last else { return }
        mark.last = cursor.last
        try await poll.keeper.store(Batch(items: [], stream: stream, cursor: mark.text))
    }

    /// Only what is stored whole: of a mail that was cut the server has the only copy.
    func act(_ uids: [UInt32], cursor: MailboxCursor) async throws {
        guard !uids.isEmpty else { return }
        let names = Dictionary(
            uniqueKeysWithValues: Set(uids).map { (cursor.externalID(folder: poll.folder, uid: $0), $0) })
        let held = try await poll.keeper.ledger.held(Array(names.keys)).compactMap { names[$0] }.sorted()
        guard !held.isEmpty else { return }
        switch poll.account.after {
        case .keep: break
        case .seen: try await poll.client.store(held, flags: ["\\Seen"])
        case .delete: try await poll.client.delete(held)
        case .move(let target): try await move(held, to: target)
        }
    }

    private func move(_ uids: [UInt32], to target: String) async throws {
        do { try await poll.client.move(uids, to: target) } catch let error as TransportError where error.isRefusal {
            // RFC 3501 §7.1 TRYCREATE; some servers say only NO.
            try await poll.client.create(target)
            try await poll.client.move(uids, to: target)
        }
    }
}
