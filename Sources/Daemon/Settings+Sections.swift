import Domain
import Rules

extension Settings {
    private static let accountKeys = [
        "kind", "url", "path", "user", "password", "token", "folders", "every", "queue", "addresses", "sender", "plain", "ca", "form",
        "start", "size_max", "oauth", "mailforms", "closed", "acknowledge", "plus_addressing", "after", "tls", "channel",
        "config", "list", "stream",
    ]

    static func account(_ entry: YAMLMapping.Entry, _ secrets: SecretReader) throws -> Account {
        let map = try entry.value.mapping(keys: accountKeys)
        try checkName(entry)
        let kind = try map.required("kind").oneOf(Account.Kind.self)
        let place: String
        switch kind {
        case .folder, .spool: place = beside(entry.value.file, try map.required("path").string())
        case .imap: place = try url(map.required("url"), schemes: ["imap", "imaps"])
        case .pop3: place = try url(map.required("url"), schemes: ["pop3", "pop3s"])
        case .feed where map["list"] != nil: place = ""  // each feed of the list gets its own
        case .feed, .form: place = try url(map.required("url"), schemes: ["http", "https", "file"])
        case .channel: place = "channel://" + (try map.required("channel").string())
        }
        var account = Account(name: entry.key, kind: kind, url: place)
        account.user = try map["user"]?.string()
        account.password = try map["password"].map(secrets.secret)
        account.accessToken = try map["token"].map(secrets.secret)
        account.oauth = try map["oauth"].map { try oauth($0, secrets, user: account.user) }
        let isMailbox = kind == .imap || kind == .pop3
        if isMailbox, account.user == nil { throw entry.value.error("account `\(entry.key)` needs a `user`; add it") }
        if isMailbox, account.password == nil, account.accessToken == nil, account.oauth == nil {
            throw entry.value.error(
                "account `\(entry.key)` needs a `password`, a `token` or `oauth`; write {credential: name}, {env: NAME} or {file: path}")
        }
        if let node = map["folders"] { account.folders = try node.strings() }
        account.interval = try map["every"]?.duration(in: .milliseconds(200) ... .seconds(86_400)) ?? defaultInterval(kind)
        account.isAdaptive = kind == .feed && map["every"] == nil
        if let node = map["queue"] { account.queue = try node.string() }
        account.addresses = try map["addresses"]?.strings().map { $0.lowercased() } ?? []
        if account.addresses.isEmpty, isMailbox, let user = account.user, user.contains("@") { account.addresses = [user.lowercased()] }
        account.sender = try map["sender"]?.string()
        account.tls = try tls(map)
        if let node = map["tls"] { account.tls.allowPlain = try allowsPlain(node, account) }
        if let node = map["after"] { account.after = try after(node, kind) }
        // A mailbox or an export holds years of messages; each of their writers would be a new customer, and welcomed.
        account.start = try map["start"]?.oneOf(Account.Start.self) ?? (isMailbox || kind == .form || kind == .channel ? .latest : .all)
        if let node = map["size_max"] { account.sizeBytesMax = try node.sizeBytes(in: 1 << 10...1 << 30) }
        if let node = map["mailforms"] {
            guard kind != .feed, kind != .form, kind != .channel else {
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
        case .pop3, .feed, .form: .seconds(300)
        case .folder, .spool: .seconds(1)
        case .channel: .seconds(10)  // each stream says itself how often it is asked; this is how often we look
        }
    }

    /// What becomes of a mail on its server once it is stored: `keep`, `seen`, `delete` or `move FOLDER`.
    private static func after(_ node: YAMLNode, _ kind: Account.Kind) throws -> Account.After {
        let text = try node.string()
        let words = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard kind == .imap || kind == .pop3 else {
            throw node.error("`after` is for imap and pop3; nothing is ever changed at a \(kind.rawValue)")
        }
        switch (words.first ?? "", words.count) {
        case ("keep", 1): return .keep
        case ("delete", 1): return .delete
        case ("seen", 1), ("move", 2):
            guard kind == .imap else { throw node.error("`after` is `\(text)`; a pop3 mailbox knows only keep and delete") }
            return words.count == 1 ? .seen : .move(words[1].trimmed)
        default: throw node.error("`after` is `\(text)`; write keep, seen, delete or move FOLDER")
        }
    }

    /// `tls: none` is for servers on this machine; `plain: true` is the word for everything else, so that no password travels in the clear
    /// by a slip.
    private static func allowsPlain(_ node: YAMLNode, _ account: Account) throws -> Bool {
        let scheme = account.url.prefix { $0 != ":" }
        switch try node.oneOf(["required", "starttls", "none"], what: "a way to protect the connection") {
        case "required": return account.tls.allowPlain
        case "starttls":
            guard scheme == "imap" || scheme == "pop3" else {
                throw node.error(
                    "`tls` is `starttls`, which begins in the clear, but \(scheme):// is encrypted from the start; leave it out")
            }
            return false
        default:
            // The host alone: localhost.example is somewhere else.
            let place = account.url.dropFirst(scheme.count + 3).prefix { $0 != "/" && $0 != "?" }
            let host = place.hasPrefix("[") ? place.prefix { $0 != "]" }.dropFirst() : place.prefix { $0 != ":" }
            let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
            let isLoopback = numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
            let isHere = host == "localhost" || host == "::1" || isLoopback
            guard isHere else {
                throw node.error(
                    "`tls: none` would send the password in the clear; use imaps:// or pop3s://, or leave `tls` out for STARTTLS")
            }
            return true
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
        let named = try map.required("kind").oneOf(Sender.Kind.configurable.map(\.rawValue), what: "a value of `kind`")
        let kind = Sender.Kind(rawValue: named) ?? .smtp
        let place =
            switch kind {
            case .folder: beside(entry.value.file, try map.required("path").string())
            case .smtp: try url(map.required("url"), schemes: ["smtp", "smtps"])
            case .mx, .channel: ""
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

    static func tls(_ map: YAMLMapping) throws -> TLS {
        TLS(caFile: try map["ca"].map { beside($0.file, try $0.string()) }, allowPlain: try map["plain"]?.bool() ?? false)
    }

    /// Names stand in URLs, keys and log lines.
    static func checkName(_ entry: YAMLMapping.Entry) throws {
        let isPlain = entry.key.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte >= 0x80
        }
        guard isPlain, !entry.key.isEmpty, entry.key.utf8.count <= 64 else {
            throw entry.keyNode.error("`\(entry.key)` cannot be a name; use letters, digits, - and _ (64 bytes at most)")
        }
    }
}
