import Domain
import FoundationEssentials
import Glibc
import Rules
import Store

/// Whom to tell when an account stops, and how.
struct Alerts: Sendable, Hashable {
    var mail: String?
    var sender: String?
    var webhook: Secret?
    /// An account that only fails, and is still trying, is reported after this long.
    var after = Duration.seconds(900)
}

extension Settings {
    /// How each name gets its tokens: accounts under their own name, senders under `sender/NAME`.
    var oauth: [String: OAuth] {
        var all: [String: OAuth] = [:]
        for account in accounts { all[account.name] = account.oauth }
        for sender in senders { if let oauth = sender.oauth, let name = sender.tokenName { all[name] = oauth } }
        return all
    }

    static func oauth(_ node: YAMLNode, _ secrets: SecretReader, user: String?) throws -> OAuth {
        let map = try node.mapping(keys: [
            "provider", "flow", "client_id", "client_secret", "tenant", "scopes", "token_url", "authorization_url", "device_url", "key",
            "key_id",
            "subject", "ca",
        ])
        let provider = try map["provider"]?.oneOf(OAuthProvider.self)
        let flow = try map["flow"]?.oneOf(OAuth.Flow.self) ?? (provider == .google ? .loopback : .device)
        let tenant = try map["tenant"]?.string() ?? "organizations"
        let known = provider?.places(tenant: tenant, flow: flow)
        guard let tokenURL = try map["token_url"].map(secureURL) ?? known?.token else {
            throw node.error(
                "`oauth` needs a `provider` (\(OAuthProvider.allCases.map(\.rawValue).joined(separator: ", "))) or a `token_url`; add one")
        }
        if provider == .google, flow == .device, let at = map["flow"] {
            throw at.error("Google gives no mailbox permission by device code; write `flow: loopback` or `flow: service_account`")
        }
        var oauth = OAuth(
            flow: flow, clientID: try map.required("client_id").string(), tokenURL: tokenURL,
            scopes: try map["scopes"]?.strings() ?? known?.scopes ?? [])
        oauth.clientSecret = try map["client_secret"].map(secrets.secret)
        oauth.authorizationURL = try map["authorization_url"].map(secureURL) ?? known?.authorization
        oauth.deviceURL = try map["device_url"].map(secureURL) ?? known?.device
        oauth.privateKey = try map["key"].map(secrets.secret)
        oauth.keyID = try map["key_id"]?.string()
        oauth.subject = try map["subject"]?.string() ?? (flow == .serviceAccount ? user : nil)
        oauth.tls = try tls(map)
        switch flow {
        case .device where oauth.deviceURL == nil: throw node.error("the device flow needs a `device_url`; add it")
        case .loopback where oauth.authorizationURL == nil: throw node.error("the loopback flow needs an `authorization_url`; add it")
        case .serviceAccount where oauth.privateKey == nil:
            throw node.error("a service account signs with its private key; add `key: {file: …}` with the PEM")
        case .clientCredentials where oauth.clientSecret == nil:
            throw node.error("client credentials need a `client_secret`; write {credential: name}, {env: NAME} or {file: path}")
        default: return oauth
        }
    }

    /// Tokens and secrets go there; in the clear only to this very machine.
    private static func secureURL(_ node: YAMLNode) throws -> String {
        let text = try url(node, schemes: ["https", "http"])
        let isLocal = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains { host in
            text == host || text.hasPrefix(host + "/") || text.hasPrefix(host + ":")
        }
        guard text.hasPrefix("https://") || isLocal else {
            throw node.error("`\(node.name)` is `\(text)`; secrets go there, so start it with https://")
        }
        return text
    }

    static func tokenKey(_ node: YAMLNode, _ secrets: SecretReader) throws -> Secret {
        let key = try secrets.always.secret(node)
        guard key.reveal().utf8.count >= TokenSeal.keyBytes else {
            throw node.error("`token_key` has fewer than \(TokenSeal.keyBytes) bytes; make one with: openssl rand -base64 32")
        }
        return key
    }

    static func alerts(_ node: YAMLNode) throws -> Alerts {
        let map = try node.mapping(keys: ["mail", "sender", "webhook", "after"])
        var alerts = Alerts()
        if let mail = map["mail"] {
            let text = try mail.string()
            guard text.contains("@"), !text.contains(where: \.isWhitespace) else {
                throw mail.error("`mail` is `\(text)`; write one address, such as ops@example.com")
            }
            alerts.mail = text
        }
        alerts.sender = try map["sender"]?.string()
        alerts.webhook = try map["webhook"].map { Secret(try url($0, schemes: ["https", "http"])) }
        if let after = map["after"] { alerts.after = try after.duration(in: .seconds(10) ... .seconds(86_400 * 7)) }
        guard alerts.mail != nil || alerts.webhook != nil else {
            throw node.error("`alerts` tells nobody; add `mail: ops@example.com` or `webhook: https://…`")
        }
        return alerts
    }

    /// From `token_key`, else from a file that is made when it is first needed. Nil when no account uses OAuth.
    /// - Parameter isNeeded: also when nothing uses it yet, for a reload may bring what does.
    func tokenSeal(isNeeded: Bool = false) throws -> TokenSeal? {
        if let tokenKey { return TokenSeal(secret: Array(tokenKey.reveal().utf8)) }
        guard isNeeded || !oauth.isEmpty else { return nil }
        return TokenSeal(secret: try KeyFile.readOrMake("\(data)/token.key", bytes: TokenSeal.keyBytes))
    }
}

enum OAuthProvider: String, CaseIterable {
    case google, microsoft

    struct Places {
        var token: String
        var authorization: String
        var device: String?
        var scopes: [String]
    }

    func places(tenant: String, flow: OAuth.Flow) -> Places {
        switch self {
        case .google:
            Places(
                token: "https://oauth2.googleapis.com/token", authorization: "https://accounts.google.com/o/oauth2/v2/auth", device: nil,
                scopes: ["https://mail.google.com/"])
        case .microsoft:
            Places(
                token: "https://login.microsoftonline.com/\(tenant)/oauth2/v2.0/token",
                authorization: "https://login.microsoftonline.com/\(tenant)/oauth2/v2.0/authorize",
                device: "https://login.microsoftonline.com/\(tenant)/oauth2/v2.0/devicecode",
                scopes: flow == .clientCredentials
                    ? ["https://outlook.office365.com/.default"]
                    : ["IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send"].map { "https://outlook.office.com/\($0)" } + [
                        "offline_access"
                    ])
        }
    }
}

/// Random bytes in a file that only the daemon's user may read.
enum KeyFile {
    static func readOrMake(_ path: String, bytes count: Int) throws -> [UInt8] {
        if let data = FileManager.default.contents(atPath: path) {
            guard data.count >= count else {
                throw CommandError(
                    "\(path) has \(data.count) bytes, a key has \(count); put the right file back, "
                        + "or remove it and give every account a new permission"
                )
            }
            return [UInt8](data)
        }
        let key = (0..<count).map { _ in UInt8.random(in: .min ... .max) }
        let temporary = "\(path).\(getpid())"
        let file = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw CommandError(
                "cannot write \(path): \(String(cString: strerror(errno))). "
                    + "Check that the folder exists and the daemon's user may write to it."
            )
        }
        let written = write(file, key, key.count)
        let isSafe = written == key.count && fsync(file) == 0
        close(file)
        // `link` fails when somebody else was first: then theirs counts.
        let isOurs = isSafe && link(temporary, path) == 0
        unlink(temporary)
        if isOurs { return key }
        guard isSafe, let data = FileManager.default.contents(atPath: path), data.count >= count else {
            throw CommandError("cannot write \(path): \(String(cString: strerror(errno))).")
        }
        return [UInt8](data)
    }
}
