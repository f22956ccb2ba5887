import Crypto
import Domain
import Formats
import Transport

extension ChannelRun {
    static let renewAt = "renew_at"

    var canRenew: Bool {
        switch file.auth {
        case .session, .oauth2: true
        default: false
        }
    }

    /// Puts what proves who we are into a request, after everything else.
    func authorize(_ builder: inout CallBuilder, _ auth: ChannelFile.Authorization, _ scope: ChannelScope) throws(ChannelTrouble) {
        switch auth {
        case .none: break
        case .bearer(let token): builder.headers.append(("Authorization", "Bearer \(token.text(scope) ?? "")"))
        case .basic(let user, let password, let isOptional):
            let pair = (user.text(scope) ?? "", password.text(scope) ?? "")
            if isOptional, pair.0.isEmpty, pair.1.isEmpty { return }
            builder.headers.append(("Authorization", "Basic \(base64("\(pair.0):\(pair.1)"))"))
        case .header(let name, let value): builder.headers.append((name, value.text(scope) ?? ""))
        case .query(let name, let value): builder.query.append((name, value.text(scope) ?? ""))
        case .session(let session): put(session.send, into: &builder, scope)
        case .oauth2(let oauth):
            if oauth.send.isEmpty {
                builder.headers.append(("Authorization", "Bearer \(state.session["access_token"] ?? "")"))
            } else {
                put(oauth.send, into: &builder, scope)
            }
        case .sign(let signature):
            let inner = signing(builder, scope)
            builder.put(.string(Self.signed(signature, inner)), at: signature.place)
        }
    }

    private func put(
        _ parts: [(place: ChannelFile.Place, value: ChannelExpression)], into builder: inout CallBuilder, _ scope: ChannelScope
    ) {
        // The scope of the request was made before the session may have been renewed.
        var scope = scope
        scope.names["session"] = Self.object(state.session)
        for (place, value) in parts { builder.put(value.value(scope) ?? .string(""), at: place) }
    }

    /// A signature sees the request it signs: `request.json`, `request.query`, `request.body`.
    private func signing(_ builder: CallBuilder, _ scope: ChannelScope) -> ChannelScope {
        var scope = scope
        scope.names["request"] = .object([
            .init("json", builder.json ?? .null), .init("query", .object(builder.query.map { .init($0.name, .string($0.value)) })),
            .init("body", .string(builder.json?.json ?? builder.body ?? "")),
        ])
        return scope
    }

    static func signed(_ signature: ChannelFile.Signature, _ scope: ChannelScope) -> String {
        let text = Array((signature.string.text(scope) ?? "").utf8)
        let key = SymmetricKey(data: Array((signature.key?.text(scope) ?? "").utf8))
        let digest: [UInt8] =
            switch signature.algorithm {
            case .md5: Array(Insecure.MD5.hash(data: text))
            case .sha1: Array(Insecure.SHA1.hash(data: text))
            case .sha256: Array(SHA256.hash(data: text))
            case .hmacSHA1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: text, using: key))
            case .hmacSHA256: Array(HMAC<SHA256>.authenticationCode(for: text, using: key))
            case .sha1Sorted:
                Array(
                    Insecure.SHA1.hash(
                        data: text.split(separator: 0x0A).map { Array($0) }.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 }))
            case .none: []
            }
        return signature.encoding == .hex ? hex(digest) : base64(digest)
    }

    /// After four fifths of a life; a year is the longest that is believed.
    private static func renewal(_ seconds: String) -> Duration? {
        Double(seconds).flatMap { $0.isFinite ? .seconds(Int64(min(max(0, $0), 31_536_000) * 0.8)) : nil }
    }

    // MARK: Sessions

    mutating func renewIfDue() async throws {
        guard canRenew else { return }
        adopt()
        guard isDue else { return }
        await tools.room.lock()
        defer { tools.room.unlock() }
        adopt()
        if isDue { try await renewAlone() }
    }

    /// The source refuses what we have. When somebody else has renewed it meanwhile, that is tried first.
    mutating func renew() async throws {
        let refused = state.session
        await tools.room.lock()
        defer { tools.room.unlock() }
        adopt()
        if state.session == refused { try await renewAlone() }
    }

    private var isDue: Bool {
        if let text = state.session[Self.renewAt], let due = DateText.iso8601(text) { return due <= tools.now() }
        return state.session.isEmpty
    }

    /// Takes over what another one in this process has got.
    private mutating func adopt() {
        guard let known = tools.room.sessions else { return }
        (state.session, state.replySession) = isAnswering ? (known.reply, known.usual) : (known.usual, known.reply)
    }

    /// While nobody else renews.
    private mutating func renewAlone() async throws {
        switch file.auth {
        case .session(let session): try await begin(session)
        case .oauth2(let oauth): try await fetchToken(oauth)
        default: break
        }
        // What was got may work once only: it is stored before it is used.
        var kept = state
        if isAnswering { swap(&kept.session, &kept.replySession) }
        tools.room.sessions = .init(usual: kept.session, reply: kept.replySession, inputs: kept.inputs ?? "")
        try await tools.keep(ChannelBatch(stream: "", items: [], state: kept))
    }

    private mutating func begin(_ session: ChannelFile.Session) async throws {
        if let refresh = session.refresh, !state.session.isEmpty {
            do { return try await enter(refresh, session) } catch is ChannelTrouble {
                state.session = [:]  // the refresh token is spent as well: from the beginning
            }
        }
        try await enter(session.login, session)
    }

    private mutating func enter(_ request: ChannelFile.Request, _ session: ChannelFile.Session) async throws {
        let scope = scope()
        let call = try CallBuilder(request, base: file.base, scope).call()
        try allow(call)
        let answer = try await send(call)
        guard (200..<300).contains(answer.status), let root = try? JSONValue.parse(answer.body), judgedGood(answer, scope) else {
            throw refusedLogin(answer, scope)
        }
        var inner = scope
        inner.root = root
        inner.record = root
        inner.headers = answer.headers
        var saved = state.session
        for (name, path) in session.save { if let text = path.text(inner) { saved[name] = text } }
        guard session.save.contains(where: { saved[$0.name] != nil }) else { throw refusedLogin(answer, scope) }
        let life =
            session.expiresIn?.value(inner).flatMap { Self.renewal($0.plain) } ?? session.renewBefore
        saved[Self.renewAt] = life.map { DateFormat.exact(tools.now() + $0) }
        state.session = saved
    }

    private func judgedGood(_ answer: ChannelAnswer, _ scope: ChannelScope) -> Bool {
        guard let trouble = judge(answer, scope) else { return true }
        return trouble.remedy == .ignore
    }

    private func refusedLogin(_ answer: ChannelAnswer, _ scope: ChannelScope) -> ChannelTrouble {
        var trouble = judge(answer, scope) ?? ChannelTrouble(remedy: .stop, say: "\(file.name): the login gave nothing to go on with")
        if trouble.remedy == .reauth { trouble.remedy = .stop }
        return trouble
    }

    /// RFC 6749 §4.4, §6.
    private mutating func fetchToken(_ oauth: ChannelFile.OAuth2) async throws {
        let scope = scope()
        var form: [(name: String, value: String)] = [("grant_type", oauth.grant.rawValue)]
        switch oauth.grant {
        case .refreshToken: form.append(("refresh_token", state.session["refresh_token"] ?? oauth.refreshToken?.text(scope) ?? ""))
        case .clientCredentials: break
        case .jwtBearer:
            let account = try ServiceAccount(
                key: Secret(oauth.key?.text(scope) ?? ""), issuer: oauth.issuer?.text(scope), subject: oauth.subject?.text(scope),
                scope: oauth.scope?.text(scope) ?? "", tokenURL: oauth.tokenURL.text(scope) ?? "")
            form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", try account.assertion(now: tools.now()))]
        }
        if oauth.grant != .jwtBearer, let wanted = oauth.scope?.text(scope), !wanted.isEmpty { form.append(("scope", wanted)) }
        var call = ChannelCall(method: "POST", url: oauth.tokenURL.text(scope) ?? "")
        let client = (oauth.clientID?.text(scope) ?? "", oauth.clientSecret?.text(scope) ?? "")
        if oauth.client == .basic {
            call.headers.append(("Authorization", "Basic \(base64("\(client.0):\(client.1)"))"))
        } else {
            if !client.0.isEmpty { form.append(("client_id", client.0)) }
            if !client.1.isEmpty { form.append(("client_secret", client.1)) }
        }
        call.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        call.body = Array(CallBuilder.urlencoded(form).utf8)
        try allow(call)
        let answer = try await send(call)
        guard (200..<300).contains(answer.status), let root = try? JSONValue.parse(answer.body), let token = root["access_token"]?.string
        else {
            throw refusedLogin(answer, scope)
        }
        state.session["access_token"] = token
        if let next = root["refresh_token"]?.string { state.session["refresh_token"] = next }
        state.session[Self.renewAt] = root["expires_in"].flatMap { Self.renewal($0.plain) }.map { DateFormat.exact(tools.now() + $0) }
    }
}
