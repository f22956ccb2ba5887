import Domain
public import Formats

/// What a channel file takes from foreign data: `path | filter(…) ?? other ?? =literal`, or a text with `{{ … }}` in it.
///
/// Paths are a subset of RFC 9535 (`JSONPath`); filters are the closed list of `ChannelFilter`. There are no conditions, no arithmetic and
/// no loops: what needs more is brought in through a spool folder.
public struct ChannelExpression: Sendable {
    static let bytesMax = 4000
    static let alternativesMax = 20

    /// As it was written.
    public let text: String
    let alternatives: [Pipeline]

    struct Pipeline: Sendable {
        let source: Source
        let filters: [ChannelFilter]
    }

    indirect enum Source: Sendable {
        case path(JSONPath)
        case literal(String)
        /// A header of the answer, by name.
        case header(String)
        case template([Piece])
    }

    enum Piece: Sendable {
        case text(String)
        case expression(ChannelExpression)
    }

    /// - Throws: `ExpressionError` with the place and what to write.
    public init(_ text: String) throws(ExpressionError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw ExpressionError(text: text, problem: "it is longer than \(Self.bytesMax) bytes")
        }
        self.text = text
        if text.contains("{{") {
            alternatives = [Pipeline(source: .template(try Self.pieces(text)), filters: [])]
            return
        }
        var found: [Pipeline] = []
        for part in try ExpressionText.split(text, at: "??", whole: text) { found.append(try Self.pipeline(part, whole: text)) }
        guard found.count <= Self.alternativesMax else {
            throw ExpressionError(text: text, problem: "it has more than \(Self.alternativesMax) alternatives")
        }
        alternatives = found
    }

    /// A text whose `{{ … }}` are filled; without any it is itself.
    public init(template text: String) throws(ExpressionError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw ExpressionError(text: text, problem: "it is longer than \(Self.bytesMax) bytes")
        }
        self.text = text
        alternatives = [Pipeline(source: .template(try Self.pieces(text)), filters: [])]
    }

    private static func pieces(_ text: String) throws(ExpressionError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            if open.lowerBound > rest.startIndex { pieces.append(.text(String(rest[..<open.lowerBound]))) }
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw ExpressionError(text: text, problem: "}} is missing")
            }
            pieces.append(.expression(try ChannelExpression(Text.trim(String(rest[open.upperBound..<close.lowerBound])))))
            rest = rest[close.upperBound...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }

    private static func pipeline(_ text: String, whole: String) throws(ExpressionError) -> Pipeline {
        let parts = try ExpressionText.split(text, at: "|", whole: whole)
        let first = parts[0]
        let source: Source
        if first.hasPrefix("=") {
            source = .literal(ExpressionText.unquoted(String(first.dropFirst())))
        } else if let name = ExpressionText.call(first), name.name == "header" {
            source = .header(name.arguments)
        } else {
            do { source = .path(try JSONPath(first)) } catch {
                throw ExpressionError(text: whole, problem: "\(error); a text of your own is written =text or with {{ }}")
            }
        }
        var filters: [ChannelFilter] = []
        for part in parts.dropFirst() { filters.append(try ChannelFilter(part, whole: whole)) }
        return Pipeline(source: source, filters: filters)
    }

    /// The first alternative that is neither missing nor null, "" or [].
    public func value(_ scope: ChannelScope) -> JSONValue? {
        for pipeline in alternatives {
            guard var value = pipeline.source.value(scope) else { continue }
            var isThere = true
            for filter in pipeline.filters {
                guard let next = filter.apply(to: value, scope) else {
                    isThere = false
                    break
                }
                value = next
            }
            if isThere, !value.isVoid { return value }
        }
        return nil
    }

    /// The value as people read it.
    public func text(_ scope: ChannelScope) -> String? { value(scope)?.plain }
}

extension ChannelExpression.Source {
    func value(_ scope: ChannelScope) -> JSONValue? {
        switch self {
        case .literal(let text): return .string(text)
        case .header(let name): return scope.header(name).map { .string($0) }
        case .path(let path): return scope.value(path)
        case .template(let pieces):
            if pieces.count == 1, case .expression(let only) = pieces[0] { return only.value(scope) }
            var text = ""
            for piece in pieces {
                switch piece {
                case .text(let part): text += part
                case .expression(let expression): text += expression.text(scope) ?? ""
                }
            }
            return .string(text)
        }
    }
}

extension JSONValue {
    /// What `??` skips.
    var isVoid: Bool {
        switch self {
        case .null, .string(""), .array([]): true
        default: false
        }
    }
}

/// What an expression can see.
public struct ChannelScope: Sendable {
    /// What relative paths start from.
    public var record: JSONValue
    /// The whole answer: `$`.
    public var root: JSONValue
    /// `config`, `session`, `check`, `cursor`, `now`, `item`, `reply`, `keys`, the name of `each`, the names of look-ups. They come before
    /// members of the record.
    public var names: [String: JSONValue]
    public var headers: [(name: String, value: String)]

    public init(
        record: JSONValue = .null, root: JSONValue = .null, names: [String: JSONValue] = [:], headers: [(name: String, value: String)] = []
    ) {
        self.record = record
        self.root = root
        self.names = names
        self.headers = headers
    }

    func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }

    func value(_ path: JSONPath) -> JSONValue? {
        var from = record
        if let name = path.firstName, let value = names[name] { from = .object([.init(name, value)]) }
        if path.isSingular { return path.first(in: from, root: root) }
        return .array(path.values(in: from, root: root))
    }

    func with(record: JSONValue) -> ChannelScope {
        var scope = self
        scope.record = record
        return scope
    }
}

/// Why an expression cannot be read.
public struct ExpressionError: Error, Hashable, CustomStringConvertible {
    public var text: String
    public var problem: String
    public var description: String { "`\(text.prefix(120))`: \(problem)" }
}

/// Cuts expressions apart: nothing inside quotes, parentheses or brackets is a separator.
enum ExpressionText {
    static func split(_ text: String, at separator: String, whole: String) throws(ExpressionError) -> [String] {
        var parts: [String] = []
        var part = ""
        var quote: Character?
        var depth = 0
        var rest = text[...]
        while let character = rest.first {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character == "(" || character == "[" {
                depth += 1
            } else if character == ")" || character == "]" {
                depth -= 1
            } else if depth == 0, rest.hasPrefix(separator) {
                parts.append(part)
                part = ""
                rest = rest.dropFirst(separator.count)
                continue
            }
            part.append(character)
            rest = rest.dropFirst()
        }
        guard quote == nil else { throw ExpressionError(text: whole, problem: "a quotation mark is not closed") }
        guard depth == 0 else { throw ExpressionError(text: whole, problem: "a bracket is not closed, or one too many is") }
        parts.append(part)
        let trimmed = parts.map(Text.trim)
        if trimmed.contains("") {
            throw ExpressionError(text: whole, problem: parts.count == 1 ? "it is empty" : "something is missing beside \(separator)")
        }
        return trimmed
    }

    /// `name(arguments)`.
    static func call(_ text: String) -> (name: String, arguments: String)? {
        guard text.hasSuffix(")"), let open = text.firstIndex(of: "(") else { return nil }
        let name = String(text[..<open])
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 == 0x5F || (0x61...0x7A).contains($0) }) else { return nil }
        return (name, Text.trim(String(text[text.index(after: open)...].dropLast())))
    }

    /// Without the quotation marks around it; inside them `\\n` and `\\t` are a line end and a tab.
    static func unquoted(_ text: String) -> String {
        let text = Text.trim(text)
        guard text.count >= 2, let first = text.first, first == "'" || first == "\"", text.last == first else { return text }
        return String(text.dropFirst().dropLast()).replacing("\\n", with: "\n").replacing("\\t", with: "\t")
    }
}
