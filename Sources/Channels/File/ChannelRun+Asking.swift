import Domain
import Formats
import Transport

extension ChannelRun {
    static let retriesMax = 3
    /// Without a word from the source.
    static let firstWait = Duration.seconds(5)
    static let longestWait = Duration.seconds(3600)
    static let wordsMax = 200
    static let spokenMax = 16_384

    typealias Build = (inout ChannelRun) throws(ChannelCallError) -> (CallBuilder, ChannelScope)

    /// Sends a request with the account's authorisation and judges the answer by the file's rules.
    /// - Parameters:
    ///   - before: called once, right before the request leaves for the first time.
    ///   - build: called anew for each try, so that a renewed session is in it.
    mutating func ask(before: (@Sendable () async throws -> Void)? = nil, _ build: Build) async throws -> ChannelAnswer {
        try await renewIfDue()
        var before = before
        let changesSomething = before != nil
        var hasRenewed = false
        var tries = 0
        while true {
            var (builder, scope) = try build(&self)
            try authorize(&builder, file.auth, scope)
            let call = try builder.call()
            try allow(call)
            if let budget, let rate = file.rate {
                let wait = budget.pause(usual: rate.requests, now: tools.now())
                if wait > .zero { try await tools.pause(wait) }
                self.budget?.remaining -= Double(rate.cost)
            }
            let asked = tools.now()
            var answer = try await send(call, before: before)
            before = nil
            answer.asOf = answer.readAt(asked: asked, answered: tools.now())
            heed(answer, scope)
            guard let trouble = judge(answer, scope) else { return answer }
            switch trouble.remedy {
            case .ignore:
                answer.isIgnored = true
                return answer
            case .reauth where !hasRenewed && canRenew:
                hasRenewed = true
                try await renew()
            case .retry where tries < Self.retriesMax && (trouble.fate != .unknown || !changesSomething):
                tries += 1
                try await tools.pause(trouble.wait ?? Self.firstWait)
            default: throw trouble
            }
        }
    }

    /// Requests go to the channel's own hosts, encrypted, or to this machine.
    func allow(_ call: ChannelCall) throws(ChannelTrouble) {
        let scope = scope()
        let wanted = ([file.base].compactMap { $0 } + file.hosts).compactMap { expression -> String? in
            let text = expression.text(scope) ?? ""
            return text.contains("://") ? Self.origin(text) : Self.origin("https://\(text)")
        }
        guard let origin = Self.origin(call.url), let host = Self.host(call.url), wanted.contains(origin) || isNamed(origin) else {
            throw ChannelTrouble(
                remedy: .stop,
                say: "the source leads to \(masked(Shown.url(call.url))), which is none of its own hosts; add it to `hosts` if it is right")
        }
        let isLocal = host == "127.0.0.1" || host == "localhost" || host == "[::1]"
        guard call.url.lowercased().hasPrefix("https://") || isLocal else {
            throw ChannelTrouble(remedy: .stop, say: "\(masked(Shown.url(call.url))) is not encrypted; only https is asked")
        }
    }

    /// A host that a login or token address of the file itself names.
    private func isNamed(_ origin: String) -> Bool {
        let scope = scope()
        switch file.auth {
        case .oauth2(let oauth): return Self.origin(oauth.tokenURL.text(scope) ?? "") == origin
        case .session(let session):
            return [session.login.url, session.refresh?.url].contains { $0.flatMap { Self.origin($0.text(scope) ?? "") } == origin }
        default: return false
        }
    }

    /// Host and port: what stands behind another port is another server.
    static func origin(_ url: String) -> String? {
        guard let host = host(url), let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = authority.split(separator: "@").last.map(String.init) ?? ""
        let port = tail.dropFirst(host.count).drop { $0 == ":" }
        let usual = url.lowercased().hasPrefix("https") ? "443" : "80"
        return "\(host):\(port.isEmpty ? usual : String(port))"
    }

    /// Nothing that went wrong on the way tells a secret that stands in an address.
    /// - Parameter before: called when nothing is waited for any more.
    func send(_ call: ChannelCall, before: (@Sendable () async throws -> Void)? = nil) async throws -> ChannelAnswer {
        try await tools.admit()
        try await before?()
        let answer: ChannelAnswer
        do { answer = try await tools.send(call) } catch let error as TransportError {
            let isForPeople =
                switch error {
                case .tooLarge, .redirect, .privateAddress, .invalid: true
                default: false
                }
            throw ChannelTrouble(remedy: isForPeople ? .stop : .backoff, say: masked("\(error)"), fate: Self.fate(error))
        }
        guard Self.holdsFewValues(answer.body) else {
            throw ChannelTrouble(
                remedy: .stop,
                say: "\(file.name) gives more than \(Self.valuesMax) values in one answer; ask for smaller pages. Nothing of it was taken",
                status: answer.status)
        }
        return answer
    }

    static func host(_ url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.split(separator: "@").last.map(String.init) ?? ""
        if host.hasPrefix("[") { return String(host.prefix { $0 != "]" }).lowercased() + "]" }
        return host.isEmpty ? nil : String(host.prefix { $0 != ":" }).lowercased()
    }

    // MARK: Judging

    /// Nil when the answer is good.
    func judge(_ answer: ChannelAnswer, _ scope: ChannelScope) -> ChannelTrouble? {
        guard var trouble = trouble(answer, scope) else { return nil }
        // Too much and not now are said before anything is done; other failures of a server may come after it.
        trouble.fate = answer.status >= 500 && answer.status != 503 ? .unknown : .refused
        return trouble
    }

    private func trouble(_ answer: ChannelAnswer, _ scope: ChannelScope) -> ChannelTrouble? {
        var scope = scope
        scope.headers = answer.headers
        let root = (try? JSONValue.parse(answer.body)) ?? .null
        scope.root = root
        scope.record = root
        for rule in file.errors where matches(rule, answer.status, scope) {
            let wait = rule.waitTime ?? rule.wait.flatMap { $0.value(scope) }.flatMap(waiting) ?? retryAfter(answer)
            return ChannelTrouble(remedy: rule.remedy, wait: wait, say: rule.say ?? words(answer, root), status: answer.status)
        }
        switch answer.status {
        case 200..<300, 304:
            let isGood = answer.status == 304 || root.isNull || file.ok.allSatisfy { $0.holds(scope) }
            return isGood ? nil : ChannelTrouble(remedy: .stop, say: words(answer, root), status: answer.status)
        case 401, 403:
            return ChannelTrouble(remedy: canRenew ? .reauth : .stop, say: words(answer, root), status: answer.status)
        case 408, 429, 500...:
            return ChannelTrouble(
                remedy: .backoff, wait: retryAfter(answer) ?? rateReset(scope), say: words(answer, root), status: answer.status)
        default: return ChannelTrouble(remedy: .stop, say: words(answer, root), status: answer.status)
        }
    }

    private func matches(_ rule: ChannelFile.ErrorRule, _ status: Int, _ scope: ChannelScope) -> Bool {
        guard rule.status.isEmpty || rule.status.contains(status) else { return false }
        return rule.body.allSatisfy { path, values in
            scope.value(path).map { values.contains(ChannelFile.Condition.spelled($0)) } ?? false
        }
    }

    /// An instant, or seconds from now.
    private func waiting(_ value: JSONValue) -> Duration? {
        if let seconds = Double(value.plain), seconds.isFinite {
            return .milliseconds(Int64(min(max(0, seconds), Double(Self.longestWait.components.seconds)) * 1000))
        }
        guard let time = DateText.iso8601(value.plain) else { return nil }
        return min(max(.zero, time - tools.now()), Self.longestWait)
    }

    /// What an answer says may still be asked.
    private mutating func heed(_ answer: ChannelAnswer, _ scope: ChannelScope) {
        guard let rate = file.rate, let expression = rate.remaining else { return }
        var scope = scope
        scope.headers = answer.headers
        guard let text = expression.text(scope), let left = Double(Text.trim(text)), left.isFinite else { return }
        budget = RateBudget(remaining: min(max(0, left), 1e9), reset: tools.now() + (rateReset(scope) ?? min(rate.per, Self.longestWait)))
    }

    private func rateReset(_ scope: ChannelScope) -> Duration? { file.rate?.reset?.value(scope).flatMap(waiting) }

    /// RFC 9110 §10.2.3: seconds or a date.
    private func retryAfter(_ answer: ChannelAnswer) -> Duration? {
        guard let text = answer.headers.first(where: { $0.name.lowercased() == "retry-after" })?.value else { return nil }
        if let seconds = Int64(Text.trim(text)) { return min(.seconds(max(0, seconds)), Self.longestWait) }
        return DateText.rfc5322(text).map { min(max(.zero, $0 - tools.now()), Self.longestWait) }
    }

    /// What the source says, without what the account keeps secret.
    private func words(_ answer: ChannelAnswer, _ root: JSONValue) -> String {
        var said = ""
        for name in ["error_description", "errmsg", "message", "msg", "error", "detail", "description", "title", "errors", "meta"] {
            guard let value = root[name], !value.plain.isEmpty else { continue }
            said = value.plain
            break
        }
        if said.isEmpty, root.isNull {
            // Masked before it is cut: half a secret is one too.
            let start = masked(String(decoding: answer.body.prefix(Self.spokenMax), as: UTF8.self))
            said = Self.isWebPage(answer.body) ? "a web page" : Text.firstLine(start)
        }
        return "\(file.name) answered \(answer.status)" + (said.isEmpty ? "" : ": \(masked(said).prefix(Self.wordsMax))")
    }

    private static func fate(_ error: TransportError) -> ChannelTrouble.Fate {
        switch error {
        case .timedOut, .tooLarge, .redirect, .connectionLost, .unexpectedAnswer: .unknown
        default: .notSent
        }
    }
}
