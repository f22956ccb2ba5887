/// What can go wrong with models and training material. Scoring itself never fails.
public enum InsightError: Error, Equatable, CustomStringConvertible {
    case modelMissing(path: String, reason: String)
    case modelDamaged(path: String, problem: String)
    case kitMissing(path: String)
    case kitUnreadable(path: String, reason: String)
    case badRow(path: String, line: Int, problem: String)
    case tooLittle(language: String, path: String)
    case cannotWrite(path: String, reason: String)

    public var description: String {
        switch self {
        case .modelMissing(let path, let reason):
            "cannot read the sentiment model \(path): \(reason). Point `models` at the folder that "
                + "holds sentiment-zh.bin and sentiment-en.bin, or make them with `hongyan insight train --kit DIR`."
        case .modelDamaged(let path, let problem):
            "the sentiment model \(path) cannot be used: \(problem). Restore the file from the package, "
                + "or make it again with `hongyan insight train --kit DIR`."
        case .kitMissing(let path):
            "no training material in \(path): expected folders A (open licences) and B (research only) with files "
                + "<name>.train.tsv and <name>.dev.tsv. Check --kit."
        case .kitUnreadable(let path, let reason):
            "cannot read \(path): \(reason). Check that the file exists and may be read."
        case .badRow(let path, let line, let problem):
            "\(path) line \(line): \(problem). Write one row a line as label<TAB>text with the label neg, neu or pos."
        case .tooLittle(let language, let path):
            "no training rows for language \(language) in \(path). Add files named \(language)_<name>.train.tsv."
        case .cannotWrite(let path, let reason):
            "cannot write \(path): \(reason). Check that the folder may be written to."
        }
    }
}
