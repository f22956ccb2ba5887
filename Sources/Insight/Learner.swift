#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One softmax over three classes on hashed features, learned row by row with Adagrad. Seeded: the same rows give the same weights.
///
/// Three tricks carry it. Steps are scaled by each feature's naive Bayes ratio, so telling words move first. Each set has its own
/// bias, because "neutral" means something else in each; the mean is shipped. And features are dropped at random, so that no row is
/// learned by its one rare word.
struct Learner {
    struct Settings: Sendable {
        var bits = 20
        var letters = true
        var epochs = 4
        var rate: Float = 0.3
        var dropout: Float = 0.15
        /// Where Adagrad's sum of squares begins; smaller trusts the first rows more.
        var squaresStart: Float = 0.01
        /// Buckets seen less often than this learn nothing: a word seen once is a memory, not evidence.
        var seenMin: Float = 2
        var seed: UInt64 = 20_240_501
    }

    private let settings: Settings
    private var features: [UInt32] = []
    private var rows: [Row] = []
    private var pairs: [Bool] = []
    /// Three per bucket, like everything below.
    private(set) var weights: [Float]
    private(set) var setBias: [SIMD4<Float>] = []

    private struct Row {
        var start: Int
        var words: Int32
        var letters: Int32
        var set: Int16
        var label: Int8
    }

    init(settings: Settings) {
        self.settings = settings
        weights = [Float](repeating: 0, count: ModelHeader.classes << settings.bits)
    }

    var rowCount: Int { rows.count }

    mutating func add(_ set: LabelledSet) {
        var reader = FeatureReader(bucketBits: settings.bits, withLetters: settings.letters)
        pairs.append(!set.hasNeutral)
        setBias.append(.zero)
        for row in set.rows {
            reader.read(row.text)
            guard !reader.words.isEmpty else { continue }
            rows.append(
                Row(
                    start: features.count, words: Int32(reader.words.count), letters: Int32(reader.letters.count),
                    set: Int16(pairs.count - 1), label: Int8(row.label)))
            features += reader.words.lazy.map(\.bucket)
            features += reader.letters.lazy.map(\.bucket)
        }
    }

    /// - Parameter epochDone: called after each pass with its number and the mean loss.
    mutating func learn(epochDone: (Int, Double) -> Void) {
        let ratios = bayesRatios()
        var squares = [Float](repeating: settings.squaresStart, count: weights.count)
        var biasSquares = [SIMD4<Float>](repeating: SIMD4(repeating: settings.squaresStart), count: setBias.count)
        var random = Random(state: settings.seed)
        var order = Array(rows.indices)
        for epoch in 1...settings.epochs {
            for index in order.indices.dropFirst().reversed() { order.swapAt(index, random.below(index + 1)) }
            var loss = 0.0
            for index in order {
                loss += Double(step(rows[index], ratios: ratios, squares: &squares, biasSquares: &biasSquares, random: &random))
            }
            epochDone(epoch, loss / Double(max(1, rows.count)))
        }
    }

    /// The bias for a text of no known set: each set's leaning between the poles, and between them and neutral where the set knows neutral.
    func meanBias() -> [Float] {
        let leaning = setBias.map { ($0[2] - $0[0]) / 2 }.reduce(0, +) / Float(max(1, setBias.count))
        let neutrals = setBias.indices.filter { !pairs[$0] }.map { setBias[$0][1] - (setBias[$0][0] + setBias[$0][2]) / 2 }
        let neutral = neutrals.isEmpty ? 0 : neutrals.reduce(0, +) / Float(neutrals.count)
        return [-leaning, neutral, leaning]
    }

    // MARK: One row

    private mutating func step(
        _ row: Row, ratios: [Float], squares: inout [Float], biasSquares: inout [SIMD4<Float>], random: inout Random
    ) -> Float {
        let keep = 1 - settings.dropout
        let word = 1 / (Float(row.words).squareRoot() * keep)
        let letter = row.letters == 0 ? 0 : Bank.letterShare / (Float(row.letters).squareRoot() * keep)
        let wordsEnd = row.start + Int(row.words)
        let end = wordsEnd + Int(row.letters)
        let threshold = UInt16(settings.dropout * 65536)
        let start = random
        let set = Int(row.set)
        var logits = setBias[set]
        for index in row.start..<end where random.sixteen() >= threshold {
            let base = Int(features[index]) &* 3
            let value = index < wordsEnd ? word : letter
            logits[0] += weights[base] * value
            logits[1] += weights[base &+ 1] * value
            logits[2] += weights[base &+ 2] * value
        }
        var gradient = Self.softmax(logits, pair: pairs[set])
        let loss = -log(max(gradient[Int(row.label)], 1e-9))
        gradient[Int(row.label)] -= 1

        biasSquares[set] += gradient * gradient
        setBias[set] -= settings.rate * gradient / biasSquares[set].squareRoot()
        random = start  // the same features are dropped again
        for index in row.start..<end where random.sixteen() >= threshold {
            let base = Int(features[index]) &* 3
            let step = gradient * (index < wordsEnd ? word : letter)
            for c in 0..<3 {
                squares[base &+ c] += step[c] * step[c]
                weights[base &+ c] -= settings.rate * ratios[base &+ c] * step[c] / squares[base &+ c].squareRoot()
            }
        }
        return loss
    }

    private static func softmax(_ logits: SIMD4<Float>, pair: Bool) -> SIMD4<Float> {
        let top = pair ? max(logits[0], logits[2]) : max(logits[0], logits[1], logits[2])
        var odds = SIMD4<Float>(exp(logits[0] - top), pair ? 0 : exp(logits[1] - top), exp(logits[2] - top), 0)
        odds /= odds[0] + odds[1] + odds[2]
        return odds
    }

    // MARK: Naive Bayes ratios

    /// |log P(feature | class) / P(feature | other classes)|, at most 4. Neutral is counted only in sets that know it.
    private func bayesRatios() -> [Float] {
        var all = [Float](repeating: 0, count: weights.count)
        var known = all
        for row in rows {
            let isPair = pairs[Int(row.set)]
            for bucket in features[row.start..<(row.start + Int(row.words + row.letters))] {
                let cell = Int(bucket) * 3 + Int(row.label)
                all[cell] += 1
                if !isPair { known[cell] += 1 }
            }
        }
        var ratios = [Float](repeating: 0, count: weights.count)
        let allSums = Self.sums(all)
        let knownSums = Self.sums(known)
        for base in stride(from: 0, to: weights.count, by: 3) where all[base] + all[base + 1] + all[base + 2] >= settings.seenMin {
            for c in 0..<3 {
                let (counts, sums) = c == 1 ? (known, knownSums) : (all, allSums)
                let inside = counts[base + c]
                let outside = counts[base] + counts[base + 1] + counts[base + 2] - inside
                let others = sums[0] + sums[1] + sums[2] - sums[c]
                guard sums[c] > 0, others > 0, inside + outside > 0 else { continue }
                ratios[base + c] = min(4, abs(log((inside + 1) / (outside + 1) * (others / sums[c]))))
            }
        }
        return ratios
    }

    private static func sums(_ counts: [Float]) -> [Float] {
        var sums: [Double] = [0, 0, 0]
        for index in counts.indices { sums[index % 3] += Double(counts[index]) }
        return sums.map { Float($0) }
    }
}

/// SplitMix64, handing out sixteen bits at a time.
struct Random {
    var state: UInt64
    private var bits: UInt64 = 0
    private var left = 0

    init(state: UInt64) { self.state = state }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    @inline(__always)
    mutating func sixteen() -> UInt16 {
        if left == 0 { (bits, left) = (next(), 4) }
        defer {
            bits >>= 16
            left -= 1
        }
        return UInt16(truncatingIfNeeded: bits)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
