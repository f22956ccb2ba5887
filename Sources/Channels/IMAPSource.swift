import Domain
import Transport

/// A mailbox over IMAP. Reads with BODY.PEEK[]: flags stay as they are unless the operator asks for something else, and what was read is
/// remembered by UID.
actor IMAPSource: Source {
    /// Servers and routers forget silent connections; RFC 2177 allows 29 minutes, address translation often only ten.
    static let idleMax = Duration.seconds(540)
    /// A connection without IDLE is kept only for waits shorter than this.
    static let keptMax = Duration.seconds(120)
    /// After an IDLE that broke.
    static let afterBreak = Duration.seconds(2)
    /// Mails asked for their size at once.
    static let summariesMax = 500
    /// Searches in one poll; more mail than that comes with the next.
    static let roundsMax = 1000
    /// IDLEs in a row that ended without a word although there was new mail; then the server's IDLE is not believed any more.
    static let liesMax = 2
    /// For so long; a server may be mended.
    static let disbelief = Duration.seconds(6 * 3600)
    /// How often a server is asked whose IDLE is not believed.
    static let askingInterval = Duration.seconds(15)

    private let account: Account
    private let connect: @Sendable (LineEndpoint) async throws -> IMAPClient
    private let mailbox: String
    private let breaks = FetchBreaks()
    private var client: IMAPClient?
    /// The last IDLE ran its whole time and the server said nothing.
    private var idleWasSilent = false
    private var lies = 0
    private var disbelievedUntil: ContinuousClock.Instant?

    init(account: Account, connect: @escaping @Sendable (LineEndpoint) async throws -> IMAPClient) {
        self.account = account
        self.connect = connect
        mailbox = String(sha256("\(account.url.lowercased()) \(account.user ?? "")".utf8).prefix(16))
    }

    func poll(into keeper: Keeper) async throws { try await reconnecting { try await self.pollFolders(keeper) } }

    func fetchWanted(into keeper: Keeper) async throws {
        guard try await !keeper.ledger.wanted().isEmpty else { return }
        try await reconnecting { try await self.fetchWholes(keeper) }
    }

    /// A connection we kept may be gone: that is the server's right, not a failure.
    private func reconnecting(_ body: () async throws -> Void) async throws {
        let isKept = client != nil
        do { try await body() } catch let error as TransportError where isKept && error.isConnectionGone {
            await close()
            do { try await body() } catch {
                await close()
                throw error
            }
        } catch {
            await close()
            throw error
        }
    }

    private func pollFolders(_ keeper: Keeper) async throws {
        let client = try await connected()
        var trouble: TransportError?
        // The first folder last, so that it is the one open when IDLE begins.
        for folder in account.folders.reversed() {
            let visit = visit(folder, client, keeper)
            // A folder that does not exist keeps no other from being read.
            do {
                let new = try await visit.run()
                if folder == account.folders.first { judgeIdle(newMails: new) }
            } catch let error as TransportError where error.isRefusal { trouble = trouble ?? error }
        }
        if let trouble { throw trouble }
    }

    private func visit(_ folder: String, _ client: IMAPClient, _ keeper: Keeper) -> FolderPoll {
        FolderPoll(folder: folder, account: account, mailbox: mailbox, client: client, keeper: keeper, breaks: breaks)
    }

    private func fetchWholes(_ keeper: Keeper) async throws {
        let client = try await connected()
        for name in try await keeper.ledger.wanted() {
            guard let (folder, uid) = account.folders.lazy.compactMap({ Self.place(name, in: $0) }).first else {
                try await keeper.ledger.giveUp(name, "its folder is not among the account's folders any more")
                continue
            }
            let status = try await client.examine(folder)
            guard let cursor = MailboxCursor(try await keeper.cursor(folder)), cursor.uidValidity == status.uidValidity,
                cursor.externalID(folder: folder, uid: uid) == name
            else {
                try await keeper.ledger.giveUp(name, "the server has numbered the folder's mails anew since then")
                continue
            }
            let mail: RawItem?
            do {
                mail = try await visit(folder, client, keeper).streamed(uid, cursor: cursor, bytesMax: FetchPlan.wantedBytesMax)
            } catch let error as TransportError where !error.isTemporary {
                try await keeper.ledger.giveUp(name, "\(error)")
                throw error
            }
            guard var mail else {
                try await keeper.ledger.giveUp(name, "it is no longer in the mailbox")
                continue
            }
            mail.meta[MetaKey.whole] = "1"
            try await keeper.ledger.complete(mail)
        }
    }

    /// `INBOX/1699/42`, `INBOX~2/1699/42`
    private static func place(_ externalID: String, in folder: String) -> (folder: String, uid: UInt32)? {
        guard externalID.hasPrefix(folder), let uid = externalID.split(separator: "/").last.flatMap({ UInt32($0) }) else { return nil }
        let rest = externalID.dropFirst(folder.count)
        return rest.hasPrefix("/") || rest.hasPrefix("~") ? (folder, uid) : nil
    }

    private func connected() async throws -> IMAPClient {
        if let client { return client }
        let new = try await connect(
            LineEndpoint(
                account.url, user: account.user, password: account.password, accessToken: account.accessToken, tls: account.tls))
        client = new
        return new
    }

    /// Some servers offer IDLE and never announce anything: then new mail comes to light only by asking.
    private func judgeIdle(newMails: Int) {
        defer { idleWasSilent = false }
        guard newMails > 0 else { return }
        lies = idleWasSilent ? lies + 1 : 0
        if lies >= Self.liesMax {
            lies = 0
            disbelievedUntil = .now + Self.disbelief
        }
    }

    private var believesIdle: Bool { disbelievedUntil.map { $0 <= .now } ?? true }

    func wait(atMost: Duration) async throws {
        guard let client else { return try await Task.sleep(for: atMost) }
        guard client.capabilities.contains("IDLE"), believesIdle else {
            if !believesIdle { return try await Task.sleep(for: min(atMost, Self.askingInterval)) }
            if atMost > Self.keptMax { await close() }
            return try await Task.sleep(for: atMost)
        }
        do { idleWasSilent = try await !client.idle(atMost: min(atMost, Self.idleMax)) && !Task.isCancelled } catch {
            await close()
            try Task.checkCancellation()
            try await Task.sleep(for: min(atMost, Self.afterBreak))
        }
    }

    func close() async {
        guard let client else { return }
        self.client = nil
        await client.logout()
    }
}

extension TransportError {
    var isConnectionGone: Bool { if case .connectionLost = self { true } else { false } }
    var isRefusal: Bool { if case .commandRefused = self { true } else { false } }
}
