#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How well a model does on one set of labelled rows it was not trained on.
public struct SetResult: Sendable, Equatable {
    public var name: String
    public var language: String
    public var rows: Int
    /// 2 or 3. A set without neutral is judged on its two classes.
    public var classes: Int
    /// Share of rows with the right label.
    public var accuracy: Double
    /// The mean over classes of F1, so that rare classes count.
    public var macroF1: Double
    /// What always answering the commonest label would get.
    public var majorityAccuracy: Double
    public var majorityF1: Double
    /// Expected calibration error over ten bins: how far confidence is from being right, 0 is best.
    public var calibrationError: Double
}

/// Measures models on the dev rows of a kit.
public enum Evaluation {
    /// One result per dev set of a language that the models speak, by language and name.
    public static func run(kit: String, models: String) throws -> [SetResult] {
        try Scorer(models: models).evaluate(kit: kit)
    }

    /// The logits of a set's rows.
    struct Outcomes {
        var pair: Bool
        var rows: [(label: Int, logits: SIMD4<Float>)]
    }

    static func outcomes(of bank: Bank, on set: LabelledSet) -> Outcomes {
        var reader = bank.reader()
        return Outcomes(
            pair: !set.hasNeutral,
            rows: set.rows.map { row in
                reader.read(row.text)
                return (row.label, bank.logits(reader))
            })
    }

    static func surprise(_ outcomes: Outcomes, temperature: Float) -> Double {
        outcomes.rows.reduce(0) { sum, row in
            sum - log(max(1e-12, Bank.probabilities(row.logits, temperature: temperature, pair: outcomes.pair)[row.label]))
        }
    }

    static func result(of bank: Bank, on set: LabelledSet) -> SetResult {
        let outcomes = outcomes(of: bank, on: set)
        var confusion = Confusion()
        var bins = [(count: Int, right: Int, confidence: Double)](repeating: (0, 0, 0), count: 10)
        for row in outcomes.rows {
            let chance = Bank.probabilities(row.logits, temperature: bank.header.temperature, pair: outcomes.pair)
            let best = chance.indices.max { chance[$0] < chance[$1] } ?? 1
            confusion.add(truth: row.label, answer: best)
            let bin = min(9, Int(chance[best] * 10))
            bins[bin].count += 1
            bins[bin].right += best == row.label ? 1 : 0
            bins[bin].confidence += chance[best]
        }
        let rows = max(1, set.rows.count)
        let classes = outcomes.pair ? [0, 2] : [0, 1, 2]
        let counts = classes.map { confusion.truths($0) }
        var majority = Confusion()
        let common = classes[counts.indices.max { counts[$0] < counts[$1] } ?? 0]
        for c in classes { majority.cells[c][common] = confusion.truths(c) }
        return SetResult(
            name: set.name, language: set.language, rows: set.rows.count, classes: classes.count, accuracy: confusion.accuracy,
            macroF1: confusion.macroF1(classes), majorityAccuracy: majority.accuracy, majorityF1: majority.macroF1(classes),
            calibrationError: bins.reduce(0) { $0 + abs(Double($1.right) - $1.confidence) } / Double(rows))
    }

    /// The results as a plain text table, with a mean per language.
    public static func table(_ results: [SetResult]) -> String {
        var table = Table(columns: ["set", "rows", "classes", "accuracy", "macro-F1", "majority acc.", "majority F1", "cal. error"])
        for language in Set(results.map(\.language)).sorted() {
            let group = results.filter { $0.language == language }
            for result in group {
                table.add([result.name, "\(result.rows)", "\(result.classes)"] + figures(result).map { Table.fixed($0, 3) })
            }
            let means = (0..<5).map { column in group.map { figures($0)[column] }.reduce(0, +) / Double(group.count) }
            table.add(["mean \(language)", "\(group.map(\.rows).reduce(0, +))", ""] + means.map { Table.fixed($0, 3) })
        }
        return table.text
    }

    private static func figures(_ result: SetResult) -> [Double] {
        [result.accuracy, result.macroF1, result.majorityAccuracy, result.majorityF1, result.calibrationError]
    }
}

extension Scorer {
    /// Measures both models on the dev rows of a kit, with the bias they ship (not the set's own).
    public func evaluate(kit: String) throws -> [SetResult] {
        let sets = try LabelledSet.load(kit: kit, split: .dev, onlyOpen: false, languages: Set(Self.languages))
        return sets.sorted { ($0.language, $0.name) < ($1.language, $1.name) }.compactMap { set in
            banks[set.language].map { Evaluation.result(of: $0, on: set) }
        }
    }
}

/// Truth by answer.
struct Confusion {
    var cells = [[Int]](repeating: [0, 0, 0], count: 3)

    mutating func add(truth: Int, answer: Int) { cells[truth][answer] += 1 }

    func truths(_ c: Int) -> Int { cells[c].reduce(0, +) }

    var accuracy: Double {
        let all = cells.joined().reduce(0, +)
        return all == 0 ? 0 : Double(cells[0][0] + cells[1][1] + cells[2][2]) / Double(all)
    }

    func macroF1(_ classes: [Int]) -> Double {
        classes.map { c in
            let answered = cells.map { $0[c] }.reduce(0, +)
            let both = answered + truths(c)
            return both == 0 ? 0 : 2 * Double(cells[c][c]) / Double(both)
        }.reduce(0, +) / Double(classes.count)
    }
}

/// Columns of text: the first to the left, the rest to the right.
struct Table {
    private var rows: [[String]]

    init(columns: [String]) { rows = [columns] }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { column in
                let gap = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + gap : gap + row[column]
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// `String(format:)` without Foundation: `fixed(0.12345, 3)` is "0.123".
    static func fixed(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
        let unit = (0..<places).reduce(1) { power, _ in power * 10 }
        let whole = Int((abs(value) * Double(unit)).rounded())
        let digits = String(whole % unit)
        return (value < 0 && whole > 0 ? "-" : "") + "\(whole / unit)." + String(repeating: "0", count: places - digits.count) + digits
    }
}
