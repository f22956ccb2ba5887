/// The `pattern` of a form's field: a subset of regular expressions that always matches in time proportional to text × pattern, for a
/// visitor's text must never meet a backtracking search. It matches the whole text.
///
/// Known: literals, `.`, `[a-z]`, `[^…]`, `\d \w \s` and their opposites, `\p{L}`, `\p{Han}`, `( )`, `|`, `* + ? {m} {m,} {m,n}`.
struct FormPattern: Sendable, Hashable {
    static let stepsMax = 2000
    static let textMax = 10_000

    struct Mistake: Error, Hashable, CustomStringConvertible { var description: String }

    /// What one character may be.
    struct Kind: Sendable, Hashable {
        var ranges: [ClosedRange<UInt32>] = []
        var hasLetters = false
        var isNegated = false

        func holds(_ scalar: Unicode.Scalar) -> Bool {
            let isIn = ranges.contains { $0.contains(scalar.value) } || hasLetters && scalar.properties.isAlphabetic
            return isIn != isNegated
        }
    }

    private enum Step: Sendable, Hashable { case one(Kind), split(Int, Int), jump(Int), done }
    private indirect enum Tree { case empty, one(Kind), row([Tree]), either([Tree]), again(Tree, Int, Int?) }

    let text: String
    private let steps: [Step]

    /// - Throws: `Mistake`, which says what is not known and what to write.
    init(_ text: String) throws(Mistake) {
        self.text = text
        var reader = Reader(text)
        let tree = try reader.either(depth: 0)
        guard reader.isAtEnd else { throw Mistake(description: "there is a `)` too many") }
        var steps: [Step] = []
        try Self.compile(tree, into: &steps)
        steps.append(.done)
        self.steps = steps
    }

    func matches(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        guard scalars.count <= Self.textMax else { return false }
        var now = Set<Int>()
        enter(0, &now)
        for scalar in scalars {
            var next = Set<Int>()
            for at in now { if case .one(let kind) = steps[at], kind.holds(scalar) { enter(at + 1, &next) } }
            if next.isEmpty { return false }
            now = next
        }
        return now.contains { steps[$0] == .done }
    }

    /// Adds a step, and all that are reached from it without a character.
    private func enter(_ first: Int, _ set: inout Set<Int>) {
        var waiting = [first]
        while let at = waiting.popLast() {
            guard set.insert(at).inserted else { continue }
            switch steps[at] {
            case .split(let a, let b): waiting += [a, b]
            case .jump(let a): waiting.append(a)
            case .one, .done: break
            }
        }
    }

    private static func compile(_ tree: Tree, into steps: inout [Step]) throws(Mistake) {
        guard steps.count < stepsMax else { throw Mistake(description: "it is too long; use smaller repetitions") }
        switch tree {
        case .empty: break
        case .one(let kind): steps.append(.one(kind))
        case .row(let parts): for part in parts { try compile(part, into: &steps) }
        case .either(let parts):
            var ends: [Int] = []
            for (index, part) in parts.enumerated() {
                guard index < parts.count - 1 else {
                    try compile(part, into: &steps)
                    break
                }
                let split = steps.count
                steps.append(.done)
                try compile(part, into: &steps)
                ends.append(steps.count)
                steps.append(.done)
                steps[split] = .split(split + 1, steps.count)
            }
            for end in ends { steps[end] = .jump(steps.count) }
        case .again(let part, let least, let most):
            for _ in 0..<least { try compile(part, into: &steps) }
            guard let most else {
                let split = steps.count
                steps.append(.done)
                try compile(part, into: &steps)
                steps.append(.jump(split))
                steps[split] = .split(split + 1, steps.count)
                return
            }
            var splits: [Int] = []
            for _ in least..<max(least, most) {
                splits.append(steps.count)
                steps.append(.done)
                try compile(part, into: &steps)
            }
            for split in splits { steps[split] = .split(split + 1, steps.count) }
        }
    }

    private struct Reader {
        static let depthMax = 50
        var rest: Substring.UnicodeScalarView
        init(_ text: String) { rest = text[...].unicodeScalars }
        var isAtEnd: Bool { rest.isEmpty }

        mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            guard rest.first == scalar else { return false }
            rest.removeFirst()
            return true
        }

        mutating func either(depth: Int) throws(Mistake) -> Tree {
            guard depth < Self.depthMax else { throw Mistake(description: "its brackets are nested too deeply") }
            var parts = [try row(depth)]
            while take("|") { parts.append(try row(depth)) }
            return parts.count == 1 ? parts[0] : .either(parts)
        }

        private mutating func row(_ depth: Int) throws(Mistake) -> Tree {
            var parts: [Tree] = []
            while let next = rest.first, next != "|", next != ")" {
                guard let part = try one(depth) else { continue }
                parts.append(try again(part))
            }
            return parts.isEmpty ? .empty : .row(parts)
        }

        /// Nil for `^` and `$`: the whole text is always meant.
        private mutating func one(_ depth: Int) throws(Mistake) -> Tree? {
            let scalar = rest.removeFirst()
            switch scalar {
            case "^", "$": return nil
            case ".": return .one(Kind(ranges: [0x0A...0x0A, 0x0D...0x0D], isNegated: true))
            case "[": return .one(try set())
            case "\\": return .one(try escape())
            case "(":
                if take("?") {
                    guard take(":") else {
                        throw Mistake(description: "`(?` is not known here but for `(?:`; write it without looking ahead or behind")
                    }
                }
                let tree = try either(depth: depth + 1)
                guard take(")") else { throw Mistake(description: "a `(` has no `)`") }
                return tree
            case "*", "+", "?", "{": throw Mistake(description: "`\(scalar)` repeats nothing; write \\\(scalar) for the character itself")
            default: return .one(Kind(ranges: [scalar.value...scalar.value]))
            }
        }

        private mutating func again(_ part: Tree) throws(Mistake) -> Tree {
            if take("*") { return .again(part, 0, nil) }
            if take("+") { return .again(part, 1, nil) }
            if take("?") { return .again(part, 0, 1) }
            guard take("{") else { return part }
            let words = String(String.UnicodeScalarView(rest.prefix { $0 != "}" }))
            rest = rest.dropFirst(words.unicodeScalars.count)
            let numbers = words.split(separator: ",", omittingEmptySubsequences: false)
            guard take("}"), let least = Int(numbers[0]), (0...1000).contains(least), numbers.count <= 2 else {
                throw Mistake(description: "`{\(words)}` is no repetition; write {3}, {2,} or {2,5}")
            }
            if numbers.count == 1 { return .again(part, least, least) }
            if numbers[1].isEmpty { return .again(part, least, nil) }
            guard let most = Int(numbers[1]), (least...1000).contains(most) else {
                throw Mistake(description: "`{\(words)}` is no repetition; write {3}, {2,} or {2,5}")
            }
            return .again(part, least, most)
        }

        private mutating func set() throws(Mistake) -> Kind {
            var kind = Kind(isNegated: take("^"))
            while let scalar = rest.popFirst() {
                if scalar == "]" { return kind }
                if scalar == "\\" {
                    let inner = try escape()
                    guard !inner.isNegated else { throw Mistake(description: "\\D, \\W and \\S cannot stand inside [ ]") }
                    kind.ranges += inner.ranges
                    kind.hasLetters = kind.hasLetters || inner.hasLetters
                    if inner.ranges.count != 1 || inner.ranges[0].count != 1 { continue }
                    try range(from: inner.ranges[0].lowerBound, &kind)
                } else {
                    kind.ranges.append(scalar.value...scalar.value)
                    try range(from: scalar.value, &kind)
                }
            }
            throw Mistake(description: "a `[` has no `]`")
        }

        /// The `-z` of `a-z`.
        private mutating func range(from first: UInt32, _ kind: inout Kind) throws(Mistake) {
            guard rest.first == "-", let after = rest.dropFirst().first, after != "]" else { return }
            rest.removeFirst()
            var last = rest.removeFirst().value
            if last == 0x5C, let escaped = try escape().ranges.first { last = escaped.lowerBound }
            guard first <= last else { throw Mistake(description: "a range in [ ] runs backwards") }
            kind.ranges[kind.ranges.count - 1] = first...last
        }

        private mutating func escape() throws(Mistake) -> Kind {
            guard let scalar = rest.popFirst() else { throw Mistake(description: "it ends with a `\\`") }
            switch scalar {
            case "d", "D": return Kind(ranges: [0x30...0x39], isNegated: scalar == "D")
            case "w", "W": return Kind(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A], isNegated: scalar == "W")
            case "s", "S":
                return Kind(
                    ranges: [0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x2000...0x200A, 0x3000...0x3000], isNegated: scalar == "S")
            case "n": return Kind(ranges: [0x0A...0x0A])
            case "t": return Kind(ranges: [0x09...0x09])
            case "p":
                let name = String(String.UnicodeScalarView(rest.prefix { $0 != "}" }))
                rest = rest.dropFirst(name.unicodeScalars.count)
                guard take("}") else { throw Mistake(description: "`\\p` is not known so; write \\p{L} or \\p{Han}") }
                switch name {
                case "{L", "{Letter": return Kind(hasLetters: true)
                case "{Han", "{Script=Han": return Kind(ranges: [0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF])
                default: throw Mistake(description: "`\\p\(name)}` is not known; write \\p{L} or \\p{Han}")
                }
            default:
                let isLetter = (0x30...0x39).contains(scalar.value) || (0x41...0x5A).contains(scalar.value & ~0x20)
                guard !isLetter else { throw Mistake(description: "`\\\(scalar)` is not known here") }
                return Kind(ranges: [scalar.value...scalar.value])
            }
        }
    }
}
