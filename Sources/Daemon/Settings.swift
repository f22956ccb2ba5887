import Channels
import Console
public import Desk
public import Domain
import FoundationEssentials
import Glibc
import Rules
public import Transport

/// Everything `hongyan.yaml` says, checked. Secrets are read when it is decoded; printing a value of this type shows none.
public struct Settings: Sendable {
    /// `sqlite:///var/lib/hongyan/hongyan.sqlite3` or `postgres://…`; may hold a password, hence a secret.
    public var database = Secret("sqlite:///var/lib/hongyan/hongyan.sqlite3")
    /// Attachments and the instance file.
    public var data = "/var/lib/hongyan"
    public var listenHost = "127.0.0.1"
    /// 0 takes any free port.
    public var listenPort = 8025
    /// Where customers and agents reach us; unsubscribe links start with it.
    public var publicURL = "http://127.0.0.1:8025"
    public var node = 1
    /// A GnuPG home with the keys that verify and decrypt mail; nil when there is none.
    public var keys: String?
    public var logFormat = LogOutput.Format.logfmt
    public var logLevel = "info"
    public var accounts: [Account] = []
    /// The channel files that accounts name.
    var channels: [String: ChannelFile] = [:]
    public var senders: [Sender] = []
    public var forms: [PublicForm] = []
    /// Descriptions of the forms that have one, by the form's name.
    var formPages: [String: FormPage] = [:]
    public var replies = ReplySettings()
    /// Names of folders under templates/journeys.
    public var journeys: [String] = []
    /// The rules file; none means: every message goes to its account's queue.
    public var routingFile: String?
    /// Folder with templates, static files and models; found beside the program when nil.
    public var share: String?
    /// Whether a proxy of ours stands in front of the console and names the visitor in X-Forwarded-For.
    public var behindProxy = false
    /// For direct delivery and its checks; the machine's own when empty.
    public var nameservers: [DNSServer] = []
    /// How long mail that is refused for now is tried again.
    public var giveUpAfter: Duration = .seconds(4 * 86_400)
    public var marketingGiveUpAfter: Duration = .seconds(86_400)
    /// Lets `/metrics` be read from other machines.
    public var metricsToken: Secret?
    /// Seals OAuth tokens in the database; a file of its own in the data folder when nil.
    public var tokenKey: Secret?
    /// Whom to tell when an account stops.
    var alerts: Alerts?

    public var threading = ThreadingSettings()
    /// By name; queues that are not written here follow their accounts.
    public var queues: [QueuePolicy] = []
    public var loopGuard = LoopGuard()

    public init() {}

    static let keys = [
        "database", "data", "listen", "public_url", "node", "log", "accounts", "senders", "forms", "journeys", "routing", "share",
        "behind_proxy", "metrics_token", "replies", "token_key", "alerts", "threading", "queues", "loop_guard",
        "nameservers", "give_up", "keys",
    ]

    /// Reads and checks one configuration file.
    /// - Throws: `RuleError` with file, line, column and what to write; `SettingsError` when the file cannot be read.
    /// - Parameter needsSecrets: false for commands that only open the database; passwords that cannot be read here are left empty then.
    public static func load(_ path: String, environment: [String: String]? = nil, needsSecrets: Bool = true) throws -> Settings {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw SettingsError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        return try decode(
            String(decoding: bytes, as: UTF8.self), file: path, environment: environment ?? ProcessInfo.processInfo.environment,
            needsSecrets: needsSecrets)
    }

    static func decode(_ text: String, file: String, environment: [String: String], needsSecrets: Bool = true) throws -> Settings {
        let root = try StrictYAML.read(text, file: file).mapping(keys: keys)
        let secrets = SecretReader(environment: environment, folder: folder(of: file), areNeeded: needsSecrets)
        var settings = Settings()
        if let node = root["database"] {
            settings.database = try secrets.always.secretOrText(node)
            let scheme = settings.database.reveal().split(separator: ":", maxSplits: 1).first ?? ""
            guard ["sqlite", "postgres", "postgresql"].contains(scheme) else {
                throw node.error(
                    "`database` must start with sqlite:// or postgres://; for one machine write sqlite:///var/lib/hongyan/hongyan.sqlite3")
            }
        }
        if let node = root["data"] { settings.data = try node.string() }
        if let node = root["listen"] { (settings.listenHost, settings.listenPort) = try listen(node) }
        if let node = root["public_url"] {
            settings.publicURL = try url(node, schemes: ["http", "https"])
        } else if settings.listenPort != 0 {
            settings.publicURL = "http://\(reachable(settings.listenHost)):\(settings.listenPort)"
        }
        while settings.publicURL.hasSuffix("/") { settings.publicURL.removeLast() }
        if let node = root["keys"] { settings.keys = try keys(node, file) }
        if let node = root["node"] { settings.node = try node.int(in: 0...1023) }
        if let log = try root["log"]?.mapping(keys: ["format", "level"]) {
            if let node = log["format"] { settings.logFormat = try node.oneOf(LogOutput.Format.self) }
            if let node = log["level"] {
                settings.logLevel = try node.oneOf(["trace", "debug", "info", "notice", "warning", "error"], what: "a log level")
            }
        }
        for entry in try root["accounts"]?.namedEntries().entries ?? [] { settings.accounts += try Self.accounts(entry, secrets) }
        try settings.takeChannels(root, secrets, file)
        for entry in try root["senders"]?.namedEntries().entries ?? [] { settings.senders.append(try sender(entry, secrets)) }
        try settings.takeForms(root, file)
        if let node = root["threading"] { settings.threading = try threading(node) }
        for entry in try root["queues"]?.namedEntries().entries ?? [] { settings.queues.append(try queue(entry)) }
        if let node = root["loop_guard"] { settings.loopGuard = try loopGuard(node) }
        settings.journeys = try root["journeys"]?.strings(orNone: true) ?? []
        if let node = root["routing"] { settings.routingFile = beside(file, try node.string()) }
        if let node = root["share"] { settings.share = beside(file, try node.string()) }
        if let node = root["behind_proxy"] { settings.behindProxy = try node.bool() }
        if let node = root["replies"] { settings.replies = try replies(node) }
        settings.takeUnsubscribeAddresses()
        if let node = root["nameservers"] { settings.nameservers = try nameservers(node) }
        if let node = root["give_up"] { try giveUp(node, &settings) }
        settings.metricsToken = try root["metrics_token"].map(secrets.secret)
        settings.tokenKey = try root["token_key"].map { try tokenKey($0, secrets) }
        settings.alerts = try root["alerts"].map(alerts)
        try check(settings, root)
        return settings
    }

    private static func keys(_ node: YAMLNode, _ file: String) throws -> String {
        let folder = beside(file, try node.string())
        var isFolder = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder else {
            throw node.error("`keys` names \(folder), which is no folder; make it with: gpg --homedir \(folder) --import KEY.asc")
        }
        return folder
    }

    /// What only the whole file can tell.
    private static func check(_ settings: Settings, _ root: YAMLMapping) throws {
        let senders = settings.senders.map(\.name)
        for entry in try root["accounts"]?.namedEntries().entries ?? [] {
            guard let sender = try entry.value.namedEntries()["sender"]?.string(), !senders.contains(sender) else { continue }
            throw entry.value.error("account `\(entry.key)` answers through `\(sender)`, which is not under `senders`; add it there")
        }
        for (sender, entry) in zip(settings.senders, try root["senders"]?.namedEntries().entries ?? []) {
            guard let name = sender.tokenName, sender.oauth == nil, settings.oauth[name] == nil else { continue }
            throw entry.value.error(
                "sender `\(sender.name)` shares the permission of `\(name)`, which is no account with `oauth`; correct the name")
        }
        if let node = root["alerts"], let alerts = settings.alerts {
            if alerts.mail != nil, senders.isEmpty {
                throw node.error("alerts by mail need something to send with; add a `senders` section")
            }
            if let sender = alerts.sender, !senders.contains(sender) {
                throw node.error("alerts go out through `\(sender)`, which is not under `senders`; add it there")
            }
        }
        if !settings.oauth.isEmpty, settings.tokenKey == nil, settings.databasePath == nil, let node = root["accounts"] {
            throw node.error(
                "several machines share the tokens of `oauth` accounts in the database; "
                    + "add `token_key: {file: …}` with the same 32 random bytes on each"
            )
        }
        let acknowledging = (root["queues"].map { [$0] } ?? []) + (root["accounts"].map { [$0] } ?? [])
        for node in try acknowledging.flatMap({ try $0.namedEntries().entries }) where senders.isEmpty {
            guard let wish = try node.value.namedEntries()["acknowledge"] else { continue }
            throw wish.error("acknowledgements need something to send with; add a `senders` section")
        }
        if !settings.journeys.isEmpty, senders.isEmpty, let node = root["journeys"] {
            throw node.error("journeys need something to send with; add a `senders` section")
        }
    }

    private static func listen(_ node: YAMLNode) throws -> (String, Int) {
        let text = try node.string()
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port) else {
            throw node.error("`listen` is `\(text)`; write an address and a port, such as 127.0.0.1:8025")
        }
        let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
        return (host.isEmpty ? "0.0.0.0" : host, port)
    }

    /// What a browser on this machine writes for the address we listen on.
    private static func reachable(_ host: String) -> String {
        ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
    }

    static func url(_ node: YAMLNode, schemes: [String]) throws -> String {
        let text = try node.string()
        guard let end = text.firstRange(of: "://"), schemes.contains(String(text[..<end.lowerBound])), end.upperBound < text.endIndex else {
            throw node.error("`\(node.name)` is `\(text)`; start it with \(schemes.map { $0 + "://" }.joined(separator: " or "))")
        }
        return text
    }

    /// A path in a configuration file counts from that file's folder.
    static func beside(_ file: String, _ path: String) -> String { path.hasPrefix("/") ? path : folder(of: file) + path }

    private static func folder(of file: String) -> String { file.lastIndex(of: "/").map { String(file[...$0]) } ?? "" }
}

extension YAMLNode {
    /// Like `strings()`, but `key:` and `key: []` are an empty list.
    func strings(orNone: Bool) throws -> [String] { isEmpty ? [] : try strings() }
}

public enum SettingsError: Error, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case noShare([String])

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason). Name another file with --config."
        case .noShare(let places):
            "cannot find the templates; looked in \(places.joined(separator: ", ")). "
                + "Set HONGYAN_SHARE or `share:` to the folder that holds templates/."
        }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
