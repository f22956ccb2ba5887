public import Domain
import FoundationEssentials
public import Rules

/// A journey as its folder describes it: `journey.yaml` and one Markdown file per step and language.
public struct JourneyFolder: Sendable, Hashable {
    /// The folder's name.
    public let name: String
    /// Content hash of the folder: the same files give the same version everywhere.
    public let version: String
    public let purpose: Send.Purpose
    /// What people unsubscribe from; nil only where no consent is asked.
    public let topic: String?
    /// The event that lets a customer in, once.
    public let enters: Event.Kind
    /// Which of these events count, and how often.
    public var entry = Entry()
    /// Sender account; the default one when nil.
    public let sender: String?
    /// Whether an answer joins the ticket whose event started the journey, or opens its own.
    public let answersJoinTicket: Bool
    /// `en` or `zh`: the language of the files without one in their name.
    public let locale: String
    /// In the order of their file names; at least one.
    public let steps: [JourneyStep]

    /// Events that name a customer and happen because of a person.
    static let entrances: [Event.Kind] = [
        .customerCreated, .ticketOpened, .orderPlaced, .orderPaid, .orderFulfilled, .orderCancelled, .orderRefunded,
    ]

    public struct Entry: Sendable, Hashable {
        /// Who made a customer known.
        public enum By: String, Sendable, CaseIterable { case message, shop, any }
        public enum Which: String, Sendable, CaseIterable { case first, any }
        public var by = By.message
        /// Only a customer's first order of its kind.
        public var order = Which.any
        /// Once for each order instead of once for ever.
        public var isForEachOrder = false
        public init() {}
    }

    /// Reads one folder; blocks on the disk.
    /// - Throws: the first `RuleError`.
    public static func load(_ path: String) throws(RuleError) -> JourneyFolder {
        var reader = FolderReader(path: path)
        let folder = reader.read()
        if let problem = reader.problems.first { throw problem }
        guard let folder else { throw RuleError(file: path, line: 1, column: 1, problem: "this journey cannot be read") }
        return folder
    }

    /// Reads every folder below `root`, in the order of their names.
    public static func loadAll(_ root: String) throws(RuleError) -> [JourneyFolder] {
        var all: [JourneyFolder] = []
        for name in FolderReader.visible(in: root) ?? [] where FolderReader.isDirectory("\(root)/\(name)") {
            all.append(try load("\(root)/\(name)"))
        }
        return all
    }

    /// Everything that is wrong with a folder; empty when nothing is.
    public static func check(_ path: String) -> [RuleError] {
        var reader = FolderReader(path: path)
        _ = reader.read()
        return reader.problems
    }

    func step(named name: String) -> JourneyStep? { steps.first { $0.name == name } }

    /// The step that comes after a name in file order, also when that file is no longer there.
    func step(after name: String) -> JourneyStep? { steps.first { JourneyStep.comes(name, before: $0.name) } }
}

public struct JourneyStep: Sendable, Hashable {
    /// File name without language and extension: `10-hello`.
    public let name: String
    /// From the entry or from the step before.
    public let after: Duration
    /// The file without a language in its name.
    public let text: JourneyText
    /// By language tag, lower-cased: `zh`, `zh-hant`.
    public let translations: [String: JourneyText]

    /// The text for a reader: their exact language, its main language, or the default file's.
    /// - Returns: the text and the language it is in.
    func text(for language: String?, default locale: String) -> (JourneyText, locale: String) {
        guard let language = language?.lowercased() else { return (text, locale) }
        if let exact = translations[language] { return (exact, language) }
        let main = String(language.prefix { $0 != "-" && $0 != "_" })
        if let near = translations[main] { return (near, main) }
        return (text, locale)
    }

    /// `9-…` before `10-…`, then by letters.
    static func comes(_ a: String, before b: String) -> Bool {
        (number(a), a) < (number(b), b)
    }

    static func number(_ name: String) -> Int { Int(name.prefix { $0.isASCII && $0.isNumber }) ?? 0 }
}

/// Mustache templates of one step in one language.
public struct JourneyText: Sendable, Hashable {
    public let subject: String
    /// Markdown.
    public let body: String
}
