import Domain
import Formats

/// One step of a pipeline. The list is closed: a channel file never grows into a language.
struct ChannelFilter: Sendable {
    enum Name: String, Sendable, CaseIterable {
        case date, format, seconds, text, lower, trim, join, first, last, number, plain, get, lookup, json, hash, entries, replace, sum
        case `enum`
    }

    /// An argument: a word as it stands, and the path it may be.
    struct Argument: Sendable {
        let text: String
        let isQuoted: Bool
        let path: JSONPath?

        init(_ written: String) {
            text = ExpressionText.unquoted(written)
            isQuoted = text != written
            path = isQuoted ? nil : try? JSONPath(written)
        }
    }

    let name: Name
    let arguments: [Argument]
    /// Of `replace`.
    let pattern: ReplacePattern?

    static let hashDigits = 32

    init(_ written: String, whole: String) throws(ExpressionError) {
        let call = ExpressionText.call(written) ?? (written, "")
        guard let name = Name(rawValue: call.name) else {
            throw ExpressionError(
                text: whole, problem: "\(call.name) is no filter; there are \(Name.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.name = name
        let parts = call.arguments.isEmpty ? [] : try ExpressionText.split(call.arguments, at: ",", whole: whole)
        arguments = parts.map(Argument.init)
        let counts = Self.counts(name)
        guard counts.contains(arguments.count) else {
            let wanted = counts.lowerBound == counts.upperBound ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)"
            throw ExpressionError(text: whole, problem: "\(name.rawValue) takes \(wanted) arguments, not \(arguments.count)")
        }
        pattern = name == .replace ? try ReplacePattern(arguments[0].text, whole: whole) : nil
        switch name {
        case .date, .format:
            guard arguments[0].path?.firstName == "config" || DateFormat(arguments[0].text) != nil else {
                throw ExpressionError(
                    text: whole, problem: "\(arguments[0].text) is no form of a date; write iso, epoch, epoch_ms or %Y-%m-%d %H:%M:%S")
            }
        case .enum:
            guard arguments.allSatisfy({ $0.text.contains("=") }) else {
                throw ExpressionError(text: whole, problem: "enum takes pairs; write enum(ONE=1, TWO=2)")
            }
        case .lookup:
            guard arguments.allSatisfy({ $0.path != nil }) else { throw ExpressionError(text: whole, problem: "lookup takes three paths") }
        default: break
        }
    }

    private static func counts(_ name: Name) -> ClosedRange<Int> {
        switch name {
        case .date, .format: 1...2
        case .join, .get: 1...1
        case .replace: 2...2
        case .lookup: 3...3
        case .enum: 1...100
        default: 0...0
        }
    }

    /// Nil where nothing comes out; `??` goes on from there.
    func apply(to value: JSONValue, _ scope: ChannelScope) -> JSONValue? {
        switch name {
        case .date: return date(value, scope)
        case .format: return formatted(value, scope)
        case .seconds, .number: return Self.number(value)
        case .text: return .string(HTMLText.text(value.plain))
        case .lower: return .string(value.plain.lowercased())
        case .trim: return .string(Text.trim(value.plain))
        case .join: return .string((value.array ?? [value]).map(\.plain).filter { !$0.isEmpty }.joined(separator: arguments[0].text))
        case .first: return value.array.map { $0.first } ?? value
        case .last: return value.array.map { $0.last } ?? value
        case .plain: return .string(value.plain)
        case .get: return got(value, scope)
        case .lookup: return looked(up: value, scope)
        case .json: return try? JSONValue.parse(Array(value.plain.utf8))
        case .hash: return .string(String(sha256(value.json.utf8).prefix(Self.hashDigits)))
        case .entries: return Self.entries(value)
        case .replace: return pattern.map { .string($0.replacing(in: value.plain, with: arguments[1].text)) }
        case .enum: return chosen(value)
        case .sum: return Self.sum(value)
        }
    }

    /// An argument that names something in the configuration is what stands there, any other is itself.
    private func word(_ index: Int, _ scope: ChannelScope) -> String? {
        guard arguments.indices.contains(index) else { return nil }
        let argument = arguments[index]
        guard let path = argument.path, path.firstName == "config" else { return argument.text }
        return scope.value(path)?.plain
    }

    private func date(_ value: JSONValue, _ scope: ChannelScope) -> JSONValue? {
        guard let format = word(0, scope).flatMap(DateFormat.init), let zone = Zone(word(1, scope) ?? "UTC"),
            let time = format.time(value.plain, zone: zone)
        else { return nil }
        return .string(DateFormat.exact(time))
    }

    private func formatted(_ value: JSONValue, _ scope: ChannelScope) -> JSONValue? {
        guard let format = word(0, scope).flatMap(DateFormat.init), let zone = Zone(word(1, scope) ?? "UTC"),
            let time = DateText.iso8601(value.plain)
        else { return nil }
        let text = format.written(time, zone: zone)
        return format.isNumber ? .number(text) : .string(text)
    }

    private static func number(_ value: JSONValue) -> JSONValue? {
        let text = Text.trim(value.plain)
        guard !text.isEmpty, Double(text)?.isFinite == true else { return nil }
        return .number(text)
    }

    /// The member whose name stands at a path of the value itself, or in the configuration.
    private func got(_ value: JSONValue, _ scope: ChannelScope) -> JSONValue? {
        let argument = arguments[0]
        guard let path = argument.path else { return value[argument.text] }
        guard let name = scope.with(record: value).value(path)?.plain else { return nil }
        return value[name]
    }

    private func looked(up value: JSONValue, _ scope: ChannelScope) -> JSONValue? {
        guard let table = arguments[0].path.flatMap(scope.value), let key = arguments[1].path, let wanted = arguments[2].path else {
            return nil
        }
        let rows: [JSONValue]
        switch table {
        case .array(let items): rows = items
        case .object(let members): rows = members.map(\.value)
        default: return nil
        }
        let name = value.plain
        return rows.first { key.first(in: $0)?.plain == name }.flatMap { wanted.first(in: $0) }
    }

    /// Of decimal numbers, exactly; nothing when one of them is none.
    private static func sum(_ value: JSONValue) -> JSONValue? {
        guard value.array != [] else { return nil }
        var sum = ExactNumber.zero
        for part in value.array ?? [value] {
            guard let number = ExactNumber(Text.trim(part.plain)), let next = sum.adding(number) else { return nil }
            sum = next
        }
        return .number(sum.decimal)
    }

    private static func entries(_ value: JSONValue) -> JSONValue? {
        guard case .object(let members) = value else { return nil }
        return .array(members.map { .object([.init("key", .string($0.name)), .init("value", $0.value)]) })
    }

    private func chosen(_ value: JSONValue) -> JSONValue? {
        let name = value.plain
        for argument in arguments {
            let pair = argument.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { Text.trim(String($0)) }
            guard pair.count == 2, pair[0] == name else { continue }
            return Double(pair[1]) == nil ? .string(pair[1]) : .number(pair[1])
        }
        return nil
    }
}

/// The pattern of `replace`: the part of POSIX and Perl expressions that Swift's `Regex` reads at run time.
struct ReplacePattern: @unchecked Sendable {
    // A Regex made from text is not marked Sendable, though it is never changed after it was made.
    private let regex: Regex<AnyRegexOutput>
    static let textBytesMax = 100_000

    init(_ pattern: String, whole: String) throws(ExpressionError) {
        do { regex = try Regex(pattern) } catch {
            throw ExpressionError(text: whole, problem: "\(pattern) is no regular expression: \(error)")
        }
    }

    func replacing(in text: String, with other: String) -> String {
        text.utf8.count > Self.textBytesMax ? text : text.replacing(regex, with: other)
    }
}
