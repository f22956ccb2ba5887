import FoundationEssentials
import Mustache

/// What a template is filled with.
typealias Model = [String: Any]

/// The page templates and their words, read once.
struct Pages: Sendable {
    /// Template files in the folder; more is a mistake.
    static let filesMax = 100

    let words: Words
    private let library: MustacheLibrary

    /// - Throws: `ConsoleError` with the file.
    init(folder: String) throws {
        words = try Words(folder: folder)
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder) else { throw ConsoleError.unreadable(path: folder) }
        var library = MustacheLibrary()
        for file in files.sorted().prefix(Self.filesMax) where file.hasSuffix(".mustache") {
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(file)") else {
                throw ConsoleError.unreadable(path: "\(folder)/\(file)")
            }
            do {
                try library.register(String(decoding: bytes, as: UTF8.self), named: String(file.dropLast(".mustache".count)))
            } catch {
                throw ConsoleError.badTemplate(file: "\(folder)/\(file)", reason: "\(error)")
            }
        }
        self.library = library
    }

    func render(_ name: String, _ model: Model) -> String {
        library.render(Self.guarded(model), withTemplate: name) ?? "the template \(name).mustache is missing"
    }

    /// Swift-mustache escapes by `Character`, so a quote followed by a combining mark is another character to it and would
    /// pass unescaped and end an attribute. A dotted circle between the two, the mark's usual lone base, parts them again.
    static func guarded(_ value: Any) -> Any {
        switch value {
        case let text as String: guarded(text)
        case let model as Model: model.mapValues(guarded)
        case let list as [Model]: list.map { $0.mapValues(guarded) }
        case let list as [String]: list.map { guarded($0) as String }
        default: value
        }
    }

    static func guarded(_ text: String) -> String {
        let special = text.utf8.contains { $0 == 0x22 || $0 == 0x26 || $0 == 0x27 || $0 == 0x3C || $0 == 0x3E }
        guard special, text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var out = String.UnicodeScalarView()
        var isAfterSpecial = false
        for scalar in text.unicodeScalars {
            if isAfterSpecial, !scalar.isASCII { if Character(scalar).isJoining { out.append("\u{25CC}") } }
            out.append(scalar)
            isAfterSpecial = "\"&'<>".unicodeScalars.contains(scalar)
        }
        return String(out)
    }
}

extension Character {
    /// Whether this would melt into a quote written before it.
    fileprivate var isJoining: Bool { ("\"" + String(self)).count == 1 }
}

/// HTML that we made ourselves from escaped parts. The only thing a template may put out with three braces.
struct SafeHTML: MustacheCustomRenderable {
    let renderText: String
    var isNull: Bool { renderText.isEmpty }

    init(_ html: String) { renderText = html }

    /// Text as HTML, byte by byte.
    static func escape(_ text: some StringProtocol) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count + 32)
        for byte in text.utf8 {
            switch byte {
            case 0x26: out += Array("&amp;".utf8)
            case 0x3C: out += Array("&lt;".utf8)
            case 0x3E: out += Array("&gt;".utf8)
            case 0x22: out += Array("&quot;".utf8)
            case 0x27: out += Array("&#39;".utf8)
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
