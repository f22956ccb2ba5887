import Domain
import Formats

/// A described form as its page shows it.
struct FormView {
    let page: FormPage
    let form: PublicForm
    let locale: String
    let words: Vocabulary
    var ticket = ""
    /// What was written, and what is wrong with it; nil for a fresh page.
    var answer: FormAnswer?
    /// A sentence about the whole of it.
    var notice: String?
    /// Name and value of what the page found when it was opened, and gives back with the post.
    var carried: [(name: String, value: String)] = []
    var keptToken: (ReceivedFile) -> String = { _ in "" }

    private static let names = [
        "en": "English", "zh": "简体中文", "zh-cn": "简体中文", "zh-hans": "简体中文", "zh-tw": "繁體中文", "zh-hk": "繁體中文", "zh-hant": "繁體中文",
        "de": "Deutsch", "fr": "Français", "es": "Español", "it": "Italiano", "pt": "Português", "pt-br": "Português (Brasil)",
        "nl": "Nederlands", "pl": "Polski", "ru": "Русский", "uk": "Українська", "ja": "日本語", "ko": "한국어", "vi": "Tiếng Việt",
        "th": "ไทย", "id": "Bahasa Indonesia", "tr": "Türkçe", "ar": "العربية", "he": "עברית",
    ]
    private static let rightToLeft: Set<String> = ["ar", "he", "fa", "ur"]

    var model: Model {
        let problems = answer?.problems ?? []
        var model: Model = [
            "heading": page.title[locale], "action": "/forms/\(percentEncoded(form.name))?lang=\(percentEncoded(locale))",
            "honeypot": form.honeypot, "ticket": ticket, "locale": locale, "hasFiles": page.hasFiles,
            "direction": Self.rightToLeft.contains(String(locale.lowercased().prefix { $0 != "-" })) ? "rtl" : "ltr",
            "send": page.submit?[locale] ?? words["form_send"],
        ]
        if let intro = page.intro { model["intro"] = SafeHTML(Self.rich(intro[locale])) }
        if let notice { model["notice"] = notice }
        if let bits = page.puzzleBits { model["puzzle"] = "\(bits)" }
        model["carried"] = carried.map { ["name": $0.name, "value": $0.value] as Model }
        if !problems.isEmpty {
            model["isWrong"] = true
            model["wrongTitle"] = problems.count == 1 ? words["form_problem"] : words.fill("form_problems", ["n": "\(problems.count)"])
            model["wrong"] = problems.map { problem in
                let field = page[problem.field]
                let target = field.map { id($0) + ($0.isGroup ? "-0" : "") } ?? ""
                return [
                    "target": target, "what": field.map { Self.plain($0.label[locale]) } ?? problem.field, "why": problem.text,
                ] as Model
            }
        }
        if page.locales.count > 1 {
            model["languages"] = page.locales.map { tag in
                [
                    "tag": tag, "text": Self.names[tag.lowercased()] ?? tag, "isCurrent": tag == locale,
                    "address": "/forms/\(percentEncoded(form.name))?lang=\(percentEncoded(tag))" + parameters,
                ] as Model
            }
            model["hasLanguages"] = true
        }
        model["fields"] = page.fields.filter { $0.kind != .hidden }.map { field in
            self.field(field, problems.filter { $0.field == field.name })
        }
        return model
    }

    /// What was found goes along to the other language.
    private var parameters: String {
        carried.filter { !$0.name.hasPrefix("_") && $0.value.utf8.count <= 200 }.map { found in
            // Under the name it was found by, so that the next page finds it again.
            let name = page.fields.first { $0.name == found.name }?.query ?? found.name
            return "&\(percentEncoded(name))=\(percentEncoded(found.value))"
        }.joined()
    }

    private func id(_ field: FormPage.Field) -> String { "f-\(field.name)" }

    private func field(_ field: FormPage.Field, _ problems: [FormAnswer.Problem]) -> Model {
        let given = answer?.values[field.name] ?? []
        let isTick = field.kind == .consent || field.kind == .checkbox && field.options.isEmpty
        var model: Model = [
            "id": id(field), "name": field.name, "label": field.label[locale], "isRequired": field.isRequired,
            "isOptional": !field.isRequired && !isTick, "value": given.first ?? "", "isGroup": field.isGroup, "isTick": isTick,
            "isBad": !problems.isEmpty, "errors": problems.map { ["why": $0.text] as Model },
        ]
        if isTick {
            model["tickLabel"] = SafeHTML(Self.inline(field.label[locale]))
            model["isTicked"] = !given.isEmpty
        }
        if let help = field.help { model["help"] = SafeHTML(Self.inline(help[locale])) }
        let notes = (field.help == nil ? [] : ["\(id(field))-help"]) + (problems.isEmpty ? [] : ["\(id(field))-error"])
        if !notes.isEmpty { model["notes"] = notes.joined(separator: " ") }
        if let placeholder = field.placeholder { model["placeholder"] = placeholder[locale] }
        switch field.kind {
        case .textarea:
            model["isArea"] = true
            model["rows"] = "\(field.rows)"
            model["longest"] = "\(field.lengthMax)"
        case .select: model["isSelect"] = true
        case .file: describe(file: field, &model)
        case .text, .email, .phone, .number, .date: describe(input: field, &model)
        case .radio, .checkbox, .consent, .hidden: break
        }
        if !field.options.isEmpty {
            model["box"] = field.kind == .checkbox ? "checkbox" : "radio"
            model["choices"] = field.options.enumerated().map { index, option in
                [
                    "key": "\(id(field))-\(index)", "chosen": option.value, "text": option.label[locale],
                    "isChosen": given.contains(option.value),
                ] as Model
            }
        }
        return model
    }

    private func describe(input field: FormPage.Field, _ model: inout Model) {
        model["isInput"] = true
        switch field.kind {
        case .email: (model["type"], model["complete"]) = ("email", field.autocomplete ?? "email")
        case .phone: (model["type"], model["complete"]) = ("tel", field.autocomplete ?? "tel")
        case .date:
            model["type"] = "date"
            if let least = field.dateMin, least != "today" { model["least"] = least }
            if let most = field.dateMax, most != "today" { model["most"] = most }
        case .number: (model["type"], model["mode"]) = ("text", field.isWhole ? "numeric" : "decimal")
        default: (model["type"], model["complete"]) = ("text", field.autocomplete ?? (field.meaning == .name ? "name" : nil))
        }
        if [.text, .email, .phone].contains(field.kind) { model["longest"] = "\(field.lengthMax)" }
        model["isShort"] = field.kind == .number || field.kind == .date
    }

    private func describe(file field: FormPage.Field, _ model: inout Model) {
        model["isFile"] = true
        model["isMany"] = field.countMax > 1
        if !field.accept.isEmpty { model["accept"] = field.accept.joined(separator: ",") }
        let limit = words.fill(
            field.countMax > 1 ? "form_file_limits" : "form_file_limit",
            ["n": "\(field.countMax)", "max": FormAnswer.size(field.sizeBytesMax)])
        model["limit"] = limit
        model["kept"] = (answer?.files[field.name] ?? []).map { file in
            ["file": file.name, "size": FormAnswer.size(file.sizeBytes), "token": keptToken(file)] as Model
        }
        model["hasKept"] = !(answer?.files[field.name] ?? []).isEmpty
        let notes = [model["notes"] as? String, "f-\(field.name)-limit"].compactMap { $0 }
        model["notes"] = notes.joined(separator: " ")
    }

    /// Markdown; links leave the frame the form may stand in.
    static func rich(_ text: String) -> String {
        Markdown.html(text).replacing("<a href=", with: "<a target=\"_blank\" rel=\"noopener\" href=")
    }

    /// Its words alone, without marks and addresses.
    static func plain(_ text: String) -> String {
        var out = ""
        var isTag = false
        for character in inline(text) {
            if character == "<" { isTag = true }
            if !isTag { out.append(character) }
            if character == ">" { isTag = false }
        }
        for (entity, mark) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] { out = out.replacing(entity, with: mark) }
        return out.trimmed
    }

    /// Markdown of one line.
    static func inline(_ text: String) -> String {
        var html = rich(text).trimmed
        let isOne = html.hasPrefix("<p>") && html.hasSuffix("</p>") && !html.dropFirst(3).contains("<p>")
        if isOne { html = String(html.dropFirst(3).dropLast(4)) }
        return html
    }
}
