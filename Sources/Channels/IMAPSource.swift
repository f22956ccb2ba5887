import Domain
import Transport

/// A mailbox over IMAP. Reads only (EXAMINE, BODY.PEEK[]): flags stay as they are, and what was read is remembered by UID.
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

    private let account: Account
    private let connect: @Sendable (LineEndpoint) async throws -> IMAPClient
    private let mailbox: String
    private let breaks = FetchBreaks()
    private var client: IMAPClient?

    init(account: Account, connect: @escaping @Sendable (LineEndpoint) async throws -> IMAPClient) {
        self.account = account
        self.connect = connect
        mailbox = String(sha256("\(account.url.lowercased()) \(account.user ?? "")".utf8).prefix(16))
    }

    func poll(into keeper: Keeper) async throws {
        let isKept = client != nil
        do { try await pollFolders(keeper) } catch let error as TransportError where isKept && error.isConnectionGone {
            // The server closed a connection we kept: that is its right, not a failure.
            await close()
            do { try await pollFolders(keeper) } catch {
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
            let visit = FolderPoll(
                folder: folder, account: account, mailbox: mailbox, client: client, keeper: keeper, breaks: breaks)
            // A folder that does not exist keeps no other from being read.
            do { try await visit.run() } catch let error as TransportError where error.isRefusal { trouble = trouble ?? error }
        }
        if let trouble { throw trouble }
    }

    private func connected() async throws -> IMAPClient {
        if let client { return client }
        let new = try await connect(
            LineEndpoint(
                account.url, user: account.user, password: account.password, accessToken: account.accessToken, tls: account.tls))
        client = new
        return new
    }

    func wait(atMost: Duration) async throws {
        guard let client else { return try await Task.sleep(for: atMost) }
        guard client.capabilities.contains("IDLE") else {
            if atMost > Self.keptMax { await close() }
            return try await Task.sleep(for: atMost)
        }
        do { _ = try await client.idle(atMost: min(atMost, Self.idleMax)) } catch {
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
