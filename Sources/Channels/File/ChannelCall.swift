import Domain
import Formats

/// A request as a channel file makes it, ready to be sent.
public struct ChannelCall: Sendable {
    public var method: String
    /// Percent-encoded.
    public var url: String
    public var headers: [(name: String, value: String)] = []
    public var body: [UInt8]?
    public var timeout: Duration?

    public init(method: String = "GET", url: String) {
        self.method = method
        self.url = url
    }
}

public struct ChannelAnswer: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// A rule of the file says that it means nothing.
    var isIgnored = false
    /// When what it tells was read there; nil when nobody asked for it.
    var asOf: ClosedRange<Timestamp>?

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension ChannelAnswer {
    /// - Returns: the time in which what the answer tells was read, by the source's clock where it says what that shows.
    func readAt(asked: Timestamp, answered: Timestamp) -> ClosedRange<Timestamp> {
        let answered = max(asked, answered)
        guard let date = headers.first(where: { $0.name.lowercased() == "date" }).flatMap({ DateText.rfc5322($0.value) }) else {
            return asked...answered
        }
        return date - (answered - asked)...date + .seconds(1)
    }
}

/// Why a request could not be made from what the file and the account say.
public struct ChannelCallError: Error, Hashable, CustomStringConvertible {
    public var description: String
}

/// A request half made: the file's parts in the file's order, then what the engine adds.
struct CallBuilder {
    var method = "GET"
    var address = ""
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    var json: JSONValue?
    var form: [(name: String, value: String)]?
    var body: String?
    var timeout: Duration?

    /// - Parameter base: the channel's address; not used where the request names its own.
    init(_ request: ChannelFile.Request, base: ChannelExpression?, _ scope: ChannelScope) throws(ChannelCallError) {
        method = request.method
        timeout = request.timeout
        if let url = request.url {
            address = url.rendered(scope) { $0 }
        } else {
            var start = base?.rendered(scope, encode: { $0 }) ?? ""
            let path = request.path?.rendered(scope, encode: Self.pathPart) ?? ""
            if path.hasPrefix("/"), start.hasSuffix("/") { start.removeLast() }
            address = start + path
        }
        for (name, tree) in request.query { query += Self.flat(name, tree.value(scope)) }
        for (name, value) in request.headers { if let text = value.text(scope) { headers.append((name, text)) } }
        json = request.json.flatMap { $0.value(scope) ?? .object([]) }
        if !request.form.isEmpty { form = request.form.flatMap { Self.flat($0.name, $0.value.value(scope)) } }
        body = request.body.map { $0.text(scope) ?? "" }
    }

    mutating func put(_ value: JSONValue, at place: ChannelFile.Place) {
        switch place {
        case .query(let name): query += Self.flat(name, value)
        case .header(let name): headers.append((name, value.plain))
        case .form(let name): form = (form ?? []) + Self.flat(name, value)
        case .path(let name): address = address.replacing("{\(name)}", with: Self.pathPart(value.plain))
        case .json(let name):
            var members: [JSONValue.Member] = []
            if case .object(let known)? = json { members = known.filter { $0.name != name } }
            json = .object(members + [.init(name, value)])
        }
    }

    func call() throws(ChannelCallError) -> ChannelCall {
        var url = address
        if !query.isEmpty {
            url += url.contains("?") ? "&" : "?"
            url += Self.urlencoded(query)
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw ChannelCallError(
                description:
                    "an address at \(ChannelRun.host(url) ?? "the source") holds a blank or a control character; check the account's inputs"
            )
        }
        var call = ChannelCall(method: method, url: url)
        call.headers = headers
        call.timeout = timeout
        func content(_ type: String) {
            if !call.headers.contains(where: { $0.name.lowercased() == "content-type" }) { call.headers.append(("Content-Type", type)) }
        }
        if let json {
            call.body = Array(json.json.utf8)
            content("application/json")
        } else if let form {
            call.body = Array(Self.urlencoded(form).utf8)
            content("application/x-www-form-urlencoded")
        } else if let body {
            call.body = Array(body.utf8)
        }
        for (name, value) in call.headers where (name + value).utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
            throw ChannelCallError(description: "the value of the header \(name) holds a line break; it is not sent")
        }
        return call
    }

    /// A list repeats the parameter; nothing drops it.
    private static func flat(_ name: String, _ value: JSONValue?) -> [(name: String, value: String)] {
        guard let value, !value.isNull else { return [] }
        if let items = value.array { return items.map { (name, $0.string ?? $0.json) } }
        return [(name, value.string ?? value.json)]
    }

    static func urlencoded(_ pairs: [(name: String, value: String)]) -> String {
        pairs.map { "\(escaped($0.name, keeping: "[]"))=\(escaped($0.value, keeping: ""))" }.joined(separator: "&")
    }

    /// A value inside a path: it may not leave its place.
    static func pathPart(_ text: String) -> String { escaped(text, keeping: ":@!$'()*,;=+") }

    /// RFC 3986 §2.3
    private static func escaped(_ text: String, keeping: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._~".utf8.contains(byte) || keeping.utf8.contains(byte)
            if isPlain { out.append(byte) } else { out += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

extension ChannelExpression {
    /// As a text of which only what was filled in is encoded.
    func rendered(_ scope: ChannelScope, encode: (String) -> String) -> String {
        guard case .template(let pieces)? = alternatives.first?.source else { return encode(text(scope) ?? "") }
        return pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .expression(let expression): encode(expression.text(scope) ?? "")
            }
        }.joined()
    }

    /// Whether nothing is filled in.
    var isConstant: Bool {
        guard case .template(let pieces)? = alternatives.first?.source else { return false }
        return pieces.allSatisfy { if case .text = $0 { true } else { false } }
    }
}

extension ChannelFile.Tree {
    /// Nil where a leaf says nothing: its key is left out.
    func value(_ scope: ChannelScope) -> JSONValue? {
        switch self {
        case .constant(let value): value
        case .leaf(let expression): expression.isConstant ? .string(expression.text) : expression.value(scope)
        case .list(let items): .array(items.compactMap { $0.value(scope) })
        case .object(let members): .object(members.compactMap { member in member.value.value(scope).map { .init(member.name, $0) } })
        }
    }
}
