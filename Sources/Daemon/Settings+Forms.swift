import Console
import Domain
import FoundationEssentials
import Glibc
import Rules

extension Settings {
    static let formFileBytesMax = 1 << 20

    /// `forms:`, and the description of each that names a `page`.
    mutating func takeForms(_ root: YAMLMapping, _ file: String) throws {
        let share = try root["share"].map { Self.beside(file, try $0.string()) }
        for entry in try root["forms"]?.namedEntries().entries ?? [] {
            let form = try Self.form(entry)
            forms.append(form)
            guard let node = try entry.value.namedEntries()["page"] else { continue }
            let page = try Self.formPage(node, beside: file, share: share)
            if let title = try entry.value.namedEntries()["title"] {
                throw title.error("the title stands in \(try node.string()), in each of its languages; remove it here")
            }
            formPages[form.name] = page
        }
    }

    static func form(_ entry: YAMLMapping.Entry) throws -> PublicForm {
        let map = try entry.value.mapping(keys: ["title", "queue", "redirect", "honeypot", "size_max", "per_hour", "page"])
        try checkName(entry)
        var form = PublicForm(
            name: entry.key, title: try map["title"]?.string() ?? entry.key, queue: try map["queue"]?.string() ?? "Support")
        form.redirect = try map["redirect"].map { try url($0, schemes: ["http", "https"]) }
        if let node = map["honeypot"] { form.honeypot = try node.string() }
        if let node = map["size_max"] { form.sizeBytesMax = try node.sizeBytes(in: 1 << 10...16 << 20) }
        if let node = map["per_hour"] { form.perHour = try node.int(in: 1...100_000) }
        return form
    }

    /// A bare name is one of those that come with the program; anything else is a path from the configuration's folder.
    private static func formPage(_ node: YAMLNode, beside file: String, share: String?) throws -> FormPage {
        let text = try node.string()
        let isBare = !text.contains("/") && !text.hasSuffix(".yaml")
        let path = isBare ? try Share.find(configured: share).path("templates/forms/\(text).yaml") : beside(file, text)
        guard let bytes = FileManager.default.contents(atPath: path) else {
            let folder = isBare ? try Share.find(configured: share).path("templates/forms") : ""
            let known = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.map {
                String($0.dropLast(5))
            }
            let hint =
                Spelling.nearest(to: text, of: known).map { "did you mean `\($0)`?" }
                ?? "write a path such as forms/\(text).yaml"
                + (known.isEmpty ? "" : ", or one of \(known.sorted().joined(separator: ", "))")
            throw node.error("cannot read \(path): \(String(cString: strerror(errno))); \(hint)")
        }
        guard bytes.count <= formFileBytesMax else { throw node.error("\(path) has more than \(formFileBytesMax) bytes") }
        let page = try FormPage.read(String(decoding: bytes, as: UTF8.self), file: path)
        return page
    }
}
