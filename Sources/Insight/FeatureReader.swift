/// Turns a text into hashed features in one pass over its UTF-8, keeping for each which tokens it stands on, so that a score can be
/// explained.
///
/// Words: each word, each pair of neighbours, and NOT_word for the four words after a negation. Chinese: runs of one to three characters.
/// Letters (Latin words only): every three and four neighbouring bytes of ^word$, for misspellings and endings; they form a group of
/// their own with its own norm, because mixed into one norm they drown the words.
struct FeatureReader {
    /// Raise this whenever the features of any text change: a model trained with other features is refused, not misread.
    static let version = 1
    /// Longer texts are scored by their beginning.
    static let textBytesMax = 32 * 1024
    private static let negationReach = 4

    struct Token {
        var start: Int32
        var end: Int32
        var kind: Kind
        /// Nothing joins this token to the one before it.
        var breaksBefore: Bool
        enum Kind: UInt8 { case word, han, mark }
    }

    struct Feature {
        var bucket: UInt32
        /// The first token it stands on, and how many.
        var token: Int32
        var span: Int32
    }

    private(set) var tokens: [Token] = []
    private(set) var words: [Feature] = []
    private(set) var letters: [Feature] = []
    private let shift: UInt64
    private let withLetters: Bool

    // State of the walk.
    private var previousWord: UInt64 = 0
    private var han1: UInt64 = 0
    private var han2: UInt64 = 0
    private var negatedLeft = 0
    private var broken = true
    private var spelled: [UInt8] = []

    /// - Parameter bucketBits: the table has 2^bucketBits rows.
    init(bucketBits: Int, withLetters: Bool) {
        shift = UInt64(64 - bucketBits)
        self.withLetters = withLetters
        spelled.reserveCapacity(64)
    }

    mutating func read(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { read($0) }
    }

    mutating func read(_ all: UnsafeBufferPointer<UInt8>) {
        let bytes = UnsafeBufferPointer(rebasing: all.prefix(Self.textBytesMax))
        tokens.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        letters.removeAll(keepingCapacity: true)
        words.reserveCapacity(bytes.count / 2)
        if withLetters { letters.reserveCapacity(bytes.count * 2) }
        stop()
        var index = 0
        while index < bytes.count {
            let (raw, size) = decodeScalar(bytes, index)
            let scalar = fold(raw)
            switch script(of: scalar) {
            case .han, .kana, .hangul:
                han(scalar, from: index, to: index + size)
                index += size
            case .symbol:
                mark(UInt64(scalar), from: index, to: index + size)
                index += size
            case .latin, .digit, .cyrillic, .arabic, .thai, .devanagari, .greek, .hebrew:
                index = word(bytes, from: index)
            case .other:
                index = punctuation(bytes, from: index, scalar, size)
            }
        }
    }

    // MARK: Words

    private mutating func word(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        spelled.removeAll(keepingCapacity: true)
        spelled.append(0x5E)
        var hash = fnvStart
        var last: UInt32 = 0
        var repeats = 0
        var index = start
        while index < bytes.count {
            let (raw, size) = decodeScalar(bytes, index)
            let scalar = fold(raw)
            guard isWordPart(scalar, bytes, index + size) else { break }
            repeats = scalar == last ? repeats + 1 : 0
            last = scalar
            if repeats < 2 {  // "sooooo" is "soo"
                hash = fnv(hash, scalar: scalar)
                if scalar < 0x80 { spelled.append(UInt8(scalar)) } else { spelled += bytes[index..<(index + size)] }
            }
            index += size
        }
        if spelled.elementsEqual([0x5E, 0x68, 0x74, 0x74, 0x70]) || spelled.elementsEqual([0x5E, 0x68, 0x74, 0x74, 0x70, 0x73]) {
            return link(bytes, from: index)
        }
        emitWord(hash, from: start, to: index)
        return index
    }

    /// Letters, digits, and an apostrophe between letters.
    @inline(__always)
    private func isWordPart(_ scalar: UInt32, _ bytes: UnsafeBufferPointer<UInt8>, _ next: Int) -> Bool {
        switch script(of: scalar) {
        case .latin, .digit, .cyrillic, .arabic, .thai, .devanagari, .greek, .hebrew: true
        case .other where scalar == 0x27:
            spelled.count > 1 && next < bytes.count && (0x61...0x7A).contains(bytes[next] | 0x20)
        case .other: (0x300...0x36F).contains(scalar)
        case .han, .kana, .hangul, .symbol: false
        }
    }

    private mutating func link(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] > 0x20, bytes[index] < 0x80 { index += 1 }
        return index
    }

    private mutating func emitWord(_ hash: UInt64, from start: Int, to end: Int) {
        let token = addToken(start, end, .word)
        add(mix(hash), token, 1)
        if previousWord != 0 { add(mix(previousWord &* 31 &+ hash), token - 1, 2) }
        if negatedLeft > 0 {
            add(mix(hash ^ Salt.negated), token, 1)
            negatedLeft -= 1
        }
        if isNegation(hash) { negatedLeft = Self.negationReach }
        previousWord = hash
        (han1, han2) = (0, 0)
        if withLetters { emitLetters(token) }
    }

    private mutating func emitLetters(_ token: Int32) {
        guard spelled.count > 2 else { return }
        spelled.append(0x24)
        var window: UInt64 = 0
        for index in spelled.indices {
            window = (window << 8 | UInt64(spelled[index])) & 0xFFFF_FFFF
            if index >= 2 { letters.append(Feature(bucket: bucket(mix(window & 0xFF_FFFF ^ Salt.letters)), token: token, span: 1)) }
            if index >= 3 { letters.append(Feature(bucket: bucket(mix(window ^ Salt.letters)), token: token, span: 1)) }
        }
    }

    private func isNegation(_ hash: UInt64) -> Bool {
        if Self.negations.contains(hash) { return true }
        return spelled.count > 4 && spelled.suffix(3).elementsEqual([0x6E, 0x27, 0x74])  // n't
    }

    private static let negations: Set<UInt64> = Set(
        """
        not no never none nobody nothing nor neither without hardly barely cannot cant dont doesnt didnt isnt wasnt arent werent wont \
        wouldnt shouldnt couldnt aint havent hasnt hadnt
        """.split(separator: " ").map { $0.utf8.reduce(fnvStart) { fnv($0, $1) } })

    // MARK: Chinese and marks

    private mutating func han(_ scalar: UInt32, from start: Int, to end: Int) {
        let token = addToken(start, end, .han)
        let one = UInt64(scalar)
        add(mix(one | Salt.han), token, 1)
        if han1 != 0 {
            let two = han1 << 21 | one
            add(mix(two | Salt.han), token - 1, 2)
            if han2 != 0 { add(mix(han2 << 42 | two | Salt.han), token - 2, 3) }
        }
        (han2, han1) = (han1, one)
        previousWord = 0
        negatedLeft = 0
    }

    private mutating func mark(_ code: UInt64, from start: Int, to end: Int) {
        stop()
        add(mix(code | Salt.mark), addToken(start, end, .mark), 1)
        stop()
    }

    /// Blanks join, commas and full stops part; "!!", "?", ":-)" and their like are words of their own.
    private mutating func punctuation(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ scalar: UInt32, _ size: Int) -> Int {
        if scalar <= 0x20 || scalar == 0xA0 || scalar == 0x200B {
            (han1, han2) = (0, 0)
            if scalar == 0x0A { stop() }
            return start + size
        }
        guard scalar < 0x7F else {
            // Variation selectors and joiners belong to the emoji before them.
            if !(0xFE00...0xFE0F).contains(scalar), scalar != 0x200D { stop() }
            return start + size
        }
        var index = start
        var code: UInt64 = 0
        var count = 0
        var telling = false
        var last: UInt32 = 0
        var repeats = 0
        while index < bytes.count {
            let (raw, width) = decodeScalar(bytes, index)
            let next = fold(raw)
            guard next > 0x20, next < 0x7F, script(of: next) == .other else { break }
            repeats = next == last ? repeats + 1 : 0
            if repeats < 3, count < 5 {
                code = code << 8 | UInt64(next)
                count += 1
            }
            telling = telling || next == 0x21 || next == 0x3F || (count > 1 && next != last)  // ! ? or a mixed run
            last = next
            index += width
        }
        if let face = faceLetter(bytes, index, last) {
            code = code << 8 | UInt64(face)
            telling = true
            index += 1
        }
        if telling { mark(code, from: start, to: index) } else if scalar != 0x2D, scalar != 0x27 { stop() }
        return index
    }

    /// The D of ":D": one letter after eyes, not followed by another.
    private func faceLetter(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int, _ last: UInt32) -> UInt8? {
        guard last == 0x3A || last == 0x3B || last == 0x3D || last == 0x2D, index < bytes.count else { return nil }
        let letter = bytes[index]
        guard letter == 0x44 || letter == 0x50 || letter == 0x70 || letter == 0x4F, last != 0x2D else { return nil }
        return index + 1 == bytes.count || bytes[index + 1] <= 0x2F ? letter : nil
    }

    // MARK: Shared

    private enum Salt {
        static let negated: UInt64 = 0x9E37_79B9_7F4A_7C15
        static let letters: UInt64 = 0x0A55_0000_0000_0000
        static let han: UInt64 = 0x8000_0000_0000_0000
        static let mark: UInt64 = 0x4D00_0000_0000_0000
    }

    @inline(__always)
    private func bucket(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> shift) }

    @inline(__always)
    private mutating func add(_ hash: UInt64, _ token: Int32, _ span: Int32) {
        words.append(Feature(bucket: bucket(hash), token: token, span: span))
    }

    @inline(__always)
    private mutating func addToken(_ start: Int, _ end: Int, _ kind: Token.Kind) -> Int32 {
        tokens.append(Token(start: Int32(start), end: Int32(end), kind: kind, breaksBefore: broken))
        broken = false
        return Int32(tokens.count - 1)
    }

    @inline(__always)
    private mutating func stop() {
        previousWord = 0
        (han1, han2) = (0, 0)
        negatedLeft = 0
        broken = true
    }
}
