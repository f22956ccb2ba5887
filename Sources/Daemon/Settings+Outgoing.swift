import Delivery
import Desk
import Domain
import FoundationEssentials
import Formats
import Glibc
import Rules

/// What mail we send looks like: signatures, return path, quotations.
extension Settings {
    static let dkimKeysMax = 8
    /// `+` and a token of 30 bytes stand behind it, and 64 bytes are all a local part may have (RFC 5321 §4.5.3.1.1).
    static let bouncesLocalMax = 33

    static func outgoing(_ map: YAMLMapping, _ secrets: SecretReader, _ sender: inout Sender) throws {
        if let node = map["dkim"] { sender.dkim = try dkim(node, secrets) }
        sender.bounces = try map["bounces"].map { node in
            let address = try plainAddress(node)
            guard address.prefix(while: { $0 != "@" }).utf8.count <= bouncesLocalMax, !address.contains("+") else {
                throw node.error("`bounces` is `\(address)`; write a name of at most \(bouncesLocalMax) characters without + before the @")
            }
            return address
        }
        sender.unsubscribe = try map["unsubscribe"].map(plainAddress)
        sender.smtputf8 = try map["smtputf8"]?.bool() ?? false
    }

    static func replies(_ node: YAMLNode) throws -> ReplySettings {
        let map = try node.mapping(keys: ["quote", "attachments_max"])
        var replies = ReplySettings()
        if let node = map["quote"] { replies.quotes = try node.oneOf(["none", "last"], what: "a way to quote") == "last" }
        if let node = map["attachments_max"] { replies.filesBytesMax = try node.sizeBytes(in: 1 << 10...64 << 20) }
        return replies
    }

    /// Mail that unsubscribes goes where mail to the sender is read, when an account reads it.
    mutating func takeUnsubscribeAddresses() {
        let read = Set(accounts.flatMap(\.addresses))
        for (index, address) in senderAddresses.enumerated() where senders[index].unsubscribe == nil && read.contains(address) {
            senders[index].unsubscribe = address
        }
    }

    private static func plainAddress(_ node: YAMLNode) throws -> String {
        let text = try node.string()
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>(),;:\\\"[]?&#%".utf8.contains($0) }
        guard isPlain, text.split(separator: "@", omittingEmptySubsequences: false).count == 2, text.first != "@",
            MailDomain.asciiAddress(text) != nil
        else { throw node.error("`\(node.name)` is `\(text)`; write one address such as bounce@example.com") }
        return text.lowercased()
    }

    // MARK: DKIM

    private static func dkim(_ node: YAMLNode, _ secrets: SecretReader) throws -> [DKIMIdentity] {
        let items = try node.list()
        guard items.count <= dkimKeysMax else { throw node.error("`dkim` has \(items.count) keys; \(dkimKeysMax) are the most") }
        var identities: [DKIMIdentity] = []
        for item in items {
            let map = try item.mapping(keys: ["domain", "selector", "key"])
            let (domainNode, selectorNode) = (try map.required("domain"), try map.required("selector"))
            let (written, selector) = (try domainNode.string(), try selectorNode.string())
            guard let domain = MailDomain.ascii(written), domain.contains(".") else {
                throw domainNode.error("`domain` is `\(written)`; write the domain that signs, such as example.com")
            }
            guard MailDomain.ascii(selector) == selector.lowercased() else {
                throw selectorNode.error("`selector` is `\(selector)`; write letters, digits, hyphens and dots, such as hy1")
            }
            guard !identities.contains(where: { $0.domain == domain && $0.selector == selector.lowercased() }) else {
                throw selectorNode.error("the key \(selector)._domainkey.\(domain) is named twice; remove one")
            }
            let keyNode = try map.required("key")
            let key = try dkimKey(keyNode, secrets)
            let identity = DKIMIdentity(domain: domain, selector: selector.lowercased(), key: key)
            if secrets.areNeeded {
                do throws(DKIMKeyError) { _ = try DKIMKey(identity) } catch { throw keyNode.error("the key file \(error)") }
            }
            identities.append(identity)
        }
        return identities
    }

    /// A file by its path, or a secret as elsewhere. A private key that everybody may read is no secret.
    private static func dkimKey(_ node: YAMLNode, _ secrets: SecretReader) throws -> Secret {
        if node.isMapping { return try secrets.secret(node) }
        let path = beside(node.file, try node.string())
        guard secrets.areNeeded else { return Secret("") }
        var status = stat()
        guard stat(path, &status) == 0, let bytes = FileManager.default.contents(atPath: path) else {
            throw node.error(
                "cannot read the key \(path): \(String(cString: strerror(errno))); make one with: hongyan dkim new DOMAIN SELECTOR")
        }
        guard status.st_mode & 0o007 == 0, status.st_mode & 0o020 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw node.error("the key \(path) may be read or changed by others (mode 0\(mode)); run: chmod 600 \(path)")
        }
        return Secret(String(decoding: bytes, as: UTF8.self))
    }
}
