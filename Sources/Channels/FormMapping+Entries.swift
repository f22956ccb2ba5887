public import Domain
public import Formats

/// What a form's export says. Pure.
public struct FormReading: Sendable {
    /// In the document's order.
    public var interactions: [Interaction] = []
    /// One sentence for each entry that could not become one.
    public var skipped: [String] = []
}

/// Why an export says nothing.
public enum FormError: Error, Hashable, CustomStringConvertible {
    case webPage(account: String)
    case json(account: String, JSONError)
    case csv(account: String, CSVError)
    case path(account: String, JSONPathError)
    case nothingThere(account: String, path: String, keys: [String])

    public var description: String {
        switch self {
        case .webPage(let account):
            "\(account): the form's address gave a web page instead of data; check the address, and whether it wants a login"
        case .json(let account, let error): "\(account): \(error)"
        case .csv(let account, let error): "\(account): \(error)"
        case .path(let account, let error): "\(account): \(error)"
        case .nothingThere(let account, let path, let keys):
            "\(account): records path \(path) finds nothing in the document; "
                + (keys.isEmpty ? "it has no keys" : "its keys are \(keys.joined(separator: ", "))")
        }
    }
}

extension FormMapping {
    static let fieldsMax = 500
    static let depthMax = 8
    static let keysShown = 10

    /// Turns an export into form messages.
    public func interactions(_ document: [UInt8], account: String, since: Timestamp?, receivedAt: Timestamp) throws(FormError)
        -> FormReading
    {
        let entries: [FormEntry]
        switch format {
        case .json: entries = try json(document, account: account)
        case .csv: entries = try csv(document, account: account)
        }
        var reading = FormReading()
        var seen: [String: Int] = [:]
        for (index, entry) in entries.enumerated() {
            guard entry.fields.contains(where: { !$0.value.isEmpty }) else {
                reading.skipped.append("\(account): entry \(index + 1) has no fields; it was skipped")
                continue
            }
            // Without an id, two equal entries are told apart by how often they were there: an export that grows keeps that count.
            let externalID: String
            if let id = entry.id, !id.isEmpty {
                externalID = id
            } else {
                let hash = Self.hash(entry.fields)
                let copies = seen[hash, default: 0] + 1
                seen[hash] = copies
                externalID = copies == 1 ? hash : "\(hash)-\(copies)"
            }
            let form = entry.interaction(account: account, externalID: externalID, receivedAt: receivedAt)
            if let since, entry.occurredAt != nil, form.occurredAt < since { continue }
            reading.interactions.append(form)
        }
        return reading
    }

    private static func hash(_ fields: [Interaction.Field]) -> String {
        // Length-prefixed, so that no two different lists read the same.
        sha256(fields.flatMap { Array("\($0.name.utf8.count):\($0.name)\($0.value.utf8.count):\($0.value)".utf8) })
    }

    private func csv(_ document: [UInt8], account: String) throws(FormError) -> [FormEntry] {
        let rows: [CSVRow]
        do { rows = try CSV.parse(document) } catch { throw .csv(account: account, error) }
        return rows.map { row in
            var entry = FormEntry(fields: row.fields.prefix(Self.fieldsMax).map { Interaction.Field(name: $0.name, value: $0.value) })
            entry.fill(from: self) { row[$0] }
            return entry
        }
    }

    private func json(_ document: [UInt8], account: String) throws(FormError) -> [FormEntry] {
        if document.first(where: { $0 > 0x20 }) == UInt8(ascii: "<") { throw .webPage(account: account) }
        let root: JSONValue
        do { root = try JSONValue.parse(document) } catch { throw .json(account: account, error) }
        do {
            let entries = try JSONPath(records).values(in: root, root: root)
            if entries.isEmpty { try requireList(in: root, account: account) }
            let paths = try Paths(self)
            return entries.map { value in
                var entry = FormEntry(fields: Self.flatten(value))
                entry.fill(from: self) { name in paths.all[name].flatMap { $0.first(in: value, root: root)?.plain } }
                return entry
            }
        } catch let error as JSONPathError {
            throw .path(account: account, error)
        } catch let error as FormError {
            throw error
        } catch {
            throw .nothingThere(account: account, path: records, keys: [])
        }
    }

    /// An empty list is fine; a path that leads nowhere is a mistake in the configuration.
    private func requireList(in root: JSONValue, account: String) throws {
        let parent = records.hasSuffix("[*]") ? String(records.dropLast(3)) : records
        let there = parent == "$" ? root.array != nil : try JSONPath(parent).first(in: root, root: root) != nil
        guard !there else { return }
        var keys: [String] = []
        if case .object(let members) = root { keys = members.prefix(Self.keysShown).map(\.name) }
        throw FormError.nothingThere(account: account, path: records, keys: keys)
    }

    /// Every leaf with its path as the name, in the document's order: `answers.email`.
    static func flatten(_ value: JSONValue) -> [Interaction.Field] {
        var fields: [Interaction.Field] = []
        func walk(_ value: JSONValue, _ name: String, _ depth: Int) {
            guard fields.count < fieldsMax else { return }
            switch value {
            case .object(let members) where depth < depthMax:
                for member in members { walk(member.value, name.isEmpty ? member.name : "\(name).\(member.name)", depth + 1) }
            case .array(let items) where depth < depthMax && items.contains(where: \.isContainer):
                for (index, item) in items.enumerated() { walk(item, "\(name)[\(index)]", depth + 1) }
            case .null: break
            default: fields.append(Interaction.Field(name: name.isEmpty ? "value" : name, value: value.plain))
            }
        }
        walk(value, "", 0)
        return fields
    }

    /// The mapping's paths, each read once per document.
    private struct Paths {
        var all: [String: JSONPath] = [:]
        init(_ mapping: FormMapping) throws(JSONPathError) {
            for text in [mapping.id, mapping.occurredAt, mapping.name, mapping.email, mapping.phone, mapping.subject, mapping.text] {
                if let text { all[text] = try JSONPath(text) }
            }
        }
    }
}

extension FormEntry {
    /// What the mapping names wins; fields with well-known names fill the rest.
    fileprivate mutating func fill(from mapping: FormMapping, value: (String) -> String?) {
        id = mapping.id.flatMap(value).map(Text.trim)
        occurredAt = mapping.occurredAt.flatMap(value)
        name = mapping.name.flatMap(value)
        email = mapping.email.flatMap(value)
        phone = mapping.phone.flatMap(value)
        subject = mapping.subject.flatMap(value)
        text = mapping.text.flatMap(value)
        recognise()
    }
}

extension JSONValue {
    fileprivate var isContainer: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }
}

/// A post to one of our own forms, as the spool keeps it:
/// `{"form": "contact", "fields": [["name", "Ann"], …], "at": 1700000000000000, "remote": "192.0.2.7"}`.
public struct PublicFormEntry: Sendable, Hashable {
    public var form: String
    public var fields: [Interaction.Field]
    public var at: Timestamp
    /// Address it came from.
    public var remote: String
    /// Which field is the writer's `name`, `email` or `phone`, the `subject` or the `text`, where the form says so.
    public var meanings: [String: String] = [:]
    /// What was sent with it; the bytes are in the blobs.
    public var files: [Attachment] = []
    public var language: String?

    public init(form: String, fields: [Interaction.Field], at: Timestamp, remote: String) {
        self.form = form
        self.fields = fields
        self.at = at
        self.remote = remote
    }

    public init(json bytes: [UInt8], account: String) throws(FormError) {
        let root: JSONValue
        do { root = try JSONValue.parse(bytes) } catch { throw .json(account: account, error) }
        guard let pairs = root["fields"]?.array else { throw .nothingThere(account: account, path: "$.fields", keys: []) }
        form = root["form"]?.plain ?? ""
        at = Timestamp(microseconds: root["at"].flatMap { Int64($0.plain) } ?? 0)
        remote = root["remote"]?.plain ?? ""
        fields = pairs.prefix(FormMapping.fieldsMax).compactMap { pair in
            guard let both = pair.array, both.count == 2 else { return nil }
            return Interaction.Field(name: both[0].plain, value: both[1].plain)
        }
        if case .object(let members)? = root["as"] {
            meanings = Dictionary(members.map { ($0.name, $0.value.plain) }, uniquingKeysWith: { first, _ in first })
        }
        files = (root["files"]?.array ?? []).prefix(FormMapping.fieldsMax).compactMap { file in
            guard let hash = file["hash"]?.string, let size = file["size"].flatMap({ Int($0.plain) }) else { return nil }
            return Attachment(name: file["name"]?.plain ?? "file", type: file["type"]?.plain ?? "", sizeBytes: size, hash: hash)
        }
        language = root["lang"]?.string
    }

    public var json: [UInt8] {
        let pairs = fields.map { JSONValue.array([.string($0.name), .string($0.value)]) }
        let root = JSONValue.object([
            .init("form", .string(form)), .init("fields", .array(pairs)), .init("at", .number(String(at.microseconds))),
            .init("remote", .string(remote)),
        ])
        return Array(root.json.utf8)
    }

    public func interaction(account: String, externalID: String, receivedAt: Timestamp) -> Interaction {
        var entry = FormEntry(fields: fields)
        func said(_ meaning: String) -> String? { meanings[meaning].flatMap { name in fields.first { $0.name == name }?.value } }
        (entry.name, entry.email, entry.phone) = (said("name"), said("email"), said("phone"))
        (entry.subject, entry.text) = (said("subject"), said("text"))
        entry.recognise()
        var form = entry.interaction(account: account, externalID: externalID, receivedAt: receivedAt)
        form.occurredAt = min(at, receivedAt)
        form.attachments = files
        form.language = language.map { String($0.prefix { $0 != "-" }) }
        return form
    }
}
