import Rules

/// One Markdown file of a journey: `10-hello.md`, or `10-hello.zh.md` for one language.
///
///     ---
///     subject: Welcome
///     after: 5m
///     ---
///     Hello {{first_name}}, …
struct StepFile {
    let path: String
    let step: String
    /// Lower-cased tag; nil for the file that every other language falls back to.
    let language: String?
    let subject: String
    let after: Duration
    let body: String

    init(_ written: String, path: String, name: String, known: [String] = TemplateNames.known) throws(RuleError) {
        func wrong(_ line: Int, _ problem: String) -> RuleError { RuleError(file: path, line: line, column: 1, problem: problem) }
        guard let (step, language) = Self.parts(of: name) else {
            throw wrong(1, "\(name) is no part of a journey; name a step 10-hello.md or 10-hello.zh.md, or move the file away")
        }
        self.path = path
        self.step = step
        self.language = language
        var lines = written.split(omittingEmptySubsequences: false) { $0.isNewline }
        if lines.first?.hasPrefix("\u{FEFF}") == true { lines[0] = lines[0].dropFirst() }
        guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else {
            throw wrong(1, "the front matter is missing; begin the file with ---, subject: …, ---")
        }
        let root = try StrictYAML.read(lines[1..<end].joined(separator: "\n"), file: path, linesBefore: 1)
        let matter = try root.mapping(keys: ["subject", "after"])
        guard let subject = matter["subject"] else { throw wrong(1, "`subject` is missing in the front matter; add it") }
        self.subject = try subject.string()
        if let after = matter["after"], language != nil {
            throw after.error("`after` belongs into \(step).md; languages do not differ in time")
        }
        after = try matter["after"]?.duration() ?? .zero
        body = lines[(end + 1)...].joined(separator: "\n")
        guard body.contains(where: { !$0.isWhitespace }) else {
            throw wrong(end + 1, "the mail has no words; write them below the second ---")
        }
        try TemplateNames.check(self.subject, file: path, line: subject.line, column: subject.column, known: known)
        try TemplateNames.check(body, file: path, line: end + 2, column: 1, known: known)
    }

    /// `10-hello.zh.md` → ("10-hello", "zh")
    static func parts(of name: String) -> (step: String, language: String?)? {
        let pieces = name.split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.last == "md", pieces.count == 2 || pieces.count == 3 else { return nil }
        let step = pieces[0]
        let digits = step.prefix { $0.isASCII && $0.isNumber }
        guard (1...6).contains(digits.count), step.dropFirst(digits.count).first == "-", step.count > digits.count + 1 else { return nil }
        let isPlain = step.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x2d || byte == 0x5f
        }
        guard isPlain else { return nil }
        guard pieces.count == 3 else { return (String(step), nil) }
        let language = pieces[1].lowercased()
        let isTag = (2...20).contains(language.utf8.count) && language.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x2d }
        return isTag ? (String(step), language) : nil
    }
}
