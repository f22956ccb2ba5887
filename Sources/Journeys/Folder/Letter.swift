public import Domain
import FoundationEssentials
public import Rules

/// One letter to many people, in one or more languages: a folder with `10-sale.md`, `10-sale.zh.md`, written like a journey's step.
public struct Letter: Sendable, Hashable {
    /// Content hash: the same files give the same version everywhere.
    public let version: String
    /// File name without language and extension.
    public let name: String
    private let step: JourneyStep

    /// Reads the folder; blocks on the disk.
    /// - Parameter columns: of the list; names that are none of them are told before anybody is written to.
    public static func load(_ path: String, columns: [String]) throws(RuleError) -> Letter {
        let known = columns + ["first_name", "email"].filter { !columns.contains($0) }
        func wrong(_ problem: String) -> RuleError { RuleError(file: path, line: 1, column: 1, problem: problem) }
        guard let names = FolderReader.visible(in: path) else {
            throw wrong("there is no folder here; write the letter into one as 10-letter.md")
        }
        guard names.count <= FolderReader.filesMax else {
            throw wrong("more than \(FolderReader.filesMax) files; one letter has one for each language")
        }
        var hash = FNV1a()
        var text: JourneyText?
        var translations: [String: JourneyText] = [:]
        var step = ""
        for name in names where name.hasSuffix(".md") {
            let file = "\(path)/\(name)"
            guard let bytes = FileManager.default.contents(atPath: file), bytes.count <= FolderReader.fileSizeBytesMax else {
                throw RuleError(file: file, line: 1, column: 1, problem: "the file cannot be read, or is larger than 256 KB")
            }
            let written = String(decoding: bytes, as: UTF8.self)
            hash.add(name)
            hash.add(written)
            let read = try StepFile(written, path: file, name: name, known: known)
            guard step.isEmpty || step == read.step else {
                throw wrong("it holds two letters, \(step) and \(read.step); give each a folder")
            }
            step = read.step
            let words = JourneyText(subject: read.subject, body: read.body)
            if let language = read.language { translations[language] = words } else { text = words }
        }
        guard let text else { throw wrong("there is no letter without a language in its name, such as 10-letter.md") }
        return Letter(
            version: hash.hex, name: step,
            step: JourneyStep(name: step, after: .zero, text: text, translations: translations))
    }

    /// A row of the ledger for one person. The key holds the campaign's name and the address, so nobody is written to twice.
    /// - Parameter values: what the templates may use.
    public func send(
        campaign: String, to recipient: String, customer: ID<Customer>, purpose: Send.Purpose, language: String?, values: [String: String],
        id: ID<Send>, at now: Timestamp
    ) -> Send {
        let (text, locale) = step.text(for: language, default: "en")
        var send = Send(
            id: id, key: Self.key(campaign, recipient), kind: .journey, purpose: purpose, recipient: recipient, dueAt: now, createdAt: now)
        send.customer = customer
        send.journey = "campaign/" + campaign
        send.step = name
        send.version = version
        send.subject = text.subject
        send.text = text.body
        send.locale = locale
        var vars = values
        let called = values["name"] ?? ""
        vars["email"] = recipient
        if vars["first_name"] == nil { vars["first_name"] = Greeting.firstName(of: called, locale: locale) }
        send.vars = vars
        return send
    }

    public static func key(_ campaign: String, _ recipient: String) -> String { "campaign/\(campaign)/\(recipient.lowercased())" }
}
