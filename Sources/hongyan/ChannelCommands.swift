import ArgumentParser
import Daemon

struct ChannelCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channel",
        abstract: "Work with channel files: what sources there are, whether a file is right, whether its samples still hold.",
        subcommands: [List.self, Lint.self, Test.self, Check.self, Dry.self, Record.self, New.self])

    struct Folder: ParsableArguments {
        @Option(help: "The folder of channel files, with samples/ in it.") var folder: String?
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the channels with what they read and whether they answer.")
        @OptionGroup var place: Folder
        @Flag(help: "As the table of docs/channels.md.") var markdown = false
        func run() async throws {
            if markdown {
                print(try ChannelOperations.markdown(folder: place.folder), terminator: "")
            } else {
                print(try ChannelOperations.list(folder: place.folder))
            }
        }
    }

    struct Lint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint", abstract: "Check channel files; a problem names file, line and column.")
        @Argument(help: "Files; without any, the whole folder.") var files: [String] = []
        @OptionGroup var place: Folder
        func run() async throws {
            let (problems, count) = try ChannelOperations.lint(files, folder: place.folder)
            for problem in problems { print(problem) }
            print(problems.isEmpty ? "Read: \(count). All in order." : "Read: \(count). Problems: \(problems.count).")
            if !problems.isEmpty { throw ExitCode(1) }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "test", abstract: "Replay the recorded samples, without any network.")
        @Argument(help: "Channels; without any, all.") var channels: [String] = []
        @OptionGroup var place: Folder
        func run() async throws {
            var (passed, failed) = (0, 0)
            try await ChannelOperations.test(channels, folder: place.folder) { verdict in
                if verdict.problems.isEmpty { passed += 1 } else { failed += 1 }
                let name = verdict.sample.isEmpty ? verdict.channel : "\(verdict.channel)/\(verdict.sample)"
                print(verdict.problems.isEmpty ? "ok      \(name)" : "FAILED  \(name)")
                for problem in verdict.problems { print("          \(problem)") }
            }
            print("\(passed) passed, \(failed) failed")
            if failed > 0 { throw ExitCode(1) }
        }
    }
}
