@testable import Daemon
import Domain
import Rules
import Logging
import Testing

@Suite struct SettingsTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var yaml: String
        var says: String
        var testDescription: String { says }
    }

    static let imap = "accounts:\n  support:\n    kind: imap\n    url: imaps://m.example\n    user: a@b.example\n"

    @Test(
        "a wrong setting is told with its place and the fix",
        arguments: [
            Bad(yaml: "lisen: 127.0.0.1:1", says: "hongyan.yaml:1:1: `lisen` is not a key here; did you mean `listen`?"),
            Bad(
                yaml: "listen: nowhere",
                says: "hongyan.yaml:1:9: `listen` is `nowhere`; write an address and a port, such as 127.0.0.1:8025"),
            Bad(
                yaml: "database: mysql://x",
                says: "hongyan.yaml:1:11: `database` must start with sqlite:// or postgres://; for one machine write "
                    + "sqlite:///var/lib/hongyan/hongyan.sqlite3"),
            Bad(
                yaml: "keys: /nowhere/gnupg",
                says: "hongyan.yaml:1:7: `keys` names /nowhere/gnupg, which is no folder; make it with: "
                    + "gpg --homedir /nowhere/gnupg --import KEY.asc"),
            Bad(yaml: "node: 4000", says: "hongyan.yaml:1:7: `node` is `4000`; write a whole number from 0 to 1023"),
            Bad(
                yaml: imap + "    password: hunter2",
                says: "hongyan.yaml:6:15: `password` must not stand in this file; write {credential: name}, {env: NAME} or {file: path}"),
            Bad(
                yaml: imap + "    password: {env: NOT_SET}",
                says: "hongyan.yaml:6:21: the environment has no NOT_SET; set it, or use {credential: name} with systemd's LoadCredential"),
            Bad(
                yaml: imap + "    password: {credential: imap}",
                says:
                    "hongyan.yaml:6:28: there are no systemd credentials here; add LoadCredential=imap:/path to the unit, or use {file: path}"
            ),
            Bad(
                yaml: imap,
                says:
                    "hongyan.yaml:3:5: account `support` needs a `password`, a `token` or `oauth`; write {credential: name}, {env: NAME} or {file: path}"
            ),
            Bad(
                yaml: "accounts:\n  x: {kind: imap, url: \"http://x\"}",
                says: "hongyan.yaml:2:24: `url` is `http://x`; start it with imap:// or imaps://"),
            Bad(
                yaml: "accounts:\n  x: {kind: fax}",
                says: "hongyan.yaml:2:13: `fax` is not a value of `kind`; use imap, pop3, feed, form, folder, channel or spool"),
            Bad(yaml: "accounts:\n  x: {kind: feed}", says: "hongyan.yaml:2:6: `url` is missing in `x`; add it"),
            Bad(
                yaml: "accounts:\n  \"a b\": {kind: folder, path: /x}",
                says: "hongyan.yaml:2:3: `a b` cannot be a name; use letters, digits, - and _ (64 bytes at most)"),
            Bad(
                yaml: "senders:\n  care: {kind: folder, path: /x, from: care}",
                says: "hongyan.yaml:2:40: `from` is `care`; write an address such as Care <care@example.com>"),
            Bad(yaml: "journeys: [welcome]", says: "hongyan.yaml:1:11: journeys need something to send with; add a `senders` section"),
            Bad(
                yaml: "accounts:\n  x: {kind: folder, path: /x, sender: care}",
                says: "hongyan.yaml:2:6: account `x` answers through `care`, which is not under `senders`; add it there"),
            Bad(
                yaml: "log: {level: loud}",
                says: "hongyan.yaml:1:14: `loud` is not a log level; use trace, debug, info, notice, warning or error"),
        ])
    func rejects(_ bad: Bad) {
        let error = #expect(throws: RuleError.self) { try Settings.decode(bad.yaml, file: "hongyan.yaml", environment: [:]) }
        #expect(error?.description == bad.says)
    }

    static func forms(_ form: String) -> String {
        "accounts:\n  box:\n    kind: folder\n    path: /x\n    mailforms:\n      - \(form)"
    }

    @Test(
        "a wrong mail form is told with its place and the fix",
        arguments: [
            Bad(yaml: forms("{form: a}"), says: "hongyan.yaml:6:10: `form` is not a key here; did you mean `from`?"),
            Bad(yaml: forms("{from: a@b}"), says: "hongyan.yaml:6:9: `name` is missing in `mailforms`; add it"),
            Bad(
                yaml: forms("{name: a, fields: {E: email}}"),
                says: "hongyan.yaml:6:9: the form `a` needs `from` or `subject`; without them every mail would be one"),
            Bad(
                yaml: forms("{name: a, from: wordpress, fields: {E: email}}"),
                says: "hongyan.yaml:6:25: `from` is `wordpress`; write an address or a pattern such as *@forms.example"),
            Bad(yaml: forms("{name: a, subject: b}"), says: "hongyan.yaml:6:9: `fields` is missing in `mailforms`; add it"),
            Bad(
                yaml: forms("{name: a, subject: b, fields: {E: mail}}"),
                says: "hongyan.yaml:6:43: `mail` is not a value of `E`; did you mean `email`?"),
            Bad(
                yaml: forms("{name: a, subject: b, fields: {Name: name}}"),
                says: "hongyan.yaml:6:39: no label of the form `a` means email or phone, so nobody could be told by it; add one"),
            Bad(
                yaml: forms("{name: a, subject: b, fields: {E-Mail: email, \"email *\": email}}"),
                says: "hongyan.yaml:6:55: the label `email *` means the same as `E-Mail`; keep one (case, blanks and signs do not count)"),
            Bad(
                yaml: forms("{name: a, subject: b, fields: {E: email}, drop: [e]}"),
                says: "hongyan.yaml:6:57: the label `e` means the same as `E`; keep one (case, blanks and signs do not count)"),
            Bad(
                yaml: forms("{name: a, subject: b, fields: {\"?\": email}}"),
                says: "hongyan.yaml:6:40: the label `?` has no letter and no digit; write it as the mail has it"),
            Bad(
                yaml: forms("{name: a, subject: b, fields: {E: email}}\n      - {name: a, subject: c, fields: {E: email}}"),
                says: "hongyan.yaml:7:9: the form `a` stands more than once under `mailforms`; give each a name of its own"),
            Bad(
                yaml: "accounts:\n  box: {kind: feed, url: \"https://a.example\", mailforms: [{name: a}]}",
                says: "hongyan.yaml:2:58: `mailforms` is for accounts that bring mail; `feed` brings none, remove it"),
        ])
    func rejectsForms(_ bad: Bad) {
        let error = #expect(throws: RuleError.self) { try Settings.decode(bad.yaml, file: "hongyan.yaml", environment: [:]) }
        #expect(error?.description == bad.says)
    }

    @Test func `a mail form is understood`() throws {
        let yaml = Self.forms(
            "{name: 官网, from: \"*@forms.example\", subject: [新的, New], fields: {姓名: name, 手机号: phone, 留言: message}, drop: IP}")
        let forms = try Settings.decode(yaml, file: "hongyan.yaml", environment: [:]).accounts[0].mailForms
        #expect(
            forms == [
                MailForm(
                    name: "官网", from: ["*@forms.example"], subjects: ["新的", "New"],
                    labels: [.init("姓名", .name), .init("手机号", .phone), .init("留言", .message)], drop: ["IP"])
            ])
    }

    @Test func `a whole configuration is understood`() throws {
        let yaml = """
            database: postgres://hongyan@db/hongyan
            data: /srv/hongyan
            listen: "[::1]:80"
            public_url: https://care.example/
            log: {format: json, level: debug}
            accounts:
              support: {kind: imap, url: "imap://m.example", user: Care@Example.com, password: {env: PW}, folders: [INBOX, Spam], every: 2m, size_max: 10MB}
              form: {kind: form, url: "https://f.example/e.json", form: {format: json, records: "$.e[*]", email: mail}, queue: Web}
            senders:
              care: {kind: smtp, url: "smtps://m.example", user: u, password: {env: PW}, from: Care <care@example.com>, connections: 4}
            forms:
              contact: {title: Write to us, per_hour: 5}
            journeys: [welcome]
            """
        let settings = try Settings.decode(yaml, file: "hongyan.yaml", environment: ["PW": "hunter2"])
        #expect(settings.listenHost == "::1" && settings.listenPort == 80 && settings.publicURL == "https://care.example")
        #expect(settings.accounts.map(\.name) == ["support", "form"] && settings.accounts[0].folders == ["INBOX", "Spam"])
        #expect(settings.accounts[0].interval == .seconds(120) && settings.accounts[0].sizeBytesMax == 10 << 20)
        #expect(settings.accounts[0].addresses == ["care@example.com"], "the login is the account's own address")
        #expect(settings.accounts[0].password?.reveal() == "hunter2" && !"\(settings)".contains("hunter2"))
        #expect(settings.accounts[1].form?.records == "$.e[*]" && settings.accounts[1].interval == .seconds(300))
        #expect(
            settings.senders[0].concurrency == 4 && settings.senderAddresses == ["care@example.com"]
                && settings.messageDomain == "example.com")
        #expect(settings.forms[0].perHour == 5 && settings.databasePath == nil)
    }

    @Test(
        "without a public address, links start with the address that is listened on",
        arguments: [
            ("listen: 127.0.0.1:8931", "http://127.0.0.1:8931"), ("listen: 0.0.0.0:80", "http://127.0.0.1:80"),
            ("listen: \"[::1]:8025\"", "http://[::1]:8025"), ("listen: 127.0.0.1:0", "http://127.0.0.1:8025"),
            ("data: /srv/hongyan", "http://127.0.0.1:8025"),
        ])
    func publicAddress(yaml: String, url: String) throws {
        #expect(try Settings.decode(yaml + "\n", file: "hongyan.yaml", environment: [:]).publicURL == url)
    }

    @Test func `a configuration that is not there is told with its path`() {
        let error = #expect(throws: SettingsError.self) { try Settings.load("/nowhere/hongyan.yaml") }
        #expect(error?.description == "cannot read /nowhere/hongyan.yaml: No such file or directory. Name another file with --config.")
    }
}

@Suite struct DaemonPartsTests {
    @Test(
        "a log value is quoted only when it must be",
        arguments: [
            ("plain", "plain"), ("two words", "\"two words\""), ("", "\"\""), ("a=b", "\"a=b\""),
            ("line\nbreak \"x\"", "\"line\\nbreak \\\"x\\\"\""),
            ("\u{1}", "\"\\u0001\""), ("鸿雁", "鸿雁"),
        ])
    func logfmt(value: String, text: String) { #expect(LogOutput.quoted(value) == text) }

    @Test(
        "log levels become the journal's priorities",
        arguments: [(.error, 3), (.warning, 4), (.notice, 5), (.info, 6), (.debug, 7)] as [(Logger.Level, Int)])
    func priority(level: Logger.Level, number: Int) { #expect(LogOutput.priority(level) == number) }

    @Test func `a demo mail is dated some minutes ago`() {
        let text = DemoWorld.dated("Date: @ago 35m@\n\nhi", now: Timestamp(seconds: 1_795_339_800))
        #expect(text == "Date: Sun, 22 Nov 2026 08:55:00 +0000\n\nhi")
        #expect(DemoWorld.dated("no date", now: Timestamp(seconds: 0)) == "no date")
    }

    @Test func `systemd is told through its socket, abstract or not, and nothing happens without one`() throws {
        let heard = try NotifyListener()
        let notify = Notify(environment: ["NOTIFY_SOCKET": heard.path, "WATCHDOG_USEC": "30000000"])
        notify.ready("listening")
        #expect(heard.next() == "READY=1\nSTATUS=listening")
        notify.reloading()
        #expect(heard.next().hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        notify.stopping()
        #expect(heard.next() == "STOPPING=1\nSTATUS=finishing the work in hand")
        #expect(notify.watchdog == .seconds(30))
        #expect(Notify(environment: ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]).watchdog == nil)
        Notify(environment: [:]).alive()
    }

    @Test func `a second daemon on the same database is refused`() throws {
        let path = "\(TemporaryFolder.make())/db.lock"
        let first = try FileLock(path: path)
        let error = #expect(throws: CommandError.self) { try FileLock(path: path) }
        #expect(
            error?.description
                == "another daemon works on this database (\(path) is locked). Stop it first, or give this one a database of its own.")
        withExtendedLifetime(first) {}
    }

    @Test(
        "only clean pages that come back from their file are let go",
        arguments: [
            ("1000-3000 r-xp 00001000 fe:00 123  /usr/bin/hongyan", 8192),
            ("1000-2000 r--p 00000000 fe:00 123  /usr/share/hongyan/models/a.bin", 4096),
            ("1000-2000 r--p 00000000 fe:00 123  /usr/lib/libc.so.6", nil), ("1000-2000 rw-p 00000000 fe:00 123  /usr/lib/libc.so.6", nil),
            ("1000-2000 r-xp 00000000 00:00 0  [vdso]", nil), ("1000-2000 rw-p 00000000 00:00 0", nil), ("", nil),
        ] as [(Substring, Int?)])
    func residence(line: Substring, count: Int?) { #expect(Residence.mapping(of: line)?.count == count) }

    @Test func `the daemon goes on after it gave its pages back`() {
        #expect(Residence.shrink() > 0)
        #expect(LogOutput.quoted("still here") == "\"still here\"")
    }

    @Test func `memory is given back once after each burst of work`() {
        var rule = RestRule()
        let work = [5, 5, 5, 5, 5, 5, 6, 6, 7, 7, 7, 7, 7]
        #expect(
            work.map { rule.tick(work: $0) } == [false, false, false, true, false, false, false, false, false, false, false, true, false])
    }
}
