import Foundation
import Testing

/// The architecture as a table: which targets of ours each target may import. Arrows point one way only, down the way of a message.
private let mayImport: [String: Set<String>] = [
    "Domain": [],
    "Rules": ["Domain"],
    "Insight": ["Domain"],
    "Formats": ["Domain", "CGMime", "CMark", "CIDN"],
    "Transport": ["Domain", "CCurl"],
    "Store": ["Domain", "Rules", "CSQLite", "CPostgres"],
    "Channels": ["Domain", "Rules", "Formats", "Transport"],
    "Intake": ["Domain", "Rules", "Formats", "Channels", "Transport", "Store"],
    "Desk": ["Domain", "Rules", "Insight", "Store"],
    "Journeys": ["Domain", "Rules", "Insight", "Store"],
    "Delivery": ["Domain", "Formats", "Channels", "Transport", "Store"],
    "Console": ["Domain", "Rules", "Formats", "Store", "Desk", "Journeys", "Delivery"],
    "Daemon": [
        "Domain", "Rules", "Insight", "Formats", "Transport", "Store", "Channels", "Intake", "Desk", "Journeys", "Delivery", "Console",
        "CCurl", "CGMime", "CMark", "CSQLite", "CPostgres",
    ],
    "hongyan": ["Daemon"],
]

@Suite struct TidyTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test("a target imports only what the table allows", arguments: mayImport.keys.sorted())
    func imports(target: String) throws {
        let ours = Set(mayImport.keys).union(mayImport.values.joined())
        let files = try Self.swiftFiles(in: "Sources/\(target)")
        #expect(!files.isEmpty, "Sources/\(target) is empty or missing")
        for file in files {
            for line in try Self.lines(of: file) {
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "import"), at + 1 < words.count, at <= 2, line.first != " " else { continue }
                let module = String(words[at + 1].split(separator: ".")[0])
                guard ours.contains(module) else { continue }
                #expect(mayImport[target]!.contains(module), "\(file.lastPathComponent) imports \(module)")
            }
        }
    }

    @Test func `every target of the package stands in the import table`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
        #expect(Set(folders).subtracting(["C"]) == Set(mayImport.keys))
    }

    @Test func `no file is longer than 400 lines and no line is wider than 140 characters`() throws {
        for file in try Self.swiftFiles(in: "Sources") {
            let lines = try Self.lines(of: file)
            #expect(lines.count <= 401, "\(file.lastPathComponent) has \(lines.count) lines")
            for line in lines { #expect(line.count <= 140, "\(file.lastPathComponent): \(line.prefix(60))…") }
        }
    }

    @Test func `no function is longer than 70 lines`() throws {
        for file in try Self.swiftFiles(in: "Sources") {
            var open: (name: String, indent: Int, line: Int)?
            for (number, line) in try Self.lines(of: file).enumerated() {
                let indent = line.prefix { $0 == " " }.count
                let words = line.split(separator: " ").map(String.init)
                if let start = open, line.dropFirst(indent).hasPrefix("}"), indent == start.indent {
                    #expect(number - start.line <= 70, "\(file.lastPathComponent): \(start.name) is \(number - start.line) lines long")
                    open = nil
                } else if open == nil, words.prefix(6).contains(where: { $0 == "func" || $0.hasPrefix("init(") || $0 == "deinit" }),
                    !line.hasSuffix("}"), line.hasSuffix("{") || line.hasSuffix("(")
                {
                    open = (line.trimmingCharacters(in: .whitespaces), indent, number)
                }
            }
        }
    }

    @Test func `SQL is written only in Store`() throws {
        let phrases = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "UPDATE "]
        for file in try Self.swiftFiles(in: "Sources") where !file.path.contains("/Sources/Store/") {
            for line in try Self.lines(of: file) where !line.drop(while: { $0 == " " }).hasPrefix("//") {
                for phrase in phrases where line.contains("\"" + phrase) || line.drop(while: { $0 == " " }).hasPrefix(phrase) {
                    Issue.record("\(file.lastPathComponent): \(line)")
                }
            }
        }
    }

    @Test func `nothing starts programs with Foundation's Process, which reads past the end of its list of open files`() throws {
        let word = "Process" + "()"
        for file in try Self.swiftFiles(in: "Sources") + Self.swiftFiles(in: "Tests") {
            for line in try Self.lines(of: file) where line.contains(" " + word) {
                Issue.record("\(file.lastPathComponent): \(line); TestServers has Program")
            }
        }
    }

    @Test func `each target's front-door file says what it is for`() throws {
        for target in mayImport.keys.sorted() where target != "hongyan" {
            let openings = try Self.swiftFiles(in: "Sources/\(target)").filter {
                try String(contentsOf: $0, encoding: .utf8).hasPrefix("// \(target)")
            }
            #expect(openings.count == 1, "one file of Sources/\(target) should open with a comment that starts “// \(target): …”")
        }
    }

    private static func lines(of file: URL) throws -> [Substring] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    }

    private static func swiftFiles(in folder: String) throws -> [URL] {
        let all = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
        return (all?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
    }
}
