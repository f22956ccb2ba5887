import Domain
import FoundationEssentials
import Rules

/// Reads a journey folder and collects what is wrong with it.
struct FolderReader {
    static let fileSizeBytesMax = 256 << 10
    static let filesMax = 500
    static let settingsFile = "journey.yaml"
    /// Data for previews; nothing that is sent.
    static let samplesFolder = "samples"

    let path: String
    private(set) var problems: [RuleError] = []
    private var hash = FNV1a()

    init(path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

    mutating func read() -> JourneyFolder? {
        guard let names = Self.visible(in: path) else {
            note(nil, "there is no folder here; create it or correct the journey's name")
            return nil
        }
        guard names.contains(Self.settingsFile) else {
            note(nil, "\(Self.settingsFile) is missing; write purpose, topic and enter into it")
            return nil
        }
        guard names.count <= Self.filesMax else {
            note(nil, "more than \(Self.filesMax) files; split the journey")
            return nil
        }
        var settings: Settings?
        var files: [StepFile] = []
        for name in names where name != Self.samplesFolder {
            guard let text = text(of: name) else { continue }
            hash.add(name)
            hash.add(text)
            do throws(RuleError) {
                if name == Self.settingsFile {
                    settings = try Settings(text, file: "\(path)/\(name)")
                } else {
                    files.append(try StepFile(text, path: "\(path)/\(name)", name: name))
                }
            } catch { problems.append(error) }
        }
        let steps = steps(files)
        if steps.isEmpty, problems.isEmpty { note(nil, "there is no step; write one as 10-hello.md") }
        guard let settings, problems.isEmpty else { return nil }
        return JourneyFolder(
            name: String(path.split(separator: "/").last ?? "journey"), version: hash.hex, purpose: settings.purpose, topic: settings.topic,
            enters: settings.enters, entry: settings.entry, sender: settings.sender, answersJoinTicket: settings.answersJoinTicket,
            locale: settings.locale,
            steps: steps)
    }

    /// Puts the languages of each step together.
    private mutating func steps(_ files: [StepFile]) -> [JourneyStep] {
        var steps: [JourneyStep] = []
        var translations: [String: [String: JourneyText]] = [:]
        for file in files {
            guard let language = file.language else { continue }
            translations[file.step, default: [:]][language] = JourneyText(subject: file.subject, body: file.body)
            if !files.contains(where: { $0.step == file.step && $0.language == nil }), !problems.contains(where: { $0.file == file.path }) {
                note(file.path, "\(file.step).md is missing; it is what readers of every other language get")
            }
        }
        for file in files where file.language == nil {
            if let same = steps.first(where: { JourneyStep.number($0.name) == JourneyStep.number(file.step) }) {
                note(file.path, "\(same.name).md has the same number; the number is the order, so change one")
            }
            steps.append(
                JourneyStep(
                    name: file.step, after: file.after, text: JourneyText(subject: file.subject, body: file.body),
                    translations: translations[file.step] ?? [:]))
        }
        return steps.sorted { JourneyStep.comes($0.name, before: $1.name) }
    }

    private mutating func text(of name: String) -> String? {
        let file = "\(path)/\(name)"
        guard let data = FileManager.default.contents(atPath: file), !Self.isDirectory(file) else {
            note(file, Self.isDirectory(file) ? "a journey has no folders but samples; move this one away" : "the file cannot be read")
            return nil
        }
        guard data.count <= Self.fileSizeBytesMax else {
            note(file, "the file has more than \(Self.fileSizeBytesMax >> 10) KiB; a mail is shorter")
            return nil
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            note(file, "this is not UTF-8; save it as UTF-8")
            return nil
        }
        return text
    }

    private mutating func note(_ file: String?, _ problem: String) {
        problems.append(RuleError(file: file ?? path, line: 1, column: 1, problem: problem))
    }

    /// Names in the folder, sorted, without hidden files and editors' copies. Nil when there is no such folder.
    static func visible(in path: String) -> [String]? {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return nil }
        return names.filter { !$0.hasPrefix(".") && !$0.hasSuffix("~") }.sorted()
    }

    static func isDirectory(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
    }
}

/// FNV-1a, 64 bits (RFC 9923): stable everywhere, not a secret.
struct FNV1a {
    private var value: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Adds a text and its end, so that two neighbours cannot change places unnoticed.
    mutating func add(_ text: String) {
        for byte in text.utf8 { mix(byte) }
        mix(0xff)
    }

    private mutating func mix(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }

    /// 16 hex digits.
    var hex: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
