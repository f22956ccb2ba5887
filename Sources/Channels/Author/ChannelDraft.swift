import Formats
import Domain

/// A channel file in the making, and its first samples.
public struct ChannelDraft: Sendable {
    public enum Authorization: String, Sendable, CaseIterable { case none, bearer, basic, header, query }

    public var name: String
    public var docs: String
    public var about: String
    public var aboutChinese: String
    public var format = ChannelFile.Stream.Format.json
    /// Scheme and host.
    public var base: String
    public var path: String
    public var query: [(name: String, value: String)] = []
    public var auth = Authorization.none
    /// Of a header or a query parameter that holds the key.
    public var authName = "X-Api-Key"
    public var records = "$[*]"
    /// Target, expression, and what it saw.
    public var targets: [(name: String, value: String, comment: String)] = []
    public var page = "{kind: none}"
    public var isWholeDocument = false

    public init(name: String, docs: String, about: String, aboutChinese: String, url: String) {
        (self.name, self.docs, self.about, self.aboutChinese) = (name, docs, about, aboutChinese)
        let (rest, query) = Self.split(url)
        let start = rest.firstRange(of: "://")?.upperBound ?? rest.startIndex
        let slash = rest[start...].firstIndex(of: "/") ?? rest.endIndex
        base = String(rest[..<slash])
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
        self.query = query
    }

    /// The address without its parameters, and these decoded.
    public static func split(_ url: String) -> (address: String, query: [(name: String, value: String)]) {
        let parts = url.prefix { $0 != "#" }.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return (parts.first ?? "", []) }
        let pairs = parts[1].split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                ChannelSample.readable(String($0).replacing("+", with: " "))
            }
            return (name: sides[0], value: sides.count > 1 ? sides[1] : "")
        }
        return (parts[0], pairs)
    }

    /// A parameter of the address that looks like a key: it is asked for as a secret and never written down.
    public static func key(in query: [(name: String, value: String)]) -> String? {
        let words = ["accesstoken", "apikey", "key", "token", "secret", "apitoken", "authtoken", "appkey"]
        return query.first { words.contains(ChannelGuess.bare($0.name)) }?.name
    }

    private var inputs: [(name: String, text: String, sample: String)] {
        switch auth {
        case .none: []
        case .basic:
            [
                ("user", "{type: text, required: true}", "anna"),
                ("pass", "{type: secret, required: true}", "s3cret-sample"),
            ]
        case .bearer, .header, .query:
            [("token", "{type: secret, required: true, about: \"the key of the API; say here which scopes it needs\"}", "s3cret-sample")]
        }
    }

    private var authText: String {
        switch auth {
        case .none: "{kind: none}"
        case .bearer: "{kind: bearer, token: \"{{ config.token }}\"}"
        case .basic: "{kind: basic, user: \"{{ config.user }}\", pass: \"{{ config.pass }}\"}"
        case .header: "{kind: header, name: \(ChannelGuess.flow(authName)), value: \"{{ config.token }}\"}"
        case .query: "{kind: query, name: \(ChannelGuess.flow(authName)), value: \"{{ config.token }}\"}"
        }
    }

    /// The file.
    public var yaml: String {
        var lines = [
            "channel: \(name)", "docs: \(Self.scalar(docs))", "version: 1", "about: \(Self.scalar(about))",
            "about_zh: \(Self.scalar(aboutChinese))",
        ]
        if !inputs.isEmpty {
            lines.append("config:                                          # what an account gives; secrets are never written into a file")
            for input in inputs { lines.append("  \(input.name): \(input.text)") }
        }
        lines += ["auth: \(authText)", "base: \(Self.scalar(base))"]
        lines += [
            "# rate: {requests: 60, per: 1m}                  # what the source allows, from its documentation",
            "# check: {path: /me, expect: id, save: {self: id}}   # one cheap request; with `self` our own posts are left out",
            "streams:", "  messages:", "    every: 5m",
        ]
        if format != .json { lines.append("    format: \(format.rawValue)") }
        let turning = page.firstRange(of: "send: {query: ").map { page[$0.upperBound...].prefix { $0 != "}" } }.map {
            $0.filter { $0 != "\"" }
        }
        let kept = query.filter { pair in pair.name != turning && !(auth == .query && pair.name == authName) }
        if kept.isEmpty {
            lines.append("    request: {path: \(ChannelGuess.flow(path))}")
        } else {
            lines += ["    request:", "      path: \(Self.scalar(path))", "      query:"]
            for pair in kept { lines.append("        \(Self.scalar(pair.name)): \(Self.scalar(pair.value))") }
        }
        lines.append("    records: \(Self.scalar(records))")
        if isWholeDocument {
            lines.append(
                "    cursor: {kind: all, etag: true}              # the whole document each time; what is known is not stored again")
        } else {
            let id = targets.first { $0.name == "external_id" }?.value ?? "id"
            lines.append(
                "    # newest first, up to the first id that is known; with a parameter for “since” write kind: id or time and `send`")
            lines.append("    cursor: {kind: seen, path: \(ChannelGuess.flow(id)), order: desc}")
        }
        lines.append("    page: \(page)")
        lines.append("    map:")
        for target in targets {
            let line = "      \(target.name): \(Self.scalar(target.value))"
            let comment = String(target.comment.filter { !$0.isNewline }.prefix(60))
            lines.append(comment.isEmpty ? line : line + String(repeating: " ", count: max(1, 50 - line.count)) + "# " + comment)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A plain scalar where YAML takes it as one, else quoted.
    static func scalar(_ text: String) -> String {
        let odd =
            text.isEmpty || "@`[]{}*&!|>%#,?:-\"' ".contains(text.first ?? " ") || text.contains(": ") || text.contains(" #")
            || text.hasSuffix(":")
            || text.hasSuffix(" ") || text.contains(where: { $0.isNewline }) || ["null", "~"].contains(text.lowercased())
        return odd ? quoted(text) : text
    }

    static func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n").replacing("\t", with: "\\t"))\""
    }

    // MARK: Samples

    /// The example as a sample, without secrets and addresses, and one of a refused key.
    /// - Returns: file names and contents, and what of the first does not replay.
    public func samples(_ example: [UInt8], headers: [(name: String, value: String)], file: ChannelFile, now: String) async -> (
        files: [(name: String, text: String)], problems: [String]
    ) {
        guard let stream = file.streams.first, let instant = DateText.iso8601(now) else { return ([], ["the file has no stream"]) }
        var inputs: [String: JSONValue] = [:]
        for input in self.inputs { inputs[input.name] = .string(input.sample) }
        let kept = headers.filter { ["link", "etag"].contains($0.name.lowercased()) }
        let page = ChannelTrial(file, inputs: inputs, account: "sample", now: { instant }) { _ in
            ChannelAnswer(status: 200, headers: kept, body: example)
        }
        let refused = ChannelTrial(file, inputs: inputs, account: "sample", now: { instant }) { _ in
            ChannelAnswer(status: 401, body: Array("{\"error\":\"the key is not valid\"}".utf8))
        }
        var files: [(name: String, text: String)] = []
        var problems: [String] = []
        for (name, trial) in [("page", page), ("error-refused", refused)] {
            guard let made = try? await trial.record(stream, pages: 1) else {
                problems.append("the sample \(name) could not be made")
                continue
            }
            files.append((name, made.text))
            problems += made.problems
        }
        return (files, problems)
    }
}
