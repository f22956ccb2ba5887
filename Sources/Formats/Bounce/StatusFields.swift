/// The groups of fields of a delivery-status, disposition or feedback part (RFC 3464 §2.1): the first is about the message, each further
/// one about a recipient.
struct StatusFields {
    static let groupsMax = MachineReport.recipientsMax + 1
    static let bytesMax = 4 << 20

    struct Group {
        /// Names lower-cased; values unfolded and trimmed.
        var fields: [(name: String, value: String)] = []

        subscript(name: String) -> String? { fields.first { $0.name == name && !$0.value.isEmpty }?.value }
        func all(_ name: String) -> [String] { fields.filter { $0.name == name && !$0.value.isEmpty }.map(\.value) }
        func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

        /// The value without its type: `rfc822; ana@example.com` → `ana@example.com`. Types are `rfc822`, `dns`, `smtp`, `X-Unix`, …
        func typed(_ name: String) -> (type: String, value: String)? {
            guard let text = self[name] else { return nil }
            guard let semicolon = text.firstIndex(of: ";") else { return ("", text) }
            let type = ASCII.trim(String(text[..<semicolon]))
            let isType = !type.isEmpty && type.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
            return isType ? (ASCII.lowercased(type), ASCII.trim(String(text[text.index(after: semicolon)...]))) : ("", text)
        }
    }

    private(set) var groups: [Group] = []

    init(_ text: String) {
        var current = Group()
        for line in text.prefixed(Self.bytesMax).split(separator: "\n", omittingEmptySubsequences: false) {
            if groups.count >= Self.groupsMax { break }
            if line.utf8.allSatisfy(ASCII.isSpace) {
                close(&current)
            } else if line.utf8.first.map(ASCII.isSpace) == true, !current.fields.isEmpty {
                current.fields[current.fields.count - 1].value += " " + ASCII.trim(String(line))
            } else if let (name, value) = Self.field(line) {
                // Some write the groups without an empty line between: a second recipient begins one.
                if name == "final-recipient", current.has("final-recipient") { close(&current) }
                current.fields.append((name, value))
            } else if !current.fields.isEmpty, !line.hasPrefix("--") {
                current.fields[current.fields.count - 1].value += " " + ASCII.trim(String(line))  // a fold that lost its blank
            }
        }
        close(&current)
    }

    private mutating func close(_ group: inout Group) {
        if !group.fields.isEmpty { groups.append(group) }
        group = Group()
    }

    static func field(_ line: Substring) -> (name: String, value: String)? {
        guard let colon = line.utf8.firstIndex(of: 0x3A) else { return nil }
        let name = line[..<colon]
        let trimmed = ASCII.trim(String(name))
        guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }) else {
            return nil
        }
        return (ASCII.lowercased(trimmed), ASCII.trim(String(line[line.index(after: colon)...])))
    }

    /// The groups that speak of a recipient.
    var recipients: [Group] {
        groups.filter { $0.has("final-recipient") || $0.has("original-recipient") || ($0.has("action") && $0.has("diagnostic-code")) }
    }

    var message: Group? { groups.first { !$0.has("final-recipient") && !$0.has("original-recipient") } ?? groups.first }

    /// Whether a text holds such fields at all.
    static func isIn(_ text: String) -> Bool {
        let folded = Phrases.folded(text, max: bytesMax)
        return Phrases.find("final-recipient:", in: folded) != nil
            || (Phrases.find("original-recipient:", in: folded) != nil && Phrases.find("action:", in: folded) != nil)
    }
}

extension String {
    /// Its beginning, at most so many bytes.
    func prefixed(_ bytesMax: Int) -> String { utf8.count <= bytesMax ? self : String(decoding: utf8.prefix(bytesMax), as: UTF8.self) }
}

extension StatusFields.Group {
    /// RFC 3464 §2.3.3 and what is written instead; nil when it says nothing.
    var action: MachineReport.Action? {
        guard let word = self["action"].map(ASCII.lowercased) else { return nil }
        if word.hasPrefix("delay") { return .delayed }
        if word.hasPrefix("deliver") || word.hasPrefix("relay") || word.hasPrefix("expand") { return .delivered }
        if word.hasPrefix("fail") || word.hasPrefix("error") || word.hasPrefix("expire") || word.hasPrefix("reject")
            || word.hasPrefix("denied")
        {
            return .failed
        }
        return nil
    }

    /// The status alone: `5.1.1 (bad address)` → `5.1.1`, and what the brackets say.
    var status: (code: String?, comment: String) {
        guard let text = self["status"] else { return (nil, "") }
        let word = text.utf8.prefix { ASCII.isDigit($0) || $0 == 0x2E }
        let rest = String(decoding: text.utf8.dropFirst(word.count), as: UTF8.self)
        return (ServerWords.status(word), ASCII.trim(rest.filter { $0 != "(" && $0 != ")" }))
    }

    /// An address field's address: brackets and a wrong type gone.
    func address(_ name: String) -> String? {
        guard let (type, value) = typed(name),
            type == "" || type.hasPrefix("rfc822") || type == "local" || type == "utf-8" || type == "smtp"
        else {
            return nil
        }
        return AddressScan.bare(value)
    }
}
