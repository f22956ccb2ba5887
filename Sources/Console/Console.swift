// Console: what agents, customers and monitoring see over HTTP.
//
// In: requests, and the store's events. Out: pages, fragments of pages, live updates, metrics, and rows: agents' actions
// through `Desk`, posted forms into the spool, consent. Never: SQL, a decision about a customer, mail sent from here, a page that
// needs a script to work.
public import Desk
public import Domain
import FoundationEssentials
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle
public import Store

public struct ConsoleSettings: Sendable {
    public var host = "127.0.0.1"
    /// 0 takes any free port; `onListening` says which.
    public var port = 8025
    /// Where people reach us, without a slash at the end. An https address makes cookies Secure.
    public var publicURL = "http://127.0.0.1:8025"
    /// Folder of the page templates and of `words.en.txt`, `words.zh.txt`.
    public var templates: String
    /// Folder of style sheets, scripts and icons; read once.
    public var statics: String
    public var forms: [PublicForm] = []
    /// Descriptions of those forms that have one, by name.
    public var formPages: [String: FormPage] = [:]
    /// Nobody pushes anything when nil.
    public var hooks: Hooks?
    public var secureCookies = false
    /// Whether a proxy of ours on another machine stands in front, so that X-Forwarded-For names the visitor.
    public var behindProxy = false
    /// Lets `/metrics` be read from elsewhere with `Authorization: Bearer …`; without it only this machine may.
    public var metricsToken: Secret?
    public var version = "dev"

    public init(templates: String, statics: String) {
        self.templates = templates
        self.statics = statics
    }
}

/// The HTTP server. Start it after the store, stop it first.
public struct ConsoleService: Service {
    let site: Site
    let logger: Logger
    let onListening: @Sendable (Int) async -> Void

    /// Reads templates, words and static files.
    /// - Throws: `ConsoleError`, which names the file and the fix.
    public init(
        store: Store, desk: Desk, settings: ConsoleSettings, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws {
        site = try Site(store: store, desk: desk, settings: settings, logger: logger)
        self.logger = logger
        self.onListening = onListening
    }

    /// Puts other forms in force, from the next request on.
    public func reload(forms: [PublicForm], pages: [String: FormPage]) { site.shelf.put(forms, pages) }

    public func run() async throws {
        let app = site.application { port in await onListening(port) }
        do {
            try await app.run()
        } catch let error as IOError {
            throw ConsoleError.cannotListen(host: site.settings.host, port: site.settings.port, reason: "\(error)")
        }
    }
}

public enum ConsoleError: Error, CustomStringConvertible {
    case cannotListen(host: String, port: Int, reason: String)
    case unreadable(path: String)
    case badTemplate(file: String, reason: String)
    case badWords(file: String, line: Int, text: String)
    case badSentence(file: String, line: Int, text: String)
    case staticsTooLarge(path: String, sizeBytesMax: Int)

    public var description: String {
        switch self {
        case .cannotListen(let host, let port, let reason):
            "cannot listen on \(host):\(port): \(reason). Stop the other program or set `listen` to a free port."
        case .unreadable(let path): "cannot read \(path). Set `share` to the folder that holds templates/ and static/."
        case .badTemplate(let file, let reason): "\(file): \(reason)"
        case .badWords(let file, let line, let text): "\(file):\(line): `\(text)` is not `key = text`"
        case .badSentence(let file, let line, let text):
            "\(file):\(line): `\(text)` is not `sentence with {blanks} = translation with the same {blanks}`, or it stands there twice"
        case .staticsTooLarge(let path, let max): "\(path) holds more than \(max) bytes; keep only what pages need there"
        }
    }
}

extension Site {
    /// Connections at the same time; each live page holds one.
    static let connectionsMax = 4096
    /// A connection that does not finish its request within this is closed.
    static let idleTimeout = TimeAmount.seconds(60)

    func application(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) -> Application<RouterResponder<Visit>> {
        let channel = HTTP1Channel.Configuration(idleTimeout: Self.idleTimeout)
        return Application(
            router: router(),
            server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)),
            services: [hub],
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger)
    }
}
