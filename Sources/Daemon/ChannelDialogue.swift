import Channels
import FoundationEssentials
import Transport

/// Makes a channel file from an example answer, with a person who accepts or corrects each guess; or without one, taking the first guess.
public struct ChannelDialogue: Sendable {
    /// What was said on the command line; whatever is nil is asked for, or guessed.
    public struct Given: Sendable {
        public var name: String?
        /// A file, an address, or `-` for standard input.
        public var from: String?
        public var url: String?
        public var docs: String?
        public var about: String?
        public var aboutChinese: String?
        public var records: String?
        /// `external_id=id`, `text=` for none.
        public var map: [String] = []
        public var auth: String?
        public var authName: String?
        public var page: String?
        public var folder: String?
        /// Takes the first guess everywhere.
        public var isQuick = false
        public var language: String?
        public init() {}
    }

    static let exampleBytesMax = 20 << 20
    static let choicesMax = 6

    let given: Given
    let isChinese: Bool
    let say: @Sendable (String) -> Void
    /// The next line of the person; nil at the end.
    let read: @Sendable () -> String?

    public init(_ given: Given, say: @escaping @Sendable (String) -> Void, read: @escaping @Sendable () -> String?) {
        self.given = given
        self.say = say
        self.read = read
        isChinese = ChannelOperations.Subject.isChinese(given.language)
    }

    private func words(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }

    /// - Returns: whether the file and its samples are in order.
    public func run() async throws -> Bool {
        let example = try await example()
        var guess = try ChannelGuess(example.body)
        let list = try chooseList(guess)
        try guess.take(list)
        let url =
            try given.url ?? example.url
            ?? line(
                words("The address this answer came from:", "该应答的请求地址："), preset: nil, check: Self.isAddress)
        guard Self.isAddress(url) else { throw CommandError("`\(url)` is no address; write https://host/path") }
        let (address, query) = ChannelDraft.split(url)
        var draft = ChannelDraft(name: try name(address), docs: "", about: "", aboutChinese: "", url: url)
        draft.format = guess.format
        draft.records = list
        try chooseTargets(guess, &draft)
        try chooseAuth(query, &draft)
        let id = draft.targets.first { $0.name == "external_id" }?.value ?? "id"
        let pages = guess.pages(headers: example.headers, query: query, id: id)
        draft.page =
            try given.page ?? choose(words("How does the next page come?", "如何翻页？"), pages, mayBeNone: false)?.value ?? "{kind: none}"
        draft.isWholeDocument = draft.page == "{kind: none}" && guess.format != .json
        draft.docs = try given.docs ?? line(words("The page of its documentation:", "接口文档的网址："), preset: draft.base, check: Self.isAddress)
        draft.about = try given.about ?? line(words("One English sentence about it:", "一句英文说明："), preset: "Messages of \(draft.name).")
        draft.aboutChinese =
            try given.aboutChinese ?? line(words("One Chinese sentence about it:", "一句中文说明："), preset: "\(draft.name) 的消息。")
        return try await write(draft, example)
    }

    // MARK: The example

    private struct Example {
        var body: [UInt8]
        var headers: [(name: String, value: String)] = []
        var url: String?
    }

    private func example() async throws -> Example {
        guard let from = given.from else {
            guard !given.isQuick else { throw CommandError("give an example answer: --from FILE, --from https://… or --from -") }
            say(
                words(
                    "Paste an answer of the source (JSON, CSV or XML); end with a line that holds only a dot.",
                    "请粘贴来源的一份应答（JSON、CSV 或 XML），以只含一个句点的行结束。"))
            return Example(body: lines { $0 == "." })
        }
        if from == "-" { return Example(body: lines { _ in false }) }
        guard Self.isAddress(from) else {
            guard let data = FileManager.default.contents(atPath: from) else {
                throw CommandError("cannot read \(from); check that it exists")
            }
            return Example(body: [UInt8](data))
        }
        let loop = TransferLoop(logger: Operations.quiet)
        var request = HTTPRequest("GET", from)
        request.sizeBytesMax = Self.exampleBytesMax
        let response: HTTPResponse
        do { response = try await loop.http(request) } catch {
            await loop.shutdown()
            throw error
        }
        await loop.shutdown()
        guard (200..<300).contains(response.status) else {
            throw CommandError(
                "\(ChannelDraft.split(from).address) answered \(response.status); where it needs a key, fetch it yourself and give the file"
            )
        }
        return Example(body: response.body, headers: response.headers, url: from)
    }

    private func lines(until isEnd: (String) -> Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        while let line = read(), !isEnd(line), bytes.count < Self.exampleBytesMax { bytes += Array(line.utf8) + [0x0A] }
        return bytes
    }

    private static func isAddress(_ text: String) -> Bool {
        (text.hasPrefix("https://") || text.hasPrefix("http://")) && text.count > 8 && !text.contains(" ")
    }

    // MARK: Questions

    private func chooseList(_ guess: ChannelGuess) throws -> String {
        if let records = given.records { return records }
        let lists = guess.lists
        guard !lists.isEmpty else {
            throw CommandError(
                "the example holds no list of records; give one with at least one message in it, or name the place with --records")
        }
        let choices = lists.prefix(Self.choicesMax).map { list in
            (value: list.path, text: words("\(list.count) records", "\(list.count) 条记录") + ": " + list.members.joined(separator: ", "))
        }
        return try pick(words("Where are the records?", "记录在哪里？"), choices, mayBeNone: false) ?? lists[0].path
    }

    private func chooseTargets(_ guess: ChannelGuess, _ draft: inout ChannelDraft) throws {
        var fixed: [String: String] = [:]
        for pair in given.map {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw CommandError("`--map \(pair)` has no =; write --map text=body") }
            fixed[parts[0]] = parts[1]
        }
        for target in ChannelGuess.targets {
            let choices = guess.choices(target)
            if let value = fixed.removeValue(forKey: target) {
                if !value.isEmpty { draft.targets.append((target, value, "")) }
                continue
            }
            let isNeeded = ChannelGuess.needed.contains(target)
            if choices.isEmpty, !isNeeded { continue }
            if choices.isEmpty, given.isQuick {
                throw CommandError("nothing in the records looks like `\(target)`; say it with --map \(target)=PATH")
            }
            let chosen = try choose(question(target), choices, mayBeNone: !isNeeded)
            guard let chosen, !chosen.value.isEmpty else { continue }
            let name = target == "text" && guess.isHTML(chosen) ? "html" : target
            draft.targets.append((name, chosen.value, chosen.seen))
        }
        for (target, value) in fixed.sorted(by: { $0.key < $1.key }) { draft.targets.append((target, value, "")) }
    }

    private func question(_ target: String) -> String {
        let all: [String: (String, String)] = [
            "external_id": ("Which is the record's id?", "哪个是记录的编号？"), "occurred_at": ("Which is its time?", "哪个是时间？"),
            "text": ("Which is its text?", "哪个是正文？"), "author.name": ("Which is the writer's name?", "哪个是作者姓名？"),
            "author.handle": ("Which is the writer's name on the network?", "哪个是作者的账号名？"),
            "author.email": ("Which is the writer's mail address?", "哪个是作者邮箱？"), "subject": ("Which is its title?", "哪个是标题？"),
            "permalink": ("Which is the link to it?", "哪个是链接？"), "thread_id": ("Which is the conversation it belongs to?", "哪个是所属会话？"),
            "rating": ("Which is the rating?", "哪个是评分？"),
        ]
        let found = all[target] ?? (target, target)
        return words(found.0, found.1) + " [\(target)]"
    }

    private func chooseAuth(_ query: [(name: String, value: String)], _ draft: inout ChannelDraft) throws {
        let key = ChannelDraft.key(in: query)
        if let key {
            draft.auth = .query
            draft.authName = key
        }
        if let text = given.auth {
            guard let kind = ChannelDraft.Authorization(rawValue: text) else {
                throw CommandError("`--auth \(text)` is not known; use none, bearer, basic, header or query")
            }
            draft.auth = kind
        } else if key == nil, !given.isQuick {
            let choices = [
                ("none", words("anybody may read it", "无需凭证")), ("bearer", "Authorization: Bearer …"),
                ("basic", words("user and password", "用户名和密码")),
                ("header", words("a key in a header of its own", "密钥放在专用请求头")), ("query", words("a key in the address", "密钥放在网址参数")),
            ]
            let kind = try pick(words("How does it know us?", "来源如何识别我们？"), choices.map { (value: $0.0, text: $0.1) }, mayBeNone: false)
            draft.auth = kind.flatMap(ChannelDraft.Authorization.init) ?? .none
        }
        if let name = given.authName { draft.authName = name } else if draft.auth == .query, key == nil { draft.authName = "key" }
    }

    private func name(_ address: String) throws -> String {
        let host = address.split(separator: "/").dropFirst().first.map(String.init) ?? "channel"
        let parts = host.split(separator: ":")[0].split(separator: ".").map(String.init).filter { !["www", "api", "app"].contains($0) }
        let isNumeric = parts.allSatisfy { Int($0) != nil }
        let preset = isNumeric ? "channel" : (parts.count > 1 ? parts[parts.count - 2] : parts.first ?? "channel").lowercased()
        let name = try given.name ?? line(words("A name for the channel:", "渠道名称："), preset: preset, check: Self.isName)
        guard Self.isName(name) else { throw CommandError("`\(name)` cannot be a channel's name; use small letters, digits and -") }
        return name
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 40
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
    }

    private func choose(_ question: String, _ choices: [ChannelGuess.Choice], mayBeNone: Bool) throws -> ChannelGuess.Choice? {
        let shown = choices.prefix(Self.choicesMax).map { choice in
            (value: choice.value, text: (isChinese ? choice.chinese : choice.english) + (choice.seen.isEmpty ? "" : "  «\(choice.seen)»"))
        }
        guard let value = try pick(question, shown, mayBeNone: mayBeNone) else { return nil }
        return choices.first { $0.value == value } ?? ChannelGuess.Choice(own: value)
    }

    /// By number; an expression of one's own is taken as it is written.
    private func pick(_ question: String, _ choices: [(value: String, text: String)], mayBeNone: Bool) throws -> String? {
        if given.isQuick { return choices.first?.value }
        say("\n" + question)
        for (index, choice) in choices.enumerated() { say("  \(index + 1)  \(choice.value)   \(choice.text)") }
        if mayBeNone { say("  0  " + words("none of them", "都不是")) }
        while true {
            say(choices.isEmpty ? words("Write a path:", "请输入路径：") : words("Number, or a path of your own [1]:", "序号，或自行输入路径 [1]："))
            guard let answer = read()?.trimmed else { throw ended() }
            if answer.isEmpty, let first = choices.first { return first.value }
            if answer == "0", mayBeNone { return nil }
            if let number = Int(answer) {
                if choices.indices.contains(number - 1) { return choices[number - 1].value }
                say(words("There is no \(number).", "没有 \(number) 号。"))
                continue
            }
            if answer.isEmpty { continue }
            if answer.hasPrefix("{") { return answer }
            do {
                _ = try ChannelExpression(answer)
                return answer
            } catch { say("\(error)") }
        }
    }

    private func line(_ question: String, preset: String?, check: (String) -> Bool = { !$0.isEmpty }) throws -> String {
        if given.isQuick {
            guard let preset else { throw CommandError("say the address with --url") }
            return preset
        }
        while true {
            say(question + (preset.map { " [\($0)]" } ?? ""))
            guard let answer = read()?.trimmed else { throw ended() }
            if answer.isEmpty, let preset { return preset }
            if check(answer) { return answer }
            say(words("That does not fit; once more.", "格式不符，请重新输入。"))
        }
    }

    private func ended() -> CommandError { CommandError("the input ended; nothing was written (--yes takes the first guess everywhere)") }

    // MARK: Writing

    private func write(_ draft: ChannelDraft, _ example: Example) async throws -> Bool {
        let folder = given.folder ?? "channels"
        let path = "\(folder)/\(draft.name).yaml"
        guard !FileManager.default.fileExists(atPath: path) else { throw CommandError("\(path) is there already; choose another name") }
        let file: ChannelFile
        do { file = try ChannelFile.read(draft.yaml, file: path) } catch {
            throw CommandError("the file would not be right: \(error)\n\n\(draft.yaml)")
        }
        _ = try ChannelOperations.write(draft.yaml, folder: folder, name: draft.name, suffix: "yaml")
        let now = FoundationEssentials.Date().ISO8601Format()
        let (samples, problems) = await draft.samples(example.body, headers: example.headers, file: file, now: now)
        say("\n" + words("Written:", "已写入："))
        say("  \(path)")
        for sample in samples {
            say("  " + (try ChannelOperations.write(sample.text, folder: "\(folder)/samples/\(draft.name)", name: sample.name)))
        }
        let (lint, _) = try ChannelOperations.lint([path], folder: nil)
        var failures = lint + problems
        try await ChannelOperations.test([draft.name], folder: folder) { verdict in
            failures += verdict.problems.map { "\(verdict.sample): \($0)" }
        }
        for failure in Set(failures).sorted() { say("  WRONG \(failure)") }
        guard failures.isEmpty else { return false }
        say(
            words(
                "It is read and its samples replay. Now look over the file, the names and texts in the samples, and try it:",
                "文件可用，样例可重放。请检查文件以及样例中的姓名和正文，然后试运行："))
        let inputs = file.inputs.filter(\.isRequired).map { " --set \($0.name)=\($0.kind == .secret ? "@FILE" : "…")" }.joined()
        say("  hongyan channel check --file \(path)\(inputs)")
        return true
    }
}
