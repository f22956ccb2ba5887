import Domain
import FoundationEssentials
import Mustache

/// The frames around a message's text, read from `templates/layouts/`. A set that shows a mistake is not taken.
public struct Layouts: Sendable {
    /// One file of the folder; all are needed.
    public enum File: String, Sendable, CaseIterable {
        case mailHTML = "mail.html.mustache"
        case mailText = "mail.txt.mustache"
        case replyHTML = "reply.html.mustache"
    }

    static let sizeBytesMax = 256 << 10
    private let templates: [File: MustacheTemplate]

    /// - Parameter directory: the folder that holds the files of `File`.
    public static func load(from directory: String) throws(LayoutError) -> Layouts {
        var texts: [File: String] = [:]
        for file in File.allCases {
            let path = directory + "/" + file.rawValue
            guard let bytes = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
            guard bytes.count <= sizeBytesMax else { throw .wrong(file: file.rawValue, problem: "is larger than \(sizeBytesMax) bytes") }
            guard let text = String(validating: bytes, as: UTF8.self) else { throw .wrong(file: file.rawValue, problem: "is not UTF-8") }
            texts[file] = text
        }
        return try Layouts(texts)
    }

    public init(_ texts: [File: String]) throws(LayoutError) {
        precondition(TemplatePlace.areRegistered)
        var templates: [File: MustacheTemplate] = [:]
        for file in File.allCases {
            guard let text = texts[file] else { throw .wrong(file: file.rawValue, problem: "is missing") }
            let pragma = file == .mailText ? "{{% CONTENT_TYPE: TEXT}}\n" : TemplatePlace.html.pragma
            do {
                templates[file] = try MustacheTemplate(string: pragma + text)
            } catch let error as MustacheTemplate.ParserError {
                throw .wrong(file: file.rawValue, problem: "line \(max(1, error.context.lineNumber - 1)): \(error.error)")
            } catch {
                throw .wrong(file: file.rawValue, problem: "\(error)")
            }
        }
        self.templates = templates
        try prove()
    }

    func render(_ file: File, _ data: LayoutData) -> String { templates[file]?.render(data.values) ?? "" }

    /// A layout that loses the text, or the way out of marketing mail, must not come into force.
    private func prove() throws(LayoutError) {
        let body = "2f8c41-body"
        let link = "https://2f8c41.example/u/link"
        for file in File.allCases {
            let page = render(
                file, LayoutData(subject: "subject", body: body, sentBy: "Sender", unsubscribeURL: link, words: .english))
            if !page.contains(body) { throw .wrong(file: file.rawValue, problem: "does not show the text; write {{{body}}}") }
            if file != .replyHTML, !page.contains(link) {
                throw .wrong(file: file.rawValue, problem: "does not show unsubscribe_url; marketing mail must")
            }
        }
    }
}

/// What a layout may use.
struct LayoutData {
    var subject: String
    /// Ready for its place: HTML or plain text.
    var body: String
    var sentBy: String
    /// Marketing mail only.
    var unsubscribeURL: String?
    var words: LayoutWords

    var values: [String: Any] {
        var values: [String: Any] = [
            "lang": words.lang, "subject": subject, "body": body, "sent_by": words.sentBy(sentBy),
        ]
        if let unsubscribeURL {
            values["unsubscribe_url"] = unsubscribeURL
            values["unsubscribe_why"] = words.why
            values["unsubscribe_label"] = words.unsubscribe
        }
        return values
    }
}

/// The layout's own words in one language.
struct LayoutWords: Sendable {
    /// For HTML's `lang`.
    var lang: String
    var sentBy: @Sendable (_ name: String) -> String
    var why: String
    var unsubscribe: String
    /// The line above a quotation, in the form by which mail programs and our own reader know one.
    var wrote: @Sendable (_ name: String, _ date: String) -> String
    var date: @Sendable (_ day: CivilDate, _ clock: String) -> String

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static let english = LayoutWords(
        lang: "en", sentBy: { "Sent by \($0)" }, why: "You get this mail because you asked us for news like this.",
        unsubscribe: "Unsubscribe", wrote: { "On \($1), \($0) wrote:" }, date: { "\($0.day) \(months[$0.month - 1]) \($0.year), \($1)" })
    static let chinese = LayoutWords(
        lang: "zh-CN", sentBy: { "本邮件由\($0)发送" }, why: "您订阅了此类消息，因此收到这封邮件。", unsubscribe: "退订",
        wrote: { "在 \($1)，\($0) 写道：" }, date: { "\($0.year)年\($0.month)月\($0.day)日 \($1)" })

    static func `in`(_ locale: String) -> LayoutWords { locale.lowercased().hasPrefix("zh") ? chinese : english }
}

public enum LayoutError: Error, Hashable, CustomStringConvertible {
    case unreadable(path: String)
    case wrong(file: String, problem: String)

    public var description: String {
        switch self {
        case .unreadable(let path): "cannot read the layout \(path); restore the file or correct the templates folder in the configuration"
        case .wrong(let file, let problem): "layout \(file) \(problem)"
        }
    }
}
