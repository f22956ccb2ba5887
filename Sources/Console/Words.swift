import FoundationEssentials

/// Every word of the pages, in each of our languages: `words.<language>.txt` beside the templates, one `key = text` a line, `#` comments.
struct Words: Sendable {
    private let tables: [Tongue: Vocabulary]

    /// - Throws: `ConsoleError` with file and line.
    init(folder: String) throws {
        var tables: [Tongue: Vocabulary] = [:]
        for tongue in Tongue.allCases {
            let file = "\(folder)/words.\(tongue.rawValue).txt"
            let table = try Self.parse(Self.text(file), file: file)
            tables[tongue] = Vocabulary(tongue: tongue, table: table, sentences: try Self.sentences(tongue, folder))
        }
        self.tables = tables
    }

    subscript(tongue: Tongue) -> Vocabulary { tables[tongue]! }

    /// Decisions are stored in English.
    private static func sentences(_ tongue: Tongue, _ folder: String) throws -> Sentences? {
        guard tongue != .en else { return nil }
        let file = "\(folder)/reasons.\(tongue.rawValue).txt"
        return try Sentences(text(file), file: file)
    }

    private static func text(_ file: String) throws -> String {
        guard let bytes = FileManager.default.contents(atPath: file) else { throw ConsoleError.unreadable(path: file) }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func parse(_ text: String, file: String) throws -> [String: String] {
        var table: [String: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.trimmed.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                throw ConsoleError.badWords(file: file, line: index + 1, text: String(line))
            }
            let key = line[..<equals].trimmed
            guard !key.isEmpty, table[key] == nil else { throw ConsoleError.badWords(file: file, line: index + 1, text: String(line)) }
            table[key] = line[line.utf8.index(after: equals)...].trimmed
        }
        return table
    }
}

/// The words of one language.
struct Vocabulary: Sendable {
    let tongue: Tongue
    let table: [String: String]
    var sentences: Sentences?

    /// A stored sentence in this language.
    func said(_ sentence: String) -> String { sentences?.translate(sentence) ?? sentence }

    /// A word we lack shows its key, so that it is noticed.
    subscript(key: String) -> String { table[key] ?? key }
    func has(_ key: String) -> Bool { table[key] != nil }

    /// The sentence of `key` with each `{name}` replaced by its value.
    func fill(_ key: String, _ values: [String: String]) -> String {
        var out = ""
        var rest = self[key][...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            out += rest[..<open]
            out += values[String(rest[rest.index(after: open)..<close])] ?? ""
            rest = rest[rest.index(after: close)...]
        }
        return out + rest
    }
}
