import ArgumentParser
import Daemon

struct FormCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "form", abstract: "Work with hosted forms: list them, check their files, get the HTML to put one into a page.",
        subcommands: [List.self, Lint.self, Snippet.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Show the forms with their addresses.")
        @OptionGroup var config: Config
        func run() async throws { print(try FormOperations.list(configuration: config.config)) }
    }

    struct Lint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint", abstract: "Check form files; a problem names file, line and column.")
        @Argument(help: "The files.") var files: [String]
        func run() async throws {
            let problems = FormOperations.lint(files)
            for problem in problems { print(problem) }
            print(problems.isEmpty ? "Read: \(files.count). All in order." : "Read: \(files.count). Problems: \(problems.count).")
            if !problems.isEmpty { throw ExitCode(1) }
        }
    }

    struct Snippet: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "snippet", abstract: "Print the HTML that shows a form in a page: a frame, and a plain form.")
        @Argument(help: "The form's name.") var name: String
        @OptionGroup var config: Config
        func run() async throws { print(try FormOperations.snippet(name, configuration: config.config)) }
    }
}
