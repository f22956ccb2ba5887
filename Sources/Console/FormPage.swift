/// A hosted form as its file describes it: `forms/<name>.yaml` or one of `templates/forms`.
public struct FormPage: Sendable, Hashable {
    /// Tags such as `en` and `zh-CN`, in the file's order; the first is for visitors who speak none of them.
    public internal(set) var locales: [String]
    var title: Phrase
    var intro: Phrase?
    var submit: Phrase?
    var thanks: Phrase?
    /// Where a browser goes instead of to the thanks.
    var redirect: String?
    /// Beginnings of addresses that a page around the form may ask for with `_next`.
    var redirects: [String] = []
    /// Origins whose pages may show the form in a frame; only our own when empty.
    public internal(set) var frameAncestors: [String] = []
    /// Quicker than this nobody fills it in.
    var secondsMin = 2
    /// Posts of one network (IPv4 /24, IPv6 /48) an hour.
    var perNetwork: Int?
    /// Zero bits that a browser has to find; those that cannot are let in more slowly.
    var puzzleBits: Int?
    public internal(set) var fields: [Field] = []

    static let fieldsMax = 100
    static let optionsMax = 500
    static let localesMax = 20

    public struct Field: Sendable, Hashable {
        public enum Kind: String, Sendable, CaseIterable {
            case text, email, phone, textarea, select, radio, checkbox, date, number, file, hidden, consent
        }
        /// What it says about the person or the message, where the name does not tell.
        enum Meaning: String, Sendable, CaseIterable { case name, email, phone, subject, text }

        public var name: String
        public var kind: Kind
        var label = Phrase("")
        var help: Phrase?
        var placeholder: Phrase?
        var isRequired = false
        var meaning: Meaning?
        var lengthMin = 0
        var lengthMax: Int
        var pattern: FormPattern?
        /// Shown when the pattern does not match.
        var patternHelp: Phrase?
        /// Of numbers.
        var numberMin: Double?
        var numberMax: Double?
        var isWhole = false
        /// Of dates: `2026-01-31` or `today`.
        var dateMin: String?
        var dateMax: String?
        var options: [Option] = []
        /// Of files: `image/*`, `application/pdf`, `.docx`.
        var accept: [String] = []
        var sizeBytesMax = 10 << 20
        var countMax = 1
        /// Of hidden ones: what is sent, unless the address has the parameter `query`.
        var value = ""
        var query: String?
        var autocomplete: String?
        var rows = 6

        init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
            lengthMax = kind == .textarea ? 10_000 : 500
        }

        public var isFile: Bool { kind == .file }
        /// Several boxes or buttons under one heading.
        var isGroup: Bool { kind == .radio || kind == .checkbox && !options.isEmpty }
    }

    struct Option: Sendable, Hashable {
        var value: String
        var label: Phrase
    }

    /// A text in each locale of the form.
    struct Phrase: Sendable, Hashable {
        /// One for all when empty.
        var texts: [String: String] = [:]
        var any: String

        init(_ any: String) { self.any = any }
        init(_ texts: [String: String], first: String) {
            self.texts = texts
            any = texts[first] ?? ""
        }
        subscript(locale: String) -> String { texts[locale] ?? any }
    }

    subscript(name: String) -> Field? { fields.first { $0.name == name } }
    var hasFiles: Bool { fields.contains(where: \.isFile) }
    /// All that a post may hold, besides its texts.
    var filesBytesMax: Int { fields.filter(\.isFile).reduce(0) { $0 + $1.countMax * $1.sizeBytesMax } }

    /// Whether a browser may be sent there after the form.
    func mayGo(to url: String) -> Bool {
        redirects.contains { url.hasPrefix($0) } && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && url.utf8.count <= 2000
    }

    /// The fields that say who writes and what, by what they mean.
    var meanings: [Field.Meaning: String] {
        var found: [Field.Meaning: String] = [:]
        for field in fields { if let meaning = field.meaning, found[meaning] == nil { found[meaning] = field.name } }
        for (kind, meaning) in [(Field.Kind.email, Field.Meaning.email), (.phone, .phone), (.textarea, .text)] where found[meaning] == nil {
            found[meaning] = fields.first { $0.kind == kind && $0.meaning == nil }?.name
        }
        return found
    }

    /// The locale of ours that a visitor asked for, or speaks.
    /// - Parameters:
    ///   - asked: `?lang=`
    ///   - accepted: `Accept-Language` (RFC 9110 §12.5.4)
    func locale(asked: String?, accepted: String?) -> String {
        if let asked, let found = match(asked) { return found }
        return Tongue.accepted(accepted).lazy.compactMap(match).first ?? locales[0]
    }

    /// `zh-TW` is content with `zh-CN` where there is nothing nearer.
    private func match(_ tag: String) -> String? {
        let tag = tag.lowercased()
        if let exact = locales.first(where: { $0.lowercased() == tag }) { return exact }
        let language = tag.prefix { $0 != "-" && $0 != "_" }
        guard !language.isEmpty else { return nil }
        return locales.first { $0.lowercased().prefix { $0 != "-" } == language }
    }
}
