import ArgumentParser
import Daemon

struct AccountCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Put an account on hold, let it go on, or poll it now. A running daemon obeys within seconds.",
        subcommands: [Hold.self, Resume.self, PollNow.self])

    struct Hold: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "hold", abstract: "Ask nothing of it until it is resumed.")
        @Argument var account: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.order(account, .hold, configuration: config.config)) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let it go on where it stopped.")
        @Argument var account: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.order(account, .resume, configuration: config.config)) }
    }

    struct PollNow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "poll", abstract: "Look for news now instead of at its time.")
        @Argument var account: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.order(account, .poll, configuration: config.config)) }
    }
}
