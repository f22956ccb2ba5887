import ArgumentParser
import Daemon

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Write one letter to the people of a list. The daemon sends it; started again, nobody gets it twice.",
        discussion: """
            The letter is a folder with 10-letter.md and, for other languages, 10-letter.zh.md; each begins with its `subject` between two
            lines of ---. Every column of the list is a value: {{city}}. The columns email, name and lang say who it is.
            """)
    @Argument(help: "The folder of the letter.") var letter: String
    @Option(name: .customLong("to"), help: "The list: a CSV file with a column `email`.") var people: String
    @Option(help: "The campaign's name; the same name never writes to an address twice.") var name: String
    @Option(help: "marketing, service or transactional: decides consent and headers.") var purpose = "marketing"
    @Option(help: "What people unsubscribe from.") var topic: String?
    @Option(help: "The sender; the first one when left out.") var sender: String?
    @Option(help: "The column of the addresses.") var column: String?
    @Flag(name: .customLong("dry-run"), help: "Only check and count.") var isRehearsal = false
    @OptionGroup var config: Config

    func run() async throws {
        let order = CampaignOrder(
            name: name, letter: letter, people: people, purpose: purpose, topic: topic, sender: sender, column: column,
            isRehearsal: isRehearsal)
        print(try await Operations.campaign(order, configuration: config.config))
    }
}
