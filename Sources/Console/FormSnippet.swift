public import Domain

/// What somebody copies into a web page to have a form there.
public enum FormSnippet {
    public static func text(_ form: PublicForm, _ page: FormPage?, publicURL: String) -> String {
        let address = "\(publicURL)/forms/\(percentEncoded(form.name))"
        var lines: [String] = []
        if let page, page.frameAncestors.isEmpty {
            lines.append("<!-- The frame shows only on pages that `frame_ancestors` of the form's file names; it names none yet. -->")
        }
        lines.append("<!-- In a frame: everything the form can do. -->")
        let height = 260 + (page.map { $0.fields.reduce(0) { $0 + Self.height(of: $1) } } ?? 420)
        let title = page.map { $0.title[$0.locales[0]] } ?? form.title
        lines.append(
            "<iframe src=\"\(SafeHTML.escape(address))\" title=\"\(SafeHTML.escape(title))\" width=\"100%\" height=\"\(height)\" "
                + "style=\"border:0\" loading=\"lazy\" referrerpolicy=\"no-referrer-when-downgrade\"></iframe>")
        lines.append("")
        lines.append("<!-- Or a form of your own page, in your own style; the answer is our page. -->")
        let hasFiles = page?.hasFiles == true
        lines.append(
            "<form method=\"post\" action=\"\(SafeHTML.escape(address))\" accept-charset=\"utf-8\""
                + (hasFiles ? " enctype=\"multipart/form-data\"" : "") + ">")
        if let page {
            for field in page.fields { lines += html(field, page.locales[0]).map { "  " + $0 } }
        } else {
            lines.append("  <label>Your name <input name=\"name\" autocomplete=\"name\"></label>")
            lines.append("  <label>Your e-mail address <input name=\"email\" type=\"email\" autocomplete=\"email\" required></label>")
            lines.append("  <label>Your message <textarea name=\"message\" rows=\"6\" required></textarea></label>")
        }
        lines.append(
            "  <div style=\"position:absolute;left:-6000px\" aria-hidden=\"true\">"
                + "<input name=\"\(SafeHTML.escape(form.honeypot))\" tabindex=\"-1\" autocomplete=\"off\"></div>")
        lines.append("  <button>\(SafeHTML.escape(page?.submit.map { $0[page?.locales[0] ?? "en"] } ?? "Send"))</button>")
        lines.append("</form>")
        return lines.joined(separator: "\n")
    }

    private static func height(of field: FormPage.Field) -> Int {
        switch field.kind {
        case .hidden: 0
        case .textarea: 210
        case .radio: 50 + field.options.count * 38
        case .checkbox: 60 + field.options.count * 38
        case .consent: 80
        case .file: 120
        default: 95
        }
    }

    /// Plain, and named as the form's file names it.
    private static func html(_ field: FormPage.Field, _ locale: String) -> [String] {
        func escaped(_ text: String) -> String { SafeHTML.escape(text) }
        let (name, label) = (escaped(field.name), escaped(field.label[locale]))
        let required = field.isRequired ? " required" : ""
        if field.isGroup { return group(field, locale) }
        switch field.kind {
        case .hidden: return ["<input type=\"hidden\" name=\"\(name)\" value=\"\(escaped(field.value))\">"]
        case .textarea: return ["<label>\(label) <textarea name=\"\(name)\" rows=\"\(field.rows)\"\(required)></textarea></label>"]
        case .select:
            let options = field.options.map { "    <option value=\"\(escaped($0.value))\">\(escaped($0.label[locale]))</option>" }
            return ["<label>\(label)", "  <select name=\"\(name)\"\(required)>"] + options + ["  </select>", "</label>"]
        case .checkbox, .consent, .radio:
            let text = FormView.inline(field.label[locale])
            return ["<label><input type=\"checkbox\" name=\"\(name)\" value=\"yes\"\(required)> \(text)</label>"]
        case .file:
            let accept = field.accept.isEmpty ? "" : " accept=\"\(escaped(field.accept.joined(separator: ",")))\""
            return [
                "<label>\(label) <input type=\"file\" name=\"\(name)\"\(accept)\(field.countMax > 1 ? " multiple" : "")\(required)></label>"
            ]
        case .text, .email, .phone, .number, .date:
            let types: [FormPage.Field.Kind: String] = [.email: "email", .phone: "tel", .date: "date"]
            return ["<label>\(label) <input name=\"\(name)\" type=\"\(types[field.kind] ?? "text")\"\(required)></label>"]
        }
    }

    private static func group(_ field: FormPage.Field, _ locale: String) -> [String] {
        let type = field.kind == .radio ? "radio" : "checkbox"
        let boxes = field.options.map { option in
            "  <label><input type=\"\(type)\" name=\"\(SafeHTML.escape(field.name))\" value=\"\(SafeHTML.escape(option.value))\"> "
                + "\(SafeHTML.escape(option.label[locale]))</label>"
        }
        return ["<fieldset>", "  <legend>\(SafeHTML.escape(field.label[locale]))</legend>"] + boxes + ["</fieldset>"]
    }
}
