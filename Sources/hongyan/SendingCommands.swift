import ArgumentParser
import Daemon

struct DKIMCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dkim", abstract: "The keys that sign outgoing mail.", subcommands: [New.self])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key, keep it in a file only its owner may read, and print the DNS record and the lines for hongyan.yaml.")
        @Argument(help: "The domain that signs: example.com.") var domain: String
        @Argument(help: "A name for this key below _domainkey: hy1.") var selector: String
        @Flag(help: "Ed25519 instead of RSA with 2048 bits. Not every receiver knows it yet: use it beside an RSA key.") var ed25519 = false
        @Option(help: "Where the key goes; SELECTOR.DOMAIN.pem here when left out. A file that exists is never written over.")
        var file: String?
        func run() async throws {
            print(try Operations.newDKIMKey(domain: domain, selector: selector, isEd25519: ed25519, file: file))
        }
    }
}
