import ArgumentParser
import Daemon

struct Auth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "auth", abstract: "Get an account's permission to log in by OAuth 2, or renew it; the daemon may be running.")
    @Argument(help: "An account with `oauth` in the configuration, or sender/NAME.") var account: String
    @Option(help: "The port of the address a browser comes back to; 0 takes any free one.") var port = 0
    @OptionGroup var config: Config
    func run() async throws {
        try await Operations.authorize(account, port: port, configuration: config.config) { Daemon.complain($0) }
    }
}
