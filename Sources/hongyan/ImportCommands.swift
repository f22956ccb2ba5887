import ArgumentParser
import Daemon

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract:
            "Bring in old mail, or tables of orders and customers. Doing it again stores nothing twice; nothing of it starts a journey.",
        subcommands: [Mail.self, Orders.self, Customers.self], defaultSubcommand: Mail.self)

    struct Mail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mail", abstract: "Old mail into an account: Maildir, mbox, .eml. What counts when nothing is said.")
        @Argument(help: "The account it belongs to.") var account: String
        @Argument(help: "Folders and files.") var paths: [String]
        @OptionGroup var config: Config
        func run() async throws {
            guard !paths.isEmpty else { throw ValidationError("name at least one folder or file") }
            print(try await Operations.importMail(account: account, paths: paths, configuration: config.config))
        }
    }

    struct Orders: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "orders", abstract: "Orders from CSV, JSON or JSON lines; says first what it takes each column for.")
        @OptionGroup var table: TableOptions
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.importRecords(table.order(isOrders: true), configuration: config.config)) }
    }

    struct Customers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "customers", abstract: "Customers from CSV, JSON or JSON lines; says first what it takes each column for.")
        @OptionGroup var table: TableOptions
        @OptionGroup var config: Config
        func run() async throws { print(try await Operations.importRecords(table.order(isOrders: false), configuration: config.config)) }
    }
}

struct TableOptions: ParsableArguments {
    @Argument(help: "A file, or an http address.") var source: String
    @Option(help: "The shop it comes from: a channel account's name, so that both know the same orders, or any other.") var account =
        "import"
    @Option(help: "A YAML file: columns, items, currency, decimal, date, zone.") var map: String?
    @Option(help: "The currency, where no column says it: CNY, EUR, …") var currency: String?
    @Option(help: "What stands before the fraction of an amount: point or comma.") var decimal: String?
    @Option(help: "The form of times: iso, epoch, or a pattern such as %d.%m.%Y %H:%M.") var date: String?
    @Option(help: "The zone of times that name none: UTC, Asia/Shanghai, …") var zone: String?
    @Option(help: "Where records go that cannot be read; beside you as NAME.rejected.csv when left out.") var rejected: String?
    @Flag(help: "Read and check everything, store nothing.") var dryRun = false

    func order(isOrders: Bool) -> RecordOrder {
        var order = RecordOrder(isOrders: isOrders, source: source, account: account)
        (order.map, order.currency, order.decimal, order.date, order.zone) = (map, currency, decimal, date, zone)
        order.rejects = rejected
        order.isRehearsal = dryRun
        return order
    }
}
