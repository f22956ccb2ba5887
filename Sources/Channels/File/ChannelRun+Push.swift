import Crypto
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

/// What a push that is believed brings.
public struct ChannelHarvest: Sendable {
    public var items: [ChannelItem] = []
    /// Why a part of it, or all, could not be read; the body is kept then.
    public var problem: String?
}

extension ChannelRun {
    /// The stream that items of a push count to, unless the file names one.
    static let pushStream = "push"

    /// Checks a push's signature and takes its records.
    /// - Throws: `ChannelTrouble`; `stop` when the signature is wrong: nothing of it is believed.
    public func take(push: ChannelPushed) throws(ChannelTrouble) -> [ChannelItem] {
        let open: ChannelPushed
        do { open = try opened(push) } catch {
            throw ChannelTrouble(remedy: .stop, say: "\(error.words) (a push to \(file.name)); check the secret")
        }
        let harvest = harvest(open)
        if let problem = harvest.problem { throw ChannelTrouble(remedy: .backoff, say: problem) }
        return harvest.items
    }

    /// - Throws: `HookRefusal` when it is not shown that the source made this request, or made it just now.
    /// - Parameter sealed: the text that is signed where the body is sealed.
    func admit(_ push: ChannelPushed, _ verify: ChannelFile.Push.Verification, sealed: String = "") throws(HookRefusal) {
        var scope = scope(of: push)
        scope.names["sealed"] = .string(sealed)
        let given: String? =
            switch verify.place {
            case .header(let name): push.headers.first { $0.name.lowercased() == name.lowercased() }?.value
            case .query(let name): push.query.first { $0.name == name }?.value
            default: nil
            }
        guard let given, !given.isEmpty else { throw .unsigned }
        // A secret that is not there would make a signature that anybody can make.
        if let key = verify.signature.key { guard key.text(scope)?.isEmpty == false else { throw .signature } }
        let signature = verify.signature
        let wanted: String =
            if verify.signsBody {
                Self.signed(signature, bytes: push.body, scope)
            } else if signature.algorithm == .none {
                signature.string.text(scope) ?? ""
            } else {
                Self.signed(signature, scope)
            }
        guard !wanted.isEmpty else { throw .signature }
        let isHex = signature.algorithm != .none && signature.encoding == .hex
        guard Self.isSame(isHex ? given.lowercased() : given, isHex ? (verify.prefix + wanted).lowercased() : verify.prefix + wanted) else {
            throw .signature
        }
        if let timestamp = verify.timestamp {
            guard let time = timestamp.text(scope).flatMap(Self.time) else { throw .stale }
            let age = tools.now() - time
            guard age <= verify.within, age >= .zero - verify.within else { throw .stale }
        }
    }

    /// ISO 8601, or seconds or milliseconds since 1970.
    private static func time(_ text: String) -> Timestamp? {
        let text = Text.trim(text)
        guard let number = Int64(text) else { return DateText.iso8601(text) }
        guard number > 0, number < 1_000_000_000_000_000 else { return nil }
        return number >= 100_000_000_000 ? Timestamp(microseconds: number * 1000) : Timestamp(seconds: number)
    }

    private static func signed(_ signature: ChannelFile.Signature, bytes: [UInt8], _ scope: ChannelScope) -> String {
        let key = SymmetricKey(data: Array((signature.key?.text(scope) ?? "").utf8))
        let digest: [UInt8] =
            switch signature.algorithm {
            case .hmacSHA1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: bytes, using: key))
            case .hmacSHA256: Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
            case .md5, .sha1, .sha256, .sha1Sorted, .none: []  // a file that says so is refused when it is read
            }
        if digest.isEmpty { return "" }
        return signature.encoding == .hex ? hex(digest) : base64(digest)
    }

    /// The records of a push that was admitted. What cannot be read is told, never thrown away.
    func harvest(_ push: ChannelPushed) -> ChannelHarvest {
        guard let rule = file.push else { return ChannelHarvest(problem: "nothing is pushed to \(file.name)") }
        let root: JSONValue
        do {
            root = try document(
                ChannelAnswer(status: 200, headers: push.headers, body: push.body), rule.format, decode: nil, body: nil)
        } catch { return ChannelHarvest(problem: error.say) }
        var scope = scope(of: push)
        // The request's own parts are for `verify`; a record may have members of these names.
        for name in ["query", "headers", "body"] { scope.names[name] = nil }
        scope.root = root
        var harvest = ChannelHarvest()
        var nameless = 0
        for record in Self.records(rule.records, root) {
            let inner = scope.with(record: record)
            guard rule.conditions.allSatisfy({ $0.holds(inner) }) else { continue }
            guard let item = rule.map.item(inner, .interaction) else {
                nameless += 1
                continue
            }
            if !isOurs(item) { harvest.items.append(item) }
        }
        if nameless > 0 { harvest.problem = "\(nameless) of the records pushed to \(file.name) have no external_id" }
        return harvest
    }

    /// The answer to the source's question whether the address is ours; nil when it did not ask.
    /// - Throws: `HookRefusal` when it is not shown that the source asks.
    func answer(challenge push: ChannelPushed) throws(HookRefusal) -> String? {
        guard let challenge = file.push?.challenge else { return nil }
        let value: String?
        if let name = challenge.query {
            value = push.query.first { $0.name == name }?.value
        } else {
            var scope = scope(of: push)
            guard let root = try? JSONValue.parse(push.body) else { return nil }
            (scope.root, scope.record) = (root, root)
            value = challenge.body?.text(scope)
        }
        guard let value, !value.isEmpty else { return nil }
        if let open = try answer(sealed: value, push) { return open }
        if let name = challenge.verifiedBy {
            guard let wanted = challenge.equals?.text(scope(of: push)), !wanted.isEmpty,
                let given = push.query.first(where: { $0.name == name })?.value, Self.isSame(given, wanted)
            else { throw .challenge }
        } else {
            if let rule = file.push { do { try admit(push, rule.verify) } catch { throw .challenge } }
        }
        return challenge.member.map { JSONValue.object([.init($0, .string(value))]).json } ?? value
    }

    func scope(of push: ChannelPushed) -> ChannelScope {
        var scope = scope([
            "query": .object(push.query.map { .init($0.name, .string($0.value)) }),
            "headers": .object(push.headers.map { .init($0.name.lowercased(), .string($0.value)) }),
            "body": .string(String(decoding: push.body, as: UTF8.self)),
        ])
        scope.headers = push.headers
        return scope
    }

    /// In the same time whatever differs.
    private static func isSame(_ a: String, _ b: String) -> Bool {
        let (x, y) = (Array(a.utf8), Array(b.utf8))
        guard x.count == y.count else { return false }
        return zip(x, y).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
