public import Domain
import FoundationEssentials

/// The authorisation server's answers, one request each. Knows nothing of storing.
public struct OAuthClient: Sendable {
    static let answerBytesMax = 1 << 20
    static let timeout = Duration.seconds(30)
    /// A server that does not say how long a token lives (RFC 6749 §5.1 only recommends it).
    static let lifeWhenUnsaid: Int64 = 3600
    static let lifeMax: Int64 = 366 * 86_400

    let settings: OAuth
    let loop: TransferLoop
    let now: @Sendable () -> Timestamp

    public init(_ settings: OAuth, loop: TransferLoop, now: @escaping @Sendable () -> Timestamp) {
        self.settings = settings
        self.loop = loop
        self.now = now
    }

    /// What a person has to do so that a device is let in (RFC 8628 §3.2).
    public struct DeviceCode: Sendable, Hashable {
        public var userCode: String
        public var verificationURL: String
        let deviceCode: String
        /// Not asked more often than this.
        let interval: Duration
        public let expiresAt: Timestamp
    }

    public func startDevice() async throws -> DeviceCode {
        guard let url = settings.deviceURL else { throw OAuthError.setting("`device_url` is missing; the device flow needs it") }
        let answer = try await post(url, [("client_id", settings.clientID), ("scope", settings.scopes.joined(separator: " "))])
        guard let deviceCode = answer.deviceCode, let userCode = answer.userCode,
            let page = answer.verificationURI ?? answer.verificationURL
        else { throw OAuthError.answer(host: host(url), problem: "it gave no device code") }
        let interval = min(max(answer.interval?.value ?? 5, 1), 60)
        return DeviceCode(
            userCode: userCode, verificationURL: page, deviceCode: deviceCode, interval: .seconds(interval),
            expiresAt: now() + .seconds(min(max(answer.expiresIn?.value ?? 900, 1), 3600)))
    }

    /// Asks until the person has agreed, has refused, or the code has run out (RFC 8628 §3.4).
    public func finish(_ code: DeviceCode) async throws -> OAuthGrant {
        var interval = code.interval
        while now() < code.expiresAt {
            try await Task.sleep(for: interval)
            do {
                return try await grant(
                    [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.deviceCode)], refresh: nil)
            } catch OAuthError.refused(_, let name, _) where name == "authorization_pending" {
                continue
            } catch OAuthError.refused(_, let name, _) where name == "slow_down" {
                interval += .seconds(5)
            } catch let error as OAuthError where error.isTemporary {
                continue
            }
        }
        throw OAuthError.setting("the code \(code.userCode) has run out; run the command again")
    }

    /// Where a person's browser has to go; the answer comes to `redirect` (RFC 8252, RFC 7636).
    public func authorizationURL(redirect: String, state: String, challenge: String) throws -> String {
        guard let url = settings.authorizationURL else {
            throw OAuthError.setting("`authorization_url` is missing; the loopback flow needs it")
        }
        let query = Self.form([
            ("response_type", "code"), ("client_id", settings.clientID), ("redirect_uri", redirect),
            ("scope", settings.scopes.joined(separator: " ")), ("state", state), ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            // Google gives a refresh token only for these two; others ignore what they do not know (RFC 6749 §3.1).
            ("access_type", "offline"), ("prompt", "consent"),
        ])
        return url + (url.contains("?") ? "&" : "?") + query
    }

    public func exchange(code: String, redirect: String, verifier: String) async throws -> OAuthGrant {
        try await grant(
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect), ("code_verifier", verifier)], refresh: nil)
    }

    /// A fresh token without a person: by refresh token, by the organisation's key, or by the program's own secret.
    public func renew(_ old: OAuthGrant?) async throws -> OAuthGrant {
        switch settings.flow {
        case .device, .loopback:
            guard let refresh = old?.refreshToken else { throw OAuthError.setting("nobody has agreed yet") }
            var new = try await grant([("grant_type", "refresh_token"), ("refresh_token", refresh.reveal())], refresh: refresh)
            if new.refreshExpiresAt == nil, new.refreshToken == refresh { new.refreshExpiresAt = old?.refreshExpiresAt }
            return new
        case .clientCredentials:
            return try await grant(
                [("grant_type", "client_credentials"), ("scope", settings.scopes.joined(separator: " "))], refresh: nil)
        case .serviceAccount:
            let assertion = try JSONWebToken.assertion(settings, now: now())
            return try await grant(
                [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)], refresh: nil)
        }
    }

    // MARK: One request

    private func grant(_ fields: [(String, String)], refresh: Secret?) async throws -> OAuthGrant {
        var fields = fields
        if settings.flow != .serviceAccount {
            fields.append(("client_id", settings.clientID))
            if let secret = settings.clientSecret { fields.append(("client_secret", secret.reveal())) }
        }
        let answer = try await post(settings.tokenURL, fields)
        guard let token = answer.accessToken, !token.isEmpty else {
            throw OAuthError.answer(host: host(settings.tokenURL), problem: "it gave no access token")
        }
        let issued = now()
        let life = min(max(answer.expiresIn?.value ?? Self.lifeWhenUnsaid, 1), Self.lifeMax)
        let refreshLife = answer.refreshTokenExpiresIn?.value ?? answer.refreshExpiresIn?.value
        return OAuthGrant(
            accessToken: Secret(token), refreshToken: answer.refreshToken.map { Secret($0) } ?? refresh, issuedAt: issued,
            expiresAt: issued + .seconds(life),
            refreshExpiresAt: refreshLife.flatMap { $0 > 0 ? issued + .seconds(min($0, Self.lifeMax * 10)) : nil })
    }

    private func post(_ url: String, _ fields: [(String, String)]) async throws -> Answer {
        var request = HTTPRequest("POST", url)
        request.headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        request.body = Array(Self.form(fields).utf8)
        request.sizeBytesMax = Self.answerBytesMax
        request.totalTimeout = Self.timeout
        request.redirectsMax = 0  // a secret goes to the address in the settings and to no other
        request.tls = settings.tls
        let response = try await loop.http(request)
        let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body))
        if (200..<300).contains(response.status) {
            guard let answer else { throw OAuthError.answer(host: host(url), problem: "its answer is no JSON object") }
            return answer
        }
        if response.status == 429 || response.status >= 500 { throw OAuthError.trouble(host: host(url), status: response.status) }
        throw OAuthError.refused(
            host: host(url), name: answer?.error ?? "status \(response.status)", description: Self.shown(answer?.errorDescription))
    }

    /// RFC 6749 §5, RFC 8628 §3.2.
    private struct Answer: Decodable {
        var accessToken: String?
        var refreshToken: String?
        var expiresIn: Seconds?
        var refreshTokenExpiresIn: Seconds?
        var refreshExpiresIn: Seconds?
        var deviceCode: String?
        var userCode: String?
        var verificationURI: String?
        var verificationURL: String?
        var interval: Seconds?
        var error: String?
        var errorDescription: String?

        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case refreshToken = "refresh_token"
            case expiresIn = "expires_in"
            case refreshTokenExpiresIn = "refresh_token_expires_in"
            case refreshExpiresIn = "refresh_expires_in"
            case deviceCode = "device_code"
            case userCode = "user_code"
            case verificationURI = "verification_uri"
            case verificationURL = "verification_url"
            case interval, error
            case errorDescription = "error_description"
        }
    }

    /// Some servers write the number as a text.
    private struct Seconds: Decodable {
        var value: Int64
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int64.self) {
                value = number
            } else if let number = try? container.decode(Double.self), abs(number) < 1e15 {
                value = Int64(number)
            } else {
                guard let number = Int64(try container.decode(String.self)) else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "no number of seconds")
                }
                value = number
            }
        }
    }

    private func host(_ url: String) -> String {
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        return String(rest.prefix { $0 != "/" && $0 != "?" })
    }

    /// A server's words on one short line.
    private static func shown(_ text: String?) -> String? {
        text.map { String($0.prefix(300).map { $0.isNewline ? " " : $0 }) }
    }

    static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
    }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: out.append(byte)
            default: out += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// Why there is no token, in words that name what to do. Holds no secret.
public enum OAuthError: Error, Hashable, CustomStringConvertible {
    case setting(String)
    case key(String)
    /// RFC 6749 §5.2.
    case refused(host: String, name: String, description: String?)
    case trouble(host: String, status: Int)
    case answer(host: String, problem: String)

    /// Whether asking again later may help without anybody's doing.
    public var isTemporary: Bool {
        switch self {
        case .trouble: true
        case .refused(_, let name, _): name == "temporarily_unavailable" || name == "server_error"
        case .setting, .key, .answer: false
        }
    }

    public var description: String {
        switch self {
        case .setting(let problem), .key(let problem): problem
        case .refused(let host, let name, let description):
            "\(host) refused (\(name)\(description.map { ": \($0)" } ?? ""))\(Self.remedy(name))"
        case .trouble(let host, let status): "\(host) has trouble of its own (\(status)); it is asked again"
        case .answer(let host, let problem): "\(host) answered against the protocol: \(problem)"
        }
    }

    private static func remedy(_ name: String) -> String {
        switch name {
        case "invalid_grant": "; the permission was withdrawn or has run out"
        case "invalid_client", "unauthorized_client": "; check `client_id` and `client_secret`"
        case "invalid_scope": "; check `scopes`"
        case "access_denied": "; the person said no"
        default: ""
        }
    }
}
