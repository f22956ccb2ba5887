import Domain
import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle

/// Plays the outside world for the demo: puts the bundled mails into the demo's mailbox folder, one after the other.
struct DemoWorld: Service {
    let mails: [(name: String, text: String)]
    let mailbox: String
    /// The first ones are there at once, so that the inbox is not empty; the rest arrive evenly over this time.
    let lasting: Duration
    static let atOnce = 12
    let logger: Logger

    static func load(from folder: String, mailbox: String, lasting: Duration, logger: Logger) throws -> DemoWorld {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".eml") }.sorted()
        let mails = names.compactMap { name in
            FileManager.default.contents(atPath: "\(folder)/\(name)").map { (name, String(decoding: $0, as: UTF8.self)) }
        }
        return DemoWorld(mails: mails, mailbox: mailbox, lasting: lasting, logger: logger)
    }

    func run() async throws {
        let gap = lasting / max(1, mails.count - Self.atOnce)
        for (index, mail) in mails.enumerated() where !Task.isShuttingDownGracefully {
            if index >= Self.atOnce { await cancelWhenGracefulShutdown { try? await Task.sleep(for: gap) } }
            do {
                try deliver(mail.name, Self.dated(mail.text, now: Timestamp(microseconds: Self.microseconds())))
            } catch {
                logger.warning("A demo mail could not be delivered.", metadata: ["name": "\(mail.name)", "error": "\(error)"])
            }
        }
        try? await gracefulShutdown()  // a service that returns ends the whole group
    }

    /// Written beside and renamed, so that a poll never sees half a mail.
    private func deliver(_ name: String, _ text: String) throws {
        let path = "\(mailbox)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path + ".tmp"))
        guard rename(path + ".tmp", path) == 0 else { throw SettingsError.unreadable(path: path, reason: String(cString: strerror(errno))) }
    }

    /// `@ago 35m@` becomes the date of 35 minutes ago (RFC 5322).
    static func dated(_ text: String, now: Timestamp) -> String {
        guard let start = text.firstRange(of: "@ago "), let end = text[start.upperBound...].firstRange(of: "m@"),
            let minutes = Int64(text[start.upperBound..<end.lowerBound])
        else { return text }
        return text[..<start.lowerBound] + mailDate(now - .seconds(minutes * 60)) + text[end.upperBound...]
    }

    static func mailDate(_ time: Timestamp) -> String {
        let text = time.description  // 2026-11-22T09:30:00Z
        let date = CivilDate(daysSince1970: Int(time.seconds / 86400))
        let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][date.weekday - 1]
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][date.month - 1]
        return "\(day), \(date.day) \(month) \(date.year) \(text.dropFirst(11).prefix(8)) +0000"
    }

    private static func microseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
    }
}

extension Daemon {
    static let demoLogin = "demo"
    static let demoPassword = "hongyan-demo"

    /// The real daemon on a fresh SQLite file with the bundled accounts.
    public static func demo(port: Int, keep: Bool, seconds: Int) async throws {
        let share = try Share.find(configured: nil)
        let folder = try freshFolder()
        let settings = try demoSettings(folder: folder, share: share, port: port)
        let logger = bootstrapLogging(settings)
        let world = try DemoWorld.load(
            from: share.path("demo/mails"), mailbox: "\(folder)/mailbox", lasting: .seconds(max(1, seconds)), logger: logger)
        var house = try await House(
            settings: settings, configuration: nil, logger: logger,
            onListening: { port in welcome(port: port, folder: folder) },
            prepare: { store in
                _ = try await Operations.addUser(demoLogin, "Maya Chen", "en", demoPassword, to: store)
                _ = try await Operations.addUser("xiaomei", "王晓梅", "zh", demoPassword, to: store)
            })
        house.extras = [world]
        try await house.run()
        if !keep { try? FileManager.default.removeItem(atPath: folder) }
    }

    private static func freshFolder() throws -> String {
        var template = Array("\(ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp")/hongyan-demo.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandError("cannot make a folder for the demo: \(String(cString: strerror(errno)))")
        }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for part in ["mailbox", "outbox"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
        }
        return folder
    }

    private static func demoSettings(folder: String, share: Share, port: Int) throws -> Settings {
        let text = """
            database: sqlite://\(folder)/hongyan.sqlite3
            data: \(folder)
            listen: 127.0.0.1:\(port)
            public_url: http://127.0.0.1:\(port)
            share: \(share.path)
            routing: \(share.path("demo/routing.yaml"))
            log: {level: warning}
            accounts:
              support: {kind: folder, path: \(folder)/mailbox, queue: Support, addresses: [support@lantern.example]}
              contact:
                kind: form
                url: file://\(share.path("demo/entries.json"))
                queue: Support
                start: all
                form: {format: json, records: "$.entries[*]", id: id, at: when, name: name, email: mail, subject: subject, text: message}
              mentions: {kind: feed, url: "file://\(share.path("demo/feed.xml"))", queue: Social}
            senders:
              care: {kind: folder, path: \(folder)/outbox, from: Lantern Care <support@lantern.example>}
            forms:
              contact: {page: contact, queue: Support}
            journeys: [welcome]
            """
        return try Settings.decode(text, file: "the demo", environment: [:])
    }

    /// What a newcomer sees first.
    private static func welcome(port: Int, folder: String) {
        let address = "http://127.0.0.1:\(port)"
        print(
            """

              Hongyan is running:   \(address)
              Sign in as:           \(demoLogin) / \(demoPassword)     (xiaomei / \(demoPassword) for 简体中文)

              Three things to try:
                1. Watch mails arrive for two minutes. Open "Smells of burning!", answer it with r, send with Ctrl+Enter.
                2. Press "Why here?" on a ticket: each decision with its reason.
                3. Write as a customer at \(address)/forms/contact and see it appear in the inbox.

              Mail that goes out is written to \(folder)/outbox. Stop with Ctrl+C.

            """)
        fflush(nil)
    }
}
