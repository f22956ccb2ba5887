import ArgumentParser
import Daemon

struct TicketCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ticket", abstract: "Look at a ticket's messages; merge, split, and take both back.",
        subcommands: [Show.self, Merge.self, Unmerge.self, Split.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Its messages, numbered for `split`, and what was moved.")
        @Argument(help: "The ticket's number, with or without #.") var ticket: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.showTicket(ticket, configuration: config.config)) }
    }

    struct Merge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "merge", abstract: "Take a ticket into another one; its number leads there from then on.")
        @Argument(help: "The ticket that goes.") var ticket: String
        @Option(help: "The ticket that stays.") var into: String
        @Option(help: "The agent's login.") var agent: String?
        @OptionGroup var config: Config
        func run() async throws {
            print(try await Operations.mergeTicket(ticket, into: into, agent: agent, configuration: config.config))
        }
    }

    struct Unmerge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unmerge", abstract: "Take a merge back: the ticket has its messages again, and the answers to them.")
        @Argument(help: "The ticket that was merged into another one.") var ticket: String
        @Option(help: "The agent's login.") var agent: String?
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.unmergeTicket(ticket, agent: agent, configuration: config.config)) }
    }

    struct Split: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "split", abstract: "Move a message to a new ticket or to another one; answers to it follow.")
        @Argument(help: "The ticket's number.") var ticket: String
        @Option(help: "Which message, by its number in `hongyan ticket show`.") var message: Int
        @Flag(help: "Also everything that came after it.") var later = false
        @Option(help: "The ticket that gets it; a new one when left out.") var into: String?
        @Option(help: "The agent's login.") var agent: String?
        @OptionGroup var config: Config
        func run() async throws {
            print(
                try await Operations.splitTicket(
                    ticket, message: message, withLater: later, into: into, agent: agent, configuration: config.config))
        }
    }
}

struct BreakerCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "Addresses that get no automatic mail, because they look like machines that answer machines.",
        subcommands: [List.self, Clear.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List them with the reason.")
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.breakers(configuration: config.config)) }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "clear", abstract: "Let automatic mail go to an address again.")
        @Argument(help: "The address.") var address: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.clearBreaker(address, configuration: config.config)) }
    }
}
