import Channels
public import Domain

/// A post to one of our own forms, on its way into the spool. What the spool keeps is JSON:
/// `{"form": "contact", "fields": [["name", "Ann"], …], "at": 1700000000000000, "remote": "192.0.2.7"}` (`at` in microseconds since 1970),
/// kind `form`, account `form:contact`, meta `{"format": "public-form"}`, external id the post's own id.
public enum FormPost {
    public static let format = "public-form"
    public static let fieldsMax = 200

    public static func account(_ form: String) -> String { "form:\(form)" }

    /// - Parameters:
    ///   - fields: in the form's order, the honeypot left out.
    ///   - id: unique per post; a browser that sends the same one twice is heard once.
    public static func accept(
        form: PublicForm, fields: [(String, String)], remote: String, id: String, at: Timestamp
    ) throws(FormPostError) -> RawItem {
        guard fields.count <= fieldsMax else { throw .tooManyFields(form: form.name, max: fieldsMax) }
        guard fields.contains(where: { !$0.1.allSatisfy(\.isWhitespace) }) else { throw .empty(form: form.name) }
        let size = fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count }
        guard size <= form.sizeBytesMax else { throw .tooLarge(form: form.name, bytes: size, max: form.sizeBytesMax) }
        let entry = PublicFormEntry(
            form: form.name, fields: fields.map { Interaction.Field(name: $0.0, value: $0.1) }, at: at, remote: remote)
        return RawItem(externalID: id, kind: .form, bytes: entry.json, meta: [MetaKey.format: format])
    }
}

public enum FormPostError: Error, Hashable, CustomStringConvertible {
    case empty(form: String)
    case tooManyFields(form: String, max: Int)
    case tooLarge(form: String, bytes: Int, max: Int)

    public var description: String {
        switch self {
        case .empty(let form): "the form \(form) was sent without any field filled in; fill in at least one"
        case .tooManyFields(let form, let max): "the form \(form) was sent with more than \(max) fields; send fewer"
        case .tooLarge(let form, let bytes, let max):
            "the form \(form) was sent with \(bytes) bytes, more than the \(max) allowed; shorten the message"
        }
    }
}
