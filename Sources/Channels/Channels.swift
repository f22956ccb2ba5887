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

    /// Fetches what `keeper.ledger.wanted` names: mails of which only a part was taken.
    func fetchWanted(into keeper: Keeper) async throws

    /// Lets go of a connection held between polls.
    func close() async
}

extension Source {
    public func wait(atMost: Duration) async throws { try await Task.sleep(for: atMost) }
    public func fetchWanted(into keeper: Keeper) async throws {}
    public func close() async {}
}

/// Names in `RawItem.meta`: what the bytes do not say themselves.
public enum MetaKey {
    public static let folder = "folder"
    public static let flags = "flags"
    /// When the server got it, microseconds since 1970.
    public static let arrivedAt = "arrived_at"
    /// The conversation as the mail server counts it (Gmail).
    public static let threadID = "thread_id"
    public static let url = "url"
    public static let contentType = "content_type"
    /// Of a feed's response: the base of its relative links, and its language.
    public static let contentLocation = "content_location"
    public static let contentLanguage = "content_language"
    /// Entries older than this (microseconds since 1970) are not wanted.
    public static let since = "since"
    /// A sentence: why only a part of the message is here.
    public static let cut = "cut"
    /// `public-form` for a post to one of our own forms.
    public static let format = "format"
    /// Of an item that a channel file made: the file's name.
    public static let channel = "channel"
    /// Of such an item that is no message: `order` or `customer`.
    public static let product = "product"
    /// When an order was read at the source, not before and not after (two times in microseconds since 1970).
    public static let asOf = "as_of"
    /// When its account was read for the first time (microseconds since 1970): what was before that starts nothing.
    public static let connectedAt = "connected_at"
    /// Set on a mail whose part is known already and which is whole now.
    public static let whole = "whole"
    /// Set on old mail that somebody brought in: it starts nothing.
    public static let imported = "imported"
}

/// The source that fits an account.
/// - Parameters:
///   - channels: the channel files in force.
///   - connect: opens an IMAP dialogue on the same loop.
///   - connectPOP3: opens a POP3 session on the same loop.
public func source(
    for account: Account, loop: TransferLoop, channels: ChannelShelf = ChannelShelf(),
    warn: @escaping @Sendable (String) -> Void = { _ in },
    connect: @escaping @Sendable (LineEndpoint) async throws -> IMAPClient,
    connectPOP3: @escaping @Sendable (LineEndpoint) async throws -> POP3Client
) -> any Source {
    switch account.kind {
    case .feed, .form: DocumentSource(account: account, loop: loop)
    case .folder: FolderSource(account: account)
    case .imap: IMAPSource(account: account, connect: connect)
    case .pop3: POP3Source(account: account, connect: connectPOP3)
    case .channel:
        ChannelSource(
            account: account, file: account.channel.flatMap { channels[$0.name] }, loop: loop, room: channels.room(of: account.name),
            warn: warn)
    case .spool:
        SpoolSource(
            account: account, reader: account.channel.flatMap { ChannelReader(account, channels: channels, stream: $0.stream) }, warn: warn)
    }
}
