import Console
import Delivery
import Desk
import Domain
import FoundationEssentials
import Glibc
import Logging
import Store

/// What the operator does by command beside the running daemon. Each opens the store, does one thing and returns what to print.
public enum Operations {
    public static func status(configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            let held = try await store.read { try DeliveryGate.heldReason(in: $0) }
            return try await store.read { tx in try StatusReport(tx, held: held).text }
        }
    }

    public static func migrate(configuration: String) async throws -> String {
        try await withStore(configuration) { store in "The database is up to date (\(store.kind.rawValue))." }
    }

    public static func quarantine(configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            let items = try await store.read { try $0.spool.quarantined(limit: 1000) }
            guard !items.isEmpty else { return "Nothing is in quarantine." }
            return items.map { item in
                let head = "\(item.id)  \(item.receivedAt)  \(item.account)  \(item.externalID)  \(item.sizeBytes) bytes"
                return head + "\n    " + (item.error ?? "no reason was kept")
            }.joined(separator: "\n") + "\n\nhongyan quarantine show|replay|drop NUMBER"
        }
    }

    public static func showQuarantined(_ text: String, configuration: String) async throws {
        let id: ID<SpooledItem> = try number(text)
        let found = try await withStore(configuration) { store -> [UInt8]? in
            guard let item = try await store.read({ try $0.spool.get(id) }) else { return nil }
            return try await store.bytes(of: item)
        }
        guard let bytes = found else { throw CommandError("there is no message \(text); `hongyan quarantine list` shows their numbers") }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress! + written, $0.count - written) }
            guard count > 0 else { return }
            written += count
        }
    }

    public static func replay(_ text: String, configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            if text == "all" {
                let count = try await store.write { tx in
                    try tx.spool.quarantined(limit: 100_000).reduce(0) { try tx.spool.replay($1.id) ? $0 + 1 : $0 }
                }
                return "\(count) messages will be tried again."
            }
            let id: ID<SpooledItem> = try number(text)
            guard try await store.write({ try $0.spool.replay(id) }) else {
                throw CommandError("no message \(text) is in quarantine; `hongyan quarantine list` shows their numbers")
            }
            return "Message \(text) will be tried again."
        }
    }

    public static func drop(_ text: String, configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            let id: ID<SpooledItem> = try number(text)
            guard try await store.write({ try $0.spool.drop(id) }) else {
                throw CommandError("no message \(text) is in quarantine; `hongyan quarantine list` shows their numbers")
            }
            return "Message \(text) is given up."
        }
    }

    /// - Parameter key: of one row of the ledger that is held; nil for the delivery as a whole.
    public static func release(_ key: String?, configuration: String) async throws -> String {
        let settings = try Settings.load(configuration, needsSecrets: false)
        return try await withStore(configuration) { store in
            if let key {
                let isReleased = try await store.write { tx in try tx.sends.get(key: key).map { try tx.sends.release($0.id) } }
                guard let isReleased else {
                    throw CommandError("the ledger has no row \(key); `hongyan why ADDRESS` shows a customer's rows")
                }
                return isReleased ? "\(key) will be sent." : "\(key) is not held."
            }
            let gate = DeliveryGate(store: store, dataDirectory: settings.data, node: settings.node, logger: quiet)
            guard let reason = try await gate.heldReason() else { return "Delivery is not held." }
            try await gate.release()
            return "Delivery goes on. It was held because \(reason)"
        }
    }

    public static func addUser(login: String, name: String?, locale: String, passwordFile: String?, configuration: String) async throws
        -> String
    {
        guard ["en", "zh"].contains(locale) else { throw CommandError("--locale is `\(locale)`; write en or zh") }
        let password: String
        if let passwordFile {
            guard let bytes = FileManager.default.contents(atPath: passwordFile) else { throw CommandError("cannot read \(passwordFile)") }
            password = String(decoding: bytes, as: UTF8.self).trimmed
        } else {
            guard let typed = getpass("Password for \(login): ") else { throw CommandError("no password was given; use --password-file") }
            password = String(cString: typed)
        }
        guard password.utf8.count >= Self.passwordLengthMin else {
            throw CommandError("the password has fewer than \(Self.passwordLengthMin) characters; choose a longer one")
        }
        return try await withStore(configuration) { store in try await addUser(login, name ?? login, locale, password, to: store) }
    }

    static let passwordLengthMin = 8

    static func addUser(_ login: String, _ name: String, _ locale: String, _ password: String, to store: Store) async throws -> String {
        let hash = try await Passwords.hash(password)
        return try await store.write { tx in
            if let known = try tx.agents.byLogin(login) {
                try tx.agents.setPassword(known.agent.id, passwordHash: hash)
                return "\(login) has a new password."
            }
            _ = try tx.agents.create(login: login, name: name, passwordHash: hash, locale: locale)
            return "\(login) may sign in."
        }
    }

    public static func users(configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            let all = try await store.read { try $0.agents.all() }
            return all.isEmpty
                ? "There is no agent yet: hongyan user add NAME"
                : all.map { "\($0.login)  \($0.name)  \($0.locale)" }.joined(separator: "\n")
        }
    }

    static let quiet = Logger(label: "hongyan") { LogOutput(label: $0, level: .warning, format: .logfmt, isJournal: false) }

    /// Opens the configured store, brings its schema up to date, and closes it again.
    static func withStore<T: Sendable>(_ configuration: String, _ body: (Store) async throws -> T) async throws -> T {
        let settings = try Settings.load(configuration, needsSecrets: false)
        let store = try await settings.openStore(logger: quiet)
        do {
            try await store.migrate()
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    private static func number<Of>(_ text: String) throws -> ID<Of> {
        guard let id = ID<Of>(text) else { throw CommandError("`\(text)` is not a number; `hongyan quarantine list` shows the numbers") }
        return id
    }
}

extension Settings {
    func openStore(logger: Logger) async throws -> Store {
        try await Store.open(database.reveal(), blobs: "\(data)/blobs", node: node, time: SystemTime(), logger: logger)
    }
}

/// What a command says instead of doing it.
public struct CommandError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
