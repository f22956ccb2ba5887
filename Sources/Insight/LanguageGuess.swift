/// Which language a text is in, told by its script and, for alphabets shared by many languages, by their commonest words.
public struct LanguageGuess: Sendable, Equatable {
    /// BCP 47: `zh`, `en`, `ja`, …; nil when nothing tells.
    public let language: String?
    /// 0…1. Below 0.5 means little more than a leaning (a short text without any common word).
    public let confidence: Double

    /// Enough to tell; the rest of a long mail adds nothing.
    static let bytesMax = 4096

    public init(of text: String) {
        self.init(of: Array(text.utf8.prefix(Self.bytesMax)))
    }

    init(of bytes: [UInt8]) {
        var count = ScriptCount()
        bytes.withUnsafeBufferPointer { count.read($0, upTo: min($0.count, Self.bytesMax)) }
        self = count.decide()
    }

    init(language: String?, confidence: Double) {
        self.language = language
        self.confidence = confidence
    }
}

/// One walk over the text: letters by script, and the votes of words and letters for the languages of the Latin and Cyrillic alphabets.
private struct ScriptCount {
    var latin = 0
    var ascii = 0
    var words = 0
    var vowelEndings = 0
    var han = 0
    var kana = 0
    var hangul = 0
    var cyrillic = 0
    var arabic = 0
    var persian = 0
    var urdu = 0
    var others: [(language: String, count: Int)] = [("th", 0), ("hi", 0), ("el", 0), ("he", 0)]
    var votes = [Double](repeating: 0, count: Vocabulary.shared.languages.count)

    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, upTo end: Int) {
        let letters = Vocabulary.shared.letters
        var index = 0
        var hash = fnvStart
        var length = 0
        var last: UInt32 = 0
        while index < end {
            if isLinkStart(bytes, index) {
                while index < end, bytes[index] > 0x20 { index += 1 }
                length = 0
                hash = fnvStart
                continue
            }
            let (raw, size) = decodeScalar(bytes, index)
            let scalar = fold(raw)
            let kind = script(of: scalar)
            count(kind, scalar)
            if scalar > 0x7F, scalar < 0x2000 { vote(letters[scalar], 0.6) }  // telling letters, and the Spanish ¿ ¡
            if kind == .latin || kind == .cyrillic || (scalar == 0x27 && length > 0) {
                hash = fnv(hash, scalar: scalar)
                length += 1
                last = scalar
            } else if length > 0 {
                endWord(hash, last)
                hash = fnvStart
                length = 0
            }
            index += size
        }
        if length > 0 { endWord(hash, last) }
    }

    private mutating func endWord(_ hash: UInt64, _ last: UInt32) {
        vote(Vocabulary.shared.words[hash], 1)
        words += 1
        if [0x61, 0x69, 0x6F, 0x75].contains(last) { vowelEndings += 1 }
    }

    /// Addresses and links are Latin letters in every language; they say nothing.
    private func isLinkStart(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
        guard bytes[index] | 0x20 == 0x68, index + 7 < bytes.count else { return false }
        return bytes[index + 1] | 0x20 == 0x74 && bytes[index + 2] | 0x20 == 0x74 && bytes[index + 3] | 0x20 == 0x70
            && (bytes[index + 4] == 0x3A || bytes[index + 5] == 0x3A)
    }

    private mutating func vote(_ languages: UInt32?, _ weight: Double) {
        guard var languages else { return }
        let share = weight / Double(languages.nonzeroBitCount)
        while languages != 0 {
            votes[languages.trailingZeroBitCount] += share
            languages &= languages - 1
        }
    }

    private mutating func count(_ kind: Script, _ scalar: UInt32) {
        switch kind {
        case .latin:
            latin += 1
            if scalar < 0x80 { ascii += 1 }
        case .han: han += 1
        case .kana: kana += 1
        case .hangul: hangul += 1
        case .cyrillic: cyrillic += 1
        case .arabic:
            arabic += 1
            if [0x67E, 0x686, 0x698, 0x6A9, 0x6AF, 0x6CC].contains(scalar) { persian += 1 }
            if [0x679, 0x688, 0x691, 0x6BA, 0x6D2, 0x6BE].contains(scalar) { urdu += 1 }
        case .thai: others[0].count += 1
        case .devanagari: others[1].count += 1
        case .greek: others[2].count += 1
        case .hebrew: others[3].count += 1
        case .digit, .symbol, .other: break
        }
    }

    /// A Han character carries about as much as three Latin letters, so a Chinese text that names two English products stays Chinese.
    func decide() -> LanguageGuess {
        let cjk = (han + kana + hangul) * 3
        let other = others.max { $0.count < $1.count } ?? ("th", 0)
        let all = cjk + latin + cyrillic + arabic + other.count
        guard all > 0 else { return LanguageGuess(language: nil, confidence: 0) }
        func share(_ part: Int) -> Double { Double(part) / Double(all) }
        let strongest = max(cjk, latin, cyrillic, arabic, other.count)
        if strongest == cjk {
            if hangul * 3 >= han + kana { return LanguageGuess(language: "ko", confidence: share(cjk)) }
            // Chinese borrows の and the like now and then; Japanese without a tenth of kana is rare.
            if kana * 9 >= han { return LanguageGuess(language: "ja", confidence: share(cjk)) }
            return LanguageGuess(language: "zh", confidence: share(cjk) * (han >= 4 ? 1 : 0.7))
        }
        if strongest == other.count { return LanguageGuess(language: other.language, confidence: share(other.count)) }
        if strongest == arabic {
            let language = urdu * 20 > arabic ? "ur" : persian * 50 > arabic ? "fa" : "ar"
            return LanguageGuess(language: language, confidence: share(arabic) * 0.9)
        }
        return byVotes(share: share(strongest), fallback: strongest == cyrillic ? "ru" : nil)
    }

    private func byVotes(share: Double, fallback: String?) -> LanguageGuess {
        let total = votes.reduce(0, +)
        let most = votes.max() ?? 0
        guard most >= 0.3, let best = winner(most) else {
            if let fallback { return LanguageGuess(language: fallback, confidence: 0.5 * share) }
            // Two or more plain ASCII words that no list knows ("Battery exploded"): a leaning towards English, said as such.
            // English words seldom end in a, i, o or u; Finnish, Italian, Indonesian and romanised Hindi ones mostly do.
            if ascii == latin, words >= 2, vowelEndings * 3 <= words { return LanguageGuess(language: "en", confidence: 0.3 * share) }
            return LanguageGuess(language: nil, confidence: 0)
        }
        let language = Vocabulary.shared.languages[best]
        let certainty = most / total * min(1, 0.4 + most / 2)
        return LanguageGuess(language: language, confidence: certainty * share)
    }

    /// On a tie nothing is said, except that English goes before all others and that Danish stands for Danish or Norwegian.
    private func winner(_ most: Double) -> Int? {
        let languages = Vocabulary.shared.languages
        let tied = votes.indices.filter { votes[$0] == most }
        if tied.count == 1 || languages[tied[0]] == "en" { return tied[0] }
        return tied.map { languages[$0] } == ["da", "nb"] ? tied[0] : nil
    }
}

/// The word and letter lists, turned round: from a word's hash to a bit per language.
struct Vocabulary: Sendable {
    static let shared = Vocabulary(lists: commonWords, letters: tellingLetters)

    private(set) var languages: [String] = []
    private(set) var words: [UInt64: UInt32] = [:]
    private(set) var letters: [UInt32: UInt32] = [:]

    init(lists: String, letters letterLists: String) {
        for line in lists.split(separator: "\n") {
            let parts = line.split(separator: " ")
            let bit = UInt32(1) << UInt32(languages.count)
            languages.append(String(parts[0]))
            for word in parts.dropFirst() {
                let hash = word.unicodeScalars.reduce(fnvStart) { fnv($0, scalar: fold($1.value)) }
                words[hash, default: 0] |= bit
            }
        }
        for line in letterLists.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard let index = languages.firstIndex(of: String(parts[0])) else { continue }
            for letter in parts.dropFirst().joined().unicodeScalars { letters[letter.value, default: 0] |= UInt32(1) << UInt32(index) }
        }
    }
}
