import Desk
import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Store

/// Everything a request handler needs, and which handler answers which address.
struct Site: Sendable {
    let store: Store
    let desk: Desk
    let settings: ConsoleSettings
    let pages: Pages
    let statics: StaticFiles
    let hub: LiveHub
    let limits: RateLimits
    let tally = Tally()
    let crowd = HookCrowd()
    let uploads = HookCrowd()
    let shelf: FormShelf
    let logger: Logger
    let startedAt: Timestamp

    init(store: Store, desk: Desk, settings: ConsoleSettings, logger: Logger) throws {
        self.store = store
        self.desk = desk
        self.settings = settings
        self.logger = logger
        pages = try Pages(folder: settings.templates)
        statics = try StaticFiles(folder: settings.statics)
        shelf = FormShelf(settings.forms, settings.formPages)
        hub = LiveHub(store: store, logger: logger)
        limits = RateLimits(time: store.time)
        startedAt = store.time.now()
    }

    var cookiesAreSecure: Bool { settings.secureCookies || settings.publicURL.hasPrefix("https://") }

    func router() -> Router<Visit> {
        let router = Router(context: Visit.self, options: .autoGenerateHeadEndpoints)
        router.middlewares.add(Manners(site: self))
        addPublic(to: router)
        let agents = router.group().add(middleware: Sessions(site: self))
        agents.get("login", use: loginPage).post("login", use: login)
        let inside = agents.add(middleware: AgentsOnly())
        addInbox(to: inside)
        addOperations(to: inside)
        return router
    }

    private func addPublic(to router: Router<Visit>) {
        router.get("healthz") { _, _ in Response.text("ok\n") }
        router.get("readyz", use: ready)
        router.get("metrics", use: metrics)
        router.get("static/:version/**", use: staticFile)
        router.get("favicon.ico") { _, _ in Response.redirect(to: statics.url("icon.svg"), type: .permanent) }
        router.get("forms/:name", use: formPage).post("forms/:name", use: postForm)
        router.on("forms/:name", method: .options, use: formPreflight)
        router.get("hooks/:account", use: hook).post("hooks/:account", use: hook)
        router.get("u/:token", use: unsubscribePage).post("u/:token", use: postUnsubscribe)
    }

    private func addInbox(to inside: RouterGroup<Visit>) {
        inside.get("/", use: inbox)
        inside.get("tickets/:number", use: ticketPage)
        inside.post("tickets/:number/reply", use: postReply)
        inside.post("tickets/:number/note", use: postNote)
        inside.post("tickets/:number/status", use: postStatus)
        inside.post("tickets/:number/assign", use: postAssign)
        inside.post("tickets/:number/merge", use: postMerge)
        inside.post("tickets/:number/split", use: postSplit)
        inside.post("tickets/:number/takeback", use: postTakeBack)
        inside.get("messages/:id", use: messagePage)
        inside.post("messages/:id/fetch", use: postFetch)
        inside.get("messages/:id/html", use: messageHTML)
        inside.get("messages/:id/text", use: messageText)
        inside.post("messages/:id/whole", use: postWhole)
        inside.get("messages/:id/files/:index", use: attachment)
        inside.get("live", use: live)
        inside.post("preferences", use: postPreferences)
        inside.post("logout", use: logout)
    }

    private func addOperations(to inside: RouterGroup<Visit>) {
        inside.get("accounts", use: accountsPage)
        inside.post("breakers/clear", use: postClearBreaker)
        inside.post("accounts/order", use: postAccount)
        inside.get("quarantine", use: quarantinePage)
        inside.get("quarantine/:id/bytes", use: quarantineBytes)
        inside.post("quarantine/:id/replay", use: postReplay)
        inside.post("quarantine/:id/drop", use: postDrop)
    }

    /// A whole page in the visitor's language. `model` may override what every page has.
    func page(_ name: String, _ visit: Visit, status: HTTPResponse.Status = .ok, title: String, _ model: Model = [:]) -> Response {
        var whole = common(visit)
        whole["title"] = title
        whole.merge(model) { _, given in given }
        var response = Response.html(pages.render(name, whole), status: status)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// A part of a page, for a script to put in place.
    func fragment(_ name: String, _ visit: Visit, _ model: Model) -> Response {
        var whole = common(visit)
        whole.merge(model) { _, given in given }
        var response = Response.html(pages.render(name, whole))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    func words(_ visit: Visit) -> Vocabulary { pages.words[visit.tongue] }

    private func common(_ visit: Visit) -> Model {
        let words = words(visit)
        var model: Model = [
            "t": words.table, "here": visit.path, "lang": visit.tongue.tag, "css": statics.url("console.css"),
            "js": statics.url("console.js"),
            "themejs": statics.url("theme.js"), "icon": statics.url("icon.svg"), "sprite": statics.url("icons.svg"),
            "isZh": visit.tongue == .zh, "isEn": visit.tongue == .en,
        ]
        if let theme = visit.theme { model["theme"] = theme }
        if let session = visit.session {
            model["csrf"] = session.csrf
            model["me"] = ["name": session.agent.name, "initials": initials(session.agent.name), "id": session.agent.id.description]
        }
        return model
    }
}

extension Response {
    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static func json(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// After a POST: the browser fetches the next page with GET.
    static func seeOther(_ location: String) -> Response {
        Response(status: .seeOther, headers: [.location: location, .cacheControl: "no-store"])
    }
}

/// One or two letters that stand for a person: `AK`, `王`.
func initials(_ name: String) -> String {
    let words = name.split { $0 == " " || $0 == "@" || $0 == "." || $0 == "-" }
    guard let first = words.first?.first else { return "?" }
    guard first.isASCII, words.count > 1, let last = words.last?.first else { return String(first).uppercased() }
    return "\(first)\(last)".uppercased()
}
