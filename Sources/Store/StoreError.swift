import CSQLite

/// What went wrong, where, and what to do about it. Never holds a bound value.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case cannotOpen
        case schemaTooNew
        case closed
        /// A unique, foreign key or check constraint said no.
        case constraint
        /// The disk is full, the file is locked, the server is gone: trying again later may help.
        case unavailable
        /// The database stopped this transaction in favour of another; it was tried again, often enough.
        case conflict
        case corrupt
        case statement
        /// The row to change is not there.
        case missing
        /// Somebody else did this work meanwhile.
        case superseded
        case blob
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// Whether the same call may succeed later without anybody changing the program.
    public var isTemporary: Bool { kind == .unavailable || kind == .conflict }
}

extension StoreError {
    static let closed = StoreError(.closed, "the store is closed")
    static let overloaded = StoreError(
        .unavailable, "\(LanePool.waitingMax) transactions wait for the database already; this one is refused")

    static func cannotOpen(_ path: String, _ reason: String) -> StoreError {
        StoreError(.cannotOpen, "cannot open \(path): \(reason). Check that the folder exists and the daemon's user may write to it.")
    }

    static func cannotConnect(_ place: String, _ reason: String) -> StoreError {
        StoreError(
            .unavailable, "cannot open \(place): \(reason). Check that the server runs, and the user, password and database of the URL.")
    }

    /// The beginning of a statement, on one line; values are never part of it.
    static func short(_ sql: String) -> String {
        let words = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.count > 120 ? words.prefix(120) + "…" : words
    }

    /// - Parameter code: SQLite's primary result code.
    static func sqlite(code: Int32, reason: String, place: String, sql: String) -> StoreError {
        switch code {
        case SQLITE_FULL: StoreError(.unavailable, "the disk that holds \(place) is full. Free some space; work goes on by itself then.")
        case SQLITE_BUSY, SQLITE_LOCKED:
            StoreError(
                .unavailable, "\(place) is locked by another program. Stop what else writes to it: a second daemon, a backup, a shell.")
        case SQLITE_IOERR:
            StoreError(.unavailable, "reading or writing \(place) failed: \(reason). Check the disk and the kernel's log.")
        case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
            StoreError(.unavailable, "cannot write \(place): \(reason). Check that the daemon's user may write to the file and its folder.")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            StoreError(.corrupt, "\(place) is damaged: \(reason). Stop the daemon and restore the last backup.")
        case SQLITE_CONSTRAINT: StoreError(.constraint, "\(reason), in: \(short(sql))")
        default: StoreError(.statement, "\(place): \(reason), in: \(short(sql))")
        }
    }

    /// - Parameter state: the five characters of SQLSTATE; nil when the server said nothing.
    static func postgres(state: String?, message: String, constraint: String?, isLost: Bool, place: String, sql: String) -> StoreError {
        let state = state ?? ""
        switch state {
        case "40001", "40P01": return StoreError(.conflict, "\(place): too many transactions touch the same rows. Try again.")
        case "53100": return StoreError(.unavailable, "the disk of \(place) is full. Free some space; work goes on by itself then.")
        default: break
        }
        if isLost || state.hasPrefix("08") || state.hasPrefix("57P") || state.hasPrefix("53") || state == "55P03" {
            return StoreError(
                .unavailable, "\(place): \(message.isEmpty ? "the connection was lost" : message). Check that the server runs.")
        }
        if state.hasPrefix("23") { return StoreError(.constraint, "constraint \(constraint ?? state) failed, in: \(short(sql))") }
        // Class 22 quotes the value.
        if state.hasPrefix("22") { return StoreError(.statement, "\(place): a value does not fit (\(state)), in: \(short(sql))") }
        return StoreError(.statement, "\(place): \(message), in: \(short(sql))")
    }
}
