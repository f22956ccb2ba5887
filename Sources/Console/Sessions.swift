import Domain
import HTTPTypes
import Hummingbird
import Logging
import Store

/// Finds the agent behind the session cookie.
struct Sessions: RouterMiddleware {
    let site: Site

    func handle(_ request: Request, context: Visit, next: (Request, Visit) async throws -> Response) async throws -> Response {
        var visit = context
        if let token = request.cookies[site.sessionCookie]?.value, !token.isEmpty, token.utf8.count <= 128 {
            let hash = sha256(token)
            if let found = try await site.store.read({ try $0.agents.session(tokenHash: hash) }) {
                visit.session = Visit.Session(agent: found.agent, csrf: found.csrf, tokenHash: hash)
                visit.tongue = Tongue(rawValue: found.agent.locale) ?? visit.tongue
            }
        }
        // Refused here, because only here the agent's language is known.
        do { return try await next(request, visit) } catch { return try site.refused(error, request, visit) }
    }
}

/// Sends everybody without a session to the login page.
struct AgentsOnly: RouterMiddleware {
    func handle(_ request: Request, context: Visit, next: (Request, Visit) async throws -> Response) async throws -> Response {
        guard context.session == nil else { return try await next(request, context) }
        guard request.method == .get, request.wantsHTML, request.query("fragment") == nil else { throw Refusal(.unauthorized, "login") }
        let wanted = request.uri.string
        return .seeOther(wanted == "/" ? "/login" : "/login?next=\(percentEncoded(wanted))")
    }
}

extension Site {
    /// A session lives this long, used or not.
    static let sessionLife = Duration.seconds(7 * 86_400)
    /// Wrong passwords per address and hour.
    static let loginsPerHour = 20
    static let formBytesMax = 1 << 20

    /// `__Host-` binds it to this very host (RFC 6265bis §4.1.3), which needs https.
    var sessionCookie: String { cookiesAreSecure ? "__Host-hongyan" : "hongyan" }
    private var loginCookie: String { cookiesAreSecure ? "__Host-hongyan-login" : "hongyan-login" }

    @Sendable func loginPage(_ request: Request, _ visit: Visit) async throws -> Response {
        if visit.session != nil { return .seeOther("/") }
        return loginForm(request, visit, next: request.query("next") ?? "/", login: "", problem: nil)
    }

    private func loginForm(_ request: Request, _ visit: Visit, next: String, login: String, problem: String?) -> Response {
        let nonce = request.cookies[loginCookie]?.value ?? randomHex(16)
        var model: Model = ["next": localPath(next), "login": login, "token": store.signer.digest("login \(nonce)")]
        if let problem { model["problem"] = problem }
        var response = page(
            "login", visit, status: problem == nil ? .ok : .unprocessableContent, title: words(visit)["login_title"], model)
        response.setCookie(Cookie(name: loginCookie, value: nonce, path: "/", secure: cookiesAreSecure, httpOnly: true, sameSite: .lax))
        return response
    }

    @Sendable func login(_ request: Request, _ visit: Visit) async throws -> Response {
        let form = try await Fields.read(request, sizeBytesMax: 16 << 10)
        let (login, password) = (form["login"] ?? "", form["password"] ?? "")
        let next = form["next"] ?? "/"
        guard let nonce = request.cookies[loginCookie]?.value, isSame(form["token"] ?? "", store.signer.digest("login \(nonce)")) else {
            return loginForm(request, visit, next: next, login: login, problem: words(visit)["login_expired"])
        }
        let bucket = "login \(visit.remote ?? "?")"
        if let wait = limits.take(bucket, perHour: Self.loginsPerHour) { throw Refusal(.tooManyRequests, "429_login", retryAfter: wait) }
        let found = try await store.read { try $0.agents.byLogin(login).map { Credentials(agent: $0.agent, hash: $0.passwordHash) } }
        let isRight: Bool
        do {
            isRight = try await Passwords.verify(password, found?.hash ?? Passwords.decoy) && found != nil
        } catch let error as PasswordError {
            throw error == .busy ? Refusal(.serviceUnavailable, "503", retryAfter: 5) : Refusal(.contentTooLarge, "413")
        }
        guard isRight, let agent = found?.agent else {
            tally.count("login wrong")
            logger.notice("Login refused.", metadata: ["login": "\(login.prefix(64))", "address": "\(visit.remote ?? "?")"])
            return loginForm(request, visit, next: next, login: login, problem: words(visit)["login_wrong"])
        }
        limits.reset(bucket)
        let token = randomHex(32)
        let (hash, csrf, expires) = (sha256(token), randomHex(16), store.time.now() + Self.sessionLife)
        try await store.write { try $0.agents.startSession(agent: agent.id, tokenHash: hash, csrf: csrf, expires: expires) }
        var response = Response.seeOther(localPath(next))
        let life = Int(Self.sessionLife.components.seconds)
        response.setCookie(
            Cookie(
                name: sessionCookie, value: token, maxAge: life, path: "/", secure: cookiesAreSecure, httpOnly: true, sameSite: .lax))
        return response
    }

    private struct Credentials: Sendable {
        var agent: Agent
        var hash: String
    }

    @Sendable func logout(_ request: Request, _ visit: Visit) async throws -> Response {
        let (session, _) = try await agentForm(request, visit)
        try await store.write { try $0.agents.endSession(tokenHash: session.tokenHash) }
        var response = Response.seeOther("/login")
        response.setCookie(
            Cookie(name: sessionCookie, value: "", maxAge: 0, path: "/", secure: cookiesAreSecure, httpOnly: true, sameSite: .lax))
        return response
    }

    /// Language and light or dark; works as a plain form.
    @Sendable func postPreferences(_ request: Request, _ visit: Visit) async throws -> Response {
        let (session, form) = try await agentForm(request, visit)
        if let tongue = form["locale"].flatMap(Tongue.init(rawValue:)) {
            try await store.write { try $0.agents.setLocale(session.agent.id, tongue.rawValue) }
        }
        var response = Response.seeOther(localPath(form["next"] ?? "/"))
        if let theme = form["theme"], ["light", "dark", "auto"].contains(theme) {
            let life = theme == "auto" ? 0 : 365 * 86_400
            response.setCookie(Cookie(name: "theme", value: theme, maxAge: life, path: "/", secure: cookiesAreSecure, sameSite: .lax))
        }
        return response
    }

    /// The form of an agent's POST. Refused unless it carries the session's token (field `csrf` or header `X-CSRF-Token`) and,
    /// where the browser says where it comes from, that is here.
    func agentForm(_ request: Request, _ visit: Visit, sizeBytesMax: Int = Site.formBytesMax) async throws -> (Visit.Session, Fields) {
        let session = try visit.agentSession()
        if let name = HTTPField.Name("Sec-Fetch-Site"), let from = request.headers[name], from == "cross-site" {
            throw Refusal(.forbidden, "csrf")
        }
        let form = try await Fields.read(request, sizeBytesMax: sizeBytesMax)
        let given = HTTPField.Name("X-CSRF-Token").flatMap { request.headers[$0] } ?? form["csrf"] ?? ""
        guard isSame(given, session.csrf) else { throw Refusal(.forbidden, "csrf") }
        return (session, form)
    }
}

/// `path` when it leads to a page of ours, else the inbox: a login must not send people elsewhere.
func localPath(_ path: String) -> String {
    let isLocal = path.hasPrefix("/") && !path.hasPrefix("//") && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }
    return isLocal && path.utf8.count <= 512 ? path : "/"
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
func percentEncoded(_ text: String) -> String {
    var out = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            out.unicodeScalars.append(Unicode.Scalar(byte))
        default: out += "%" + hex([byte]).uppercased()
        }
    }
    return out
}
