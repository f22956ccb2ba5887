import Domain
import Formats
public import Rules

extension ChannelFile {
    public static let keys = [
        "channel", "docs", "version", "about", "about_zh", "config", "auth", "base", "hosts", "rate", "ok", "errors", "check", "streams",
        "reply", "push",
    ]
    static let streamsMax = 20

    /// Reads and checks a channel file.
    /// - Parameter file: its path, for errors; its bare name must be the channel's.
    /// - Throws: `RuleError` with line and column and what to write.
    public static func read(_ text: String, file: String) throws(RuleError) -> ChannelFile {
        let map = try StrictYAML.read(text, file: file).mapping(keys: keys)
        var channel = ChannelFile(name: try map.required("channel").string(), docs: try map.required("docs").string())
        let bare = file.split(separator: "/").last.map { String($0.prefix { $0 != "." }) } ?? ""
        guard channel.name == bare || bare.isEmpty else {
            throw try map.required("channel").error(
                "`channel` is `\(channel.name)`, but the file is called \(bare).yaml; give both one name")
        }
        if let node = map["version"] { channel.version = try node.int(in: 1...9999) }
        if let node = map["about"] { channel.about = try node.string() }
        if let node = map["about_zh"] { channel.aboutChinese = try node.string() }
        for entry in try map["config"]?.namedEntries().entries ?? [] { channel.inputs.append(try input(entry)) }
        if let node = map["auth"] { channel.auth = try authorization(node) }
        channel.base = try map["base"].map { node throws(RuleError) in try template(node) }
        for node in try map["hosts"]?.list() ?? [] { channel.hosts.append(try template(node)) }
        if let node = map["rate"] { channel.rate = try rate(node) }
        for node in try map["ok"]?.list() ?? [] { channel.ok.append(try condition(node)) }
        for node in try map["errors"]?.list() ?? [] { channel.errors.append(try errorRule(node)) }
        if let node = map["check"] { channel.check = try check(node) }
        for entry in try map["streams"]?.namedEntries().entries ?? [] { channel.streams.append(try stream(entry)) }
        if let node = map["reply"] { channel.reply = try reply(node) }
        if let node = map["push"] { channel.push = try push(node, channel.streams) }
        guard !channel.streams.isEmpty || channel.push != nil else {
            throw map.node.error("a channel reads something: write `streams`, or `push` for a source that only pushes")
        }
        guard channel.streams.count <= streamsMax else {
            throw (map["streams"] ?? map.node).error("a channel has at most \(streamsMax) streams; make a second file of the rest")
        }
        guard channel.base != nil || channel.streams.isEmpty else {
            throw map.node.error("`base` is missing; write the address requests go to")
        }
        try channel.checkWhole(map)
        return channel
    }

    // MARK: Small things

    static func expression(_ node: YAMLNode) throws(RuleError) -> ChannelExpression {
        let text = try node.string()
        do { return try ChannelExpression(text) } catch { throw node.error("\(error)") }
    }

    /// A text with `{{ }}`; it may be empty.
    static func template(_ node: YAMLNode) throws(RuleError) -> ChannelExpression {
        let text = node.isEmpty ? "" : node.isQuotedEmpty ? "" : try node.string()
        do { return try ChannelExpression(template: text) } catch { throw node.error("\(error)") }
    }

    static func path(_ node: YAMLNode) throws(RuleError) -> JSONPath {
        let text = try node.string()
        do { return try JSONPath(text) } catch { throw node.error("\(error)") }
    }

    private static func named(_ node: YAMLNode, _ read: (YAMLNode) throws(RuleError) -> ChannelExpression) throws(RuleError)
        -> [(name: String, value: ChannelExpression)]
    {
        var found: [(name: String, value: ChannelExpression)] = []
        for entry in try node.namedEntries().entries { found.append((entry.key, try read(entry.value))) }
        return found
    }

    private static func input(_ entry: YAMLMapping.Entry) throws(RuleError) -> Input {
        let map = try entry.value.mapping(keys: ["type", "required", "default", "about"])
        var input = Input(name: entry.key, kind: try map.required("type").oneOf(Input.Kind.self))
        if let node = map["required"] { input.isRequired = try node.bool() }
        if let node = map["default"], !node.isQuotedEmpty { input.preset = try node.strings() }
        if let node = map["about"] { input.about = try node.string() }
        guard let node = map["default"], let preset = input.preset.first else { return input }
        switch input.kind {
        case .secret: throw node.error("a secret has no default; every account gives its own")
        case .number where Double(preset) == nil: throw node.error("`default` is `\(preset)`; the input is a number, write one")
        case .flag where !["true", "false"].contains(preset):
            throw node.error("`default` is `\(preset)`; the input is a flag, write true or false")
        case .url where !preset.contains("://"): throw node.error("`default` is `\(preset)`; the input is a url, start it with https://")
        default: break
        }
        return input
    }

    // MARK: Requests

    static let requestKeys = ["method", "path", "url", "query", "headers", "json", "form", "body", "timeout"]
    private static let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    static func request(_ map: YAMLMapping) throws(RuleError) -> Request {
        var request = Request()
        if let node = map["method"] { request.method = try node.oneOf(methods, what: "a method") }
        request.path = try map["path"].map { node throws(RuleError) in try template(node) }
        request.url = try map["url"].map { node throws(RuleError) in try template(node) }
        for entry in try map["query"]?.namedEntries().entries ?? [] { request.query.append((entry.key, try tree(entry.value))) }
        if let node = map["headers"] {
            for entry in try node.namedEntries().entries { try headerName(entry.keyNode, entry.key) }
            request.headers = try named(node) { node throws(RuleError) in try template(node) }
        }
        request.json = try map["json"].map { node throws(RuleError) in try tree(node) }
        for entry in try map["form"]?.namedEntries().entries ?? [] { request.form.append((entry.key, try tree(entry.value))) }
        request.body = try map["body"].map { node throws(RuleError) in try template(node) }
        if let node = map["timeout"] { request.timeout = try node.duration(in: .seconds(1) ... .seconds(600)) }
        let bodies = [request.json != nil, !request.form.isEmpty, request.body != nil].count { $0 }
        guard bodies <= 1 else {
            let second = map.entries.filter { ["json", "form", "body"].contains($0.key) }.dropFirst().first
            throw (second?.keyNode ?? map.node).error("a request has one body: write one of `json`, `form` and `body`")
        }
        return request
    }

    static func request(_ node: YAMLNode) throws(RuleError) -> Request { try request(try node.mapping(keys: requestKeys)) }

    static func tree(_ node: YAMLNode) throws(RuleError) -> Tree {
        if node.isList {
            var items: [Tree] = []
            for item in try node.list() { items.append(try tree(item)) }
            return .list(items)
        }
        if node.isMapping {
            var members: [(name: String, value: Tree)] = []
            for entry in try node.namedEntries().entries { members.append((entry.key, try tree(entry.value))) }
            return .object(members)
        }
        if node.isPlain, let text = try? node.string() {
            if ["true", "false"].contains(text) { return .constant(.bool(text == "true")) }
            let isNumber = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E } && Double(text) != nil
            if isNumber, text == "0" || !text.hasPrefix("0") { return .constant(.number(text)) }
        }
        return .leaf(try template(node))
    }

    private static let places = ["query", "json", "form", "path", "header"]

    static func place(_ node: YAMLNode) throws(RuleError) -> Place {
        let map = try node.mapping(keys: places)
        guard map.entries.count == 1, let entry = map.entries.first else {
            throw (map.entries.dropFirst().first?.keyNode ?? node).error(
                "say one place, such as {query: cursor}; there are \(places.joined(separator: ", "))")
        }
        let name = try entry.value.string()
        switch entry.key {
        case "query": return .query(name)
        case "json": return .json(name)
        case "form": return .form(name)
        case "path": return .path(name)
        default:
            try headerName(entry.value, name)
            return .header(name)
        }
    }

    private static func sent(_ node: YAMLNode) throws(RuleError) -> [(place: Place, value: ChannelExpression)] {
        var found: [(place: Place, value: ChannelExpression)] = []
        let map = try node.mapping(keys: ["header", "query"])
        for kind in map.entries {
            for entry in try kind.value.namedEntries().entries {
                if kind.key == "header" { try headerName(entry.keyNode, entry.key) }
                found.append((kind.key == "header" ? .header(entry.key) : .query(entry.key), try template(entry.value)))
            }
        }
        return found
    }

    // MARK: Authorisation

    private static let authKinds: [String: [String]] = [
        "none": [], "bearer": ["token"], "basic": ["user", "pass", "optional"], "header": ["name", "value"], "query": ["name", "value"],
        "session": ["login", "refresh", "save", "expires_in", "renew_before", "send"],
        "oauth2": [
            "grant", "token_url", "client_id", "client_secret", "refresh_token", "scope", "auth", "issuer", "subject", "key", "send",
        ],
        "sign": ["algorithm", "key", "string", "put", "encode"],
    ]

    static func authorization(_ node: YAMLNode) throws(RuleError) -> Authorization {
        let any = try node.namedEntries()
        let kind = try any.required("kind").oneOf(authKinds.keys.sorted(), what: "a kind of authorisation")
        let map = try node.mapping(keys: ["kind"] + (authKinds[kind] ?? []))
        switch kind {
        case "bearer": return .bearer(try template(try map.required("token")))
        case "basic":
            return .basic(
                user: try template(try map.required("user")),
                password: try map["pass"].map { node throws(RuleError) in try template(node) } ?? empty,
                isOptional: try map["optional"]?.bool() ?? false)
        case "header":
            let name = try map.required("name")
            try headerName(name, try name.string())
            return .header(name: try name.string(), value: try template(try map.required("value")))
        case "query": return .query(name: try map.required("name").string(), value: try template(try map.required("value")))
        case "session": return .session(try session(map))
        case "oauth2": return .oauth2(try oauth2(map))
        case "sign": return .sign(try signature(map, place: try place(try map.required("put"))))
        default: return .none
        }
    }

    // swift-format-ignore: NeverUseForceTry
    static let empty = try! ChannelExpression(template: "")

    private static func session(_ map: YAMLMapping) throws(RuleError) -> Session {
        var session = Session(login: try request(try map.required("login")))
        session.refresh = try map["refresh"].map { node throws(RuleError) in try request(node) }
        let save = try map.required("save")
        if save.isMapping {
            session.save = try named(save) { node throws(RuleError) in try expression(node) }.map { ($0.name, $0.value) }
        } else {
            for item in try save.list() { session.save.append((try item.string(), try expression(item))) }
        }
        session.expiresIn = try map["expires_in"].map { node throws(RuleError) in try expression(node) }
        if let node = map["renew_before"] { session.renewBefore = try node.duration() }
        session.send = try map["send"].map { node throws(RuleError) in try sent(node) } ?? []
        return session
    }

    private static func oauth2(_ map: YAMLMapping) throws(RuleError) -> OAuth2 {
        var oauth = OAuth2(tokenURL: try template(try map.required("token_url")))
        if let node = map["grant"] { oauth.grant = try node.oneOf(OAuth2.Grant.self) }
        if let node = map["auth"] { oauth.client = try node.oneOf(OAuth2.ClientAuthorization.self) }
        func optional(_ key: String) throws(RuleError) -> ChannelExpression? {
            try map[key].map { node throws(RuleError) in try template(node) }
        }
        oauth.clientID = try optional("client_id")
        oauth.clientSecret = try optional("client_secret")
        oauth.refreshToken = try optional("refresh_token")
        oauth.scope = try optional("scope")
        oauth.issuer = try optional("issuer")
        oauth.subject = try optional("subject")
        oauth.key = try optional("key")
        if let node = map["send"] { oauth.send = try sent(node) }
        switch oauth.grant {
        case .refreshToken where oauth.refreshToken == nil: throw map.node.error("the grant refresh_token needs `refresh_token`")
        case .jwtBearer where oauth.key == nil:
            throw map.node.error("the grant jwt_bearer needs `key`, a service account's JSON or a PEM key")
        default: return oauth
        }
    }

    static func signature(_ map: YAMLMapping, place: Place) throws(RuleError) -> Signature {
        var signature = Signature(string: try map["string"].map { node throws(RuleError) in try template(node) } ?? empty, place: place)
        if let node = map["algorithm"] { signature.algorithm = try node.oneOf(Signature.Algorithm.self) }
        signature.key = try map["key"].map { node throws(RuleError) in try template(node) }
        if let node = map["encode"] { signature.encoding = try node.oneOf(Signature.Encoding.self) }
        return signature
    }

    // MARK: Rate, conditions, errors

    private static func rate(_ node: YAMLNode) throws(RuleError) -> Rate {
        let map = try node.mapping(keys: ["requests", "per", "remaining", "reset", "cost"])
        var rate = Rate(
            requests: try map["requests"]?.int(in: 1...1_000_000) ?? Int.max,
            per: try map["per"]?.duration(in: .milliseconds(100) ... .seconds(86400)) ?? .seconds(60))
        rate.remaining = try map["remaining"].map { node throws(RuleError) in try expression(node) }
        rate.reset = try map["reset"].map { node throws(RuleError) in try expression(node) }
        if let node = map["cost"] { rate.cost = try node.int(in: 1...10_000) }
        return rate
    }

    static func condition(_ node: YAMLNode) throws(RuleError) -> Condition {
        let map = try node.mapping(keys: ["path", "in", "not_in", "exists", "equals"])
        let path = try path(try map.required("path"))
        let tests = map.entries.filter { $0.key != "path" }
        guard tests.count == 1, let test = tests.first else {
            throw (tests.dropFirst().first?.keyNode ?? node).error("a condition has a path and one of in, not_in, equals and exists")
        }
        switch test.key {
        case "in":
            let values = try test.value.strings()
            guard !values.isEmpty else { throw test.value.error("`in` is empty, so nothing would ever be taken; write the values") }
            return Condition(path: path, test: .isIn(values))
        case "not_in": return Condition(path: path, test: .isNotIn(try test.value.strings()))
        case "equals": return Condition(path: path, test: .isIn([try test.value.string()]))
        default: return Condition(path: path, test: .exists(try test.value.bool()))
        }
    }

    private static func errorRule(_ node: YAMLNode) throws(RuleError) -> ErrorRule {
        let map = try node.mapping(keys: ["status", "body", "do", "wait", "say"])
        var rule = ErrorRule(remedy: try map.required("do").oneOf(Remedy.self))
        if let status = map["status"] {
            for item in status.isList ? try status.list() : [status] { rule.status.append(try item.int(in: 100...599)) }
        }
        for entry in try map["body"]?.namedEntries().entries ?? [] {
            do { rule.body.append((try JSONPath(entry.key), try entry.value.strings())) } catch let error as JSONPathError {
                throw entry.keyNode.error("\(error)")
            } catch let error as RuleError { throw error } catch { throw node.error("\(error)") }
        }
        guard !rule.status.isEmpty || !rule.body.isEmpty else {
            throw node.error("a rule needs `status` or `body`, or it would take everything")
        }
        if let wait = map["wait"] {
            let text = try wait.string()
            rule.waitTime = YAMLNode.duration(of: text)
            if rule.waitTime == nil {
                guard text.first?.isNumber != true else {
                    throw wait.error("`wait` is `\(text)`; write a number and a unit: 30s, 5m or 1h")
                }
                rule.wait = try expression(wait)
            }
        }
        if let say = map["say"] { rule.say = try say.string() }
        return rule
    }

    private static func check(_ node: YAMLNode) throws(RuleError) -> Check {
        let map = try node.mapping(keys: requestKeys + ["expect", "save"])
        var check = Check(request: try request(map))
        check.expect = try map["expect"].map { node throws(RuleError) in try expression(node) }
        if let node = map["save"] {
            check.save = try named(node) { node throws(RuleError) in try expression(node) }.map { ($0.name, $0.value) }
        }
        return check
    }
}

extension YAMLNode {
    /// `""`
    var isQuotedEmpty: Bool { (try? string()) == nil && !isEmpty && !isMapping && !isList }
}
