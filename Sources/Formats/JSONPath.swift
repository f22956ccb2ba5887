/// A subset of RFC 9535: `name`, `.name`, `['any key']`, `[0]`, `[-1]`, `[*]`, `.*`, `[?@.a.b=='x' && @.c || @.d!=1]`.
/// Relative to the record by default; `$` starts at the whole document; `.` or `@` is the record itself.
public struct JSONPath: Sendable, Hashable {
    public let text: String
    let isAbsolute: Bool
    let steps: [Step]

    public static let stepsMax = 50
    public static let matchesMax = 1_000_000

    indirect enum Step: Sendable, Hashable {
        case name(String)
        case index(Int)
        case all
        case filter(Filter)
    }

    indirect enum Filter: Sendable, Hashable {
        case exists(JSONPath)
        case compare(JSONPath, Comparison, JSONValue)
        case and(Filter, Filter)
        case or(Filter, Filter)
        case not(Filter)
    }

    enum Comparison: String, Sendable, CaseIterable {
        case equal = "==", unequal = "!=", atMost = "<=", atLeast = ">=", less = "<", greater = ">"
    }

    /// The member the path begins with; nil when it begins with `$`, `.` or an index.
    public var firstName: String? {
        if !isAbsolute, case .name(let name)? = steps.first { name } else { nil }
    }

    /// Whether it can match one value at most (RFC 9535 §2.3.5.1).
    public var isSingular: Bool {
        steps.allSatisfy { step in
            switch step {
            case .name, .index: true
            case .all, .filter: false
            }
        }
    }

    public init(_ text: String) throws(JSONPathError) {
        var reader = JSONPathReader(text)
        self = try reader.path()
    }

    init(text: String, isAbsolute: Bool, steps: [Step]) {
        self.text = text
        self.isAbsolute = isAbsolute
        self.steps = steps
    }

    /// All matches in document order; none is an empty list.
    public func values(in record: JSONValue, root: JSONValue? = nil) -> [JSONValue] {
        let root = root ?? record
        var found = [isAbsolute ? root : record]
        for step in steps {
            var next: [JSONValue] = []
            for value in found where next.count < Self.matchesMax { Self.take(step, of: value, root: root, into: &next) }
            found = next
            if found.isEmpty { break }
        }
        return found
    }

    /// The first match.
    public func first(in record: JSONValue, root: JSONValue? = nil) -> JSONValue? { values(in: record, root: root).first }

    private static func take(_ step: Step, of value: JSONValue, root: JSONValue, into out: inout [JSONValue]) {
        switch (step, value) {
        case (.name(let name), _):
            if let found = value[name] { out.append(found) }
        case (.index(let index), .array(let items)):
            let position = index < 0 ? items.count + index : index
            if items.indices.contains(position) { out.append(items[position]) }
        case (.all, .array(let items)): out += items
        case (.all, .object(let members)): out += members.map(\.value)
        case (.filter(let filter), .array(let items)): out += items.filter { matches(filter, $0, root) }
        case (.filter(let filter), .object(let members)): out += members.map(\.value).filter { matches(filter, $0, root) }
        default: break
        }
    }

    private static func matches(_ filter: Filter, _ value: JSONValue, _ root: JSONValue) -> Bool {
        switch filter {
        case .exists(let path): !path.values(in: value, root: root).isEmpty
        case .not(let inner): !matches(inner, value, root)
        case .and(let a, let b): matches(a, value, root) && matches(b, value, root)
        case .or(let a, let b): matches(a, value, root) || matches(b, value, root)
        case .compare(let path, let comparison, let wanted): holds(comparison, path.first(in: value, root: root), wanted)
        }
    }

    /// RFC 9535 §2.3.5.2.2: values of different types are unequal and have no order.
    private static func holds(_ comparison: Comparison, _ found: JSONValue?, _ wanted: JSONValue) -> Bool {
        guard let found else { return comparison == .unequal }
        switch (found, wanted) {
        case (.number(let a), .number(let b)):
            guard a != b, let x = Double(a), let y = Double(b) else { return holds(comparison, a == b, false) }
            return holds(comparison, x == y, x < y)
        case (.string(let a), .string(let b)):
            return holds(comparison, a == b, a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars))
        default: return comparison == .equal ? found == wanted : comparison == .unequal ? found != wanted : false
        }
    }

    private static func holds(_ comparison: Comparison, _ isEqual: Bool, _ isLess: Bool) -> Bool {
        switch comparison {
        case .equal: isEqual
        case .unequal: !isEqual
        case .less: isLess
        case .atMost: isLess || isEqual
        case .greater: !isLess && !isEqual
        case .atLeast: !isLess
        }
    }
}

public struct JSONPathError: Error, Hashable, CustomStringConvertible {
    public var path: String
    /// Counts bytes from 1.
    public var column: Int
    public var problem: String
    public var description: String { "path \(path), column \(column): \(problem)" }
}
