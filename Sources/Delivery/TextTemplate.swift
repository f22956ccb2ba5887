import Mustache
import Synchronization

/// One parsed text of an author: a journey step's subject or body.
struct TextTemplate: Sendable {
    private let template: MustacheTemplate

    /// - Throws: `TemplateError` with the line in `text`.
    init(_ text: String, for place: TemplatePlace) throws(TemplateError) {
        precondition(TemplatePlace.areRegistered)
        if let (line, tag) = Self.forbiddenTag(in: text) { throw .forbidden(tag: tag, line: line) }
        do {
            template = try MustacheTemplate(string: place.pragma + text)
        } catch let error as MustacheTemplate.ParserError {
            throw .unreadable(line: max(1, error.context.lineNumber - 1), problem: Self.words(for: error.error))
        } catch {
            throw .unreadable(line: 1, problem: "\(error)")
        }
    }

    /// - Throws: `TemplateError.missing` with every name that would have been printed without a value.
    func render(_ values: [String: String]) throws(TemplateError) -> String {
        let scope = TemplateValues(values)
        let text = template.render(scope)
        guard scope.missing.isEmpty else { throw .missing(names: scope.missing) }
        return text
    }

    /// Tags by which a text could leave its place: unescaped values, other content types, other delimiters, partials.
    private static func forbiddenTag(in text: String) -> (line: Int, tag: String)? {
        var line = 1
        var before: UInt8 = 0
        var inTag = false
        for byte in text.utf8 {
            if inTag {
                inTag = false
                switch byte {
                case UInt8(ascii: "{"), UInt8(ascii: "&"), UInt8(ascii: "%"), UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "<"),
                    UInt8(ascii: "$"):
                    return (line, "{{" + String(UnicodeScalar(byte)))
                default: break
                }
                before = byte
                continue
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            inTag = byte == UInt8(ascii: "{") && before == UInt8(ascii: "{")
            before = inTag ? 0 : byte
        }
        return nil
    }

    private static func words(for error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "a section is closed by another name than it was opened with"
        case .unfinishedName: "a {{…}} is not finished or holds a name with other characters than letters, digits, _ - and dots"
        case .expectedSectionEnd: "a section {{#…}} is not closed by {{/…}}"
        default: "a {{…}} is not understood"
        }
    }
}

enum TemplateError: Error, Hashable, CustomStringConvertible {
    case forbidden(tag: String, line: Int)
    case unreadable(line: Int, problem: String)
    case missing(names: [String])

    var description: String {
        switch self {
        case .forbidden(let tag, let line):
            "line \(line) uses \(tag), which a message's text may not; write {{name}}, and every value is made safe for its place"
        case .unreadable(let line, let problem): "line \(line): \(problem)"
        case .missing(let names):
            names.map { "`\($0)`" }.joined(separator: ", ") + (names.count == 1 ? " has no value" : " have no value")
        }
    }
}

/// Parsed templates by their text: a campaign renders one text many thousand times.
final class TemplateCache: Sendable {
    static let entriesMax = 256
    private struct Key: Hashable {
        let text: String
        let place: TemplatePlace
    }
    private let entries = Mutex<[Key: TextTemplate]>([:])

    func template(_ text: String, for place: TemplatePlace) throws(TemplateError) -> TextTemplate {
        let key = Key(text: text, place: place)
        if let known = entries.withLock({ $0[key] }) { return known }
        let template = try TextTemplate(text, for: place)
        entries.withLock {
            if $0.count >= Self.entriesMax { $0.removeAll(keepingCapacity: true) }
            $0[key] = template
        }
        return template
    }
}
