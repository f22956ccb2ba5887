// Daemon: the map. Reads the settings, builds every room of the house in the order of a message's way, and runs them until told to stop.
//
// In: a configuration file. Out: a running daemon. Never: work of its own on messages; each service owns its part, rows join them.
import Channels
import Console
import Delivery
import Desk
import Domain
import Formats
import FoundationEssentials
import Glibc
import Insight
import Intake
import Journeys
import Logging
import Rules
import ServiceLifecycle
import Store
import Transport
import UnixSignals

public enum Daemon {
    public static let version = "0.1.0"
    /// Work in hand gets this long after SIGTERM; systemd kills after TimeoutStopSec=15s.
    static let graceSeconds = 9

    /// What the process needs before anything else runs.
    public static func prepareProcess() {
        signal(SIGPIPE, SIG_IGN)  // a peer that hangs up is an error of that write, not the end of the process
    }

    /// One line on standard error.
    public static func complain(_ text: String) { try? FileHandleText.standardError(text + "\n") }

    public static func serve(configuration: String) async throws {
        let settings = try Settings.load(configuration)
        let logger = bootstrapLogging(settings)
        let house = try await House(settings: settings, configuration: configuration, logger: logger)
        try await house.run()
    }

    static func bootstrapLogging(_ settings: Settings) -> Logger {
        let isJournal = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] != nil
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        LoggingSystem.bootstrap { LogOutput(label: $0, level: level, format: settings.logFormat, isJournal: isJournal) }
        return Logger(label: "hongyan")
    }
}

/// Every room, built in the order of the way of a message, and the services that work in them.
struct House: Sendable {
    let settings: Settings
    let configuration: String?
    let logger: Logger
    let store: Store
    let loop: TransferLoop
    let intake: IntakeService
    let digest: DigestService
    let desk: Desk
    let placing: DeskService
    let journeys: JourneysService
    let delivery: DeliveryService
    let console: ConsoleService
    let tokens: OAuthKeeper
    let channels: ChannelShelf
    let hooks: HookService
    let watch: AlertService
    let lock: FileLock?
    let notify = Notify()
    /// Services of the demo, if this is one.
    var extras: [any Service] = []

    init(
        settings: Settings, configuration: String?, logger: Logger, onListening: (@Sendable (Int) async -> Void)? = nil,
        prepare: (Store) async throws -> Void = { _ in }
    ) async throws {
        self.settings = settings
        self.configuration = configuration
        self.logger = logger
        let parts = try Parts.load(settings)
        lock = try settings.databasePath.map { try FileLock(path: $0 + ".lock") }
        store = try await settings.openStore(logger: logger)
        try await store.migrate()
        if lock != nil { try await store.releaseLeases() }  // whoever held them is dead: the file has one owner, and it is us
        try await prepare(store)
        loop = TransferLoop(logger: logger)

        let owner = "node-\(settings.node)-\(getpid())"
        let seal = try settings.tokenSeal(isNeeded: true)
        tokens = OAuthKeeper(
            settings.oauth, shelf: .in(store, seal: seal, owner: owner), loop: loop, logger: logger, now: store.time.now)
        channels = ChannelShelf(settings.channels)
        let opened = store
        let trial = configuration.map { ChildTrial(configuration: $0, folder: settings.data, store: opened, logger: logger).trial }
        desk = Desk(store: store, settings: settings.desk(parts.rules, parts.replyTexts))
        let placing = DeskService(desk: desk, scorer: parts.scorer, owner: owner, logger: logger)
        self.placing = placing
        digest = DigestService(
            store: store, accounts: settings.accounts, ownAddresses: settings.senderAddresses, owner: owner, logger: logger,
            trial: trial, keys: settings.keys.map { MailKeys(folder: $0) }, channels: channels,
            placer: placing.ahead)
        intake = IntakeService(
            store: store, loop: loop, accounts: settings.accounts, tokens: tokens, channels: channels, seal: seal, digest: digest,
            logger: logger)
        hooks = HookService(store: store, accounts: settings.accounts, channels: channels, logger: logger)
        journeys = JourneysService(store: store, journeys: parts.journeys, loops: settings.loopGuard, logger: logger)
        let gate = DeliveryGate(store: store, dataDirectory: settings.data, node: settings.node, logger: logger)
        delivery = DeliveryService(
            store: store, loop: loop, senders: settings.allSenders, layouts: parts.layouts,
            settings: settings.delivery, gate: gate, tokens: tokens, channels: channels, seal: seal, logger: logger,
            resolver: DNSResolver(loop: loop, servers: settings.nameservers))
        watch = AlertService(store: store, loop: loop, intake: intake, tokens: tokens, alerts: settings.alerts, logger: logger)
        let notify = notify
        let listening: @Sendable (Int) async -> Void = { [logger, settings] port in
            logger.notice("Listening.", metadata: ["address": "\(settings.listenHost):\(port)", "public_url": "\(settings.publicURL)"])
            notify.ready("listening on \(settings.listenHost):\(port)")
            await onListening?(port)
        }
        console = try ConsoleService(
            store: store, desk: desk, settings: settings.console(parts.share, hooks), logger: logger, onListening: listening)
        if try await store.read({ try $0.agents.all().isEmpty }) {
            logger.notice("Nobody can sign in yet. Run: hongyan user add NAME")
        }
    }

    /// Runs until SIGTERM or SIGINT. Services stop in reverse order, each waited for: first no new pages and polls, then the work in hand,
    /// the store last.
    func run() async throws {
        let reloader = Reloader(house: self)
        let services: [any Service] =
            [StoreCloser(store: store, loop: loop), Heartbeat(store: store, notify: notify, logger: logger), reloader]
            + [delivery, journeys, placing, digest, intake, hooks, watch, console] + extras + [
                StopAnnouncer(notify: notify, logger: logger)
            ]
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(Daemon.graceSeconds)
        try await ServiceGroup(configuration: configuration).run()
        _ = lock  // held until here
    }

    /// Takes accounts, senders, rules, journeys and templates into force again. Anything wrong keeps the old set whole.
    func reload() async {
        guard let path = configuration else { return }
        notify.reloading()
        do {
            let new = try Settings.load(path)
            let parts = try Parts.load(new)
            await tokens.reload(new.oauth)
            watch.reload(new.alerts)
            channels.put(new.channels)
            intake.reload(accounts: new.accounts)
            hooks.reload(accounts: new.accounts)
            digest.reload(accounts: new.accounts, ownAddresses: new.senderAddresses)
            desk.reload(new.desk(parts.rules, parts.replyTexts))
            journeys.reload(journeys: parts.journeys)
            console.reload(forms: new.forms, pages: new.formPages)
            delivery.reload(senders: new.allSenders, layouts: parts.layouts)
            logger.notice("Reloaded.", metadata: ["accounts": "\(new.accounts.count)", "journeys": "\(new.journeys.count)"])
            notify.ready("reloaded")
        } catch {
            logger.error("The new configuration is wrong; the old one stays in force.", metadata: ["error": "\(error)"])
            notify.ready("the new configuration is wrong, the old one stays in force: \(error)")
        }
    }
}

/// What is read from files besides the settings: all of it, or an error and nothing.
struct Parts: Sendable {
    let share: Share
    let scorer: Scorer
    let rules: RoutingRules
    let journeys: [JourneyFolder]
    let layouts: Layouts
    let replyTexts: [String: ReplyText]

    static func load(_ settings: Settings) throws -> Parts {
        let share = try Share.find(configured: settings.share)
        let rules: RoutingRules
        if let file = settings.routingFile {
            guard let bytes = FileManager.default.contents(atPath: file) else {
                throw SettingsError.unreadable(path: file, reason: String(cString: strerror(errno)))
            }
            let known = settings.accounts.map(\.name) + settings.forms.map { FormPost.account($0.name) }
            rules = try RoutingRules.parse(String(decoding: bytes, as: UTF8.self), file: file, accounts: known)
        } else {
            rules = RoutingRules()
        }
        return Parts(
            share: share, scorer: try Scorer(models: share.path("models")), rules: rules,
            journeys: try settings.journeys.map { try JourneyFolder.load(share.path("templates/journeys/\($0)")) },
            layouts: try Layouts.load(from: share.path("templates/layouts")),
            replyTexts: try ReplyTexts.load(settings.acknowledgements, from: share.path("templates/replies")))
    }
}

extension Settings {
    /// The file of an embedded database; nil for a server.
    var databasePath: String? {
        let url = database.reveal()
        return url.hasPrefix("sqlite://") ? String(url.dropFirst("sqlite://".count)) : nil
    }

    /// Addresses we send from: mail from one of them is our own come back.
    var senderAddresses: [String] {
        senders.map { sender in
            guard let start = sender.from.lastIndex(of: "<"), let end = sender.from.lastIndex(of: ">"), start < end else {
                return sender.from.lowercased()
            }
            return sender.from[sender.from.index(after: start)..<end].lowercased()
        }
    }

    var delivery: DeliverySettings {
        var delivery = DeliverySettings(publicURL: publicURL)
        delivery.retry.giveUpAfter = giveUpAfter
        delivery.marketingGiveUpAfter = marketingGiveUpAfter
        delivery.loops = loopGuard
        return delivery
    }

    /// What stands behind the @ of our Message-IDs.
    var messageDomain: String { senderAddresses.first?.split(separator: "@").last.map(String.init) ?? "localhost" }

    func desk(_ rules: RoutingRules, _ replyTexts: [String: ReplyText] = [:]) -> DeskSettings {
        var desk = DeskSettings(rules: rules, accounts: accounts, forms: forms, senders: senders) { FormPost.account($0.name) }
        desk.replies = replies
        desk.subjectJoinsWithin = .seconds(threading.subjectDays * 86_400)
        desk.trustedDomains = Set(threading.trustedDomains)
        desk.closed = threading.closed
        desk.marksText = threading.marksText
        for queue in queues { desk.queuePolicies[queue.name] = queue }
        desk.replyTexts = replyTexts
        desk.loops = loopGuard
        desk.channels = channelAnswers
        return desk
    }

    /// Names of the templates that acknowledgements use.
    var acknowledgements: [String] {
        Set(accounts.compactMap(\.acknowledge?.template) + queues.compactMap(\.acknowledge?.template)).sorted()
    }

    func console(_ share: Share, _ hooks: HookService) -> ConsoleSettings {
        var console = ConsoleSettings(templates: share.path("templates/pages"), statics: share.path("static"))
        console.host = listenHost
        console.port = listenPort
        console.publicURL = publicURL
        console.forms = forms
        console.formPages = formPages
        console.hooks = Hooks(
            sizeBytesMax: { hooks.sizeBytesMax($0) }, take: { try await hooks.take($0) }, refuse: { hooks.refuse($0, $1) })
        console.behindProxy = behindProxy
        console.metricsToken = metricsToken
        console.version = Daemon.version
        return console
    }
}
