import Domain
import FoundationEssentials
import HTTPTypes
import Store
import Testing

@testable import Console

@Suite(.timeLimit(.minutes(10))) struct PagesTests {
    static let folder = "\(House.root)/templates/pages"

    private func text(_ path: String) throws -> String {
        String(decoding: try #require(FileManager.default.contents(atPath: path), "\(path) is missing"), as: UTF8.self)
    }

    private func files(_ folder: String, _ ending: String) throws -> String {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(ending) }.sorted()
            .map { try text("\(folder)/\($0)") }.joined(separator: "\n")
    }

    @Test func `both languages have the same words with the same blanks`() throws {
        let words = try Words(folder: Self.folder)
        let (en, zh) = (words[.en].table, words[.zh].table)
        #expect(Set(en.keys).symmetricDifference(zh.keys).sorted() == [])
        #expect(en.filter { $0.value.isEmpty }.isEmpty && zh.filter { $0.value.isEmpty }.isEmpty)
        let blanks = { (text: String) in
            Set(text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().map { $0.prefix { $0 != "}" } })
        }
        // A Chinese date is made of numbers, an English one names the month.
        for key in en.keys where !key.hasPrefix("date_") { #expect(blanks(en[key]!) == blanks(zh[key] ?? ""), "\(key)") }
    }

    @Test func `every word that a template asks for exists, and no word is left over`() throws {
        let words = try Words(folder: Self.folder)[.en]
        let templates = try files(Self.folder, ".mustache")
        let sources = try files("\(House.root)/Sources/Console", ".swift")
        for part in templates.split(separator: "{{t.").dropFirst() {
            let key = String(part.prefix { $0 != "}" })
            #expect(words.has(key), "{{t.\(key)}}")
        }
        for key in words.table.keys.sorted() {
            let family = key.split(separator: "_").dropLast().joined(separator: "_") + "_\\("
            let isUsed =
                templates.contains("{{t.\(key)}}") || sources.contains("\"\(key)\"") || sources.contains("\"\(family)")
                || key.hasPrefix("error_")
                || sources.contains("\"\(key.split(separator: "_")[0])_\\(")
                || sources.contains("\"send_hint_\\(") && key.hasPrefix("send_hint_")
            #expect(isUsed, "\(key) is used nowhere")
        }
    }

    @Test func `every refusal has its words`() throws {
        let words = try Words(folder: Self.folder)[.en]
        let sources = try files("\(House.root)/Sources/Console", ".swift")
        for part in sources.split(separator: "Refusal(.").dropFirst() {
            let pieces = part.prefix(80).split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
            guard pieces.count == 3, pieces[0].hasSuffix(", "), !pieces[1].contains("\\") else { continue }
            #expect(words.has("error_\(pieces[1])"), "error_\(pieces[1])")
        }
    }

    @Test(
        "a bad words file names its line",
        arguments: [("a = 1\nb", "w.txt:2: `b` is not `key = text`"), ("a = 1\n# c\na = 2", "w.txt:3: `a = 2` is not `key = text`")])
    func badWords(text: String, says: String) {
        let error = #expect(throws: ConsoleError.self) { try Words.parse(text, file: "w.txt") }
        #expect(error?.description == says)
    }

    @Test func `a folder without templates is named`() {
        let error = #expect(throws: ConsoleError.self) { try Pages(folder: "/nowhere") }
        #expect(error?.description == "cannot read /nowhere/words.en.txt. Set `share` to the folder that holds templates/ and static/.")
    }

    @Test(
        "the inbox and the conversation speak the agent's language, whatever the browser says",
        arguments: [("maya", "Unassigned", "Send and solve"), ("xiaomei", "未分配", "发送并解决")])
    func agentLanguage(login: String, view: String, button: String) async throws {
        try await House.serve { (house, browser) async throws in
            try await house.ticket()
            var agent = try await house.signIn(login == "maya" ? house.maya : house.xiaomei, browser)
            agent.language = "fr"
            let page = try await agent.get("/tickets/1001")
            #expect(page.body.contains("<html lang=\"\(login == "maya" ? "en" : "zh-CN")\""))
            #expect(page.body.contains(view))
            #expect(page.body.contains(button))
        }
    }

    @Test func `an agent is refused in the agent's own language`() async throws {
        try await House.serve { (house, browser) async throws in
            let page = try await house.signIn(house.xiaomei, browser).get("/tickets/1")
            #expect(page.status == .notFound)
            #expect(page.body.contains("没有这个工单。请用词语或姓名搜索。"))
        }
    }

    @Test func `an agent changes language and appearance by plain forms`() async throws {
        try await House.serve { (house, browser) async throws in
            let maya = try await house.signIn(house.maya, browser)
            let answer = try await maya.post("/preferences", ["locale": "zh", "theme": "dark", "next": "/accounts"])
            #expect(answer.headers[.location] == "/accounts")
            let page = try await maya.keeping(answer).get("/accounts")
            #expect(page.body.contains("<html lang=\"zh-CN\" data-theme=\"dark\">"))
        }
    }

    @Test(
        "the browser's language is the one with the highest weight",
        arguments: [
            ("zh-CN,zh;q=0.9,en;q=0.8", Tongue.zh), ("en-US,en;q=0.9,zh;q=0.8", .en), ("fr, zh;q=0.3, en;q=0.2", .zh), ("de", .en),
            ("", .en),
            ("en;q=0.1,zh-TW", .zh), (";;;q=,,zh;q=x", .zh),
        ])
    func accepts(header: String, tongue: Tongue) { #expect(Tongue(accepting: header) == tongue) }

    @Test(
        "the views show what belongs in them",
        arguments: [
            ("mine", [1001]), ("unassigned", [1002, 1003]), ("open", [1001, 1002, 1003]), ("solved", [1004]),
            ("queue:Support", [1001, 1002, 1003]),
        ] as [(String, [Int])])
    func views(name: String, numbers: [Int]) async throws {
        try await House.serve { (house, browser) async throws in
            let maya = try await house.signIn(house.maya, browser)
            for _ in 0..<4 { try await house.ticket() }
            _ = try await maya.post("/tickets/1001/assign", ["agent": "me"])
            _ = try await maya.post("/tickets/1004/status", ["status": "solved"])
            let page = try await maya.get("/?view=\(percentEncoded(name))&fragment=list")
            for number in 1001...1004 { #expect(page.body.contains("data-number=\"\(number)\"") == numbers.contains(number), "\(number)") }
            #expect(!page.body.contains("<html"))
        }
    }

    @Test func `search finds a ticket by a Chinese word of its message`() async throws {
        try await House.serve { (house, browser) async throws in
            let maya = try await house.signIn(house.maya, browser)
            try await house.ticket(subject: "Invoice", body: "请重开发票")
            try await house.ticket(subject: "Other")
            let page = try await maya.get("/?q=\(percentEncoded("发票"))")
            #expect(page.body.contains("data-number=\"1001\"") && !page.body.contains("data-number=\"1002\""))
        }
    }

    @Test func `an older page goes on where the newer one ended`() async throws {
        try await House.serve { (house, browser) async throws in
            let maya = try await house.signIn(house.maya, browser)
            for _ in 0...InboxData.ticketsMax {
                house.clock.advance(by: .seconds(1))
                try await house.ticket()
            }
            let first = try await maya.get("/?view=open")
            #expect(!first.body.contains("data-number=\"1001\""))
            let start = try #require(first.body.firstRange(of: "<a class=\"more\" href=\""))
            let next = String(first.body[start.upperBound...].prefix { $0 != "\"" }).replacing("&amp;", with: "&")
            let second = try await maya.get(next)
            #expect(second.body.contains("data-number=\"1001\"") && !second.body.contains("data-number=\"1002\""))
        }
    }

    @Test func `a message without a ticket has its own page with the reason`() async throws {
        try await House.serve { (house, browser) async throws in
            let id = try await house.store.write { transaction in
                let bounce = Interaction(
                    id: transaction.newID(), account: "support", externalID: "b", kind: .mail, nature: .bounce, occurredAt: transaction.now,
                    receivedAt: transaction.now, author: .init(email: "mailer-daemon@x.example"), subject: "Undelivered",
                    body: "550 no such user")
                try transaction.interactions.addPlaced(bounce)
                try transaction.reasons.add(
                    Reason(
                        at: transaction.now, about: .interaction, subject: bounce.id.rawValue, decision: "nature",
                        text: "a bounce: report-type=delivery-status"))
                return bounce.id
            }
            let maya = try await house.signIn(house.maya, browser)
            #expect(try await maya.get("/?view=automatic").body.contains("/messages/\(id)"))
            let page = try await maya.get("/messages/\(id)")
            #expect(page.body.contains("550 no such user") && page.body.contains("a bounce: report-type=delivery-status"))
        }
    }
}

@Suite struct TextTests {
    @Test(
        "the words of a mood are marked where they stand as words",
        arguments: [
            ("A bad badge, BAD!", [Mood.Word(text: "bad", weight: -1)], "A <mark>bad</mark> badge, <mark>BAD</mark>!"),
            ("非常糟糕的服务", [Mood.Word(text: "糟糕", weight: -1)], "非常<mark>糟糕</mark>的服务"),
            ("so good & <fast>", [Mood.Word(text: "good", weight: 1)], "so <mark class=\"up\">good</mark> &amp; &lt;fast&gt;"),
            (
                "never answered", [Mood.Word(text: "never answered", weight: -1), Mood.Word(text: "never", weight: -0.5)],
                "<mark>never answered</mark>"
            ),
            ("x", [Mood.Word(text: "", weight: 1), Mood.Word(text: " ", weight: 1)], "x"),
        ])
    func marks(text: String, words: [Mood.Word], html: String) {
        #expect(MessageText.marked(text, mood: Mood(score: 0, label: .neutral, confidence: 1, words: words, model: "t")) == html)
    }

    @Test func `a very long message is cut at a character`() {
        let shown = MessageText.shown(String(repeating: "长", count: 40_000), mood: nil)
        #expect(shown.isCut)
        #expect(shown.html.renderText.utf8.count == MessageText.shownBytesMax - MessageText.shownBytesMax % 3)
        #expect(!shown.html.renderText.contains("\u{FFFD}"))
    }

    @Test(
        "times are written for people",
        arguments: [
            (0, "now", "刚刚"), (44, "now", "刚刚"), (60, "1 min", "1 分钟"), (3599, "60 min", "60 分钟"), (7200, "2 h", "2 小时"),
            (86_400 * 3, "3 d", "3 天"), (86_400 * 30, "19 Oct", "10月19日"), (86_400 * 400, "14 Oct 2025", "2025年10月14日"),
        ] as [(Int64, String, String)])
    func relative(seconds: Int64, en: String, zh: String) throws {
        let words = try Words(folder: PagesTests.folder)
        let now = Timestamp(seconds: 1_795_000_000)  // 2026-11-18
        #expect(TimeText(words: words[.en], now: now).relative(now - .seconds(seconds)) == en)
        #expect(TimeText(words: words[.zh], now: now).relative(now - .seconds(seconds)) == zh)
    }

    @Test func `the mood's line ends where the last message stands`() {
        let start = Timestamp(seconds: 0)
        let points = [Conversation.MoodPoint(at: start, score: 1), .init(at: start + .seconds(10), score: -1)]
        let svg = Sparkline.svg(points, label: "from \"1\" to −1").renderText
        #expect(svg.contains("points=\"4.0,5.0 255.0,51.0\""))
        #expect(svg.contains("class=\"spark bad\""))
        #expect(svg.contains("aria-label=\"from &quot;1&quot; to −1\""))
        #expect(Sparkline.svg([], label: "").isNull)
    }

    @Test(
        "people are shown by their initials",
        arguments: [("Anna Keller", "AK"), ("王晓梅", "王"), ("@tomasz", "T"), ("", "?"), ("Jean-Baptiste de la Tour", "JT")])
    func shortNames(name: String, letters: String) { #expect(initials(name) == letters) }
}
