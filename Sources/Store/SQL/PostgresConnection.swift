import CPostgres

/// One connection to PostgreSQL through libpq with its prepared statements. Results come in binary, numbers go out as text.
final class PostgresConnection: SQLConnection, @unchecked Sendable {  // used on its lane's queue alone
    static let statementsMax = 256
    static let connectSecondsMax = 10

    let dialect = Dialect.postgres
    private let address: PostgresAddress
    private var handle: OpaquePointer?
    private var statements: [String: String] = [:]
    private var statementsMade = 0

    init(_ address: PostgresAddress) throws {
        self.address = address
        // The URL comes last: what it says wins over these.
        let settings: [(String, String)] = [
            ("connect_timeout", "\(Self.connectSecondsMax)"), ("application_name", "hongyan"), ("keepalives_idle", "30"),
            ("tcp_user_timeout", "30000"), ("dbname", address.url),
        ]
        handle = Self.withCStrings(settings.map(\.0)) { keywords in
            Self.withCStrings(settings.map(\.1)) { values in PQconnectdbParams(keywords, values, 1) }
        }
        guard PQstatus(handle) == CONNECTION_OK else {
            let reason = address.redacted(String(cString: PQerrorMessage(handle)))
            close()
            throw StoreError.cannotConnect(address.place, reason)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        try run("SET client_encoding = 'UTF8'")
        try run("SET standard_conforming_strings = on")
        try run("SET TIME ZONE 'UTC'")
        try run("SET idle_in_transaction_session_timeout = '120s'")
        if let schema = address.schema { try run("SET search_path = \(schema)") }
    }

    deinit { close() }

    var isUsable: Bool { PQstatus(handle) == CONNECTION_OK }
    var isInTransaction: Bool { PQtransactionStatus(handle) == PQTRANS_INTRANS }

    func query(_ sql: String, _ parameters: [any SQLParameter]) throws(StoreError) -> [Row] {
        let result = try perform(sql, parameters)
        defer { PQclear(result) }
        let columns = PQnfields(result)
        let types = (0..<columns).map { PQftype(result, $0) }
        return (0..<PQntuples(result)).map { row in
            Row((0..<columns).map { Self.value(result, row, $0, types[Int($0)]) })
        }
    }

    func execute(_ sql: String, _ parameters: [any SQLParameter]) throws(StoreError) -> Int {
        let result = try perform(sql, parameters)
        defer { PQclear(result) }
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    func run(_ command: String) throws(StoreError) {
        PQclear(try checked(PQexec(handle, command), command))
    }

    func changeMark() throws -> String {
        guard var row = try query("SELECT CAST(pg_current_snapshot() AS text)", []).first else { return "" }
        return try row.text()
    }

    func close() {
        PQfinish(handle)
        handle = nil
        statements = [:]
    }

    private func perform(_ sql: String, _ parameters: [any SQLParameter]) throws(StoreError) -> OpaquePointer? {
        let name = try prepared(sql)
        let bound = BoundParameters(parameters)
        let result = bound.withPointers { values, lengths, formats in
            PQexecPrepared(handle, name, Int32(parameters.count), values, lengths, formats, 1)
        }
        return try checked(result, sql)
    }

    private func prepared(_ sql: String) throws(StoreError) -> String {
        if let name = statements[sql] { return name }
        if statements.count >= Self.statementsMax {
            try run("DEALLOCATE ALL")
            statements = [:]
        }
        statementsMade += 1
        let name = "s\(statementsMade)"
        PQclear(try checked(PQprepare(handle, name, sql, 0, nil), sql))
        statements[sql] = name
        return name
    }

    private func checked(_ result: OpaquePointer?, _ sql: String) throws(StoreError) -> OpaquePointer? {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return result
        default:
            func field(_ code: UnicodeScalar) -> String? { PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) } }
            let state = field("C")
            let message = address.redacted(field("M") ?? String(cString: PQerrorMessage(handle)))
            let error = StoreError.postgres(
                state: state, message: message, constraint: field("n"), isLost: !isUsable, place: address.place, sql: sql)
            PQclear(result)
            throw error
        }
    }

    private static func value(_ result: OpaquePointer?, _ row: Int32, _ column: Int32, _ type: Oid) -> SQLValue {
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return .null }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column)))
        func bigEndian() -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        switch type {
        case 20: return .integer(Int64(bitPattern: bigEndian()))  // int8
        case 23: return .integer(Int64(Int32(truncatingIfNeeded: bigEndian())))  // int4
        case 21: return .integer(Int64(Int16(truncatingIfNeeded: bigEndian())))  // int2
        case 16: return .integer(Int64(bigEndian()))  // bool
        case 701: return .real(Double(bitPattern: bigEndian()))  // float8
        case 17: return .blob([UInt8](bytes))  // bytea
        default: return .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func withCStrings<T>(_ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> T) -> T {
        let bound = BoundParameters(texts)
        return bound.withPointers { pointers, _, _ in body(pointers) }
    }
}

/// Parameters laid out one after another for libpq: bytes in binary, everything else as text with its final NUL.
private struct BoundParameters {
    private var storage: [CChar] = []
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    init(_ parameters: [any SQLParameter]) {
        for parameter in parameters {
            switch parameter.sqlValue {
            case .null: append(nil, isBinary: false)
            case .integer(let value): append(Array(String(value).utf8), isBinary: false)
            case .real(let value): append(Array(String(value).utf8), isBinary: false)
            case .text(let value): append(Array(value.utf8), isBinary: false)
            case .blob(let value): append(value, isBinary: true)
            }
        }
    }

    private mutating func append(_ bytes: [UInt8]?, isBinary: Bool) {
        offsets.append(bytes.map { _ in storage.count })
        lengths.append(Int32(bytes?.count ?? 0))
        formats.append(isBinary ? 1 : 0)
        guard let bytes else { return }
        bytes.withUnsafeBytes { storage.append(contentsOf: $0.bindMemory(to: CChar.self)) }
        storage.append(0)
    }

    /// The pointers end with a nil, as lists of keywords need it.
    func withPointers<T>(_ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> T) -> T {
        storage.withUnsafeBufferPointer { buffer in
            body(offsets.map { offset in offset.map { buffer.baseAddress! + $0 } } + [nil], lengths, formats)
        }
    }
}
