import Desk
import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Store
import Synchronization

@testable import Console

/// A clock that stands still until a test moves it.
final class TestClock: TimeSource {
    private let time = Mutex(Timestamp(seconds: 1_795_000_000))
    func now() -> Timestamp { time.withLock { $0 } }
    func advance(by duration: Duration) { time.withLock { $0 = $0 + duration } }
}

/// A console over a real store in a folder of its own, with two agents.
struct House: Sendable {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    static let password = "correct horse 马"
    /// Made once: real parameters would make every test wait for its turn.
    private static let cheapHash = Task { try await Passwords.hash(password, rounds: 16) }

    let store: Store
    let site: Site
    let clock: TestClock
    let maya: Agent
    let xiaomei: Agent
    let folder: String

    /// Runs `body` in a fresh house and takes it down.
    static func open(
        _ change: @Sendable (inout ConsoleSettings) -> Void = { _ in }, _ body: @Sendable (House) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hongyan-console-\(randomHex(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let clock = TestClock()
        var logger = Logger(label: "console.tests")
        logger.logLevel = .critical
        let store = try await Store.open("sqlite://\(folder)/store.sqlite3", blobs: "\(folder)/blobs", node: 1, time: clock, logger: logger)
        try await store.migrate()
        var settings = ConsoleSettings(templates: "\(root)/templates/pages", statics: "\(root)/static")
        settings.port = 0
        settings.behindProxy = true
        settings.metricsToken = Secret("metrics-token")
        settings.forms = [PublicForm(name: "contact", title: "Write to Lantern", queue: "Support")]
        change(&settings)
        let desk = Desk(store: store, settings: DeskSettings())
        let site = try Site(store: store, desk: desk, settings: settings, logger: logger)
        let hash = try await cheapHash.value
        let agents = try await store.write { transaction in
            let maya = try transaction.agents.create(login: "maya", name: "Maya Chen", passwordHash: hash, locale: "en")
            let xiaomei = try transaction.agents.create(login: "xiaomei", name: "王晓梅", passwordHash: hash, locale: "zh")
            return [maya, xiaomei].compactMap { try? transaction.agents.get($0) }
        }
        do {
            try await body(House(store: store, site: site, clock: clock, maya: agents[0], xiaomei: agents[1], folder: folder))
            await store.close()
        } catch {
            await store.close()
            throw error
        }
    }

    /// Like `open`, with a client for the router; nobody is signed in.
    static func serve(
        _ change: @Sendable (inout ConsoleSettings) -> Void = { _ in }, _ body: @Sendable (House, Browser) async throws -> Void
    ) async throws {
        try await open(change) { house in
            try await house.site.application().test(.router) { client in try await body(house, Browser(client: client)) }
        }
    }

    /// A session without going through the login page.
    func signIn(_ agent: Agent, _ browser: Browser) async throws -> Browser {
        let (token, csrf) = (randomHex(16), randomHex(16))
        let (hash, expires) = (sha256(token), clock.now() + .seconds(3600))
        try await store.write { try $0.agents.startSession(agent: agent.id, tokenHash: hash, csrf: csrf, expires: expires) }
        var browser = browser
        browser.cookies[site.sessionCookie] = token
        browser.csrf = csrf
        return browser
    }

    /// A ticket with one message; `change` may alter the message before it is stored.
    @discardableResult
    func ticket(
        subject: String = "Where is my order?", name: String = "Anna Keller", email: String? = "anna@keller.example",
        body: String = "Hello, where is it?", _ change: @escaping @Sendable (inout Interaction) -> Void = { _ in }
    ) async throws -> Ticket {
        try await store.write { transaction in
            let now = transaction.now
            let identities = email.map { [Identity(kind: .email, value: $0)] } ?? []
            let customer = Customer(id: transaction.newID(), name: name, createdAt: now, lastSeenAt: now, identities: identities)
            try transaction.customers.create(customer)
            var ticket = Ticket(
                id: transaction.newID(), number: try transaction.tickets.nextNumber(), subject: subject, queue: "Support",
                customer: customer.id, customerName: name, account: "support", kind: .mail, createdAt: now)
            ticket.snippet = body
            ticket.messageCount = 1
            try transaction.tickets.open(ticket)
            var message = Interaction(
                id: transaction.newID(), account: "support", externalID: "INBOX/1/\(ticket.number)", kind: .mail, occurredAt: now,
                receivedAt: now, author: .init(name: name, email: email), recipients: ["support@acme.example"], subject: subject, body: body
            )
            message.customer = customer.id
            message.ticket = ticket.id
            change(&message)
            try transaction.interactions.addPlaced(message)
            try transaction.events.append(
                Event(at: now, kind: .ticketOpened, customer: customer.id, ticket: ticket.id, interaction: message.id))
            return ticket
        }
    }
}

/// Sends requests like a browser: keeps cookies, follows nothing.
struct Browser: Sendable {
    let client: any TestClientProtocol
    var cookies: [String: String] = [:]
    var csrf = ""
    var language = "en"
    /// What our proxy says the visitor's address is.
    var address = "192.0.2.1"

    struct Page: Sendable {
        var status: HTTPResponse.Status
        var headers: HTTPFields
        var body: String
        func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
        var cookies: [String] { headers[values: .setCookie] }
    }

    func get(_ path: String, accept: String = "text/html", _ extra: [String: String] = [:]) async throws -> Page {
        try await send(.get, path, body: nil, accept: accept, extra)
    }

    /// Posts urlencoded fields, with the session's token unless `csrf` is among them.
    func post(_ path: String, _ fields: [String: String] = [:], accept: String = "text/html", _ extra: [String: String] = [:]) async throws
        -> Page
    {
        var fields = fields
        if !csrf.isEmpty, fields["csrf"] == nil { fields["csrf"] = csrf }
        let body = fields.map { "\(percentEncoded($0.key))=\(percentEncoded($0.value))" }.joined(separator: "&")
        return try await send(
            .post, path, body: body, accept: accept, ["Content-Type": "application/x-www-form-urlencoded"].merging(extra) { $1 })
    }

    func send(_ method: HTTPRequest.Method, _ path: String, body: String?, accept: String = "text/html", _ extra: [String: String] = [:])
        async throws -> Page
    {
        try await send(method, path, bytes: body.map { Array($0.utf8) }, accept: accept, extra)
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, bytes: [UInt8]?, accept: String = "text/html", _ extra: [String: String] = [:]
    ) async throws -> Page {
        var headers: HTTPFields = [.accept: accept, .acceptLanguage: language]
        if !cookies.isEmpty { headers[.cookie] = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") }
        if let name = HTTPField.Name("X-Forwarded-For") { headers[name] = address }
        for (key, value) in extra { if let name = HTTPField.Name(key) { headers[name] = value } }
        return try await client.execute(uri: path, method: method, headers: headers, body: bytes.map { ByteBuffer(bytes: $0) }) {
            response in
            Page(status: response.status, headers: response.headers, body: String(buffer: response.body))
        }
    }

    /// Takes over the cookies an answer sets.
    func keeping(_ page: Page) -> Browser {
        var browser = self
        for cookie in page.cookies {
            guard let pair = cookie.split(separator: ";").first, let equals = pair.firstIndex(of: "=") else { continue }
            browser.cookies[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        return browser
    }
}

/// The value of a hidden field.
func field(_ name: String, in html: String) -> String? {
    guard let start = html.firstRange(of: "name=\"\(name)\" value=\"") else { return nil }
    return html[start.upperBound...].split(separator: "\"", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
}

func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
