import Domain
import Rules

extension Settings {
    private static let accountKeys = [
        "kind", "url", "path", "user", "password", "token", "folders", "every", "queue", "addresses", "sender", "plain", "ca", "form",
        "start",
        "size_max", "oauth", "mailforms", "closed", "acknowledge", "plus_addressing",
    ]

    static func account(_ entry: YAMLMapping.Entry, _ secrets: SecretReader) throws -> Account {
        let map = try entry.value.mapping(keys: accountKeys)
        try checkName(entry)
        let kind = try map.required("kind").oneOf(Account.Kind.self)
        let place: String
        switch kind {
        case .folder: place = beside(entry.value.file, try map.required("path").string())
        case .imap: place = try url(map.required("url"), schemes: ["imap", "imaps"])
        case .feed, .form: place = try url(map.required("url"), schemes: ["http", "https", "file"])
        }
        var account = Account(name: entry.key, kind: kind, url: place)
        account.user = try map["user"]?.string()
        account.password = try map["password"].map(secrets.secret)
        account.accessToken = try map["token"].map(secrets.secret)
        account.oauth = try map["oauth"].map { try oauth($0, secrets, user: account.user) }
        if kind == .imap, account.user == nil { throw entry.value.error("account `\(entry.key)` needs a `user`; add it") }
        if kind == .imap, account.password == nil, account.accessToken == nil, account.oauth == nil {
            throw entry.value.error(
                "account `\(entry.key)` needs a `password`, a `token` or `oauth`; write {credential: name}, {env: NAME} or {file: path}")
        }
        if let node = map["folders"] { account.folders = try node.strings() }
        account.interval = try map["every"]?.duration(in: .milliseconds(200) ... .seconds(86_400)) ?? defaultInterval(kind)
        if let node = map["queue"] { account.queue = try node.string() }
        account.addresses = try map["addresses"]?.strings().map { $0.lowercased() } ?? []
        if account.addresses.isEmpty, kind == .imap, let user = account.user, user.contains("@") { account.addresses = [user.lowercased()] }
        account.sender = try map["sender"]?.string()
        account.tls = try tls(map)
        // A mailbox or an export holds years of messages; each of their writers would be a new customer, and welcomed.
        account.start = try map["start"]?.oneOf(Account.Start.self) ?? (kind == .imap || kind == .form ? .latest : .all)
        if let node = map["size_max"] { account.sizeBytesMax = try node.sizeBytes(in: 1 << 10...1 << 30) }
        if let node = map["mailforms"] {
            guard kind != .feed, kind != .form else {
                throw node.error("`mailforms` is for accounts that bring mail; `\(kind.rawValue)` brings none, remove it")
            }
            account.mailForms = try mailForms(node)
        }
        try converse(&account, map)
        if kind == .form { account.form = try formMapping(try map.required("form")) }
        return account
    }

    private static func defaultInterval(_ kind: Account.Kind) -> Duration {
        switch kind {
        case .imap: .seconds(60)  // IDLE says so at once; this is the safety net
        case .feed, .form: .seconds(300)
        case .folder: .seconds(1)
        }
    }

    private static func formMapping(_ node: YAMLNode) throws -> FormMapping {
        let map = try node.mapping(keys: ["format", "records", "id", "at", "name", "email", "phone", "subject", "text"])
        var mapping = FormMapping(format: try map.required("format").oneOf(FormMapping.Format.self))
        if let node = map["records"] { mapping.records = try node.string() }
        mapping.id = try map["id"]?.string()
        mapping.occurredAt = try map["at"]?.string()
        mapping.name = try map["name"]?.string()
        mapping.email = try map["email"]?.string()
        mapping.phone = try map["phone"]?.string()
        mapping.subject = try map["subject"]?.string()
        mapping.text = try map["text"]?.string()
        return mapping
    }

    static func sender(_ entry: YAMLMapping.Entry, _ secrets: SecretReader) throws -> Sender {
        let map = try entry.value.mapping(keys: [
            "kind", "url", "path", "user", "password", "token", "plain", "ca", "from", "connections", "helo", "dkim", "bounces",
            "unsubscribe", "smtputf8", "oauth", "limits", "tls", "private", "port",
        ])
        try checkName(entry)
        let kind = try map.required("kind").oneOf(Sender.Kind.self)
        let place =
            switch kind {
            case .folder: beside(entry.value.file, try map.required("path").string())
            case .smtp: try url(map.required("url"), schemes: ["smtp", "smtps"])
            case .mx: ""
            }
        let from = try map.required("from")
        let text = try from.string()
        guard text.contains("@"), !text.contains(where: \.isNewline) else {
            throw from.error("`from` is `\(text)`; write an address such as Care <care@example.com>")
        }
        var sender = Sender(name: entry.key, kind: kind, url: place, from: text)
        sender.user = try map["user"]?.string()
        sender.password = try map["password"].map(secrets.secret)
        sender.accessToken = try map["token"].map(secrets.secret)
        if let node = map["oauth"] {
            if node.isMapping {
                sender.oauth = try oauth(node, secrets, user: sender.user)
                sender.tokenName = "sender/\(entry.key)"
            } else {
                sender.tokenName = try node.string()
            }
        }
        sender.tls = try tls(map)
        if let node = map["connections"] { sender.concurrency = try node.int(in: 1...256) }
        try sending(map, &sender)
        sender.helo = try map["helo"]?.string()
        try outgoing(map, secrets, &sender)
        return sender
    }

    static func form(_ entry: YAMLMapping.Entry) throws -> PublicForm {
        let map = try entry.value.mapping(keys: ["title", "queue", "redirect", "honeypot", "size_max", "per_hour"])
        try checkName(entry)
        var form = PublicForm(
            name: entry.key, title: try map["title"]?.string() ?? entry.key, queue: try map["queue"]?.string() ?? "Support")
        form.redirect = try map["redirect"].map { try url($0, schemes: ["http", "https"]) }
        if let node = map["honeypot"] { form.honeypot = try node.string() }
        if let node = map["size_max"] { form.sizeBytesMax = try node.sizeBytes(in: 1 << 10...16 << 20) }
        if let node = map["per_hour"] { form.perHour = try node.int(in: 1...100_000) }
        return form
    }

    static func tls(_ map: YAMLMapping) throws -> TLS {
        TLS(caFile: try map["ca"].map { beside($0.file, try $0.string()) }, allowPlain: try map["plain"]?.bool() ?? false)
    }

    /// Names stand in URLs, keys and log lines.
    private static func checkName(_ entry: YAMLMapping.Entry) throws {
        let isPlain = entry.key.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte >= 0x80
        }
        guard isPlain, !entry.key.isEmpty, entry.key.utf8.count <= 64 else {
            throw entry.keyNode.error("`\(entry.key)` cannot be a name; use letters, digits, - and _ (64 bytes at most)")
        }
    }
}
