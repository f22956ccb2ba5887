// Rules: what an operator writes down, read strictly, and the decisions that follow from it.
//
// In: the text of a file (`StrictYAML`, `RoutingRules`) and the facts about a message. Out: values, a decision with its reason, or one
// error that names file, line, column and the fix. Never: a file, a socket, a clock; a guess about a key it does not know.

/// What is wrong in a file that a person wrote, where, and what to do about it.
public struct RuleError: Error, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, counted in Unicode scalars.
    public var column: Int
    /// The problem and the way out of it: "`subjct` is not a key here; did you mean `subject`?".
    public var problem: String

    public init(file: String, line: Int, column: Int, problem: String) {
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
    }

    public var description: String { "\(file):\(line):\(column): \(problem)" }
}
