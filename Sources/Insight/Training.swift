import FoundationEssentials

/// Makes the model files from a kit of labelled rows.
public enum Training {
    /// Trains one bank per language and writes `sentiment-<language>.bin` into `directory`, each replaced at once by renaming.
    ///
    /// - Parameters:
    ///   - kit: a folder with `A` (open licences) and `B` (research only), each with `<name>.train.tsv` and `<name>.dev.tsv`.
    ///   - onlyOpen: read folder A alone.
    ///   - progress: called with one line at a time.
    /// - Throws: `InsightError`. A model already written stays.
    public static func run(kit: String, into directory: String, onlyOpen: Bool, progress: (String) -> Void) throws -> TrainingReport {
        try run(kit: kit, into: directory, options: Options(onlyOpen: onlyOpen), progress: progress)
    }

    struct Options: Sendable {
        var onlyOpen = false
        var languages = Scorer.languages
        /// Sets to leave out, by the beginning of their name: shows how a model does where it was never trained.
        var excluding: [String] = []
        var settings = Learner.Settings()
    }

    static func run(kit: String, into directory: String, options: Options, progress: (String) -> Void) throws(InsightError)
        -> TrainingReport
    {
        do { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) } catch {
            throw .cannotWrite(path: directory, reason: "\(error)")
        }
        var report = TrainingReport(models: [])
        for language in options.languages {
            report.models.append(try train(language, kit: kit, into: directory, options, progress))
        }
        return report
    }

    private static func train(
        _ language: String, kit: String, into directory: String, _ options: Options, _ progress: (String) -> Void
    ) throws(InsightError) -> TrainingReport.Model {
        func isKept(_ set: LabelledSet) -> Bool { !options.excluding.contains { set.name.hasPrefix($0) } }
        let sets = try LabelledSet.load(kit: kit, split: .train, onlyOpen: options.onlyOpen, languages: [language]).filter(isKept)
        let dev = try LabelledSet.load(kit: kit, split: .dev, onlyOpen: options.onlyOpen, languages: [language]).filter(isKept)
        guard sets.contains(where: { !$0.rows.isEmpty }) else { throw .tooLittle(language: language, path: kit) }

        var settings = options.settings
        settings.letters = language != "zh"
        var learner = Learner(settings: settings)
        for set in sets { learner.add(set) }
        progress("\(language): \(learner.rowCount) rows of \(sets.count) sets")
        learner.learn { epoch, loss in progress("\(language): pass \(epoch) of \(settings.epochs), mean loss \(Table.fixed(loss, 4))") }

        let (scale, weights) = quantised(learner.weights)
        var header = ModelHeader(
            name: "\(language)-1\(options.onlyOpen ? "-open" : "")", language: language, bits: settings.bits, letters: settings.letters,
            scale: scale, bias: learner.meanBias(), temperature: 1, sets: sets.map(\.name), rows: learner.rowCount,
            data: ModelHeader.hex(sets.reduce(fnvStart) { mix($0 ^ $1.hash) }),
            checksum: weights.withUnsafeBytes { ModelHeader.checksum($0) })
        let path = Scorer.path(directory, language: language)
        try write(header, weights, to: path)
        // The temperature is found on the file as it will be used, rounded weights and all.
        header.temperature = Calibration.temperature(of: try Bank(path: path), on: dev)
        try write(header, weights, to: path)
        progress("\(language): temperature \(header.temperature), written to \(path)")
        return TrainingReport.Model(
            name: header.name, language: language, path: path, sets: sets.map { ($0.name, $0.rows.count) }.map(TrainingReport.Source.init),
            rows: header.rows, sizeBytes: header.fileBytes, data: header.data, bias: header.bias, temperature: header.temperature)
    }

    /// One signed byte per weight. The scale leaves the few largest out of a million and clips them: they cost the rest too much precision.
    static func quantised(_ weights: [Float]) -> (scale: [Float], bytes: [Int8]) {
        var scale: [Float] = []
        var bytes = [Int8](repeating: 0, count: weights.count)
        for c in 0..<ModelHeader.classes {
            let sizes = stride(from: c, to: weights.count, by: ModelHeader.classes).map { abs(weights[$0]) }.filter { $0 > 0 }.sorted()
            let largest = sizes.isEmpty ? 1 : sizes[min(sizes.count - 1, Int(Double(sizes.count) * 0.9999))]
            scale.append(largest / 127)
            for index in stride(from: c, to: weights.count, by: ModelHeader.classes) {
                bytes[index] = Int8(max(-127, min(127, (weights[index] / scale[c]).rounded())))
            }
        }
        return (scale, bytes)
    }

    private static func write(_ header: ModelHeader, _ weights: [Int8], to path: String) throws(InsightError) {
        let bytes = header.encoded() + weights.map { UInt8(bitPattern: $0) }
        do { try Data(bytes).write(to: URL(filePath: path), options: .atomic) } catch {
            throw .cannotWrite(path: path, reason: "\(error)")
        }
    }
}

/// What a training run made.
public struct TrainingReport: Sendable {
    public var models: [Model]

    public struct Model: Sendable {
        public var name: String
        public var language: String
        public var path: String
        public var sets: [Source]
        public var rows: Int
        public var sizeBytes: Int
        /// FNV-1a over the names and bytes of the training files.
        public var data: String
        public var bias: [Float]
        public var temperature: Float
    }

    public struct Source: Sendable {
        public var name: String
        public var rows: Int
    }
}

/// Makes confidence honest: one number per model, found on dev rows, by which all logits are divided.
enum Calibration {
    /// The temperature with the least mean surprise, each set counting the same. 1 without dev rows.
    static func temperature(of bank: Bank, on sets: [LabelledSet]) -> Float {
        guard sets.contains(where: { !$0.rows.isEmpty }) else { return 1 }
        let outcomes = sets.map { Evaluation.outcomes(of: bank, on: $0) }
        let candidates = (8...100).map { Float($0) / 20 }  // 0.4 … 5
        let costs = candidates.map { cost(outcomes, $0) }
        return candidates[costs.indices.min { costs[$0] < costs[$1] } ?? 12]
    }

    private static func cost(_ sets: [Evaluation.Outcomes], _ temperature: Float) -> Double {
        sets.reduce(0) { sum, set in
            sum + Evaluation.surprise(set, temperature: temperature) / Double(max(1, set.rows.count))
        }
    }
}
