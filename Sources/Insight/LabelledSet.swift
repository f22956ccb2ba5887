import FoundationEssentials

/// Rows somebody labelled: one file `label<TAB>text`, labels `neg`, `neu`, `pos`.
struct LabelledSet: Sendable {
    var name: String
    var language: String
    var rows: [Row]
    /// FNV-1a of the name and the file's bytes.
    var hash: UInt64

    struct Row: Sendable {
        var label: Int
        var text: [UInt8]
    }

    /// Whether it knows neutral. A set that does not says nothing about it: it is trained and judged on two classes.
    var hasNeutral: Bool { rows.contains { $0.label == 1 } }

    enum Split: String, Sendable { case train, dev }

    /// All sentiment sets of these languages, by name, so that the order never depends on the file system.
    ///
    /// - Parameter kit: a folder with `A` (open licences) and, unless `onlyOpen`, `B` (research only), or one holding it as `sentiment`.
    static func load(kit: String, split: Split, onlyOpen: Bool, languages: Set<String>) throws(InsightError) -> [LabelledSet] {
        let root = [kit, kit + "/sentiment"].first { FileManager.default.fileExists(atPath: $0 + "/A") }
        guard let root else { throw .kitMissing(path: kit) }
        var sets: [LabelledSet] = []
        for folder in onlyOpen ? ["A"] : ["A", "B"] {
            let path = "\(root)/\(folder)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let files: [String]
            do { files = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
                throw .kitUnreadable(path: path, reason: "\(error)")
            }
            for file in files where file.hasSuffix(".\(split.rawValue).tsv") {
                let name = String(file.dropLast(split.rawValue.count + 5))
                guard let language = language(of: name), languages.contains(language) else { continue }
                sets.append(try read("\(path)/\(file)", name: name, language: language))
            }
        }
        return sets.sorted { $0.name < $1.name }
    }

    static func read(_ path: String, name: String, language: String) throws(InsightError) -> LabelledSet {
        let bytes: [UInt8]
        do { bytes = [UInt8](try Data(contentsOf: URL(filePath: path))) } catch {
            throw .kitUnreadable(path: path, reason: "\(error)")
        }
        var set = LabelledSet(name: name, language: language, rows: [], hash: name.utf8.reduce(fnvStart) { fnv($0, $1) })
        for byte in bytes { set.hash = fnv(set.hash, byte) }
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() where !line.isEmpty {
            guard let tab = line.firstIndex(of: 0x09) else { throw .badRow(path: path, line: number + 1, problem: "there is no tab") }
            let label = String(decoding: line[..<tab], as: UTF8.self)
            guard let index = labels.firstIndex(of: label) else {
                throw .badRow(path: path, line: number + 1, problem: "the label is \"\(label.prefix(20))\"")
            }
            set.rows.append(Row(label: index, text: Array(line[(tab + 1)...])))
        }
        return set
    }

    /// In the order of the model's classes.
    static let labels = ["neg", "neu", "pos"]

    /// Names begin with the language (`en_goemo`), or with the collection where one collection has many languages (`xed_de`).
    /// Emotion, intent and aspect sets have other labels and are not read here.
    static func language(of name: String) -> String? {
        let parts = name.split(separator: "_")
        guard parts.count >= 2 else { return nil }
        switch parts[0] {
        case "emo", "int", "absa": return nil
        case "xed":
            let renamed = ["cn": "zh", "tw": "zh", "br": "pt", "no": "nb"]
            return renamed[String(parts[1])] ?? String(parts[1])
        default: return parts[0].count == 2 ? String(parts[0]) : nil
        }
    }
}
