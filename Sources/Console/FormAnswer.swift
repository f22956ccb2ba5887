import Domain
import Formats

/// A file that came with a form. Its bytes are durable; no row names them yet.
struct ReceivedFile: Sendable, Hashable {
    enum Trouble: Sendable, Hashable { case size, type }
    var field: String
    var name: String
    var type: String
    var sizeBytes = 0
    /// Empty when it was not taken.
    var hash = ""
    var trouble: Trouble?
}

/// Calendar days as forms send them: `2026-01-31`.
enum FormDate {
    static func isReal(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        // `Int` would also take a sign: `+1`.
        guard parts.map(\.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...9999).contains(year),
            (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }
}

/// What somebody wrote into a form, held against its description. Pure.
struct FormAnswer: Sendable {
    struct Problem: Sendable, Hashable {
        var field: String
        var text: String
    }

    let page: FormPage
    let locale: String
    let words: Vocabulary
    let now: Timestamp
    /// As it was written, by field.
    private(set) var values: [String: [String]] = [:]
    private(set) var files: [String: [ReceivedFile]] = [:]
    private(set) var problems: [Problem] = []

    init(
        _ page: FormPage, locale: String, words: Vocabulary, now: Timestamp, pairs: [Fields.Pair], files given: [ReceivedFile],
        kept: [ReceivedFile]
    ) {
        self.page = page
        self.locale = locale
        self.words = words
        self.now = now
        for field in page.fields where !field.isFile {
            values[field.name] = pairs.filter { $0.name == field.name }.map { Self.tidied($0.value, field.kind) }.filter { !$0.isEmpty }
        }
        for field in page.fields where field.isFile {
            let fresh = given.filter { $0.field == field.name }
            let old = kept.filter { $0.field == field.name }
            // Where there is room for one, the new one takes the old one's place.
            files[field.name] = field.countMax == 1 && !fresh.isEmpty ? fresh : old + fresh
        }
        for field in page.fields { check(field) }
    }

    /// Digits of the full width are digits, and nobody sees blanks at the ends.
    static func tidied(_ text: String, _ kind: FormPage.Field.Kind) -> String {
        let text = text.trimmed
        guard [.number, .phone, .date, .email].contains(kind) else { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { (0xFF01...0xFF5E).contains($0.value) ? Unicode.Scalar($0.value - 0xFEE0)! : $0 }))
    }

    private mutating func fail(_ field: FormPage.Field, _ key: String, _ fill: [String: String] = [:]) {
        problems.append(Problem(field: field.name, text: words.fill(key, fill)))
    }

    private mutating func check(_ field: FormPage.Field) {
        if field.isFile { return checkFiles(field) }
        let given = values[field.name] ?? []
        guard let value = given.first else {
            if field.isRequired {
                fail(field, field.kind == .consent ? "form_need_consent" : field.isGroup ? "form_need_choice" : "form_need")
            }
            return
        }
        switch field.kind {
        case .text, .textarea: checkText(field, value)
        case .email:
            if Site.looksLikeAddress(value), value.contains(".") || value.hasSuffix("@localhost") {
                checkText(field, value)
            } else {
                fail(field, "form_bad_email")
            }
        case .phone: if Self.looksLikeNumber(value) { checkText(field, value) } else { fail(field, "form_bad_phone") }
        case .select, .radio:
            if given.count > 1 || !field.options.contains(where: { $0.value == value }) { fail(field, "form_bad_choice") }
        case .checkbox:
            if !field.options.isEmpty, given.contains(where: { value in !field.options.contains { $0.value == value } }) {
                fail(field, "form_bad_choice")
            }
        case .number: checkNumber(field, value)
        case .date: checkDate(field, value)
        case .consent, .hidden, .file: break
        }
    }

    private mutating func checkText(_ field: FormPage.Field, _ value: String) {
        let count = value.replacing("\r\n", with: "\n").count
        if count < field.lengthMin { return fail(field, "form_short", ["n": "\(field.lengthMin)", "has": "\(count)"]) }
        if count > field.lengthMax { return fail(field, "form_long", ["n": "\(field.lengthMax)", "has": "\(count)"]) }
        guard let pattern = field.pattern, !pattern.matches(value) else { return }
        if let help = field.patternHelp {
            problems.append(Problem(field: field.name, text: help[locale]))
        } else {
            fail(field, "form_bad_pattern")
        }
    }

    static func looksLikeNumber(_ text: String) -> Bool {
        let digits = text.utf8.count { (0x30...0x39).contains($0) }
        let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || " +-().#/".utf8.contains($0) }
        return isPlain && (5...20).contains(digits) && !text.dropFirst().contains("+")
    }

    private mutating func checkNumber(_ field: FormPage.Field, _ value: String) {
        guard let number = Double(value), number.isFinite else { return fail(field, "form_bad_number") }
        if field.isWhole, number != number.rounded() { return fail(field, "form_bad_whole") }
        if let least = field.numberMin, number < least { return fail(field, "form_small", ["n": Self.written(least)]) }
        if let most = field.numberMax, number > most { fail(field, "form_large", ["n": Self.written(most)]) }
    }

    static func written(_ number: Double) -> String {
        number == number.rounded() && number.magnitude < 1e15 ? "\(Int64(number))" : "\(number)"
    }

    /// Days are compared as texts. Somewhere it is already tomorrow, or still yesterday: `today` is not taken to the hour.
    private mutating func checkDate(_ field: FormPage.Field, _ value: String) {
        guard FormDate.isReal(value) else { return fail(field, "form_bad_date") }
        func day(_ at: Timestamp) -> String { String(at.description.prefix(10)) }
        if let least = field.dateMin {
            let bound = least == "today" ? day(now - .seconds(86_400)) : least
            if value < bound { return fail(field, "form_early", ["date": least == "today" ? day(now) : least]) }
        }
        if let most = field.dateMax {
            let bound = most == "today" ? day(now + .seconds(86_400)) : most
            if value > bound { fail(field, "form_late", ["date": most == "today" ? day(now) : most]) }
        }
    }

    private mutating func checkFiles(_ field: FormPage.Field) {
        for file in files[field.name] ?? [] {
            switch file.trouble {
            case .size: fail(field, "form_file_large", ["name": file.name, "max": Self.size(field.sizeBytesMax)])
            case .type: fail(field, "form_file_type", ["name": file.name, "types": field.accept.joined(separator: ", ")])
            case nil: break
            }
        }
        let hasTrouble = files[field.name]?.contains { $0.trouble != nil } ?? false
        files[field.name]?.removeAll { $0.trouble != nil }
        let count = files[field.name]?.count ?? 0
        if count > field.countMax {
            fail(field, "form_file_many", ["n": "\(field.countMax)"])
            files[field.name] = Array(files[field.name]?.prefix(field.countMax) ?? [])
        }
        if count == 0, field.isRequired, !hasTrouble { fail(field, "form_need_file") }
    }

    /// `10 MB`
    static func size(_ bytes: Int) -> String { bytes >= 1 << 20 ? "\(bytes >> 20) MB" : "\(max(1, bytes >> 10)) KB" }

    // MARK: What is kept

    /// In the form's order; what was left empty is left out.
    var fields: [Interaction.Field] {
        page.fields.compactMap { field in
            if field.isFile {
                let names = (files[field.name] ?? []).map(\.name)
                return names.isEmpty ? nil : Interaction.Field(name: field.name, value: names.joined(separator: ", "))
            }
            let given = values[field.name] ?? []
            guard !given.isEmpty else { return nil }
            let isTick = field.kind == .consent || field.kind == .checkbox && field.options.isEmpty
            return Interaction.Field(name: field.name, value: isTick ? "yes" : given.joined(separator: ", "))
        }
    }

    var allFiles: [ReceivedFile] { page.fields.flatMap { files[$0.name] ?? [] } }
    var isEmpty: Bool { page.fields.allSatisfy { $0.kind == .hidden || (values[$0.name] ?? []).isEmpty && (files[$0.name] ?? []).isEmpty } }
}
