import Channels
import Domain
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
        for index in accounts.indices where accounts[index].kind == .channel {
            guard let entry = entries.first(where: { $0.key == accounts[index].name }) else { continue }
            accounts[index].channel = try channel(entry.value, secrets, folder: folder)
            // What is only pushed has nothing to be asked for.
            let isPolled = accounts[index].channel.flatMap { channels[$0.name] }?.streams.isEmpty == false
            if !isPolled, try entry.value.namedEntries()["every"] == nil { accounts[index].interval = .seconds(300) }
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
        guard file.push != nil || file.streams.contains(where: { $0.product == .interaction }) else {
            throw named.error("`\(name)` brings only orders or customers, and those are not taken yet; remove the account")
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
