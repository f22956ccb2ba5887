import CSQLite

/// One SQLite connection with its cached statements.
final class SQLiteConnection: SQLConnection, @unchecked Sendable {  // used on its lane's queue alone
    enum Role { case writer, reader }

    /// Cached statements; more than the program has, so that only built-up SQL can ever push one out.
    static let statementsMax = 256
    /// How long to wait for another process's lock.
    static let busyMilliseconds: Int32 = 5000

    /// Nobody asks SQLite how much memory it uses, and counting takes a lock for every piece.
    private static let quiet: Void = { _ = csqlite_config_quiet() }()

    let dialect = Dialect.sqlite
    let isUsable = true
    private let place: String
    private var handle: OpaquePointer?
    private var statements: [Key: Statement] = [:]
    /// The values and the short texts of the statement that is being stepped.
    private var values: [SQLValue] = []
    private var texts = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 1)
    private static let shortMax = 32 << 10
    private(set) var logBytes = 0
    private var pageBytes = 4096

    /// A statement's text, some six hundred bytes: the length tells most of them apart, and comparing is cheaper than hashing them all.
    private struct Key: Hashable {
        let text: String
        func hash(into hasher: inout Hasher) { hasher.combine(text.utf8.count) }
    }

    private struct Statement {
        let handle: OpaquePointer
        /// For each of SQLite's parameters the number behind its `$`, less one: SQLite counts them as they appear.
        let order: [Int]
    }

    /// - Parameter path: a file, or `:memory:`.
    init(path: String, role: Role) throws {
        place = path
        Self.quiet
        let access = role == .writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE
        let code = sqlite3_open_v2(path, &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK else {
            let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
            close()
            throw StoreError.cannotOpen(path, reason)
        }
        sqlite3_busy_timeout(handle, Self.busyMilliseconds)
        do {
            // Messages are a few kilobytes: in larger pages fewer of them are torn apart, and the log has half as many frames. A database
            // that is there already keeps its own.
            if role == .writer {
                try run("PRAGMA page_size = 8192")
                _ = try query("PRAGMA journal_mode = WAL", [])
            }
            for setting in ["synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF", "journal_size_limit = 67108864"] {
                try run("PRAGMA \(setting)")
            }
            // What savepoints copy stays in memory; a file for each large one costs more than the writing itself.
            if role == .writer { try run("PRAGMA temp_store = MEMORY") }
            try run(role == .writer ? "PRAGMA cache_size = -8192" : "PRAGMA cache_size = -1024")
            if role == .writer { try watchLog() }
            if role == .reader { try run("PRAGMA query_only = ON") }
        } catch {
            close()
            throw error
        }
    }

    deinit {
        close()
        texts.deallocate()
    }

    /// Whether a BEGIN stands. After some errors (disk full, out of memory) SQLite rolls the whole transaction back by itself.
    var isInTransaction: Bool { handle.map { sqlite3_get_autocommit($0) == 0 } ?? false }

    func query(_ sql: String, _ parameters: [any SQLParameter]) throws(StoreError) -> [Row] {
        var rows: [Row] = []
        try step(sql, parameters) { statement in
            rows.append(Row((0..<sqlite3_column_count(statement)).map { Self.value(statement, $0) }))
        }
        return rows
    }

    func execute(_ sql: String, _ parameters: [any SQLParameter]) throws(StoreError) -> Int {
        try step(sql, parameters) { _ in }
        return Int(sqlite3_changes(handle))
    }

    func run(_ command: String) throws(StoreError) { try step(command, []) { _ in } }

    func changeMark() throws -> String {
        guard var row = try query("PRAGMA data_version", []).first else { return "" }
        return String(try row.integer())
    }

    func copyLog() throws { _ = try query("PRAGMA wal_checkpoint(PASSIVE)", []) }

    /// SQLite would copy its log back at the end of whatever commit is due; here the database decides when, and on which thread.
    private func watchLog() throws {
        var row = try query("PRAGMA page_size", []).first
        pageBytes = Int(try row?.integer() ?? 4096)
        let me = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            handle,
            { me, _, _, pages in
                let connection = Unmanaged<SQLiteConnection>.fromOpaque(me!).takeUnretainedValue()
                connection.logBytes = Int(pages) * connection.pageBytes
                return SQLITE_OK
            }, me)
    }

    func close() {
        for statement in statements.values { sqlite3_finalize(statement.handle) }
        statements = [:]
        if let handle { sqlite3_close_v2(handle) }
        handle = nil
    }

    private func step(_ sql: String, _ parameters: [any SQLParameter], row: (OpaquePointer) -> Void) throws(StoreError) {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement.handle)
            sqlite3_clear_bindings(statement.handle)
        }
        try bind(parameters, to: statement, sql)
        while true {
            switch sqlite3_step(statement.handle) {
            case SQLITE_ROW: row(statement.handle)
            case SQLITE_DONE: return
            case let code: throw failure(code, sql)
            }
        }
    }

    private func prepared(_ sql: String) throws(StoreError) -> Statement {
        if let statement = statements[Key(text: sql)] { return statement }
        guard handle != nil else { throw StoreError.closed }
        var raw: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &raw, nil)
        guard code == SQLITE_OK, let raw else { throw failure(code, sql) }
        if statements.count >= Self.statementsMax, let old = statements.keys.randomElement() {
            sqlite3_finalize(statements.removeValue(forKey: old)?.handle)
        }
        let order = (0..<sqlite3_bind_parameter_count(raw)).map { index -> Int in
            let name = sqlite3_bind_parameter_name(raw, index + 1).map { String(cString: $0) } ?? ""
            return (Int(name.dropFirst()) ?? Int(index + 1)) - 1
        }
        let statement = Statement(handle: raw, order: order)
        statements[Key(text: sql)] = statement
        return statement
    }

    /// Short texts are laid side by side in one piece of memory that outlives the step; SQLite would allocate and copy each by itself.
    private func bind(_ parameters: [any SQLParameter], to statement: Statement, _ sql: String) throws(StoreError) {
        values.removeAll(keepingCapacity: true)
        defer { values.removeAll(keepingCapacity: true) }
        var needed = 0
        for number in statement.order {
            guard number < parameters.count else {
                throw StoreError(.statement, "no value for $\(number + 1) in: \(StoreError.short(sql))")
            }
            let value = parameters[number].sqlValue
            if case .text(let text) = value, text.utf8.count <= Self.shortMax { needed += text.utf8.count }
            values.append(value)
        }
        if needed > texts.count {
            texts.deallocate()
            texts = .allocate(byteCount: needed * 2, alignment: 1)
        }
        var used = 0
        for (index, value) in values.enumerated() {
            let code = bind(value, to: statement.handle, at: Int32(index + 1), &used)
            guard code == SQLITE_OK else { throw failure(code, sql) }
        }
    }

    private func bind(_ value: SQLValue, to statement: OpaquePointer, at index: Int32, _ used: inout Int) -> Int32 {
        switch value {
        case .null: return sqlite3_bind_null(statement, index)
        case .integer(let value): return sqlite3_bind_int64(statement, index, value)
        case .real(let value): return sqlite3_bind_double(statement, index, value)
        case .text(var value):
            guard !value.isEmpty else { return csqlite_bind_text(statement, index, "", 0) }
            return value.withUTF8 { bytes in
                guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
                if bytes.count <= Self.shortMax {
                    let place = UnsafeMutableRawBufferPointer(rebasing: texts[used..<(used + bytes.count)])
                    place.copyMemory(from: UnsafeRawBufferPointer(bytes))
                    used += bytes.count
                    return sqlite3_bind_text(statement, index, place.assumingMemoryBound(to: CChar.self).baseAddress, count, nil)
                }
                return bytes.withMemoryRebound(to: CChar.self) { csqlite_bind_text(statement, index, $0.baseAddress, count) }
            }
        case .blob(let value):
            guard !value.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
            guard let count = Int32(exactly: value.count) else { return SQLITE_TOOBIG }
            return value.withUnsafeBytes { csqlite_bind_blob(statement, index, $0.baseAddress, count) }
        }
    }

    private static func value(_ statement: OpaquePointer, _ column: Int32) -> SQLValue {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT:
            guard let text = sqlite3_column_text(statement, column) else { return .text("") }
            let count = Int(sqlite3_column_bytes(statement, column))
            return .text(String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            guard let blob = sqlite3_column_blob(statement, column) else { return .blob([]) }
            return .blob([UInt8](UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_column_bytes(statement, column)))))
        default: return .null
        }
    }

    private func failure(_ code: Int32, _ sql: String) -> StoreError {
        let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
        return StoreError.sqlite(code: code & 0xFF, reason: reason, place: place, sql: sql)
    }
}
