import Channels
import Desk
import Domain
import Formats
import FoundationEssentials
import Rules

extension Settings {
    /// Reads the channel files that accounts name, and what the accounts give to them.
    mutating func takeChannels(_ root: YAMLMapping, _ secrets: SecretReader, _ file: String) throws {
        let entries = try root["accounts"]?.namedEntries().entries ?? []
        let byName = Dictionary(entries.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        for account in accounts {
            guard let entry = byName[account.name] else { continue }
            let map = try entry.value.namedEntries()
            if account.kind != .spool, let node = map["stream"] { throw node.error("`stream` is for accounts of the kind spool") }
            if account.kind == .spool, let node = map["start"] {
                throw node.error("every file of a spool is read, whenever it came; remove `start`")
            }
            let isOfFile = account.kind == .channel || account.kind == .spool && map["channel"] != nil
            if !isOfFile, let node = map["config"] ?? map["stream"] {
                throw node.error("`\(node.name)` is for accounts that name a `channel`")
            }
        }
        func namesFile(_ account: Account) throws -> Bool {
            guard account.kind == .spool else { return account.kind == .channel }
            return try byName[account.name]?.value.namedEntries()["channel"] != nil
        }
        guard try accounts.contains(where: namesFile) else { return }
        let configured = try root["share"].map { Self.beside(file, try $0.string()) }
        let folder = try Share.find(configured: configured).path("channels")
        for index in accounts.indices where try namesFile(accounts[index]) {
            guard let entry = byName[accounts[index].name] else { continue }
            accounts[index].channel = try channel(entry.value, secrets, folder: folder, isSpool: accounts[index].kind == .spool)
            guard accounts[index].kind == .channel else { continue }
            // What is only pushed has nothing to be asked for.
            let isPolled = accounts[index].channel.flatMap { channels[$0.name] }?.streams.isEmpty == false
            if !isPolled, try entry.value.namedEntries()["every"] == nil { accounts[index].interval = .seconds(300) }
        }
    }

    private mutating func channel(_ node: YAMLNode, _ secrets: SecretReader, folder: String, isSpool: Bool) throws -> ChannelAccount {
        let map = try node.namedEntries()
        let named = try map.required("channel")
        let name = try named.string()
        let path = "\(folder)/\(name).yaml"
        guard !name.contains("/"), FileManager.default.fileExists(atPath: path) else {
            let known = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.map {
                String($0.dropLast(5))
            }
            let nearest = Spelling.nearest(to: name, of: known).map { "; did you mean `\($0)`?" } ?? "; see: hongyan channel list"
            throw named.error("there is no channel `\(name)`\(nearest)")
        }
        let file = try ChannelLibrary.read(path)
        guard file.push != nil || !file.streams.isEmpty else {
            throw named.error("`\(name)` describes nothing that could be read")
        }
        channels[name] = file
        let streams = file.streams.filter { $0.product == .interaction }.map(\.name)
        guard !isSpool || !streams.isEmpty || file.push != nil else {
            throw named.error("`\(name)` brings only orders or customers, and a spool is for messages; use: hongyan import orders FILE")
        }
        var account = ChannelAccount(name: name)
        account.digest = sha256(FileManager.default.contents(atPath: path).map { Array($0) } ?? [])
        let given = try map["config"]?.mapping(keys: file.inputs.map(\.name))
        for entry in given?.entries ?? [] {
            guard let input = file.inputs.first(where: { $0.name == entry.key }) else { continue }
            account.inputs[input.name] = try values(entry.value, input, secrets)
        }
        account.stream = try map["stream"].map { try $0.oneOf(streams, what: "a stream of \(name) that brings messages") }
        // Files are there already: nobody has to be asked for them.
        for input in file.inputs where input.isRequired && account.inputs[input.name] == nil && !isSpool {
            throw (map["config"] ?? node).error(
                "`\(input.name)` is missing; \(name) needs it" + (input.about.isEmpty ? "" : ": \(input.about)"))
        }
        return account
    }

    private func values(_ node: YAMLNode, _ input: ChannelFile.Input, _ secrets: SecretReader) throws -> [Secret] {
        switch input.kind {
        case .secret: return [try secrets.secret(node)]
        case .list: return try node.strings().map { Secret($0) }
        case .number: return [Secret(String(try node.int()))]
        case .flag: return [Secret(String(try node.bool()))]
        case .url: return [Secret(try Self.url(node, schemes: ["http", "https"]))]
        case .text: return [Secret(try node.string())]
        }
    }
}

extension Settings {
    /// The configured senders, and one for each account whose channel takes answers.
    var allSenders: [Sender] { senders + accounts.filter { answers(of: $0) != nil }.map { Sender(channel: $0) } }

    /// By account.
    var channelAnswers: [String: ChannelAnswers] {
        accounts.reduce(into: [:]) { all, account in
            guard let reply = answers(of: account) else { return }
            all[account.name] = ChannelAnswers(
                parts: { reply.parts(of: Markdown.text($0).trimmed) }, limit: reply.limit, openFor: reply.openFor,
                messagesMax: reply.messagesMax, mayRepeat: reply.mayRepeat)
        }
    }

    private func answers(of account: Account) -> ChannelFile.Reply? { account.channel.flatMap { channels[$0.name]?.reply } }
}
