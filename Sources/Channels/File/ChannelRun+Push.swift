import Domain
import Formats

/// A request that a source made to us.
public struct ChannelPushed: Sendable {
    public var headers: [(name: String, value: String)]
    public var query: [(name: String, value: String)]
    public var body: [UInt8]

    public init(headers: [(name: String, value: String)] = [], query: [(name: String, value: String)] = [], body: [UInt8]) {
        self.headers = headers
        self.query = query
        self.body = body
    }
}

extension ChannelRun {
    /// Checks a push's signature and takes its records.
    /// - Throws: `ChannelTrouble`; `stop` when the signature is wrong: nothing of it is believed.
    public func take(push: ChannelPushed) throws(ChannelTrouble) -> [ChannelItem] {
        guard let rule = file.push else { throw ChannelTrouble(remedy: .stop, say: "\(file.name) is polled; nothing is pushed to it") }
        var scope = scope(pushNames(push))
        scope.headers = push.headers
        try verify(push, rule, scope)
        let root = try document(ChannelAnswer(status: 200, headers: push.headers, body: push.body), rule.format, decode: nil, body: nil)
        scope.root = root
        scope.headers = push.headers
        return Self.records(rule.records, root).compactMap { record in
            let inner = scope.with(record: record)
            guard rule.conditions.allSatisfy({ $0.holds(inner) }) else { return nil }
            return rule.map.item(inner, .interaction)
        }
    }

    /// The answer to the source's question whether the address is ours; nil when it did not ask, or not rightly.
    public func answer(challenge push: ChannelPushed) -> String? {
        guard let challenge = file.push?.challenge, let value = push.query.first(where: { $0.name == challenge.query })?.value else {
            return nil
        }
        if let name = challenge.verifiedBy, let wanted = challenge.equals?.text(scope(pushNames(push))) {
            guard push.query.first(where: { $0.name == name })?.value == wanted else { return nil }
        }
        return value
    }

    private func pushNames(_ push: ChannelPushed) -> [String: JSONValue] {
        [
            "query": .object(push.query.map { .init($0.name, .string($0.value)) }),
            "headers": .object(push.headers.map { .init($0.name.lowercased(), .string($0.value)) }),
            "body": .string(String(decoding: push.body, as: UTF8.self)),
        ]
    }

    private func verify(_ push: ChannelPushed, _ rule: ChannelFile.Push, _ scope: ChannelScope) throws(ChannelTrouble) {
        guard let verify = rule.verify, verify.signature.algorithm != .none else { return }
        let given: String? =
            switch verify.place {
            case .header(let name): push.headers.first { $0.name.lowercased() == name.lowercased() }?.value
            case .query(let name): push.query.first { $0.name == name }?.value
            default: nil
            }
        var signature = verify.signature
        if signature.string.text.isEmpty || signature.string.text == "body", let body = try? ChannelExpression("body") {
            signature.string = body
        }
        let wanted = verify.prefix + Self.signed(signature, scope)
        guard let given, Self.isSame(given, wanted) else {
            throw ChannelTrouble(
                remedy: .stop, say: "the signature of a push to \(file.name) is \(given == nil ? "missing" : "wrong"); check the secret")
        }
    }

    /// In the same time whatever differs.
    private static func isSame(_ a: String, _ b: String) -> Bool {
        let (x, y) = (Array(a.utf8), Array(b.utf8))
        guard x.count == y.count else { return false }
        return zip(x, y).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
