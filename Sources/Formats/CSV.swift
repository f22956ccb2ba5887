/// RFC 4180 and what spreadsheets make of it.
public enum CSV {
    /// One row per record after the header row; empty when there is only a header.
    public static func parse(_ bytes: [UInt8]) throws(CSVError) -> [CSVRow] { [] }
}

public struct CSVRow: Sendable {
    /// In the header's order. Values a row has too many get the names `column 7`, …; missing ones are empty.
    public var fields: [(name: String, value: String)]

    /// By column name, white space around it and the case of ASCII letters aside.
    public subscript(name: String) -> String? {
        let wanted = ASCII.trim(name)
        return fields.first { ASCII.equalsIgnoringCase($0.name, wanted) }?.value
    }
}

public enum CSVError: Error, Hashable, CustomStringConvertible {
    case tooLarge(bytes: Int, max: Int)
    case tooManyColumns(line: Int, max: Int)
    case unclosedQuote(line: Int)

    public var description: String {
        switch self {
        case .tooLarge(let bytes, let max): "the CSV has \(bytes) bytes, more than the \(max) allowed; export fewer rows"
        case .tooManyColumns(let line, let max): "line \(line) of the CSV has more than \(max) columns; check the delimiter"
        case .unclosedQuote(let line): "the quote opened on line \(line) of the CSV is never closed; export it again"
        }
    }
}
