/// One thing an author should know about a channel or an account of it, in both languages. Holds no secret.
public struct ChannelFinding: Sendable, Hashable {
    public enum Level: String, Sendable, CaseIterable { case good, hint, wrong }

    public var level: Level
    /// What it is about: `check`, a stream's name, a partition's.
    public var topic: String
    public var english: String
    public var chinese: String

    init(_ level: Level, _ topic: String, _ english: String, _ chinese: String) {
        self.level = level
        self.topic = topic
        self.english = english
        self.chinese = chinese
    }
}

extension ChannelFile {
    /// The inputs that texts of the file name as `config.NAME`, in the file's order.
    func inputs(in texts: [String]) -> [Input] {
        let all = texts.joined(separator: "\n")
        return inputs.filter { input in
            all.ranges(of: "config.\(input.name)").contains { range in
                all[range.upperBound...].first.map { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" } ?? true
            }
        }
    }

    /// Those that prove who we are.
    var authInputs: [Input] { inputs(in: Self.texts(auth)) }

    private static func texts(_ auth: Authorization) -> [String] {
        switch auth {
        case .none: []
        case .bearer(let token): [token.text]
        case .basic(let user, let password, _): [user.text, password.text]
        case .header(_, let value), .query(_, let value): [value.text]
        case .session(let session): texts(session.login) + (session.refresh.map(texts) ?? [])
        case .oauth2(let oauth):
            [oauth.clientID, oauth.clientSecret, oauth.refreshToken, oauth.key, oauth.tokenURL].compactMap { $0?.text }
        case .sign(let signature): [signature.key?.text ?? "", signature.string.text]
        }
    }

    static func texts(_ request: Request) -> [String] {
        [request.path, request.url, request.body].compactMap { $0?.text } + request.headers.map(\.value.text)
            + (request.query + request.form).flatMap { texts($0.value) } + (request.json.map(texts) ?? [])
    }

    private static func texts(_ tree: Tree) -> [String] {
        switch tree {
        case .leaf(let expression): [expression.text]
        case .constant: []
        case .list(let items): items.flatMap(texts)
        case .object(let members): members.flatMap { texts($0.value) }
        }
    }
}

/// What to do about a trouble, by what the file says of its inputs.
struct ChannelAdvice {
    let file: ChannelFile

    /// - Parameter request: what was asked; its inputs are what may be wrong with a 404.
    func finding(_ trouble: ChannelTrouble, _ topic: String, request: ChannelFile.Request?) -> ChannelFinding {
        let (english, chinese) = words(trouble, request)
        let said = trouble.say.hasSuffix(".") ? String(trouble.say.dropLast()) : trouble.say
        return ChannelFinding(
            .wrong, topic, [said, english].filter { !$0.isEmpty }.joined(separator: ". "),
            [said, chinese].filter { !$0.isEmpty }.joined(separator: "。"))
    }

    private func words(_ trouble: ChannelTrouble, _ request: ChannelFile.Request?) -> (String, String) {
        let keys = Self.list(file.authInputs)
        switch trouble.status {
        case 401:
            return (
                "It does not accept who we say we are; make a new key and give it to the account: \(keys.english)",
                "来源不接受账号的凭证，请重新生成并填入：\(keys.chinese)"
            )
        case 403:
            return (
                "It knows us and refuses this request: a scope or a right is missing. Give it to: \(keys.english)",
                "来源认得本账号但拒绝了请求，缺少权限范围（scope）或授权。请补上：\(keys.chinese)"
            )
        case 404, 410:
            let wrong = Self.list(request.map { file.inputs(in: ChannelFile.texts($0) + [file.base?.text ?? ""]) } ?? [])
            return (
                "Nothing is at that address; check the account's inputs: \(wrong.english)",
                "该地址不存在，请检查账号的配置：\(wrong.chinese)"
            )
        case 429:
            let wait = trouble.wait.map { "\($0.components.seconds) s" }
            return (
                "It was asked too often; try again " + (wait.map { "in \($0)" } ?? "later"),
                "请求过于频繁，请\(trouble.wait.map { "在 \($0.components.seconds) 秒后" } ?? "稍后")再试"
            )
        case .some(500...): return ("The trouble is the source's own; try again later", "这是来源自身的故障，请稍后再试")
        case nil where trouble.remedy == .backoff:
            return ("Check the address and that this machine reaches it", "请检查地址，以及本机能否连接到它")
        default:
            return trouble.remedy == .reauth
                ? (
                    "It does not accept the session; check: \(keys.english)", "来源不接受当前会话，请检查：\(keys.chinese)"
                ) : ("", "")
        }
    }

    /// `token` (an access token with the scopes …), `user`
    static func list(_ inputs: [ChannelFile.Input]) -> (english: String, chinese: String) {
        guard !inputs.isEmpty else { return ("the file needs no key; see its `docs`", "该渠道不需要密钥，请参阅文件中的 docs") }
        let shown = inputs.map { "`\($0.name)`" + ($0.about.isEmpty ? "" : " (\($0.about))") }
        return (shown.joined(separator: ", "), shown.joined(separator: "、"))
    }
}
