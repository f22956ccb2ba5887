import Domain
import Formats
import Rules

extension ChannelFile {
    private static let pushKeys = ["stream", "format", "verify", "decrypt", "challenge", "answer", "records", "where", "map"]

    /// - Parameter streams: those of the same file; a push may take over what one of them says.
    static func push(_ node: YAMLNode, _ streams: [Stream]) throws(RuleError) -> Push {
        let map = try node.mapping(keys: pushKeys)
        guard let verify = map["verify"] else {
            throw node.error("`verify` is missing; without it anybody could write to this address")
        }
        let name = try map["stream"].map { node throws(RuleError) in try node.oneOf(streams.map(\.name), what: "a stream of this file") }
        let stream = streams.first { $0.name == name }
        guard let records = try map["records"].map({ node throws(RuleError) in try path(node) }) ?? stream?.records else {
            throw node.error("`records` is missing; write where they stand, or `stream` with the name of the stream they belong to")
        }
        var push = Push(verify: try verification(verify), records: records)
        push.stream = name
        push.format = try map["format"]?.oneOf(Stream.Format.self) ?? stream?.format ?? .json
        if let seal = try map["decrypt"]?.mapping(keys: ["value", "key", "for", "verify"]) {
            push.seal = Push.Seal(
                value: try expression(try seal.required("value")), key: try template(try seal.required("key")),
                receiver: try seal["for"].map { node throws(RuleError) in try template(node) },
                verify: try verification(try seal.required("verify")))
        }
        push.challenge = try map["challenge"].map { node throws(RuleError) in try challenge(node) }
        if let answer = try map["answer"]?.mapping(keys: ["status", "body"]) {
            if let node = answer["status"] { push.status = try node.int(in: 200...299) }
            if let node = answer["body"], !node.isQuotedEmpty { push.answer = try node.string() }
        }
        push.conditions = map["where"] == nil && map["records"] == nil ? stream?.conditions ?? [] : []
        for node in try map["where"]?.list() ?? [] { push.conditions.append(try condition(node)) }
        guard let mapped = try map["map"].map({ node throws(RuleError) in try mapping(node, .interaction) }) ?? stream?.map else {
            throw node.error("`map` is missing; write what becomes of a record, or `stream` with the name of the stream that says it")
        }
        if let stream, stream.product != .interaction {
            throw node.error("the stream `\(stream.name)` makes \(stream.product.words); only messages are pushed")
        }
        push.map = mapped
        return push
    }

    private static func verification(_ node: YAMLNode) throws(RuleError) -> Push.Verification {
        let map = try node.mapping(keys: ["header", "query", "algorithm", "key", "prefix", "encode", "string", "timestamp", "within"])
        let place: Place =
            if let header = map["header"] { .header(try header.string()) } else { .query(try map.required("query").string()) }
        var verify = Push.Verification(place: place, signature: try signature(map, place: place))
        let text = verify.signature.string.text.filter { $0 != " " }
        verify.signsBody = ["", "body", "{{body}}"].contains(text)
        if let prefix = map["prefix"] { verify.prefix = try prefix.string() }
        switch verify.signature.algorithm {
        case .hmacSHA1, .hmacSHA256:
            guard verify.signature.key != nil else { throw node.error("this algorithm needs `key`, the secret that both sides know") }
        case .none:
            guard !verify.signsBody else {
                throw node.error("without an algorithm the value is compared with `string`; write the secret, such as {{ config.token }}")
            }
        case .md5, .sha1, .sha256, .sha1Sorted:
            guard !verify.signsBody else {
                throw node.error("a sum over the body alone proves nothing, for anybody can make it; put the secret into `string`")
            }
        }
        verify.timestamp = try map["timestamp"].map { node throws(RuleError) in try expression(node) }
        if let within = map["within"] {
            guard verify.timestamp != nil else { throw within.error("`within` needs `timestamp`: where the time of the signature stands") }
            verify.within = try within.duration(in: .seconds(1) ... .seconds(86_400))
        }
        return verify
    }

    private static func challenge(_ node: YAMLNode) throws(RuleError) -> Push.Challenge {
        let map = try node.mapping(keys: ["query", "body", "as", "verify"])
        var challenge = Push.Challenge()
        challenge.query = try map["query"]?.string()
        challenge.body = try map["body"].map { node throws(RuleError) in try expression(node) }
        challenge.member = try map["as"]?.string()
        guard (challenge.query == nil) != (challenge.body == nil) else {
            throw node.error("a challenge stands either in a `query` parameter or in the `body`; name one of them")
        }
        if let verify = try map["verify"]?.mapping(keys: ["query", "equals"]) {
            challenge.verifiedBy = try verify.required("query").string()
            challenge.equals = try template(try verify.required("equals"))
        }
        return challenge
    }
}
