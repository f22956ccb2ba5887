import ArgumentParser
import Daemon

struct DKIMCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dkim", abstract: "The keys that sign outgoing mail.", subcommands: [New.self])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new",
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

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Looks at the world outside the daemon and says in words what to change.", subcommands: [Mail.self]
    )

    struct Mail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mail",
            abstract: "SPF, DKIM, DMARC, PTR, MX, MTA-STS and TLS-RPT of a domain we send from. Ends with 1 when something is wrong.")
        @Argument(help: "The domain: example.com.") var domain: String
        @Option(name: .customLong("ip"), help: "An address that mail leaves from; may be given several times.") var addresses: [String] = []
        @Option(help: "A name server to ask instead of the machine's own.") var server: String?
        @Option(name: .shortAndLong, help: "The configuration file, for the keys we sign with.") var config = "/etc/hongyan/hongyan.yaml"
        @Flag(help: "Do without a configuration file.") var noConfig = false
        func run() async throws {
            let (text, isSound) = try await Operations.doctorMail(
                domain, addresses: addresses, server: server, configuration: noConfig ? nil : config)
            print(text)
            if !isSound { throw ExitCode(1) }
        }
    }
}
