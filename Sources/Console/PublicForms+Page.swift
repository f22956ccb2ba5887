import Crypto
import Domain
import Formats
import HTTPTypes
import Hummingbird
import Logging
import Store

// Forms that have a description of their own: the page, and what becomes of what people send with it. No cookie, no script needed.
extension Site {
    /// Of a network, where the form says nothing: so many times what one address may send.
    static let networkShare = 10
    /// Where a puzzle is asked for, those without an answer get this part of the rest.
    static let unsolvedShare = 6
    /// Who sends files while many others do waits for a place, so long.
    static let uploadPatience = Duration.seconds(15)
    /// A body may take this long; who sends a byte a minute holds a place that others need.
    static let uploadTime = Duration.seconds(300)
    /// How often one solved puzzle counts: mistakes are mended with the same one.
    static let puzzleUses = 5
    /// Parameters of the page's address that are kept with a message.
    private static let campaign = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"]
    private static let carriedBytesMax = 500
    /// The same words from the same place within this are one message, where there is no ticket to tell.
    static let sameWithin = Duration.seconds(600)

    /// One request to a described form.
    struct FormVisit {
        var form: PublicForm
        var page: FormPage
        var locale: String
        var visit: Visit
    }

    func described(_ form: PublicForm, _ request: Request, _ visit: Visit) -> FormVisit? {
        guard let page = shelf.page(form.name) else { return nil }
        var visit = visit
        let locale = page.locale(asked: request.query("lang"), accepted: request.headers[.acceptLanguage])
        visit.tongue = locale.lowercased().hasPrefix("zh") ? .zh : .en
        return FormVisit(form: form, page: page, locale: locale, visit: visit)
    }

    // MARK: The page

    func show(_ seen: FormVisit, _ request: Request) -> Response {
        if request.query("sent") == "1" { return thanks(seen) }
        var view = view(seen)
        view.carried = found(seen.page, request)
        return show(seen, view)
    }

    private func view(_ seen: FormVisit) -> FormView {
        let ticket = FormTicket(form: seen.form.name, at: store.time.now()).text(store.signer)
        return FormView(page: seen.page, form: seen.form, locale: seen.locale, words: words(seen.visit), ticket: ticket)
    }

    private func show(_ seen: FormVisit, _ view: FormView, status: HTTPResponse.Status = .ok) -> Response {
        let title = (view.answer?.problems.isEmpty == false ? words(seen.visit)["form_wrong"] + " " : "") + seen.page.title[seen.locale]
        var model = view.model
        model["formcss"] = statics.url("form.css")
        model["puzzlejs"] = statics.url("puzzle.js")
        return guarded(page("form_page", seen.visit, status: status, title: title, model), seen.page)
    }

    private func thanks(_ seen: FormVisit) -> Response {
        let words = words(seen.visit)
        let thanks = seen.page.thanks.map { FormView.rich($0[seen.locale]) } ?? "<p>\(SafeHTML.escape(words["form_thanks"]))</p>"
        let model: Model = [
            "heading": seen.page.title[seen.locale], "locale": seen.locale, "sent": SafeHTML(thanks), "formcss": statics.url("form.css"),
            "direction": "ltr",
        ]
        return guarded(page("form_page", seen.visit, title: seen.page.title[seen.locale], model), seen.page)
    }

    /// Nothing but our own style, and a script only where there is a puzzle; frames only where the form says so.
    func guarded(_ response: Response, _ page: FormPage) -> Response {
        var response = response
        // A browser follows the redirect after the post only where the form may be sent to.
        let targets = ([page.redirect].compactMap { $0 } + page.redirects).map { Self.origin($0) }
        let frames = (["'self'"] + page.frameAncestors).joined(separator: " ")
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; img-src 'self' data:; "
            + (page.puzzleBits == nil ? "" : "script-src 'self'; ")
            + "base-uri 'none'; form-action \((["'self'"] + targets).joined(separator: " ")); frame-ancestors \(frames)"
        return response
    }

    private static func origin(_ url: String) -> String {
        url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
    }

    /// What the page's own address and the page before it say, for the message.
    private func found(_ page: FormPage, _ request: Request) -> [(name: String, value: String)] {
        let query = Fields.urlencoded(Array((request.uri.query ?? "").utf8))
        var found: [(name: String, value: String)] = []
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty, !found.contains(where: { $0.name == name }) {
                found.append((name, String(decoding: value.utf8.prefix(Self.carriedBytesMax), as: UTF8.self)))
            }
        }
        for field in page.fields where field.kind == .hidden { add(field.name, field.query.flatMap { query[$0] } ?? field.value) }
        for name in Self.campaign { add(name, query[name]) }
        let before = HTTPField.Name("Referer").flatMap { request.headers[$0] }
        if let before, before.hasPrefix("http") { add("_from", before) }
        return found
    }

    // MARK: The post

    func take(_ seen: FormVisit, _ request: Request) async throws -> Response {
        let (form, page, visit) = (seen.form, seen.page, seen.visit)
        try limit(seen)
        let place = visit.remote ?? "?"
        let isUpload = page.hasFiles
        if isUpload, try await !uploads.enter(place, atMost: Self.uploadPatience) {
            throw Refusal(.tooManyRequests, "429_form", retryAfter: 5)
        }
        defer { if isUpload { uploads.leave(place) } }
        let upload: FormUpload
        do {
            let blobs = store.blobs
            guard let read = try await Self.within(Self.uploadTime, { try await FormUpload.read(request, page, form, blobs) }) else {
                throw Refusal(.requestTimeout, "408")
            }
            upload = read
        } catch let refusal as Refusal {
            tally.count("form refused")
            throw refusal
        }
        let fields = upload.fields
        if let trap = fields[form.honeypot], !trap.isEmpty {
            tally.count("form robot")
            return done(seen, request, fields)
        }
        let text = fields["_once"] ?? ""
        let ticket = FormTicket(text, form: form.name, signer: store.signer)
        let kept = fields.pairs.filter { $0.name == "_kept" }.compactMap {
            ReceivedFile(token: $0.value, form: form.name, signer: store.signer)
        }
        let answer = FormAnswer(
            page, locale: seen.locale, words: words(visit), now: store.time.now(), pairs: fields.pairs, files: upload.files, kept: kept)
        var notice = doubt(seen, fields, ticket)
        if answer.problems.isEmpty, notice == nil, answer.isEmpty { notice = words(visit)["form_need_message"] }
        guard answer.problems.isEmpty, notice == nil else {
            tally.count("form incomplete")
            if request.wantsJSON { return shared(.json(Self.json(answer.problems, notice), status: .unprocessableContent)) }
            var again = view(seen)
            if let ticket, store.time.now() - ticket.at < FormTicket.ageMax { again.ticket = text }
            again.answer = answer
            again.notice = answer.problems.isEmpty ? notice : nil
            again.carried = carried(page, fields)
            again.keptToken = { $0.token(form.name, store.signer) }
            return show(seen, again, status: .unprocessableContent)
        }
        try await keep(answer, seen, ticket, carried(page, fields), request)
        tally.count("form stored")
        return done(seen, request, fields)
    }

    private func limit(_ seen: FormVisit) throws(Refusal) {
        let (form, place) = (seen.form, seen.visit.remote ?? "?")
        let perNetwork = seen.page.perNetwork ?? form.perHour * Self.networkShare
        let wait =
            limits.take("form \(form.name) net \(network(of: place))", perHour: perNetwork)
            ?? limits.take("form \(form.name) \(place)", perHour: form.perHour)
        guard let wait else { return }
        tally.count("form limited")
        throw Refusal(.tooManyRequests, "429_form", retryAfter: wait)
    }

    /// Why a post that may be right is shown again all the same; nil when there is no doubt. Forms on other people's pages carry no ticket.
    private func doubt(_ seen: FormVisit, _ fields: Fields, _ ticket: FormTicket?) -> String? {
        let words = words(seen.visit)
        guard fields["_page"] == "1" || ticket != nil else { return isSlowEnough(seen, isSolved: false) ? nil : words["error_429_form"] }
        guard let ticket, store.time.now() - ticket.at < FormTicket.ageMax else { return words["form_stale"] }
        let isSolved =
            seen.page.puzzleBits.map { bits in
                FormTicket.isSolved(fields["_once"] ?? "", answer: fields["_work"] ?? "", bits: bits)
                    && limits.take("form puzzle \(fields["_once"] ?? "")", perHour: Self.puzzleUses) == nil
            } ?? true
        let seconds = isSolved ? seen.page.secondsMin : max(1, seen.page.secondsMin) * 2
        if store.time.now() - ticket.at < .seconds(seconds) { return words["form_quick"] }
        return isSlowEnough(seen, isSolved: isSolved) ? nil : words["error_429_form"]
    }

    private func isSlowEnough(_ seen: FormVisit, isSolved: Bool) -> Bool {
        guard seen.page.puzzleBits != nil, !isSolved else { return true }
        let name = "form \(seen.form.name) unsolved \(seen.visit.remote ?? "?")"
        return limits.take(name, perHour: max(3, seen.form.perHour / Self.unsolvedShare)) == nil
    }

    /// What a page gave back of what it found, or what another page's form sends of its own.
    private func carried(_ page: FormPage, _ fields: Fields) -> [(name: String, value: String)] {
        let names = page.fields.filter { $0.kind == .hidden }.map(\.name) + Self.campaign + ["_from"]
        return names.compactMap { name in
            fields[name].flatMap { value in
                value.isEmpty ? nil : (name, String(decoding: value.utf8.prefix(Self.carriedBytesMax), as: UTF8.self))
            }
        }
    }

    private func keep(
        _ answer: FormAnswer, _ seen: FormVisit, _ ticket: FormTicket?, _ carried: [(name: String, value: String)], _ request: Request
    ) async throws {
        let (form, now) = (seen.form, store.time.now())
        var pairs = answer.fields.filter { field in !carried.contains { $0.name == field.name } }.map { ($0.name, $0.value) }
        pairs += carried.filter { $0.name != "_from" }.map { ($0.name, $0.value) }
        let before = HTTPField.Name("Referer").flatMap { request.headers[$0] }
        // From a page of ours the referrer of the post is that page itself: it found the one before.
        if let from = carried.first(where: { $0.name == "_from" })?.value ?? (ticket == nil ? before : nil) {
            pairs.append(("page", String(from.prefix(Self.carriedBytesMax))))
        }
        var members: [JSONValue.Member] = [
            .init("form", .string(form.name)), .init("fields", .array(pairs.map { .array([.string($0.0), .string($0.1)]) })),
            .init(
                "as",
                .object(seen.page.meanings.sorted { $0.key.rawValue < $1.key.rawValue }.map { .init($0.key.rawValue, .string($0.value)) })),
        ]
        let files = answer.allFiles
        if !files.isEmpty {
            members.append(
                .init(
                    "files",
                    .array(
                        files.map { file in
                            .object([
                                .init("name", .string(file.name)), .init("type", .string(file.type)),
                                .init("size", .number("\(file.sizeBytes)")), .init("hash", .string(file.hash)),
                            ])
                        })))
        }
        let content = sha256(JSONValue.object(members).json)
        members.append(.init("lang", .string(seen.locale)))
        members.append(.init("at", .number("\(now.microseconds)")))
        members.append(.init("remote", seen.visit.remote.map(JSONValue.string) ?? .null))
        let ids = ids(ticket, content, seen, request, now)
        let item = RawItem(
            externalID: ids.id, kind: .form, bytes: Array(JSONValue.object(members).json.utf8), meta: ["format": "public-form"])
        let account = "form:\(form.name)"
        try await store.write { transaction in
            guard try transaction.spool.known(account, externalIDs: ids.before).isEmpty else { return }
            try transaction.spool.add(account, [item])
        }
    }

    /// The same page sent twice is one message; sent again with other words it is another.
    private func ids(_ ticket: FormTicket?, _ content: String, _ seen: FormVisit, _ request: Request, _ now: Timestamp)
        -> (id: String, before: [String])
    {
        let given = HTTPField.Name("Idempotency-Key").flatMap { request.headers[$0]?.trimmed } ?? ""
        if !given.isEmpty, given.utf8.count <= 200 { return ("key:\(given)", []) }
        if let ticket { return ("once:\(ticket.nonce):\(content.prefix(16))", []) }
        let window = now.seconds / Self.sameWithin.components.seconds
        let same = "same:\(sha256("\(seen.visit.remote ?? "")\n\(content)").prefix(32))"
        return ("\(same):\(window)", ["\(same):\(window - 1)"])
    }

    private func done(_ seen: FormVisit, _ request: Request, _ fields: Fields) -> Response {
        if request.wantsJSON { return shared(.json("{\"ok\":true}", status: .accepted)) }
        if let next = fields["_next"], seen.page.mayGo(to: next) { return .seeOther(next) }
        let ours = "/forms/\(percentEncoded(seen.form.name))?sent=1&lang=\(percentEncoded(seen.locale))"
        return .seeOther(seen.page.redirect ?? seen.form.redirect ?? ours)
    }

    /// `{"error": "…", "fields": {"email": "…"}}`
    private static func json(_ problems: [FormAnswer.Problem], _ notice: String?) -> String {
        var members: [JSONValue.Member] = []
        for problem in problems where !members.contains(where: { $0.name == problem.field }) {
            members.append(.init(problem.field, .string(problem.text)))
        }
        let text = notice ?? problems.map(\.text).joined(separator: " ")
        return JSONValue.object([.init("error", .string(text)), .init("fields", .object(members))]).json
    }
}
