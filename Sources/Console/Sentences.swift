import FoundationEssentials

/// The stored sentences of decisions in another language: `reasons.<language>.txt` beside the templates, one `English pattern = sentence` a
/// line, `#` comments. `{name}` stands for one or more characters; on the right `{name!}` is translated by the same table first.
struct Sentences: Sendable {
    private struct Entry {
        /// What stands before, between and behind the placeholders.
        var literals: [[UInt8]]
        var names: [String]
        var pattern: String
        /// The sentence in the other language, in the same way.
        var said: (literals: [[UInt8]], names: [String])
        var weight: Int { literals.reduce(0) { $0 + $1.count } }
    }

    /// The most telling first.
    private let entries: [Entry]
    /// Sentences within sentences end here.
    private static let depthMax = 4

    /// - Throws: `ConsoleError` with file and line.
    init(_ text: String, file: String) throws {
        var entries: [Entry] = []
        var seen: Set<String> = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.trimmed.isEmpty || line.hasPrefix("#") { continue }
            guard let entry = Self.entry(line), seen.insert(entry.pattern).inserted else {
                throw ConsoleError.badSentence(file: file, line: index + 1, text: String(line))
            }
            entries.append(entry)
        }
        self.entries = entries.enumerated().sorted { ($1.element.weight, $0.offset) < ($0.element.weight, $1.offset) }.map(\.element)
    }

    /// The sentence in this language; one that the table lacks stays as it is.
    func translate(_ sentence: String) -> String { translate(sentence, depth: 0) ?? sentence }

    private func translate(_ sentence: String, depth: Int) -> String? {
        guard depth < Self.depthMax else { return nil }
        let bytes = Array(sentence.utf8)
        for entry in entries {
            guard let values = Self.match(bytes, entry.literals) else { continue }
            var out = entry.said.literals[0]
            for (name, literal) in zip(entry.said.names, entry.said.literals.dropFirst()) {
                let isSentence = name.hasSuffix("!")
                let value = entry.names.firstIndex(of: isSentence ? String(name.dropLast()) : name).map { values[$0] } ?? ""
                out += (isSentence ? translate(value, depth: depth + 1) ?? value : value).utf8
                out += literal
            }
            return String(decoding: out, as: UTF8.self)
        }
        return nil
    }

    /// What the placeholders stand for, each as short as can be; nil when the sentence is another one.
    private static func match(_ text: [UInt8], _ literals: [[UInt8]]) -> [String]? {
        guard let first = literals.first, let last = literals.last, text.starts(with: first) else { return nil }
        guard literals.count > 1 else { return text.count == first.count ? [] : nil }
        let end = text.count - last.count
        var at = first.count
        var values: [String] = []
        for literal in literals.dropFirst().dropLast() {
            guard let found = find(literal, in: text, from: at + 1, to: end) else { return nil }
            values.append(String(decoding: text[at..<found], as: UTF8.self))
            at = found + literal.count
        }
        guard at < end, text[end...].elementsEqual(last) else { return nil }
        values.append(String(decoding: text[at..<end], as: UTF8.self))
        return values
    }

    private static func find(_ needle: [UInt8], in text: [UInt8], from start: Int, to end: Int) -> Int? {
        guard end - needle.count >= start else { return nil }
        return (start...(end - needle.count)).first { text[$0...].starts(with: needle) }
    }

    /// nil when a line is no entry: a placeholder that is empty, unnamed, doubled or unknown, or two without a word between them.
    private static func entry(_ line: Substring) -> Entry? {
        let sides = line.split(separator: " = ", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        let (pattern, translation) = (sides[0].trimmed, sides[1].trimmed)
        guard !translation.isEmpty, let (literals, names) = parts(pattern), let said = parts(translation) else { return nil }
        let known = Set(names)
        guard known.count == names.count, !literals.dropFirst().dropLast().contains([]), literals.contains(where: { !$0.isEmpty }),
            said.names.allSatisfy({ known.contains($0.hasSuffix("!") ? String($0.dropLast()) : $0) })
        else { return nil }
        return Entry(literals: literals, names: names, pattern: pattern, said: said)
    }

    private static func parts(_ text: String) -> (literals: [[UInt8]], names: [String])? {
        var literals: [[UInt8]] = []
        var names: [String] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}"), rest.index(after: open) < close else { return nil }
            literals.append(Array(rest[..<open].utf8))
            names.append(String(rest[rest.index(after: open)..<close]))
            rest = rest[rest.index(after: close)...]
        }
        return (literals + [Array(rest.utf8)], names)
    }
}
