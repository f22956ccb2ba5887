import ArgumentParser
import Daemon

extension ChannelCommands {
    /// Whom to ask, in every command that asks a real source.
    struct Source: ParsableArguments {
        @Argument(help: "An account of the configuration whose kind is channel.") var account: String?
        @Option(help: "A channel file instead of an account.") var file: String?
        @Option(
            name: .customLong("set"), help: "With --file: an input as name=value, name=@path or name=env:NAME; may be given several times.")
        var given: [String] = []
        @Option(help: "en or zh; LANG decides when left out.") var lang: String?
        @OptionGroup var config: Config

        var subject: ChannelOperations.Subject {
            get throws {
                try ChannelOperations.Subject(account: account, file: file, given: given, configuration: config.config, language: lang)
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Ask the real source: the file's check and one page of every stream. Says what works and what to do about the rest.")
        @OptionGroup var source: Source
        func run() async throws {
            let (text, isSound) = try await ChannelOperations.check(source.subject)
            print(text)
            if !isSound { throw ExitCode(1) }
        }
    }

    struct Dry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dry", abstract: "Poll without storing anything or moving a cursor, and show what would come of it.")
        @OptionGroup var source: Source
        @Option(name: .customLong("stream"), help: "Only this stream; may be given several times.") var streams: [String] = []
        @Option(help: "At most so many pages of each stream.") var pages = 3
        @Flag(name: .customLong("from-start"), help: "As if nothing had been read before.") var fromStart = false
        @Flag(help: "One JSON object a line, for programs.") var jsonl = false
        func validate() throws {
            guard pages > 0 else { throw ValidationError("--pages is \(pages); write 1 or more") }
        }
        func run() async throws {
            let (text, remarks, isSound) = try await ChannelOperations.dry(
                source.subject, streams: streams, pages: pages, fromStart: fromStart, isJSON: jsonl)
            if !text.isEmpty { print(text) }
            if !remarks.isEmpty { Daemon.complain(remarks) }
            if !isSound { throw ExitCode(1) }
        }
    }

    struct Record: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "record",
            abstract: "Record real answers as samples, without secrets, mail addresses and telephone numbers, for a person to look over.")
        @OptionGroup var source: Source
        @Option(name: .customLong("stream"), help: "Only this stream; may be given several times.") var streams: [String] = []
        @Option(help: "At most so many pages of each stream.") var pages = 2
        @Option(help: "The folder the samples go to; samples/NAME beside the channel files when left out.") var into: String?
        @OptionGroup var place: Folder
        func validate() throws {
            guard pages > 0 else { throw ValidationError("--pages is \(pages); write 1 or more") }
        }
        func run() async throws {
            print(
                try await ChannelOperations.record(
                    source.subject, streams: streams, pages: pages, into: into, folder: place.folder))
        }
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new",
            abstract: "Make a channel file from an example answer: it guesses, you accept or correct, and its first samples are replayed.")
        @Option(help: "The example: a file, an address, or - for standard input; pasted when left out.") var from: String?
        @Option(help: "The channel's name.") var name: String?
        @Option(help: "The address the example came from.") var url: String?
        @Option(help: "The page of the source's documentation.") var docs: String?
        @Option(help: "One English sentence about it.") var about: String?
        @Option(help: "One Chinese sentence about it.") var aboutZh: String?
        @Option(help: "Where the list of records is, such as $.items[*].") var records: String?
        @Option(help: "A part of the message and where it stands: text=body; may be given several times.") var map: [String] = []
        @Option(help: "none, bearer, basic, header or query.") var auth: String?
        @Option(help: "The name of the header or parameter that holds the key.") var authName: String?
        @Option(help: "How the next page comes, as the file writes it: '{kind: link}'.") var page: String?
        @Flag(help: "Ask nothing; take the first guess.") var yes = false
        @Option(help: "en or zh; LANG decides when left out.") var lang: String?
        @OptionGroup var place: Folder
        func run() async throws {
            var given = ChannelDialogue.Given()
            (given.from, given.name, given.url, given.docs) = (from, name, url, docs)
            (given.about, given.aboutChinese, given.records, given.map) = (about, aboutZh, records, map)
            (given.auth, given.authName, given.page, given.folder) = (auth, authName, page, place.folder)
            (given.isQuick, given.language) = (yes, lang)
            let isSound = try await ChannelDialogue(given, say: { print($0) }, read: { readLine() }).run()
            if !isSound { throw ExitCode(1) }
        }
    }
}
