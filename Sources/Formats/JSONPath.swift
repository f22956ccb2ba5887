/// A subset of RFC 9535: `name`, `.name`, `['any key']`, `[0]`, `[-1]`, `[*]`, `.*`, `[?@.a.b=='x' && @.c || @.d!=1]`.
/// Relative to the record by default; `$` starts at the whole document; `.` or `@` is the record itself.
public struct JSONPath: Sendable, Hashable {
    public let text: String

    public init(_ text: String) throws(JSONPathError) { self.text = text }

    /// All matches in document order; none is an empty list.
    public func values(in record: JSONValue, root: JSONValue? = nil) -> [JSONValue] { [] }

    /// The first match.
    public func first(in record: JSONValue, root: JSONValue? = nil) -> JSONValue? { values(in: record, root: root).first }
}

public struct JSONPathError: Error, Hashable, CustomStringConvertible {
    public var path: String
    /// Counts bytes from 1.
    public var column: Int
    public var problem: String
    public var description: String { "path \(path), column \(column): \(problem)" }
}
