import Channels
import Domain
import Store

// Reading before storing: what a poll brings is stored together with what it became, in one transaction, and never waits in the spool.
// Only the plain cases go this way. A message that cannot be read, one that is large, and everything of an account whose messages were in
// hand when the program died, until a poll of it is through, goes through the spool, which counts tries and sets aside.
//
// One account's messages keep their order: what comes after such a message goes through the spool behind it.
extension DigestService {
    /// Larger ones go through the spool, where batches are bounded by their bytes.
    static let aheadBytesMax = 2 << 20
    /// Bytes of one batch that are read ahead.
    static let aheadBatchBytesMax = 8 << 20

    /// What became of the first items of a batch; the others are to go through the spool.
    struct Ahead: Sendable {
        var items: [Digested] = []
        /// To be released when the items are stored: storing and placing them may be what nobody survives, too.
        var note: InHand.Note?
    }

    func read(_ items: [RawItem], of account: String) async -> Ahead {
        var bytes = 0
        let plain = items.prefix { item in
            bytes += item.bytes.count
            return Self.isPlain(item) && bytes <= Self.aheadBatchBytesMax
        }
        guard !plain.isEmpty, let note = store.inHand.hold(account) else { return Ahead() }
        let now = store.time.now()
        let spooled = plain.map { item in
            SpooledItem(
                id: ID(0), account: account, externalID: item.externalID, kind: item.kind, bytes: item.bytes, meta: item.meta,
                attempts: 1, receivedAt: now, state: "new", error: nil)
        }
        guard let digested = try? await digest(ahead: spooled) else { return Ahead() }
        var entries = 0
        let read = digested.prefix { one in
            guard case .success(let found) = one.result, one.records.isEmpty, one.again.isEmpty else { return false }
            entries += found.count
            return entries <= Self.entriesMax
        }
        return read.isEmpty ? Ahead() : Ahead(items: Array(read), note: note)
    }

    /// Messages placed in the transaction that stores them; those behind them are placed in batches later, as nobody should have to wait
    /// long for the database.
    static let placedMax = 100

    /// Stores what was read ahead, and places it where nothing older waits for its place: an answer must not be placed before what it
    /// answers.
    /// - Returns: what is to be told after the commit.
    static func add(ahead read: [Digested], to transaction: Transaction, signer: Signer) throws -> [@Sendable () -> Void] {
        let areOthersWaiting = try read.isEmpty || transaction.interactions.areAnyWaiting()
        var stored: [(message: Interaction, placing: Placing)] = []
        for digested in read {
            for entry in try digested.result.get() {
                let message = try add(entry, of: digested.item, to: transaction, signer: signer)
                if let message, let placing = entry.placing { stored.append((message, placing)) }
            }
        }
        guard !areOthersWaiting else { return [] }
        // A conversation inside one batch is placed in the order it was held.
        stored.sort { ($0.message.occurredAt, $0.message.id) < ($1.message.occurredAt, $1.message.id) }
        return try stored.prefix(placedMax).enumerated().map { index, one in try one.placing(transaction, one.message, index) }
    }

    /// A mail or a document as it came, whole and not known in part.
    private static func isPlain(_ item: RawItem) -> Bool {
        item.stored == nil && !item.isCut && !item.bytes.isEmpty && item.bytes.count <= aheadBytesMax
            && [MetaKey.whole, MetaKey.cut, MetaKey.product, MetaKey.format].allSatisfy { item.meta[$0] == nil }
    }
}
