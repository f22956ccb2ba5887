import Channels
import Domain
import Rules

/// What the command line does with channel files: nothing here asks the network or opens a database.
public enum ChannelOperations {
    /// The folder of channel files: the one named, else `channels` beside the templates.
    static func library(_ folder: String?) throws -> ChannelLibrary {
        try ChannelLibrary(folder: try folder ?? Share.find(configured: nil).path("channels"))
    }

    /// A line for each channel.
    public static func list(folder: String?) throws -> String {
        let library = try library(folder)
        let width = library.files.map(\.name.count).max() ?? 0
        var lines = library.files.map { file in
            let name = file.name + String(repeating: " ", count: width - file.name.count)
            let reads = file.streams.isEmpty ? "push" : file.streams.map(\.name).joined(separator: ", ")
            return "\(name)  \(reads)\(file.reply == nil ? "" : "; answers")  \(file.about)"
        }
        lines += library.errors.map { "\($0)" }
        return lines.joined(separator: "\n")
    }

    /// The page `docs/channels.md`.
    public static func markdown(folder: String?) throws -> String { try ChannelCatalogue.markdown(try library(folder)) }

    /// - Returns: what is wrong, a line each, and how many files were read.
    public static func lint(_ paths: [String], folder: String?) throws -> (problems: [String], files: Int) {
        if paths.isEmpty {
            let library = try library(folder)
            var problems = library.errors.map { "\($0)" }
            for file in library.files where try library.samples(of: file.name).count < 2 {
                problems.append("\(file.name): at least two samples belong to a channel, one of a full page and one of an error")
            }
            return (problems, library.files.count + library.errors.count)
        }
        var problems: [String] = []
        for path in paths {
            do { _ = try ChannelLibrary.read(path) } catch { problems.append("\(error)") }
        }
        return (problems, paths.count)
    }

    public struct Verdict: Sendable {
        public var channel: String
        public var sample: String
        public var problems: [String]
    }

    /// Replays the recorded samples.
    /// - Parameters:
    ///   - names: of channels; all when empty.
    ///   - each: called as soon as a sample was replayed.
    public static func test(_ names: [String], folder: String?, each: (Verdict) -> Void) async throws {
        let library = try library(folder)
        for error in library.errors { each(Verdict(channel: "\(error.file)", sample: "", problems: ["\(error)"])) }
        for name in names where library[name] == nil && !library.errors.contains(where: { $0.file.hasSuffix("/\(name).yaml") }) {
            let known = library.files.map(\.name)
            let nearest = Spelling.nearest(to: name, of: known).map { "; did you mean \($0)?" } ?? "; see hongyan channel list"
            throw LibraryError(description: "there is no channel \(name)\(nearest)")
        }
        for file in library.files where names.isEmpty || names.contains(file.name) {
            let samples = try library.samples(of: file.name)
            if samples.isEmpty { each(Verdict(channel: file.name, sample: "", problems: ["it has no samples"])) }
            for sample in samples { each(Verdict(channel: file.name, sample: sample.name, problems: await sample.replay(file))) }
        }
    }
}
