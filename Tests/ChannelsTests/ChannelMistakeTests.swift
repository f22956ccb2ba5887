import Rules
import Testing

@testable import Channels

/// A mistake in a channel file is told with its line and column and what was expected. ‸ marks the place in the wrong text.
@Suite struct ChannelMistakeTests {
    static let right = """
        channel: t
        docs: https://t.example/docs
        about: A test.
        about_zh: 测试。
        config:
          token: {type: secret, required: true}
          forms: {type: list, default: [a, b]}
          most:  {type: number, default: 10}
        auth: {kind: bearer, token: "{{ config.token }}"}
        base: https://t.example
        hosts: ["https://cdn.t.example"]
        rate: {requests: 60, per: 1m, remaining: header(X-Left)}
        ok: [{path: $.code, in: [0]}]
        errors:
          - {status: 429, do: backoff, wait: 30s}
          - {body: {code: [7]}, do: reauth}
        check: {path: /me, expect: $.id, save: {self: $.id}}
        streams:
          posts:
            every: 5m
            each: {in: config.forms, as: form}
            request: {method: GET, path: "/list/{{ form }}", query: {limit: 10}, headers: {X-A: b}}
            records: $.items[*]
            where: [{path: kind, in: [post]}]
            cursor: {kind: id, path: id, send: {query: since}, order: asc}
            page: {kind: token, path: $.next, send: {query: page}, size: 10}
            lookup:
              who: {path: /users, query: {ids: "{{ keys }}"}, keys: user, records: "$.users[*]", index: id}
            map:
              external_id: id
              occurred_at: at | date(iso)
              text: text
              attachments: {each: "files[*]", url: url}
              fields: {pairs: "answers[*]", key: q, value: a}
        reply:
          limit: {chars: 500, split: true}
          window: {open_for: 24h, messages: 3}
          request: {method: POST, path: /reply, json: {text: "{{ reply.text }}"}}
          sent_id: $.id
        push:
          verify: {header: X-Sig, algorithm: hmac_sha256, key: "{{ config.token }}"}
          records: $.m[*]
          map: {external_id: id, occurred_at: at | date(iso)}

        """

    static let mistakes: [(right: String, wrong: String, says: String)] = [
        ("channel: t", "‸chanel: t", "`chanel` is not a key here; did you mean `channel`?"),
        ("channel: t", "channel: ‸u", "the file is called t.yaml"),
        ("channel: t\n", "", "`channel` is missing; add it"),
        ("https://t.example/docs", "‸t.example", "`docs` is `t.example`; write the address"),
        ("docs: https://t.example/docs", "docs:‸ ", "`docs` is empty; write a text"),
        ("about: A test.", "version: ‸one", "`version` is `one`; write a whole number from 1 to 9999"),
        ("type: secret", "type: ‸secrt", "did you mean `secret`?"),
        ("type: secret, required: true", "type: secret, default: ‸x", "a secret has no default"),
        ("default: 10", "default: ‸ten", "the input is a number"),
        ("required: true", "required: ‸yes", "`required` is `yes`; write true or false"),
        ("type: list, default", "‸kind: list, default", "`kind` is not a key here"),
        ("kind: bearer", "kind: ‸bear", "did you mean `bearer`?"),
        ("auth: {kind: bearer, token: \"{{ config.token }}\"}", "auth: ‸{kind: bearer}", "`token` is missing in `auth`"),
        ("{kind: bearer, token: \"{{ config.token }}\"}", "{kind: bearer, token: ‸\"{{ config.tokn }}\"}", "did you mean `token`?"),
        ("{kind: bearer, token: \"{{ config.token }}\"}", "{kind: bearer, token: ‸\"{{ config.token }\"}", "}} is missing"),
        (
            "{kind: bearer, token: \"{{ config.token }}\"}", "{kind: header, name: ‸\"X Key\", value: \"{{ config.token }}\"}",
            "cannot be the name of a header"
        ),
        (
            "{kind: bearer, token: \"{{ config.token }}\"}", "‸{kind: oauth2, token_url: \"https://t.example/token\"}",
            "the grant refresh_token needs `refresh_token`"
        ),
        ("base: https://t.example\n", "base: ‸t.example\n", "write https:// and the host"),
        ("base: https://t.example\n", "base: ‸http://t.example\n", "`base` is not encrypted"),
        ("base: https://t.example\n", "", "`base` is missing"),
        ("hosts: [\"https://cdn.t.example\"]", "hosts: ‸cdn", "`hosts` must be a list"),
        ("per: 1m", "per: ‸1 minute", "`per` is `1 minute`; write a number and a unit"),
        ("requests: 60", "requests: ‸0", "write a whole number from 1 to"),
        ("header(X-Left)", "‸header(X-Left) | numbr", "numbr is no filter"),
        ("{path: $.code, in: [0]}", "{path: $.code, in: [0], ‸exists: true}", "one of in, not_in, equals and exists"),
        ("path: $.code, in: [0]", "path: ‸$..code, in: [0]", ".. is not supported; name every step"),
        ("in: [post]", "in: ‸[]", "`in` is empty"),
        ("status: 429", "status: ‸4290", "write a whole number from 100 to 599"),
        ("do: backoff", "do: ‸back-off", "did you mean `backoff`?"),
        ("wait: 30s", "wait: ‸30", "`wait` is `30`; write a number and a unit"),
        ("{body: {code: [7]}, do: reauth}", "‸{do: reauth}", "a rule needs `status` or `body`"),
        ("{code: [7]}", "{‸\"code[\": [7]}", "] is missing"),
        ("expect: $.id, save", "‸expects: $.id, save", "did you mean `expect`?"),
        ("every: 5m", "every: ‸0s", "`every` is `0s`; write 1s to 7d"),
        ("as: form", "as: ‸item", "`item` is a name of the engine's own"),
        ("{in: config.forms, as: form}", "‸{as: form}", "`each` goes over `in: config.…`"),
        ("{in: config.forms, as: form}", "{in: ‸config.form, as: form}", "did you mean `forms`?"),
        ("method: GET", "method: ‸FETCH", "use GET, POST, PUT, PATCH or DELETE"),
        ("query: {limit: 10}", "json: {a: b}, ‸form: {a: b}", "a request has one body"),
        ("headers: {X-A: b}", "headers: {‸\"X A\": b}", "cannot be the name of a header"),
        ("    records: $.items[*]\n", "", "`records` is missing in `posts`"),
        ("records: $.items[*]", "records: ‸$.items[1:2]", "slices are not supported"),
        ("{kind: id, path: id, send: {query: since}, order: asc}", "‸{kind: id}", "a cursor needs `path`"),
        ("kind: id, path", "kind: ‸ids, path", "did you mean `id`?"),
        (
            "kind: id, path: id, send: {query: since}", "kind: seen, path: id, send: ‸{query: since}",
            "a cursor of the kind seen sends nothing"
        ),
        ("send: {query: since}", "send: {query: since, ‸json: since}", "say one place"),
        ("send: {query: since}", "send: {path: ‸since}", "the request's path has no {since}"),
        ("order: asc", "zone: ‸Mars/Base", "`Mars/Base` is no time zone"),
        ("order: asc", "format: ‸never", "`format` is no form of a date"),
        ("order: asc", "order: ‸up", "use asc or desc"),
        ("order: asc", "etag: ‸true", "`etag` is for documents that are read whole"),
        ("{kind: token, path: $.next, send: {query: page}, size: 10}", "‸{kind: token, path: $.next}", "needs `path` and `send`"),
        ("{kind: token, path: $.next, send: {query: page}, size: 10}", "‸{kind: offset}", "needs `send`"),
        ("size: 10", "max: ‸0", "write a whole number from 1 to 10000"),
        ("keys: user, records: \"$.users[*]\", index: id}", "keys: user}", "a look-up has `keys`, `records` and `index`"),
        ("      who:", "      ‸cursor:", "`cursor` is a name of the engine's own"),
        ("external_id: id\n", "‸external_it: id\n", "did you mean `external_id`?"),
        ("      occurred_at: at | date(iso)\n", "", "`occurred_at` is missing"),
        ("at | date(iso)\n      text", "‸at | dat(iso)\n      text", "dat is no filter"),
        ("at | date(iso)\n      text", "‸at | date(never)\n      text", "never is no form of a date"),
        ("at | date(iso)\n      text", "‸at | date()\n      text", "date takes 1 to 2 arguments, not 0"),
        ("text: text", "text: ‸text ??", "something is missing beside ??"),
        ("text: text", "text: ‸text | join('x", "a quotation mark is not closed"),
        ("text: text", "text: ‸text | replace('(', '')", "is no regular expression"),
        ("{each: \"files[*]\", url: url}", "{each: \"files[*]\", ‸href: url}", "`href` is not a key here"),
        ("{pairs: \"answers[*]\", key: q, value: a}", "‸{pairs: \"answers[*]\", key: q}", "`value` is missing in `fields`"),
        ("chars: 500, split", "chars: 500, ‸bytes: 9000, split", "a limit counts in one unit"),
        ("open_for: 24h", "open_for: ‸a day", "write a number and a unit"),
        ("    text: text", "\ttext: text", "this is not YAML"),
        ("text: text", "text: a: b", "this is not YAML"),
        ("about: A test.", "‸about: A test.\nabout: Another.", "stands more than once"),
        ("algorithm: hmac_sha256", "algorithm: ‸sha512", "is not a value of `algorithm`"),
        ("  request: {method: POST, path: /reply", "  ‸requests: {method: POST, path: /reply", "did you mean `request`?"),
    ]

    @Test func `the file they are made of is right`() throws {
        #expect(throws: Never.self) { try ChannelFile.read(Self.right, file: "t.yaml") }
    }

    @Test("every kind of mistake names its place and what was expected", arguments: 0..<mistakes.count)
    func place(index: Int) throws {
        let (right, wrong, says) = Self.mistakes[index]
        let parts = Self.right.components(of: right)
        try #require(parts.count >= 2, "\(right) is not in the file")
        let marked = parts[0] + wrong + parts[1...].joined(separator: right)
        let error = #expect(throws: RuleError.self) { try ChannelFile.read(marked.replacing("‸", with: ""), file: "t.yaml") }
        #expect(error?.problem.contains(says) == true, "\(error?.description ?? "none")")
        #expect(error?.file == "t.yaml" && error?.line ?? 0 > 0 && error?.column ?? 0 > 0)
        guard let mark = marked.firstRange(of: "‸") else { return }
        let before = marked[..<mark.lowerBound]
        let line = before.count { $0 == "\n" } + 1
        let column = before.unicodeScalars.reversed().prefix { $0 != "\n" }.count + 1
        #expect([error?.line, error?.column] == [line, column], "\(error?.description ?? "none")")
    }

    @Test func `there are at least forty of them, and each says what to do`() {
        #expect(Self.mistakes.count >= 40)
    }
}

extension String {
    fileprivate func components(of separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let found = rest.firstRange(of: separator) {
            parts.append(String(rest[..<found.lowerBound]))
            rest = rest[found.upperBound...]
        }
        return parts + [String(rest)]
    }
}
