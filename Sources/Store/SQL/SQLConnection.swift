/// One connection to a database; one of the three seams to the outside world. Its calls block and stay on its lane's thread.
protocol SQLConnection: AnyObject, Sendable {
    var dialect: Dialect { get }
    /// False when the server is gone; the lane opens another one then.
    var isUsable: Bool { get }
    var isInTransaction: Bool { get }
    /// The rows of one statement with `$1`, `$2`, … for its parameters.
    func query(_ sql: String, _ parameters: [any SQLParameter]) throws -> [Row]
    /// - Returns: how many rows it changed.
    func execute(_ sql: String, _ parameters: [any SQLParameter]) throws -> Int
    func run(_ command: String) throws
    /// Changes when anybody else commits.
    func changeMark() throws -> String
    /// How long the log behind the last commit is; 0 where the database looks after that itself.
    var logBytes: Int { get }
    /// Copies as much of the log into the database as nobody needs to be left there.
    func copyLog() throws
    func close()
}

extension SQLConnection {
    var logBytes: Int { 0 }
    func copyLog() throws {}
}

/// The few things the two engines say differently.
enum Dialect: Sendable {
    case sqlite, postgres

    /// SQLite has one writer and needs no row locks.
    var skipLocked: String { self == .postgres ? "FOR UPDATE SKIP LOCKED" : "" }

    /// A table read by a certain index. SQLite without statistics takes any index with an equality, and would walk over every waiting row;
    /// PostgreSQL counts for itself.
    func table(_ name: String, by index: String) -> String { self == .sqlite ? "\(name) INDEXED BY \(index)" : name }

    /// `$1, $2, …`
    static func parameters(_ count: Int) -> String { (1...count).map { "$\($0)" }.joined(separator: ", ") }

    /// The strings of a JSON array as rows.
    func texts(in parameter: String) -> String {
        switch self {
        case .sqlite: "SELECT value FROM json_each(\(parameter))"
        case .postgres: "SELECT json_array_elements_text(CAST(\(parameter) AS json))"
        }
    }

    /// The integers of a JSON array as rows.
    func integers(in parameter: String) -> String {
        switch self {
        case .sqlite: "SELECT value FROM json_each(\(parameter))"
        case .postgres: "SELECT CAST(json_array_elements_text(CAST(\(parameter) AS json)) AS bigint)"
        }
    }

    /// Turns a schema written once into this engine's words: `{int}` 64 bits, `{text}` compared by its bytes, `{blob}`,
    /// `{position}` a key that only grows, `{keyed}` stored by its primary key.
    func schema(_ text: String) -> [String] {
        let words: [(String, String)] =
            switch self {
            case .sqlite:
                [
                    ("{int}", "INTEGER"), ("{text}", "TEXT"), ("{blob}", "BLOB"), ("{position}", "INTEGER PRIMARY KEY AUTOINCREMENT"),
                    ("{keyed}", "WITHOUT ROWID"),
                ]
            case .postgres:
                [
                    ("{int}", "BIGINT"), ("{text}", "TEXT COLLATE \"C\""), ("{blob}", "BYTEA"), ("{position}", "BIGINT PRIMARY KEY"),
                    ("{keyed}", ""),
                ]
            }
        var translated = text
        for (word, meaning) in words {
            translated = translated.split(separator: word, omittingEmptySubsequences: false).joined(separator: meaning)
        }
        return translated.split(separator: ";\n").map(String.init).filter { !$0.allSatisfy(\.isWhitespace) }
    }
}
