import ArgumentParser
import Daemon

/// The command line: arguments in, one call into Daemon, exit code out.
@main
struct Hongyan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hongyan",
        abstract: "One inbox for every customer message, and the right next message to every customer.",
        version: Daemon.version,
        subcommands: [
            Serve.self, Demo.self, Check.self, Auth.self, Status.self, Import.self, Fetch.self, Quarantine.self, Reply.self, Why.self,
            Address.self,
            SendCommand.self,
            Poll.self, AccountCommands.self, Release.self, Migrate.self,
            User.self,
            TicketCommands.self, BreakerCommands.self, DKIMCommands.self, Doctor.self, ProbeCommand.self, ChannelCommands.self,
            FormCommands.self,
            InsightCommands.self,
            DigestTrial.self,
        ])

    static func main() async {
        Daemon.prepareProcess()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as ValidationError {
            exit(withError: error)
        } catch let error as ExitCode {
            exit(withError: error)
        } catch let error as any CustomStringConvertible & Error {
            if "\(type(of: error))".contains("CommandError") || "\(type(of: error))".contains("CleanExit") { exit(withError: error) }
            Daemon.complain("hongyan: \(error.description)")
            exit(withError: ExitCode(1))
        } catch {
            exit(withError: error)
        }
    }
}

struct Config: ParsableArguments {
    @Option(name: .shortAndLong, help: "The configuration file.")
    var config = "/etc/hongyan/hongyan.yaml"
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the daemon until SIGTERM; SIGHUP reloads accounts, templates and rules.")
    @OptionGroup var config: Config
    func run() async throws { try await Daemon.serve(configuration: config.config) }
}

struct Poll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll",
        abstract: "Poll accounts once, read what came, and end. The daemon does this by itself, so it must not run meanwhile.",
        discussion: "Ends with 1 when an account could not be read; what the others brought is stored.")
    @Argument(help: "Accounts; all of them when none is named.") var accounts: [String] = []
    @OptionGroup var config: Config
    func run() async throws {
        let (words, isSound) = try await Operations.poll(accounts, configuration: config.config) { Daemon.complain($0) }
        print(words)
        if !isSound { throw ExitCode(1) }
    }
}

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run the real daemon on bundled messages: no server, no network, nothing to set up.")
    @Option(help: "The port of the console; 0 takes any free one.")
    var port = 8025
    @Flag(help: "Keep the demo's folder when it ends.")
    var keep = false
    @Option(help: "How long the forty mails take to arrive, in seconds.")
    var seconds = 120
    func run() async throws { try await Daemon.demo(port: port, keep: keep, seconds: seconds) }
}

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check configuration, rules, journeys and templates; says file, line, column and the fix.")
    @OptionGroup var config: Config
    func run() async throws { print(try await Operations.check(configuration: config.config)) }
}

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How the accounts, the spool, the tickets and the ledger are doing.")
    @OptionGroup var config: Config
    func run() async throws { print(try await Operations.status(configuration: config.config)) }
}

struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Fetch a large mail whole of which only the first part was taken; without arguments list them.")
    @Argument(help: "The account.") var account: String?
    @Argument(help: "The message, as the list names it.") var message: String?
    @OptionGroup var config: Config
    func run() async throws {
        if account != nil, message == nil { throw ValidationError("name the message as well; `hongyan fetch` lists them") }
        print(try await Operations.fetch(account: account, message: message, configuration: config.config))
    }
}

/// For the daemon's own use.
struct DigestTrial: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "digest-trial", shouldDisplay: false)
    @Option var account: String
    @Option var kind: String
    @Option var format = ""
    @OptionGroup var config: Config
    func run() async throws {
        try await Operations.digestTrial(account: account, kind: kind, format: format, configuration: config.config)
    }
}

struct Quarantine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine", abstract: "Messages that could not be read. They are kept whole; nothing else waits for them.",
        subcommands: [List.self, Show.self, Replay.self, Drop.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List them with the reason.")
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.quarantine(configuration: config.config)) }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Print one as it came, byte for byte.")
        @Argument(help: "Its number in the list.") var id: String
        @OptionGroup var config: Config
        func run() async throws { try await Operations.showQuarantined(id, configuration: config.config) }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "replay", abstract: "Try one again, or all of them.")
        @Argument(help: "Its number in the list, or `all`.") var id: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.replay(id, configuration: config.config)) }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "drop", abstract: "Give one up; its bytes are deleted.")
        @Argument(help: "Its number in the list.") var id: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.drop(id, configuration: config.config)) }
    }
}

struct Reply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reply", abstract: "Answer a ticket. The same draft name sends once, however often it is given.")
    @Argument(help: "The ticket's number, with or without #.") var ticket: String
    @Option(help: "The answer in Markdown; read from standard input when left out.") var text: String?
    @Option(help: "A name for this answer; the same name never sends twice.") var draft: String?
    @Option(help: "The agent's login.") var agent: String?
    @Flag(help: "Also mark the ticket solved.") var solve = false
    @Option(name: .customLong("attach"), help: "A file to send along; may be given several times.") var attach: [String] = []
    @Flag(inversion: .prefixedNo, help: "Quote the message that is answered; as `replies: quote:` says when left out.") var quote: Bool?
    @Flag(help: "Copy everybody who got that message.") var all = false
    @OptionGroup var config: Config
    func run() async throws {
        let extras = Operations.ReplyExtras(attach: attach, quotes: quote, toAll: all)
        print(
            try await Operations.reply(
                ticket, text: text, draft: draft, agent: agent, solve: solve, extras: extras, configuration: config.config))
    }
}

struct Why: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Every decision about a ticket (1042) or a customer (address), with its reason.")
    @Argument(help: "A ticket's number or a customer's address.") var subject: String
    @OptionGroup var config: Config
    func run() async throws { print(try await Operations.why(subject, configuration: config.config)) }
}

struct Address: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "address", abstract: "What bounces and complaints have told about a mail address.",
        subcommands: [Show.self, Clear.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show whether mail goes there, and why not.")
        @Argument(help: "A mail address.") var address: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.showAddress(address, configuration: config.config)) }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "clear", abstract: "Forget what came back: journeys mail it again.")
        @Argument(help: "A mail address.") var address: String
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.clearAddress(address, configuration: config.config)) }
    }
}

struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Let a held delivery go on (a restored backup, a clock that jumped), or one held row of the ledger.")
    @Argument(help: "A row's key, as `hongyan why` shows it; everything when left out.") var key: String?
    @OptionGroup var config: Config
    func run() async throws { print(try await Operations.release(key, configuration: config.config)) }
}

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "migrate", abstract: "Create or update the database.")
    @OptionGroup var config: Config
    func run() async throws { print(try await Operations.migrate(configuration: config.config)) }
}

struct User: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "The agents of the console.", subcommands: [Add.self, List.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Add an agent, or set the password of one.")
        @Argument var login: String
        @Option(help: "The name that colleagues see.") var name: String?
        @Option(help: "en or zh.") var locale = "en"
        @Option(help: "A file with the password; asked for when left out.") var passwordFile: String?
        @OptionGroup var config: Config
        func run() async throws {
            print(
                try await Operations.addUser(
                    login: login, name: name, locale: locale, passwordFile: passwordFile, configuration: config.config))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the agents.")
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.users(configuration: config.config)) }
    }
}

struct InsightCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "insight", abstract: "The text models: train, evaluate, score.", subcommands: [Train.self, Evaluate.self, Score.self])

    struct Train: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "Train the sentiment models from a folder of labelled texts.")
        @Option(help: "The folder that holds sentiment/A and sentiment/B.") var kit: String
        @Option(help: "Where the models go.") var into = "models"
        @Flag(help: "Use only the openly licensed sets (A).") var onlyOpen = false
        func run() async throws { print(try await Operations.train(kit: kit, into: into, onlyOpen: onlyOpen)) }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "eval", abstract: "Accuracy and macro-F1 on every development set, beside the majority class.")
        @Option(help: "The folder that holds sentiment/A and sentiment/B.") var kit: String
        @Option(help: "The folder of the models; those that came with the program when left out.") var models: String?
        func run() async throws { print(try await Operations.evaluate(kit: kit, models: models)) }
    }

    struct Score: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "score", abstract: "Score texts: the arguments, or each line of standard input.")
        @Argument var texts: [String] = []
        @Option(help: "The folder of the models; those that came with the program when left out.") var models: String?
        func run() async throws { try await Operations.score(texts, models: models) }
    }
}
