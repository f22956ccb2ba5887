public import Domain
import Rules

/// What belongs together, what is answered by a machine, and what stops that.
public struct ThreadingSettings: Sendable, Equatable {
    /// How long a reply without ids joins by its subject.
    public var subjectDays = 30
    /// Domains whose people count as one participant.
    public var trustedDomains: [String] = []
    public var closed = ClosedPolicy.new
    /// Whether our answers carry a signed mark in their text, for programs that drop References.
    public var marksText = false
}

extension Settings {
    private static let longestWindow = Duration.seconds(30 * 86_400)

    /// `threading: {subject_days: 30, trusted_domains: [partner.example], closed: new, text_mark: false}`
    static func threading(_ node: YAMLNode) throws -> ThreadingSettings {
        let map = try node.mapping(keys: ["subject_days", "trusted_domains", "closed", "text_mark"])
        var threading = ThreadingSettings()
        if let node = map["subject_days"] { threading.subjectDays = try node.int(in: 0...3650) }
        threading.trustedDomains = try map["trusted_domains"]?.strings(orNone: true).map { $0.lowercased() } ?? []
        if let node = map["closed"] { threading.closed = try closed(node) }
        if let node = map["text_mark"] { threading.marksText = try node.bool() }
        return threading
    }

    /// `reopen`, `new`, or `{new_after: 14d}`.
    static func closed(_ node: YAMLNode) throws -> ClosedPolicy {
        if node.isMapping {
            let map = try node.mapping(keys: ["new_after"])
            return .newAfter(try map.required("new_after").duration(in: .seconds(60) ... .seconds(3650 * 86_400)))
        }
        return try node.oneOf(["reopen", "new"], what: "a way with closed tickets; {new_after: 14d} is another") == "reopen"
            ? .reopen : .new
    }

    /// `received`, or `{template: received, on: ticket, every: 1d}`.
    static func acknowledgement(_ node: YAMLNode) throws -> Acknowledgement {
        guard node.isMapping else { return Acknowledgement(template: try templateName(node)) }
        let map = try node.mapping(keys: ["template", "on", "every"])
        var wish = Acknowledgement(template: try templateName(try map.required("template")))
        if let node = map["on"] { wish.occasion = try node.oneOf(Acknowledgement.Occasion.self) }
        if let node = map["every"] { wish.every = try node.duration(in: .zero ... .seconds(365 * 86_400)) }
        return wish
    }

    /// A file of templates/replies; never a path.
    private static func templateName(_ node: YAMLNode) throws -> String {
        let name = try node.string()
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x2D || byte == 0x5F
        }
        guard isPlain else {
            throw node.error("`\(name)` is no template; write the name of a file in templates/replies without its ending")
        }
        return name
    }

    static func queue(_ entry: YAMLMapping.Entry) throws -> QueuePolicy {
        let map = try entry.value.mapping(keys: ["closed", "acknowledge"])
        var queue = QueuePolicy(name: entry.key)
        queue.closed = try map["closed"].map(closed)
        queue.acknowledge = try map["acknowledge"].map(acknowledgement)
        return queue
    }

    /// What an account says about conversations.
    static func converse(_ account: inout Account, _ map: YAMLMapping) throws {
        account.closed = try map["closed"].map(closed)
        account.acknowledge = try map["acknowledge"].map(acknowledgement)
        guard let node = map["plus_addressing"] else { return }
        account.plusAddressing = try node.bool()
        if account.plusAddressing, account.addresses.isEmpty {
            throw node.error("`plus_addressing` needs to know the address; write `addresses: [support@example.com]`")
        }
    }

    /// `loop_guard: {ticket: {10m: 10, 1h: 25}, breaks: 24h}`; a list that is not written keeps its default, `{}` is no cap at all.
    static func loopGuard(_ node: YAMLNode) throws -> LoopGuard {
        let map = try node.mapping(keys: [
            "recipient", "ticket", "sender", "all", "count_journeys", "inbound", "opened", "reopens", "breaks",
        ])
        var rule = LoopGuard()
        if let node = map["recipient"] { rule.recipient = try caps(node) }
        if let node = map["ticket"] { rule.ticket = try caps(node) }
        if let node = map["sender"] { rule.sender = try caps(node) }
        if let node = map["all"] { rule.all = try caps(node) }
        if let node = map["count_journeys"] { rule.countsJourneys = try node.bool() }
        if let node = map["inbound"] { rule.inbound = try caps(node) }
        if let node = map["opened"] { rule.opened = try caps(node) }
        if let node = map["reopens"] { rule.reopens = try caps(node) }
        if let node = map["breaks"] { rule.breaks = try node.duration(in: .seconds(1) ... .seconds(365 * 86_400)) }
        return rule
    }

    /// `{10m: 10, 1h: 25}`: at most 10 in ten minutes, and at most 25 in an hour.
    private static func caps(_ node: YAMLNode) throws -> [LoopGuard.Cap] {
        var caps: [LoopGuard.Cap] = []
        for entry in try node.namedEntries().entries {
            guard let within = YAMLNode.duration(of: entry.key), within >= .seconds(1), within <= longestWindow else {
                throw entry.keyNode.error("`\(entry.key)` is no time; write caps as {10m: 10, 1h: 25}, from 1s to 30d")
            }
            caps.append(LoopGuard.Cap(try entry.value.int(in: 1...LoopGuard.countMax), within: within))
        }
        return caps.sorted { $0.within < $1.within }
    }
}
