public import Domain

/// The store's side of a poll, as far as a source may see it.
public struct Keeper: Sendable {
    /// The cursor of a stream (a folder, a document); nil before its first batch.
    public var cursor: @Sendable (_ stream: String) async throws -> String?
    /// Which of these external ids are stored already.
    public var known: @Sendable (_ externalIDs: [String]) async throws -> Set<String>
    /// Stores items and cursor in one transaction. Only when it has returned may the server be told that we have them.
    public var store: @Sendable (Batch) async throws -> Void
    /// `store` in two steps, for those who bring batch after batch: what can be done before it is its turn, and the rest.
    public var prepare: (@Sendable (Batch) async -> Commit)?
    public typealias Commit = @Sendable () async throws -> Void
    public var now: @Sendable () -> Timestamp
    /// What the readers of mailboxes need beside.
    public var ledger: Ledger
    /// Seals what must not stand readable in the database; nil where there is no key.
    public var vault: Vault?
    /// Somebody asked for this poll: nothing has to be due.
    public var isAsked = false
    /// Called when the server is asked nothing more in this poll: another may ask it while this one's answer is stored.
    public var arrived: @Sendable () -> Void = {}
    /// Facts for those who watch the account.
    public var report: @Sendable (PollReport) -> Void = { _ in }

    public init(
        cursor: @escaping @Sendable (_ stream: String) async throws -> String?,
        known: @escaping @Sendable (_ externalIDs: [String]) async throws -> Set<String>,
        store: @escaping @Sendable (Batch) async throws -> Void, now: @escaping @Sendable () -> Timestamp, ledger: Ledger,
        vault: Vault? = nil
    ) {
        self.vault = vault
        self.cursor = cursor
        self.known = known
        self.store = store
        self.now = now
        self.ledger = ledger
    }

    /// What is known of a mailbox beside its cursors.
    public struct Ledger: Sendable {
        /// Which of these are stored whole, so that the server may let go of them.
        public var held: @Sendable (_ externalIDs: [String]) async throws -> Set<String>
        /// External ids with this beginning, a page at a time, in byte order.
        public var page: @Sendable (_ prefix: String, _ after: String?) async throws -> [String]
        /// Marks what is not wanted as known.
        public var pass: @Sendable (_ externalIDs: [String]) async throws -> Void
        /// The last comparison of a folder with its server.
        public var count: @Sendable (_ folder: String) async throws -> FolderCount?
        /// Keeps a comparison; the account's name is filled in.
        public var setCount: @Sendable (FolderCount) async throws -> Void
        /// Takes a mail too large for the memory, piece by piece.
        public var sink: @Sendable () async throws -> Sink
        /// Mails that are here in part and that somebody wants whole.
        public var wanted: @Sendable () async throws -> [String]
        /// Puts the whole in place of the part.
        public var complete: @Sendable (RawItem) async throws -> Void
        /// Nobody can give it any more.
        public var giveUp: @Sendable (_ externalID: String, _ reason: String) async throws -> Void

        public init(
            held: @escaping @Sendable ([String]) async throws -> Set<String>,
            page: @escaping @Sendable (String, String?) async throws -> [String],
            pass: @escaping @Sendable ([String]) async throws -> Void, count: @escaping @Sendable (String) async throws -> FolderCount?,
            setCount: @escaping @Sendable (FolderCount) async throws -> Void, sink: @escaping @Sendable () async throws -> Sink,
            wanted: @escaping @Sendable () async throws -> [String], complete: @escaping @Sendable (RawItem) async throws -> Void,
            giveUp: @escaping @Sendable (String, String) async throws -> Void
        ) {
            self.held = held
            self.page = page
            self.pass = pass
            self.count = count
            self.setCount = setCount
            self.sink = sink
            self.wanted = wanted
            self.complete = complete
            self.giveUp = giveUp
        }
    }

    /// A place for the bytes of one large mail.
    public struct Sink: Sendable {
        public var write: @Sendable ([UInt8]) async throws -> Void
        /// Durable when it returns.
        public var finish: @Sendable () async throws -> StoredBytes
        /// Leaves nothing behind.
        public var abandon: @Sendable () async -> Void

        public init(
            write: @escaping @Sendable ([UInt8]) async throws -> Void, finish: @escaping @Sendable () async throws -> StoredBytes,
            abandon: @escaping @Sendable () async -> Void
        ) {
            self.write = write
            self.finish = finish
            self.abandon = abandon
        }
    }
}

/// What a poll has to tell beside what it brings.
public enum PollReport: Sendable {
    case request
    /// How many requests the source still allows, and until when.
    case budget(requests: Int, until: Timestamp)
    /// - Parameters:
    ///   - newest: when the newest of the items was written.
    ///   - hasBacklog: more is there and was not read yet.
    case stored(stream: String, items: Int, newest: Timestamp?, hasBacklog: Bool)
    case read(stream: String)
    case trouble(stream: String, String)
    /// The first of its parts is due then, whatever the account's interval.
    case nextDue(Duration)
    /// The source wants to be asked again not before this.
    case notBefore(Duration)
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

/// Stores one batch while the next is prepared and the one after it fetched; in order, never two at a time.
struct StoreAhead {
    let keeper: Keeper
    private var preparing: Task<Keeper.Commit, Never>?
    private var storing: Task<Void, any Error>?

    init(keeper: Keeper) { self.keeper = keeper }

    /// Returns when the batch before is prepared, and the one before that is stored.
    mutating func store(_ batch: Batch) async throws {
        try await advance()
        preparing = Task { [keeper] in
            guard let prepare = keeper.prepare else { return { try await keeper.store(batch) } }
            return await prepare(batch)
        }
    }

    /// Returns when everything is stored.
    mutating func settle() async throws {
        try await advance()
        try await advance()
    }

    /// Begins to store what is prepared, once that is stored which came before it. After a failure nothing that came later is stored: its
    /// cursor would be beyond what is missing.
    private mutating func advance() async throws {
        let (preparing, storing) = (preparing, storing)
        (self.preparing, self.storing) = (nil, nil)
        let commit = try await withTaskCancellationHandler {
            try await storing?.value
            return await preparing?.value
        } onCancel: {
            storing?.cancel()
            preparing?.cancel()
        }
        if let commit { self.storing = Task { try await commit() } }
    }
}
