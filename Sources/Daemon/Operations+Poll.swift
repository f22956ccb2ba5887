import Channels
import Domain
import Formats
import Intake
import Logging
import Store
import Synchronization
import Transport

extension Operations {
    public enum Order: Sendable { case hold, resume, poll }

    /// Asks something of an account; the daemon obeys within seconds, or at its next start.
    public static func order(_ name: String, _ order: Order, configuration: String) async throws -> String {
        let settings = try Settings.load(configuration, needsSecrets: false)
        guard settings.accounts.contains(where: { $0.name == name }) else {
            let known = settings.accounts.prefix(20).map(\.name).joined(separator: ", ")
            throw CommandError("there is no account `\(name)`; the configuration has \(known)")
        }
        return try await withStore(configuration) { store in
            try await store.write { transaction in
                switch order {
                case .hold, .resume: try transaction.accounts.hold(name, order == .hold, by: "command line")
                case .poll: try transaction.accounts.askPoll(name)
                }
            }
            return switch order {
            case .hold: "\(name) is on hold; it goes on with: hongyan account resume \(name)"
            case .resume: "\(name) goes on."
            case .poll: "\(name) is polled within seconds, if the daemon runs."
            }
        }
    }

    /// Polls accounts once, reads what came, and ends: for trials, and where a timer should do the work of the daemon.
    /// - Parameters:
    ///   - names: of the accounts; all when empty.
    ///   - say: progress and trouble, a line each.
    /// - Returns: what it came to, and whether every account could be read.
    public static func poll(
        _ names: [String], configuration: String, say: @escaping @Sendable (String) -> Void
    ) async throws -> (words: String, isSound: Bool) {
        let settings = try Settings.load(configuration)
        for name in names where !settings.accounts.contains(where: { $0.name == name }) {
            throw CommandError(
                "there is no account `\(name)`; the configuration has \(settings.accounts.map(\.name).joined(separator: ", "))")
        }
        let accounts = names.isEmpty ? settings.accounts : settings.accounts.filter { names.contains($0.name) }
        let lock = try settings.databasePath.map { try FileLock(path: $0 + ".lock") }
        let store = try await settings.openStore(logger: quiet)
        let loop = TransferLoop(logger: quiet)
        do {
            try await store.migrate()
            if lock != nil { try await store.releaseLeases() }
            let result = try await poll(accounts, settings, store, loop, say: say)
            await loop.shutdown()
            await store.close()
            _ = lock  // held until here
            return result
        } catch {
            await loop.shutdown()
            await store.close()
            throw error
        }
    }

    private static func poll(
        _ accounts: [Account], _ settings: Settings, _ store: Store, _ loop: TransferLoop, say: @escaping @Sendable (String) -> Void
    ) async throws -> (words: String, isSound: Bool) {
        let seal = try settings.tokenSeal(isNeeded: true)
        let tokens = OAuthKeeper(
            settings.oauth, shelf: .in(store, seal: seal, owner: "poll"), loop: loop, logger: quiet, now: store.time.now)
        let channels = ChannelShelf(settings.channels)
        let digest = DigestService(
            store: store, accounts: settings.accounts, ownAddresses: settings.senderAddresses, owner: "poll", logger: quiet,
            keys: settings.keys.map { MailKeys(folder: $0) }, channels: channels)
        let intake = IntakeService(
            store: store, loop: loop, accounts: [], tokens: tokens, channels: channels, seal: seal, digest: digest,
            logger: quiet)
        let before = try await store.read { try $0.interactions.count() }
        let reading = Task { try await digest.run() }
        let troubled = Mutex(0)
        await intake.pollOnce(accounts) { health in
            guard let error = health.lastError, health.failuresInARow > 0 else { return }
            troubled.withLock { $0 += 1 }
            say("\(health.account)  \(health.state.rawValue): \(error)")
        }
        while try await store.read({ try $0.spool.openCount() }) > 0 { try await Task.sleep(for: .milliseconds(5)) }
        reading.cancel()
        _ = try? await reading.value
        let (after, quarantined) = try await store.read { (try $0.interactions.count(), try $0.spool.quarantinedCount()) }
        var words = "\(accounts.count) accounts polled, \(after - before) new messages"
        let inTrouble = troubled.withLock { $0 }
        if inTrouble > 0 { words += ", \(inTrouble) accounts in trouble" }
        if quarantined > 0 { words += "; \(quarantined) items are in quarantine: hongyan quarantine list" }
        return (words, inTrouble == 0)
    }
}
