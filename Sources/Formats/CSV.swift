/// RFC 4180 and what spreadsheets make of it: byte order marks, any charset, semicolons or tabs for commas, rows of unequal length.
public enum CSV {
    public static let bytesMax = 256 << 20
    public static let columnsMax = 2000

    /// One row per record after the header row; empty when there is only a header, or nothing.
    public static func parse(_ bytes: [UInt8]) throws(CSVError) -> [CSVRow] {
        if bytes.count > bytesMax { throw .tooLarge(bytes: bytes.count, max: bytesMax) }
        let text = Charset.cleaned(Charset.decode(bytes, label: nil))
        var reader = Reader(text, delimiter: delimiter(of: text))
        guard let header = try reader.row() else { return [] }
        let names = unique(header.map(ASCII.trim))
        var rows: [CSVRow] = []
        while let values = try reader.row() {
            if values.count == 1, values[0].isEmpty { continue }  // an empty line
            var fields: [(name: String, value: String)] = []
            fields.reserveCapacity(names.count)
            for index in 0..<max(names.count, values.count) {
                let name = index < names.count ? names[index] : "column \(index + 1)"
                fields.append((name, index < values.count ? values[index] : ""))
            }
            rows.append(CSVRow(fields: fields))
        }
        return rows
    }

    /// Columns without a name, or with another's, are named by position.
    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.enumerated().map { index, name in
            if !name.isEmpty, seen.insert(ASCII.lowercased(name)).inserted { return name }
            return "column \(index + 1)"
        }
    }

    /// The most frequent of comma, semicolon and tab in the header row, outside quotes.
    private static func delimiter(of text: [UInt8]) -> UInt8 {
        var counts: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in text {
            if byte == 0x22 { isQuoted.toggle() }
            if isQuoted { continue }
            if byte == ASCII.lf { break }
            if byte == 0x2C || byte == 0x3B || byte == ASCII.tab { counts[byte, default: 0] += 1 }
        }
        return [0x2C, 0x3B, ASCII.tab].max { counts[$0, default: 0] < counts[$1, default: 0] } ?? 0x2C
    }

    private struct Reader {
        let text: [UInt8]
        let delimiter: UInt8
        var i = 0
        var line = 1

        init(_ text: [UInt8], delimiter: UInt8) {
            self.text = text
            self.delimiter = delimiter
        }

        /// Nil at the end.
        mutating func row() throws(CSVError) -> [String]? {
            guard i < text.count else { return nil }
            var values: [String] = []
            while true {
                values.append(try field())
                if values.count > CSV.columnsMax { throw .tooManyColumns(line: line, max: CSV.columnsMax) }
                guard i < text.count else { return values }
                let separator = text[i]
                i += 1
                if separator == ASCII.lf {
                    line += 1
                    return values
                }
            }
        }

        /// Stops at the delimiter, the line end or the end.
        private mutating func field() throws(CSVError) -> String {
            guard i < text.count, text[i] == 0x22 else {
                let start = i
                while i < text.count, text[i] != delimiter, text[i] != ASCII.lf { i += 1 }
                return String(decoding: text[start..<i], as: UTF8.self)
            }
            let opened = line
            var out: [UInt8] = []
            i += 1
            while true {
                guard i < text.count else { throw .unclosedQuote(line: opened) }
                let byte = text[i]
                i += 1
                if byte == ASCII.lf { line += 1 }
                if byte != 0x22 {
                    out.append(byte)
                } else if i < text.count, text[i] == 0x22 {
                    out.append(0x22)
                    i += 1
                } else {
                    break
                }
            }
            while i < text.count, text[i] != delimiter, text[i] != ASCII.lf {  // `"a"b`: kept as it stands
                out.append(text[i])
                i += 1
            }
            return String(decoding: out, as: UTF8.self)
        }
    }
}

public struct CSVRow: Sendable {
    /// In the header's order. Values a row has too many are named `column 7`, …; missing ones are empty.
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
