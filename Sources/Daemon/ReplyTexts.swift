import Desk
import FoundationEssentials
import Journeys
import Rules

/// Reads the texts of automatic answers: `templates/replies/received.md`, `received.zh.md`.
enum ReplyTexts {
    static let sizeBytesMax = 64 << 10
    static let languages = ["zh"]

    /// - Throws: `RuleError` with file, line and column when a text is missing or prints a value that there is not.
    static func load(_ names: [String], from folder: String) throws -> [String: ReplyText] {
        var texts: [String: ReplyText] = [:]
        for name in names {
            let path = "\(folder)/\(name).md"
            guard let text = try read(path) else {
                throw RuleError(
                    file: path, line: 1, column: 1,
                    problem: "there is no such text, but `acknowledge` names it; write it or name another one")
            }
            var reply = ReplyText(text)
            for language in languages { reply.translations[language] = try read("\(folder)/\(name).\(language).md") }
            texts[name] = reply
        }
        return texts
    }

    private static func read(_ path: String) throws -> String? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        func wrong(_ problem: String) -> RuleError { RuleError(file: path, line: 1, column: 1, problem: problem) }
        guard bytes.count <= sizeBytesMax else {
            throw wrong("the text has more than \(sizeBytesMax >> 10) KiB; an acknowledgement is short")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw wrong("this is not UTF-8; save it as UTF-8") }
        guard text.contains(where: { !$0.isWhitespace }) else { throw wrong("the text has no words") }
        try TemplateNames.check(text, file: path, line: 1, column: 1, known: ReplyText.names)
        return text
    }
}
