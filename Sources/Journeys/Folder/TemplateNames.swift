public import Rules

/// Which names a step may print, checked when the folder is read: a slip would otherwise hold back every mail.
public enum TemplateNames {
    /// What `Walk` fills in.
    public static let known = ["first_name", "name", "email", "ticket", "order", "order_total"]

    /// - Parameters:
    ///   - line: where `text` begins in the file.
    public static func check(_ text: String, file: String, line: Int, column: Int, known: [String] = known) throws(RuleError) {
        var line = line
        var column = column
        var rest = text.unicodeScalars[...]
        while let scalar = rest.first {
            if rest.starts(with: "{{".unicodeScalars) {
                let inside = rest.dropFirst(2)
                guard let end = inside.firstIndex(of: "}") else {
                    throw RuleError(file: file, line: line, column: column, problem: "this {{ is not closed; write }} after the name")
                }
                if let name = name(in: String(inside[..<end])), !known.contains(name) {
                    throw RuleError(file: file, line: line, column: column, problem: unknown(name, known))
                }
            }
            rest = rest.dropFirst()
            column += 1
            if scalar == "\n" { (line, column) = (line + 1, 1) }
        }
    }

    private static func unknown(_ name: String, _ known: [String]) -> String {
        if let nearest = Spelling.nearest(to: name, of: known) { return "`\(name)` is not known here; did you mean `\(nearest)`?" }
        return "`\(name)` is not known here; use \(Spelling.choice(known))"
    }

    /// The name a tag is about; nil for a comment. Functions (`uppercased(name)`) are looked through.
    private static func name(in tag: String) -> String? {
        var name = tag.unicodeScalars[...]
        guard name.first != "!" else { return nil }
        if let mark = name.first, "#^/{&".unicodeScalars.contains(mark) { name = name.dropFirst() }
        if let inner = name.lastIndex(of: "(") { name = name[name.index(after: inner)...].prefix { $0 != ")" } }
        return String(name.drop { $0 == " " }.prefix { $0 != " " })
    }
}
