// Channels: how messages get in, one `Source` per kind of account.
//
// In: an account, and what the store remembers about it. Out: raw items with the cursor that goes with them, handed over batch by batch;
// and pure mappings from parsed documents to interactions. Never: writes anything itself, acknowledges before a batch is stored, looks
// into a mail.
public import Domain
public import Transport

/// Where raw items come from. One conformance per kind of account.
public protocol Source: Sendable {
    /// Hands over what arrived since the cursor, oldest first, one batch after the other: the next one is fetched when the last is stored.
    /// Safe to call again after a crash at any point.
    func poll(into keeper: Keeper) async throws

    /// Waits for the next poll. Returns early when the source can tell that something arrived; throws only when cancelled.
    func wait(atMost: Duration) async throws

    /// Lets go of a connection held between polls.
    func close() async
}

extension Source {
    public func wait(atMost: Duration) async throws { try await Task.sleep(for: atMost) }
    public func close() async {}
}

/// The store's side of a poll, as far as a source may see it.
public struct Keeper: Sendable {
    /// The cursor of a stream (a folder, a document); nil before its first batch.
    public var cursor: @Sendable (_ stream: String) async throws -> String?
    /// Which of these external ids are stored already.
    public var known: @Sendable (_ externalIDs: [String]) async throws -> Set<String>
    /// Stores items and cursor in one transaction. Only when it has returned may the server be told that we have them.
    public var store: @Sendable (Batch) async throws -> Void
    public var now: @Sendable () -> Timestamp

    public init(
        cursor: @escaping @Sendable (_ stream: String) async throws -> String?,
        known: @escaping @Sendable (_ externalIDs: [String]) async throws -> Set<String>,
        store: @escaping @Sendable (Batch) async throws -> Void, now: @escaping @Sendable () -> Timestamp
    ) {
        self.cursor = cursor
        self.known = known
        self.store = store
        self.now = now
    }
}

/// Raw items and the cursor that is true once they are stored.
public struct Batch: Sendable, Hashable {
    public var items: [RawItem]
    public var stream: String
    public var cursor: String?
    public init(items: [RawItem], stream: String, cursor: String?) {
        self.items = items
        self.stream = stream
        self.cursor = cursor
    }
}

/// Names in `RawItem.meta`: what the bytes do not say themselves.
public enum MetaKey {
    public static let folder = "folder"
    public static let flags = "flags"
    /// When the server got it, microseconds since 1970.
    public static let arrivedAt = "arrived_at"
    public static let url = "url"
    public static let contentType = "content_type"
    /// Entries older than this (microseconds since 1970) are not wanted.
    public static let since = "since"
    /// A sentence: why only a part of the message is here.
    public static let cut = "cut"
    /// `public-form` for a post to one of our own forms.
    public static let format = "format"
}

/// The source that fits an account.
/// - Parameter connect: opens an IMAP dialogue on the same loop.
public func source(
    for account: Account, loop: TransferLoop, connect: @escaping @Sendable (LineEndpoint) async throws -> IMAPClient
) -> any Source {
    switch account.kind {
    case .feed, .form: DocumentSource(account: account, loop: loop)
    case .folder: FolderSource(account: account)
    case .imap: IMAPSource(account: account, connect: connect)
    }
}
