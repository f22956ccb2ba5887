import Channels
import Dispatch
import Domain
import Formats
import Store

/// What one spooled item became.
struct Digested: Sendable {
    struct Entry: Sendable {
        var interaction: Interaction
        /// Why it has its nature.
        var reason: String
        /// Why a part of it does not count as new words; nil when all of it does.
        var splitReason: String?
        /// What a machine says in it, with the marks by which we find the mail it is about.
        var returned: Returned?
        /// Finds its place in the transaction that stores it; nil when that is left to those who wait for stored messages.
        var placing: DigestService.Placing?
    }

    var item: SpooledItem
    /// Orders and shops' customers, beside or instead of messages.
    var records: [ShopRecord] = []
    var result: Result<[Entry], ItemError>
    /// One sentence for each part that could not be used.
    var notes: [String] = []
    /// No further try can end otherwise.
    var isHopeless = false

    /// Goes through the spool again, piece by piece.
    var again: [RawItem] = []

    /// A mail can be read again, and a message of a channel is needed whole to answer it.
    var keepsBytes: Bool { item.kind == .mail || item.meta[MetaKey.format] == ChannelItem.format && item.meta[MetaKey.product] == nil }
}

/// Why an item cannot be digested; the item's own fault.
struct ItemError: Error, CustomStringConvertible {
    var description: String
}

/// Turns raw items into interactions. CPU work, but for attachments, which are durable before it returns.
struct Digester: Sendable {
    let accounts: [String: Account]
    let nature: NatureRule
    let blobs: BlobStore
    /// To verify and decrypt with; nil when there are none.
    var keys: MailKeys?
    /// To read again what was pushed and could not be read.
    var channels = ChannelShelf()
    /// GnuPG works one mail after another, away from the threads that must not block.
    private static let keyQueue = DispatchQueue(label: "hongyan.mail-keys")

    /// - Throws: only what is not the item's fault: the blob store's trouble.
    func digest(_ item: SpooledItem) async throws -> Digested {
        do {
            switch item.kind {
            case .mail: return Digested(item: item, result: .success([try await mail(item)]))
            case .post where item.meta[MetaKey.product] != nil: return try shopRecord(item)
            case .post where item.meta[MetaKey.format] == ChannelItem.format:
                return Digested(item: item, result: .success([try channelItem(item)]))
            case .post where item.meta[MetaKey.format] == ChannelDoor.format:
                return Digested(item: item, result: .success([]), again: try pushed(item))
            case .post: return Digested(item: item, result: .success(try feed(item)))
            case .form: return try form(item)
            }
        } catch let error as StoreError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return Digested(item: item, result: .failure(ItemError(description: "\(error)")))
        }
    }

    private func mail(_ item: SpooledItem) async throws -> Digested.Entry {
        if item.bytes.isEmpty, item.blob == nil, let cut = item.meta[MetaKey.cut] { throw ItemError(description: cut) }
        let (bytes, aside) = try await slim(item)
        var mail = try MailParser.parse(bytes)
        if let keys, !mail.seals.isEmpty { mail = try await Self.opened(bytes, with: keys) }
        // The parser reads what can be read; without a single field there is nobody it could be from.
        guard !mail.headers.isEmpty else {
            throw ItemError(description: "these bytes are no mail: not one header field was found; look at the raw bytes")
        }
        var attachments: [Attachment] = []
        for (index, part) in mail.attachments.enumerated() {
            let blob: StoredBytes
            if let known = aside.blob(for: part.bytes) {
                blob = known
                mail.attachments[index].detectedType = MagicType.detect(
                    try await blobs.read(known.hash, from: 0, count: MagicType.prefixBytes))
            } else {
                blob = StoredBytes(hash: try await blobs.put(part.bytes), sizeBytes: part.bytes.count)
            }
            attachments.append(
                Attachment(
                    name: part.name, type: part.type, sizeBytes: blob.sizeBytes, hash: blob.hash, contentID: part.contentID,
                    isInline: part.isInline))
        }
        let judgement = nature.judge(mail)
        var interaction = MailMapping.interaction(
            mail, item: item, nature: judgement.nature, writer: nature.writer(mail), attachments: attachments)
        switch MailFormReader(accounts[item.account]?.mailForms ?? [], nature: nature).read(mail, as: interaction) {
        case .form(var form, let reason):
            form.fields += interaction.fields.filter { [Interaction.cutField, Interaction.importedField].contains($0.name) }
            return Digested.Entry(interaction: form, reason: reason)
        case .mail(let note):
            let splitReason = MailSplit.apply(mail, to: &interaction)
            let returned = judgement.report.map { Returned(report: $0, tokens: Returned.tokens(mail)) }
            let reason = judgement.reason + (note.map { "; \($0)" } ?? "")
            return Digested.Entry(interaction: interaction, reason: reason, splitReason: splitReason, returned: returned)
        }
    }

    private static func opened(_ bytes: [UInt8], with keys: MailKeys) async throws -> ParsedMail {
        try await withCheckedThrowingContinuation { continuation in
            keyQueue.async { continuation.resume(with: Result { try MailParser.parse(bytes, keys: keys) }) }
        }
    }

    /// A large mail without its large parts, which go from file to file; any other as it is.
    private func slim(_ item: SpooledItem) async throws -> (bytes: [UInt8], aside: PartsAside) {
        guard let blob = item.blob else { return (item.bytes, PartsAside()) }
        var slimmer = MailSlimmer(blobs: blobs)
        var offset = 0
        while true {
            let piece = try await blobs.read(blob, from: offset, count: MailSlimmer.pieceBytes)
            if piece.isEmpty { break }
            offset += piece.count
            try await slimmer.feed(piece)
        }
        return try await slimmer.finish()
    }

    private func channelItem(_ item: SpooledItem) throws -> Digested.Entry {
        let channel = item.meta[MetaKey.channel] ?? ""
        let message = try ChannelItemMapping.interaction(
            item.bytes, externalID: item.externalID, channel: channel, account: item.account, receivedAt: item.receivedAt)
        return Digested.Entry(interaction: message, reason: "a person wrote it: it came through \(channel)")
    }

    private func shopRecord(_ item: SpooledItem) throws -> Digested {
        let (account, at, revision) = (item.account, item.receivedAt, item.id.rawValue)
        let asOf = ChannelItem.asOf(item.meta[MetaKey.asOf])
        let isOrder = item.meta[MetaKey.product] == ChannelFile.Stream.Product.order.rawValue
        let record: ShopRecord =
            isOrder
            ? .order(try ChannelOrderMapping.order(item.bytes, account: account, receivedAt: at, asOf: asOf, revision: revision))
            : .customer(try ChannelOrderMapping.customer(item.bytes, account: account, receivedAt: at, revision: revision))
        return Digested(item: item, records: [record], result: .success([]))
    }

    /// The body of a push that could not be read when it came.
    private func pushed(_ item: SpooledItem) throws -> [RawItem] {
        guard let account = accounts[item.account], let door = ChannelDoor(account, channels: channels) else {
            throw ItemError(description: "this was pushed to \(item.account), and nothing is pushed to it any more")
        }
        return try door.reread(item.bytes, now: item.receivedAt)
    }

    private func feed(_ item: SpooledItem) throws -> [Digested.Entry] {
        let url = item.meta[MetaKey.url] ?? accounts[item.account]?.url ?? item.account
        let response = FeedResponse(
            contentType: item.meta[MetaKey.contentType], contentLocation: item.meta[MetaKey.contentLocation],
            contentLanguage: item.meta[MetaKey.contentLanguage])
        let feed = try FeedParser.parse(item.bytes, url: url, response: response)
        return FeedMapping.interactions(feed, account: item.account, url: url, since: since(item), receivedAt: item.receivedAt).map {
            Digested.Entry(interaction: $0, reason: "a person wrote it: it is a post")
        }
    }

    private func form(_ item: SpooledItem) throws -> Digested {
        if item.meta[MetaKey.format] == FormPost.format {
            let post = try PublicFormEntry(json: item.bytes, account: item.account)
            let form = post.interaction(account: item.account, externalID: item.externalID, receivedAt: item.receivedAt)
            guard post.fields.contains(where: { !$0.value.isEmpty }) else {
                throw ItemError(description: "\(item.account): the form has no fields; look at the page that posts it")
            }
            return Digested(item: item, result: .success([Digested.Entry(interaction: form, reason: "a person wrote it: it is a form")]))
        }
        let mapping = accounts[item.account]?.form ?? Self.guess(item.bytes)
        let reading = try mapping.interactions(item.bytes, account: item.account, since: since(item), receivedAt: item.receivedAt)
        let entries = reading.interactions.map { Digested.Entry(interaction: $0, reason: "a person wrote it: it is a form") }
        return Digested(item: item, result: .success(entries), notes: reading.skipped)
    }

    /// An account without a mapping: the fields' names have to do.
    private static func guess(_ bytes: [UInt8]) -> FormMapping {
        let first = bytes.first { $0 > 0x20 && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
        let isJSON = first == UInt8(ascii: "[") || first == UInt8(ascii: "{") || first == UInt8(ascii: "<")
        return FormMapping(format: isJSON ? .json : .csv)
    }

    private func since(_ item: SpooledItem) -> Timestamp? {
        item.meta[MetaKey.since].flatMap { Int64($0) }.map { Timestamp(microseconds: $0) }
    }
}
