import Yams

/// Reads one YAML document into a tree that knows where each part stands. Every wrong key, type or value is an error at its place.
///
///     let root = try StrictYAML.read(text, file: "hongyan.yaml").mapping(keys: ["listen", "accounts"])
///     let listen = try root["listen"]?.string() ?? "127.0.0.1:8080"
public enum StrictYAML {
    /// Aliases can unfold a small file into a giant tree ("billion laughs"); nobody writes this many values by hand. A large file may hold
    /// a value for each of its bytes; more come only from aliases of aliases.
    static let nodesMin = 100_000
    static let depthMax = 64
    public static let sizeBytesMax = 16 << 20

    /// - Parameter linesBefore: lines above `text` in the file (front matter starts below its `---`).
    /// - Returns: the document; an empty text gives an empty value, which `mapping(keys:)` reads as a mapping without keys.
    public static func read(_ text: String, file: String, linesBefore: Int = 0) throws(RuleError) -> YAMLNode {
        guard text.utf8.count <= sizeBytesMax else {
            throw RuleError(file: file, line: 1, column: 1, problem: "the file has more than \(sizeBytesMax >> 20) MiB; make it smaller")
        }
        let composed: Node?
        do {
            composed = try Yams.compose(yaml: text)
        } catch {
            throw ruleError(error, file: file, linesBefore: linesBefore)
        }
        guard let composed else {
            return YAMLNode(content: .empty, file: file, line: linesBefore + 1, column: 1, name: "")
        }
        var reader = Reader(file: file, linesBefore: linesBefore, nodesMax: max(nodesMin, text.utf8.count))
        return try reader.node(composed, name: "", depth: 0)
    }

    private static func ruleError(_ error: any Error, file: String, linesBefore: Int) -> RuleError {
        func at(_ mark: Mark?, _ problem: String) -> RuleError {
            RuleError(file: file, line: (mark?.line ?? 1) + linesBefore, column: mark?.column ?? 1, problem: problem)
        }
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return at(mark, "this is not YAML: \(problem); look at the indentation and the quotes around it")
        case .duplicatedKeysInMapping(let names, let context):
            let listed = names.sorted().map { "`\($0)`" }.joined(separator: ", ")
            return at(context.mark, "\(listed) stands more than once in this mapping; keep one")
        case .reader(let problem, _, _, _):
            return at(nil, "this is not text: \(problem); save the file as UTF-8")
        default:
            return at(nil, "this is not YAML: \(error)")
        }
    }

    private struct Reader {
        let file: String
        let linesBefore: Int
        let nodesMax: Int
        var nodes = 0

        mutating func node(_ node: Node, name: String, depth: Int) throws(RuleError) -> YAMLNode {
            let line = (node.mark?.line ?? 1) + linesBefore
            let column = node.mark?.column ?? 1
            nodes += 1
            guard nodes <= nodesMax, depth <= depthMax else {
                throw RuleError(file: file, line: line, column: column, problem: "too many or too deeply nested values; use fewer aliases")
            }
            let content: YAMLNode.Content
            switch node {
            case .scalar(let scalar):
                let isEmpty = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
                content = isEmpty ? .empty : .scalar(scalar.string, isPlain: scalar.style == .plain)
            case .sequence(let sequence):
                var items: [YAMLNode] = []
                for item in sequence { items.append(try self.node(item, name: name, depth: depth + 1)) }
                content = .list(items)
            case .mapping(let mapping):
                var entries: [YAMLMapping.Entry] = []
                for (key, value) in mapping {
                    let key = try self.node(key, name: "", depth: depth + 1)
                    guard case .scalar(let text, _) = key.content else { throw key.error("a key must be a word; write `name: value`") }
                    entries.append(YAMLMapping.Entry(key: text, keyNode: key, value: try self.node(value, name: text, depth: depth + 1)))
                }
                content = .mapping(entries)
            case .alias:
                throw RuleError(file: file, line: line, column: column, problem: "this alias names nothing; write the value itself")
            }
            return YAMLNode(content: content, file: file, line: line, column: column, name: name)
        }
    }
}
