/// The labels and values of a mail that a form tool wrote: `Label: value` lines, headings with the value below, tables of two columns or of
/// label rows and value rows. It reads what it is told to look for; what the labels mean is the caller's.
public enum FormMail {
    public struct Field: Sendable, Hashable {
        /// As the mail has it, without its colon.
        public var label: String
        /// Lines end in `\n`; empty when nothing was filled in.
        public var value: String
        public init(label: String, value: String) {
            self.label = label
            self.value = value
        }
    }

    public static let fieldsMax = 200
    static let labelCharactersMax = 120
    /// A message longer than this is cut; no form takes one.
    static let valueBytesMax = 256 << 10

    /// What two writings of one label have in common: letters and digits in lower case. Numbering (`1. Name`), stars, colons and blanks do
    /// not count. Empty when nothing is left.
    public static func key(_ label: String) -> String {
        var scalars = label.unicodeScalars.map(halfWidth)[...]
        while let first = scalars.first, !first.properties.isAlphabetic, first.properties.numericType == nil { scalars.removeFirst() }
        let digits = scalars.prefix { $0.properties.numericType != nil && !$0.properties.isAlphabetic }
        if let mark = scalars.dropFirst(digits.count).first, !digits.isEmpty, [".", "、", ")"].contains(mark) {
            scalars = scalars.dropFirst(digits.count + 1)
        }
        let kept = scalars.filter { $0.properties.isAlphabetic || $0.properties.numericType != nil }
        return String(String.UnicodeScalarView(kept)).lowercased()
    }

    /// - Parameters:
    ///   - html: what its tables say counts when they have one of the labels: there the tool says what is a label, while a line of
    ///     text, which the person may have written, only looks like one.
    ///   - labels: the keys of labels to look for, and whether what follows one may go over many lines, as a message does. Within such a
    ///     value only those labels end it that have not come yet, so that what people write is not taken for a field.
    /// - Returns: in the mail's order, also labels that were not looked for; empty when none of them was found.
    public static func fields(text: String, html: String?, labels: [String: Bool]) -> [Field] {
        func isAnyFound(_ fields: [Field]) -> Bool { fields.contains { !$0.value.isEmpty && labels[key($0.label)] != nil } }
        let table = html.map { FormTable.fields($0, labels: labels) } ?? []
        if isAnyFound(table) { return table }
        var lines = FormLines(labels: labels)
        let written = lines.fields(text)
        return isAnyFound(written) ? written : []
    }

    /// Letters and signs of East Asian width as their ASCII fellows.
    private static func halfWidth(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        (0xFF01...0xFF5E).contains(scalar.value) ? Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar : scalar
    }

    /// Without the colon, stars and brackets that dress a label.
    static func bare(_ label: some StringProtocol) -> String {
        var rest = label[...]
        func isDress(_ character: Character) -> Bool { character.isWhitespace || ":：*_【】".contains(character) }
        while let first = rest.first, isDress(first) { rest.removeFirst() }
        while let last = rest.last, isDress(last) { rest.removeLast() }
        return String(rest)
    }

    /// Without blank lines and rules (`-----`) at its end.
    static func value(_ lines: [Substring]) -> String {
        var lines = lines[...]
        func isEmpty(_ line: Substring) -> Bool {
            let text = trim(line)
            guard let first = text.first else { return true }
            return text.count >= 3 && "-=_*~—".contains(first) && text.allSatisfy { $0 == first }
        }
        while let last = lines.last, isEmpty(last) { lines.removeLast() }
        while let first = lines.first, trim(first).isEmpty { lines.removeFirst() }
        return String(trim(lines.joined(separator: "\n")[...]))
    }

    static func trim(_ text: Substring) -> Substring {
        var rest = text
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}

/// Reads plain text line by line.
struct FormLines {
    /// Labels nobody named are taken for labels up to this length.
    private static let unknownLabelMax = 60
    /// How many colons of a line may end its label.
    private static let colonsMax = 4

    private struct Open {
        var label: String
        var isLong: Bool
        var lines: [Substring]
        var bytes = 0
    }

    private let labels: [String: Bool]
    private var fields: [FormMail.Field] = []
    private var seen: Set<String> = []
    private var open: Open?

    init(labels: [String: Bool]) { self.labels = labels }

    mutating func fields(_ text: String) -> [FormMail.Field] {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) where fields.count < FormMail.fieldsMax {
            let bare = FormMail.trim(line)
            if bare == "--" { break }  // what follows is the tool's signature
            if let (label, value) = field(in: bare) {
                close()
                begin(label, value)
            } else if let isLong = open?.isLong {
                if bare.isEmpty, !isLong, open?.lines.contains(where: { !FormMail.trim($0).isEmpty }) == true {
                    close()  // a short value ends with its paragraph; what follows is the tool's own words
                } else {
                    append(line)
                }
            }
        }
        close()
        return fields
    }

    private mutating func begin(_ label: String, _ value: Substring) {
        let key = FormMail.key(label)
        seen.insert(key)
        open = Open(label: FormMail.bare(label), isLong: labels[key] ?? false, lines: [])
        append(value)
    }

    private mutating func append(_ line: Substring) {
        guard let bytes = open?.bytes, bytes + line.utf8.count <= FormMail.valueBytesMax else { return }
        open?.lines.append(line)
        open?.bytes += line.utf8.count + 1
    }

    private mutating func close() {
        guard let field = open, fields.count < FormMail.fieldsMax else { return }
        open = nil
        let value = FormMail.value(field.lines)
        // `Hello admin:` above the form is no field that somebody left empty.
        if value.isEmpty, labels[FormMail.key(field.label)] == nil { return }
        fields.append(FormMail.Field(label: field.label, value: value))
    }

    // MARK: labels

    private func field(in line: Substring) -> (label: String, value: Substring)? {
        guard !line.isEmpty else { return nil }
        if let heading = Self.heading(line) { return mayBegin(heading, isSure: true) ? (heading, "") : nil }
        if line.first == "【", let end = line.firstIndex(of: "】") {  // `【姓名】张三`
            let label = String(line[line.index(after: line.startIndex)..<end])
            return mayBegin(label, isSure: true) ? (label, Self.value(after: end, of: line)) : nil
        }
        let ends = line.indices.lazy.filter { ":：\t".contains(line[$0]) }.prefix(Self.colonsMax)
        for end in ends where isKnown(String(line[..<end])) {
            let label = String(line[..<end])
            return mayBegin(label, isSure: true) ? (label, Self.value(after: end, of: line)) : nil
        }
        if isKnown(String(line)), !seen.contains(FormMail.key(String(line))) { return (String(line), "") }  // the value stands below
        guard let end = ends.first, line[end] != "\t" else { return nil }
        let label = String(line[..<end])
        let value = line[line.index(after: end)...]
        let isParted = line[end] == "：" || value.isEmpty || value.first?.isWhitespace == true || label.last?.isASCII == false
        return isParted && !value.hasPrefix("//") && mayBegin(label, isSure: false) ? (label, FormMail.trim(value)) : nil
    }

    private func isKnown(_ label: String) -> Bool {
        label.count <= FormMail.labelCharactersMax && labels[FormMail.key(label)] != nil
    }

    /// - Parameter isSure: the line is written as only labels are.
    private func mayBegin(_ label: String, isSure: Bool) -> Bool {
        let key = FormMail.key(label)
        let isInMessage = open?.isLong ?? false
        if labels[key] != nil { return !(isInMessage && seen.contains(key)) }
        if isInMessage || key.isEmpty { return false }
        return isSure || label.count <= Self.unknownLabelMax && key.contains(where: \.isLetter)
    }

    /// What stands behind the label's end; the second half of `*Label:* value` goes.
    private static func value(after end: String.Index, of line: Substring) -> Substring {
        var value = FormMail.trim(line[line.index(after: end)...])
        while let first = value.first,
            first == ":" || first == "：" || first == "*" && line.first == "*" || first == "_" && line.first == "_"
        {
            value.removeFirst()
        }
        return FormMail.trim(value)
    }

    /// `--- Name ---`, `== Name ==`, `**Name**`, `## Name`.
    private static func heading(_ line: Substring) -> String? {
        guard let mark = line.first, "-=#*~".contains(mark) else { return nil }
        let before = line.prefix { $0 == mark }
        let after = line.reversed().prefix { $0 == mark }.count
        guard before.count >= 2, before.count < line.count, after >= 2 || mark == "#" && after == 0 else { return nil }
        let label = FormMail.bare(line.dropFirst(before.count).dropLast(after))
        return label.isEmpty || label.count > FormMail.labelCharactersMax ? nil : label
    }
}
