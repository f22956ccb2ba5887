/// Reads a path expression once, at start-up.
struct JSONPathReader {
    static let bytesMax = 2000
    static let depthMax = 20

    private let text: String
    private let bytes: [UInt8]
    private var i = 0
    private var depth = 0

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    mutating func path() throws(JSONPathError) -> JSONPath {
        if bytes.count > Self.bytesMax { throw error("the path is longer than \(Self.bytesMax) bytes") }
        skipSpace()
        if i == bytes.count { throw error("the path is empty; write . for the record itself") }
        let path = try steps(inFilter: false)
        skipSpace()
        if i < bytes.count { throw unexpected() }
        return path
    }

    private mutating func steps(inFilter: Bool) throws(JSONPathError) -> JSONPath {
        let start = i
        var isAbsolute = false
        var steps: [JSONPath.Step] = []
        if peek == 0x24 || peek == 0x40 {
            isAbsolute = peek == 0x24
            i += 1
        } else if peek == 0x2E, i + 1 == bytes.count {
            i += 1
        } else if let byte = peek, Self.isName(byte), !inFilter {
            steps.append(.name(name()))
        } else if inFilter {
            throw error("a path in a filter begins with @ or $")
        }
        while let byte = peek, byte == 0x2E || byte == 0x5B {
            if steps.count == JSONPath.stepsMax { throw error("the path has more than \(JSONPath.stepsMax) steps") }
            i += 1
            steps.append(byte == 0x2E ? try dotted() : try bracketed())
        }
        return JSONPath(text: String(decoding: bytes[start..<i], as: UTF8.self), isAbsolute: isAbsolute, steps: steps)
    }

    private mutating func dotted() throws(JSONPathError) -> JSONPath.Step {
        guard let byte = peek else { throw error("a name is missing after the dot") }
        if byte == 0x2E { throw error(".. is not supported; name every step") }
        if byte == 0x2A {
            i += 1
            return .all
        }
        guard Self.isName(byte) else { throw error("a name is missing after the dot; write ['…'] around names with other characters") }
        return .name(name())
    }

    private mutating func bracketed() throws(JSONPathError) -> JSONPath.Step {
        skipSpace()
        guard let byte = peek else { throw error("] is missing") }
        let step: JSONPath.Step
        switch byte {
        case 0x2A:
            i += 1
            step = .all
        case 0x27, 0x22: step = .name(try quoted())
        case 0x3F:
            i += 1
            step = .filter(try disjunction())
        case 0x2D, 0x30...0x39: step = .index(try integer())
        default: throw error("in brackets stands a number, '…', * or ?; not \(shown)")
        }
        skipSpace()
        if peek == 0x3A { throw error("slices are not supported; write one index or *") }
        if peek == 0x2C { throw error("lists of names or numbers are not supported; write one") }
        guard peek == 0x5D else { throw error("] is missing") }
        i += 1
        return step
    }

    // MARK: filters

    private mutating func disjunction() throws(JSONPathError) -> JSONPath.Filter {
        var left = try conjunction()
        while skip("||") { left = .or(left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws(JSONPathError) -> JSONPath.Filter {
        var left = try term()
        while skip("&&") { left = .and(left, try term()) }
        return left
    }

    private mutating func term() throws(JSONPathError) -> JSONPath.Filter {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax { throw error("the filter is nested more than \(Self.depthMax) deep") }
        skipSpace()
        if peek == 0x21 {
            i += 1
            return .not(try term())
        }
        if peek == 0x28 {
            i += 1
            let inner = try disjunction()
            guard skip(")") else { throw error(") is missing") }
            return inner
        }
        let path = try steps(inFilter: true)
        if path.steps.contains(where: { if case .filter = $0 { true } else { false } }) {
            throw error("filters inside filters are not supported")
        }
        for comparison in [JSONPath.Comparison.equal, .unequal, .atMost, .atLeast, .less, .greater] where skip(comparison.rawValue) {
            return .compare(path, comparison, try literal())
        }
        skipSpace()
        if peek == 0x3D { throw error("write == to compare") }
        return .exists(path)
    }

    private mutating func literal() throws(JSONPathError) -> JSONValue {
        skipSpace()
        if peek == 0x27 || peek == 0x22 { return .string(try quoted()) }
        let start = i
        while let byte = peek, ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2D || byte == 0x2B || byte == 0x2E { i += 1 }
        let word = Array(bytes[start..<i])
        guard let value = try? JSONValue.parse(word) else {
            i = start
            throw error("a text in quotes, a number, true, false or null is missing; not \(shown)")
        }
        return value
    }

    // MARK: words

    private static func isName(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x5F || byte == 0x2D || byte >= 0x80
    }

    private mutating func name() -> String {
        let start = i
        while let byte = peek, Self.isName(byte) { i += 1 }
        return String(decoding: bytes[start..<i], as: UTF8.self)
    }

    private mutating func integer() throws(JSONPathError) -> Int {
        let start = i
        i += 1
        while let byte = peek, ASCII.isDigit(byte) { i += 1 }
        guard let value = Int(String(decoding: bytes[start..<i], as: UTF8.self)) else { throw error("this is no index") }
        return value
    }

    private mutating func quoted() throws(JSONPathError) -> String {
        let quote = bytes[i]
        let start = i
        i += 1
        var out: [UInt8] = []
        while let byte = peek, byte != quote {
            if byte == 0x5C, i + 1 < bytes.count { i += 1 }
            out.append(bytes[i])
            i += 1
        }
        guard peek == quote else {
            i = start
            throw error("the quote is never closed")
        }
        i += 1
        return String(decoding: out, as: UTF8.self)
    }

    private var peek: UInt8? { i < bytes.count ? bytes[i] : nil }

    private mutating func skip(_ token: String) -> Bool {
        skipSpace()
        guard bytes[i...].starts(with: token.utf8) else { return false }
        i += token.utf8.count
        return true
    }

    private mutating func skipSpace() { while let byte = peek, ASCII.isSpace(byte) { i += 1 } }

    private var shown: String { i < bytes.count ? String(decoding: bytes[i...].prefix(12), as: UTF8.self) : "the end" }
    private func unexpected() -> JSONPathError { error("\(shown) does not belong here") }
    private func error(_ problem: String) -> JSONPathError { JSONPathError(path: text, column: i + 1, problem: problem) }
}
