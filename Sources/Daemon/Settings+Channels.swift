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
        guard accounts.contains(where: { $0.kind == .channel }) else {
            for entry in entries where try entry.value.namedEntries()["config"] != nil {
                throw entry.value.error("`config` is for accounts of the kind channel")
            }
            return
        }
        let configured = try root["share"].map { Self.beside(file, try $0.string()) }
        let folder = try Share.find(configured: configured).path("channels")
        let byName = Dictionary(entries.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        for index in accounts.indices where accounts[index].kind == .channel {
            guard let entry = byName[accounts[index].name] else { continue }
            accounts[index].channel = try channel(entry.value, secrets, folder: folder)
        }
    }

    private mutating func channel(_ node: YAMLNode, _ secrets: SecretReader, folder: String) throws -> ChannelAccount {
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
        guard !file.streams.isEmpty else {
            throw named.error("`\(name)` is only pushed to us, and pushes are not taken yet")
        }
        channels[name] = file
        var account = ChannelAccount(name: name)
        account.digest = sha256(FileManager.default.contents(atPath: path).map { Array($0) } ?? [])
        let given = try map["config"]?.mapping(keys: file.inputs.map(\.name))
        for entry in given?.entries ?? [] {
            guard let input = file.inputs.first(where: { $0.name == entry.key }) else { continue }
            account.inputs[input.name] = try values(entry.value, input, secrets)
        }
        for input in file.inputs where input.isRequired && account.inputs[input.name] == nil {
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
