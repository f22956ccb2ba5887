import Domain
import FoundationEssentials
import Glibc
public import Logging
public import Store

/// Keeps delivery from mailing people twice because time moved: after the clock was set back or a backup was restored it is held until the
/// operator has looked and says go on.
public struct DeliveryGate: Sendable {
    /// A clock may be corrected by this much without anybody being asked.
    public static let toleratedJumpBack: Duration = .seconds(300)
    /// How often the clock is noted while the daemon runs.
    static let noteEvery: Duration = .seconds(60)

    enum Key {
        static let held = "delivery_held"
        static let clock = "last_wall_clock"
        /// One per node: each has its own data directory.
        static let instance = "instance"
    }

    private let store: Store
    private let file: String
    private let node: Int
    private let logger: Logger

    /// - Parameters:
    ///   - dataDirectory: holds the file `instance`, the database's counterpart: both get a new mark at each start, so an older copy of
    ///     either one shows.
    ///   - node: as given to the store.
    public init(store: Store, dataDirectory: String, node: Int, logger: Logger) {
        self.store = store
        file = dataDirectory + "/instance-\(node)"
        self.node = node
        self.logger = logger
    }

    /// Why nothing is delivered; nil when delivery runs.
    public static func heldReason(in transaction: Transaction) throws -> String? {
        try transaction.meta.get(Key.held).flatMap { $0.isEmpty ? nil : $0 }
    }

    public func heldReason() async throws -> String? { try await store.read { try Self.heldReason(in: $0) } }

    public func hold(_ reason: String) async throws {
        logger.critical("Delivery is held.", metadata: ["reason": "\(reason)"])
        try await store.write { try $0.meta.set(Key.held, reason) }
    }

    /// The operator has looked: deliver again, from the present clock on.
    public func release() async throws {
        let now = store.time.now()
        try await store.write { transaction in
            try transaction.meta.set(Key.held, "")
            try transaction.meta.set(Key.clock, String(now.microseconds))
        }
        logger.notice("Delivery is released.")
    }

    /// Run before anything is delivered. Compares the database with the clock and with the data directory, and holds delivery on doubt.
    public func check() async throws {
        let now = store.time.now()
        let mark = Self.newMark()
        let key = "\(Key.instance).\(node)"
        let (clock, known) = try await store.read { transaction in
            (try transaction.meta.get(Key.clock).flatMap { Int64($0) }, try transaction.meta.get(key))
        }
        if let clock, let reason = Self.jumped(from: Timestamp(microseconds: clock), to: now) { try await hold(reason) }
        if let known, !marksInFile().contains(known) {
            try await hold(
                "the database does not belong to this data directory (\(file)): a backup was restored, or this is a copy. "
                    + "Mails may have gone out that it does not know of; look at the send ledger, then release delivery")
        }
        // The file first, with both marks: a crash between the two leaves a pair that still matches.
        try writeFile([mark] + (known.map { [$0] } ?? []))
        try await store.write { transaction in
            try transaction.meta.set(key, mark)
            try transaction.meta.set(Key.clock, String(max(now.microseconds, clock ?? 0)))
        }
    }

    /// Notes the clock so that the next start can compare; holds delivery when it went back since `last`.
    /// - Returns: what to pass the next time.
    func note(last: Timestamp) async throws -> Timestamp {
        let now = store.time.now()
        if let reason = Self.jumped(from: last, to: now) {
            try await hold(reason)
            return now
        }
        guard now - last >= Self.noteEvery else { return last }
        try await store.write { try $0.meta.set(Key.clock, String(now.microseconds)) }
        return now
    }

    private static func jumped(from last: Timestamp, to now: Timestamp) -> String? {
        guard last - now > toleratedJumpBack else { return nil }
        return "the clock went back from \(last) to \(now). Check this machine's time and the send ledger, then release delivery"
    }

    private static func newMark() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    }

    private func marksInFile() -> [String] {
        guard let bytes = FileManager.default.contents(atPath: file) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func writeFile(_ marks: [String]) throws {
        let temporary = file + ".part"
        let text = Array((marks.joined(separator: "\n") + "\n").utf8)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FolderError(path: temporary, doing: "create") }
        let isWritten = write(descriptor, text, text.count) == text.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten, rename(temporary, file) == 0 else { throw FolderError(path: file, doing: "write") }
    }
}
