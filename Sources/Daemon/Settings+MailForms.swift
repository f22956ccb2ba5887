import Domain
import Formats
import Rules

extension Settings {
    static let mailFormsMax = 100
    static let mailFormLabelsMax = 200

    /// `mailforms:` of an account: the form tools that mail to it, in the order in which they are tried.
    static func mailForms(_ node: YAMLNode) throws -> [MailForm] {
        let items = try node.list()
        guard items.count <= mailFormsMax else { throw node.error("`mailforms` has \(items.count) forms; write at most \(mailFormsMax)") }
        var forms: [MailForm] = []
        for item in items {
            let form = try mailForm(item)
            if forms.contains(where: { $0.name == form.name }) {
                throw item.error("the form `\(form.name)` stands more than once under `mailforms`; give each a name of its own")
            }
            forms.append(form)
        }
        return forms
    }

    private static func mailForm(_ item: YAMLNode) throws -> MailForm {
        let map = try item.mapping(keys: ["name", "from", "subject", "fields", "drop"])
        let name = try map.required("name").string()
        let from = try map["from"]?.strings() ?? []
        let subjects = try map["subject"]?.strings() ?? []
        guard !from.isEmpty || !subjects.isEmpty else {
            throw item.error("the form `\(name)` needs `from` or `subject`; without them every mail would be one")
        }
        if let node = map["from"], let bad = from.first(where: { !$0.contains("@") }) {
            throw node.error("`from` is `\(bad)`; write an address or a pattern such as *@forms.example")
        }
        var known: [String: String] = [:]
        func add(_ label: String, at node: YAMLNode) throws {
            let key = FormMail.key(label)
            guard !key.isEmpty else { throw node.error("the label `\(label)` has no letter and no digit; write it as the mail has it") }
            if let other = known[key] {
                throw node.error("the label `\(label)` means the same as `\(other)`; keep one (case, blanks and signs do not count)")
            }
            known[key] = label
            guard known.count <= mailFormLabelsMax else { throw node.error("a form has at most \(mailFormLabelsMax) labels; remove some") }
        }
        let fields = try map.required("fields")
        var labels: [MailForm.Label] = []
        for entry in try fields.namedEntries().entries {
            try add(entry.key, at: entry.keyNode)
            labels.append(MailForm.Label(entry.key, try entry.value.oneOf(MailForm.Part.self)))
        }
        guard labels.contains(where: { $0.part == .email || $0.part == .phone }) else {
            throw fields.error("no label of the form `\(name)` means email or phone, so nobody could be told by it; add one")
        }
        let drop = try map["drop"]?.strings() ?? []
        if let node = map["drop"] { for label in drop { try add(label, at: node) } }
        return MailForm(name: name, from: from, subjects: subjects, labels: labels, drop: drop)
    }
}
