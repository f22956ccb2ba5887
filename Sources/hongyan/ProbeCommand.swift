public import ArgumentParser
public import Daemon
import FoundationEssentials

extension Probe.Kind: ExpressibleByArgument {}

struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Show how messages, feeds and HTML in files would be understood; nothing is stored.",
        discussion: "Paths may also come on standard input, one a line. A file that cannot be read is reported in its place.")
    @Argument(help: "mail, header, reply, bounce, tnef, mbox, feed or html.") var kind: Probe.Kind
    @Argument(help: "The files.") var files: [String] = []
    @Flag(help: "One JSON object a line, for programs.") var jsonl = false
    @Flag(help: "reply: leave the signature with the new words.") var keepSignature = false

    @Option(help: "feed: the address the files came from, for their relative links.") var url: String?
    @Option(help: "mail: a GnuPG home with the keys that verify and decrypt.") var keys: String?

    func validate() throws {
        if url != nil, kind != .feed { throw ValidationError("--url goes with `feed` only.") }
        guard let keys else { return }
        guard kind == .mail else { throw ValidationError("--keys goes with `mail` only.") }
        var isFolder = false
        guard FileManager.default.fileExists(atPath: keys, isDirectory: &isFolder), isFolder else {
            throw ValidationError("--keys names \(keys), which is no folder; make it with: gpg --homedir \(keys) --import KEY.asc")
        }
    }

    func run() async throws {
        let probe = Probe(kind: kind, jsonLines: jsonl, keepsSignature: keepSignature, keys: keys, url: url)
        let bad =
            if files.isEmpty || files == ["-"] {
                await probe.run(sequence(state: ()) { (_: inout Void) in readLine() }.lazy.filter { !$0.isEmpty })
            } else {
                await probe.run(files)
            }
        if bad > 0 { throw ExitCode(1) }
    }
}
