import Domain
import Rules
import Transport

/// How mail leaves us: limits, encryption, name servers, when to give up.
extension Settings {
    static func sending(_ map: YAMLMapping, _ sender: inout Sender) throws {
        if let node = map["limits"] { sender.limits = try limits(node) }
        for key in ["tls", "private", "port"] where sender.kind != .mx {
            if let node = map[key] { throw node.error("`\(key)` belongs to a sender of kind mx; remove it") }
        }
        guard sender.kind == .mx else { return }
        for key in ["url", "path", "user", "password", "token", "plain"] {
            if let node = map[key] { throw node.error("a sender of kind mx finds its servers itself and has no `\(key)`; remove it") }
        }
        if map["connections"] == nil { sender.concurrency = mxConnections }
        if let node = map["tls"] { sender.encryption = try node.oneOf(MailEncryption.self) }
        sender.allowsPrivate = try map["private"]?.bool() ?? false
        if let node = map["port"] { sender.port = try node.int(in: 1...65_535) }
    }

    /// Over all domains; each of them has its own limit.
    private static let mxConnections = 64

    private static func limits(_ node: YAMLNode) throws -> SendLimits {
        let map = try node.mapping(keys: ["connections", "per_minute", "per_connection", "destinations"])
        var limits = SendLimits()
        limits.usual = try destination(map)
        if let node = map["per_connection"] { limits.perConnection = try node.int(in: 1...10_000) }
        for entry in try map["destinations"]?.namedEntries().entries ?? [] {
            guard MailProvider.names.contains(entry.key) || entry.key.contains(".") else {
                let known = MailProvider.names.sorted().joined(separator: ", ")
                throw entry.keyNode.error("`\(entry.key)` is neither a domain nor one of \(known)")
            }
            limits.named[entry.key.lowercased()] = try destination(entry.value.mapping(keys: ["connections", "per_minute"]))
        }
        return limits
    }

    private static func destination(_ map: YAMLMapping) throws -> SendLimits.Destination {
        SendLimits.Destination(
            connections: try map["connections"]?.int(in: 1...256), perMinute: try map["per_minute"]?.int(in: 1...1_000_000))
    }

    static func nameservers(_ node: YAMLNode) throws -> [DNSServer] {
        try node.strings().map { text in
            guard let server = DNSServer(text) else {
                throw node.error("`nameservers` names `\(text)`; write addresses such as 192.0.2.53 or 127.0.0.1:5353")
            }
            return server
        }
    }

    static func giveUp(_ node: YAMLNode, _ settings: inout Settings) throws {
        let map = try node.mapping(keys: ["marketing", "other"])
        let range: ClosedRange<Duration> = .seconds(60) ... .seconds(30 * 86_400)
        if let node = map["marketing"] { settings.marketingGiveUpAfter = try node.duration(in: range) }
        if let node = map["other"] { settings.giveUpAfter = try node.duration(in: range) }
    }
}
