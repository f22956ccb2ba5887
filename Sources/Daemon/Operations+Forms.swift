import Console
import Domain
import FoundationEssentials
import Glibc
import Rules

/// What the command line does with hosted forms.
public enum FormOperations {
    /// A line for each form of a configuration.
    public static func list(configuration: String) throws -> String {
        let settings = try Settings.load(configuration, needsSecrets: false)
        guard !settings.forms.isEmpty else { return "There are no forms; write them under `forms` in \(configuration)." }
        return settings.forms.map { form in
            let page = settings.formPages[form.name]
            let what = page.map { "\($0.fields.count) fields, \($0.locales.joined(separator: ", "))" } ?? "name, address and message"
            return "\(settings.publicURL)/forms/\(form.name)  \(what)  \(form.queue)"
        }.joined(separator: "\n")
    }

    /// What to put into a web page: a frame, and beside it a form of plain HTML.
    public static func snippet(_ name: String, configuration: String) throws -> String {
        let settings = try Settings.load(configuration, needsSecrets: false)
        guard let form = settings.forms.first(where: { $0.name == name }) else {
            let known = settings.forms.map(\.name)
            let hint = Spelling.nearest(to: name, of: known).map { "did you mean \($0)?" } ?? "there are: \(known.joined(separator: ", "))"
            throw FormOperationError(description: "there is no form \(name) in \(configuration); \(hint)")
        }
        return FormSnippet.text(form, settings.formPages[name], publicURL: settings.publicURL)
    }

    /// - Returns: what is wrong with form files, a line each.
    public static func lint(_ paths: [String]) -> [String] {
        paths.compactMap { path in
            guard let bytes = FileManager.default.contents(atPath: path) else {
                return "\(path): cannot be read: \(String(cString: strerror(errno)))"
            }
            do {
                _ = try FormPage.read(String(decoding: bytes, as: UTF8.self), file: path)
                return nil
            } catch { return "\(error)" }
        }
    }
}

public struct FormOperationError: Error, Hashable, CustomStringConvertible {
    public var description: String
}
