import Domain

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The weights of one language, mapped from their file, and the arithmetic from features to a mood.
struct Bank: Sendable {
    let header: ModelHeader
    private let file: MappedFile

    /// Letter features count half as much as words.
    static let letterShare: Float = 0.5
    static let wordsMax = 6
    /// Words that push the logit less than this are noise, not reasons.
    private static let pushMin = 0.02

    init(path: String) throws(InsightError) {
        file = try MappedFile(path: path, sizeBytesMax: ModelHeader.sizeBytes + ModelHeader.classes << ModelHeader.bitsRange.upperBound)
        header = try ModelHeader(file: file, path: path)
        file.rest()
    }

    func reader() -> FeatureReader { FeatureReader(bucketBits: header.bits, withLetters: header.letters) }

    /// How much one feature of each group weighs: a text counts the same however long it is.
    static func shares(_ reader: borrowing FeatureReader) -> (words: Float, letters: Float) {
        (
            reader.words.isEmpty ? 0 : 1 / Float(reader.words.count).squareRoot(),
            reader.letters.isEmpty ? 0 : letterShare / Float(reader.letters.count).squareRoot()
        )
    }

    /// Negative, neutral, positive; before the temperature, with the shipped bias.
    func logits(_ reader: borrowing FeatureReader) -> SIMD4<Float> {
        let shares = Self.shares(reader)
        let words = sum(reader.words)
        let letters = sum(reader.letters)
        var logits = SIMD4<Float>(repeating: 0)
        for c in 0..<ModelHeader.classes {
            logits[c] = header.scale[c] * (Float(words[c]) * shares.words + Float(letters[c]) * shares.letters) + header.bias[c]
        }
        return logits
    }

    /// Whole numbers, so the order of the features cannot change the result.
    @inline(__always)
    private func sum(_ features: [FeatureReader.Feature]) -> SIMD4<Int32> {
        let weights = weights
        var (negative, neutral, positive): (Int32, Int32, Int32) = (0, 0, 0)
        for feature in features {
            let row = Int(feature.bucket) &* 3
            negative &+= Int32(weights[row])
            neutral &+= Int32(weights[row &+ 1])
            positive &+= Int32(weights[row &+ 2])
        }
        return SIMD4(negative, neutral, positive, 0)
    }

    @inline(__always)
    private var weights: UnsafePointer<Int8> {
        // Never nil: an empty mapping is refused when the file is opened; buckets are below 2^bits by construction.
        (file.bytes.baseAddress.unsafelyUnwrapped + ModelHeader.sizeBytes).assumingMemoryBound(to: Int8.self)
    }

    /// Probabilities of negative, neutral, positive. With `pair`, of negative and positive alone.
    static func probabilities(_ logits: SIMD4<Float>, temperature: Float, pair: Bool = false) -> [Double] {
        let top = pair ? max(logits[0], logits[2]) : max(logits[0], logits[1], logits[2])
        var odds = (0..<ModelHeader.classes).map { exp(Double((logits[$0] - top) / temperature)) }
        if pair { odds[1] = 0 }
        let total = odds[0] + odds[1] + odds[2]
        return odds.map { $0 / total }
    }

    /// nil when the text holds nothing to judge.
    func mood(of bytes: [UInt8], reader: inout FeatureReader) -> Mood? {
        reader.read(bytes)
        guard !reader.words.isEmpty else { return nil }
        let chance = Self.probabilities(logits(reader), temperature: header.temperature)
        let best = chance[0] > chance[1] && chance[0] > chance[2] ? 0 : chance[2] > chance[1] ? 2 : 1
        let words = phrases(reader).sorted { abs($0.push) > abs($1.push) }.prefix(Self.wordsMax).filter { abs($0.push) >= Self.pushMin }
        return Mood(
            score: chance[2] - chance[0], label: Mood.Label.allCases[best], confidence: chance[best],
            words: words.map { phrase in
                let first = reader.tokens[phrase.tokens.lowerBound]
                let last = reader.tokens[phrase.tokens.upperBound - 1]
                return Mood.Word(text: String(decoding: bytes[Int(first.start)..<Int(last.end)], as: UTF8.self), weight: phrase.push)
            }, model: header.name)
    }
}

// MARK: - Reasons

extension Bank {
    /// Neighbouring tokens shown as one, and how far they push towards positive (above 0) or negative, in logits after the temperature.
    struct Phrase {
        var tokens: Range<Int>
        var push: Double
    }

    /// What a text without words would get: the part of the push that no word made.
    var basePush: Double { Double((header.bias[2] - header.bias[0]) / header.temperature) }

    /// The whole text cut into phrases. Their pushes and `basePush` add up to logit(positive) − logit(negative).
    ///
    /// A cut is chosen where it loses least: tokens stay together when the features across them push the way they do ("太" + "差").
    func phrases(_ reader: borrowing FeatureReader) -> [Phrase] {
        let pushes = Pushes(reader, weights: weights, header: header)
        let tokens = reader.tokens
        var best = [Double](repeating: 0, count: tokens.count + 1)
        var from = [Int](repeating: 0, count: tokens.count + 1)
        for end in tokens.indices.map({ $0 + 1 }) {
            best[end] = -1
            for start in stride(from: end - 1, through: max(0, end - Self.phraseTokensMax), by: -1) {
                if start < end - 1, !joins(tokens[start], tokens[start + 1], length: end - start) { break }
                let value = best[start] + abs(pushes.inside(start..<end))
                if value > best[end] { (best[end], from[end]) = (value, start) }
            }
        }
        var phrases: [Phrase] = []
        var end = tokens.count
        while end > 0 {
            let range = from[end]..<end
            phrases.append(Phrase(tokens: range, push: pushes.total(range)))
            end = range.lowerBound
        }
        return phrases.reversed()
    }

    /// Four Chinese characters are a phrase, and two words.
    private static let phraseTokensMax = 4

    private func joins(_ left: FeatureReader.Token, _ right: FeatureReader.Token, length: Int) -> Bool {
        guard left.kind == right.kind, !right.breaksBefore, left.kind != .mark else { return false }
        return left.kind == .han ? left.end == right.start : length <= 2
    }
}

/// Each feature's push, by the tokens it stands on.
private struct Pushes {
    /// By first token: features on one, two and three tokens.
    private var spans: [[Double]]

    init(_ reader: borrowing FeatureReader, weights: UnsafePointer<Int8>, header: ModelHeader) {
        spans = [[Double]](repeating: [Double](repeating: 0, count: reader.tokens.count), count: 3)
        let shares = Bank.shares(reader)
        let (negative, positive) = (Double(header.scale[0]), Double(header.scale[2]))
        func push(_ feature: FeatureReader.Feature, _ share: Float) -> Double {
            let row = Int(feature.bucket) * 3
            return (positive * Double(weights[row + 2]) - negative * Double(weights[row])) * Double(share) / Double(header.temperature)
        }
        for feature in reader.words { spans[Int(feature.span) - 1][Int(feature.token)] += push(feature, shares.words) }
        for feature in reader.letters { spans[0][Int(feature.token)] += push(feature, shares.letters) }
    }

    /// Features that stand wholly on these tokens.
    func inside(_ range: Range<Int>) -> Double {
        var sum = 0.0
        for span in 1...3 where range.count >= span {
            for start in range.lowerBound...(range.upperBound - span) { sum += spans[span - 1][start] }
        }
        return sum
    }

    /// These tokens' share of every feature that touches them; over all tokens this is everything.
    func total(_ range: Range<Int>) -> Double {
        var sum = 0.0
        for span in 1...3 {
            for start in max(0, range.lowerBound - span + 1)..<range.upperBound where start + span <= spans[0].count {
                let covered = min(range.upperBound, start + span) - max(range.lowerBound, start)
                sum += spans[span - 1][start] * Double(covered) / Double(span)
            }
        }
        return sum
    }
}
