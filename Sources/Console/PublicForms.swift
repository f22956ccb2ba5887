import Domain
import Formats
import HTTPTypes
import Hummingbird
import Logging
import Store

// Forms on anybody's web site post here: no cookies, no session. The answer leaves after the commit.
extension Site {
    private func form(_ visit: Visit) throws(Refusal) -> PublicForm {
        let name = Fields.decoded(Array((visit.parameters.get("name") ?? "").utf8)[...])
        guard let form = shelf.form(name) else { throw Refusal(.notFound, "404_form") }
        return form
    }

    @Sendable func formPage(_ request: Request, _ visit: Visit) async throws -> Response {
        let form = try form(visit)
        if let seen = described(form, request, visit) { return show(seen, request) }
        return formPage(form, visit, request.query("sent") == "1" ? .sent : .empty)
    }

    private enum FormState {
        case empty, sent
        /// What was written, and which words name what is missing.
        case refused(Fields, [String])
    }

    private func formPage(_ form: PublicForm, _ visit: Visit, _ state: FormState) -> Response {
        var model: Model = [
            "name": form.name, "formTitle": form.title, "action": "/forms/\(percentEncoded(form.name))", "honeypot": form.honeypot,
        ]
        var status = HTTPResponse.Status.ok
        switch state {
        case .empty: break
        case .sent: model["sent"] = true
        case .refused(let fields, let problems):
            status = .unprocessableContent
            model["problems"] = problems.map { ["text": words(visit)[$0], "key": $0] as Model }
            for key in ["name", "email", "message"] { model["value_\(key)"] = fields[key] ?? "" }
            for problem in problems { model["bad_\(problem)"] = true }
        }
        var response = page("form", visit, status: status, title: form.title, model)
        // A form page may be shown inside the operator's own site.
        response.headers[.contentSecurityPolicy] = "default-src 'self'; base-uri 'none'; form-action *; frame-ancestors *"
        return response
    }

    /// A script of another site may post JSON; there is nothing here that a cookie would open.
    @Sendable func formPreflight(_ request: Request, _ visit: Visit) async throws -> Response {
        _ = try form(visit)
        return shared(Response(status: .noContent))
    }

    func shared(_ response: Response) -> Response {
        var response = response
        response.headers[.accessControlAllowOrigin] = "*"
        response.headers[.accessControlAllowMethods] = "POST, OPTIONS"
        response.headers[.accessControlAllowHeaders] = "Content-Type, Idempotency-Key"
        return response
    }

    @Sendable func postForm(_ request: Request, _ visit: Visit) async throws -> Response {
        let form = try form(visit)
        if let seen = described(form, request, visit) {
            // Also a refusal is shown in the frame of another's page.
            do { return try await take(seen, request) } catch { return guarded(try refused(error, request, seen.visit), seen.page) }
        }
        if let wait = limits.take("form \(form.name) \(visit.remote ?? "?")", perHour: form.perHour) {
            tally.count("form limited")
            throw Refusal(.tooManyRequests, "429_form", retryAfter: wait)
        }
        let fields: Fields
        do {
            fields = try await Fields.read(request, sizeBytesMax: form.sizeBytesMax)
        } catch let refusal as Refusal {
            tally.count("form refused")
            throw refusal
        }
        if let trap = fields[form.honeypot], !trap.isEmpty {  // a robot; it must not learn that it was noticed
            tally.count("form robot")
            return accepted(form, request, visit)
        }
        let problems = Self.problems(fields, honeypot: form.honeypot)
        guard problems.isEmpty else {
            tally.count("form incomplete")
            guard !request.wantsJSON else {
                let text = problems.map { words(visit)[$0] }.joined(separator: " ")
                return shared(.json("{\"error\":\(jsonString(text))}", status: .unprocessableContent))
            }
            return formPage(form, visit, .refused(fields, problems))
        }
        try await keep(fields, of: form, request, visit)
        tally.count("form stored")
        return accepted(form, request, visit)
    }

    /// Any form needs some words; a field called `email` needs an address. Our own page marks itself and needs both.
    static func problems(_ fields: Fields, honeypot: String) -> [String] {
        let given = fields.pairs.filter { $0.name != honeypot && !$0.name.hasPrefix("_") && !$0.value.trimmed.isEmpty }
        let isOurs = fields["_page"] == "1"
        var problems: [String] = []
        let email = fields.pairs.first { $0.name.lowercased() == "email" }?.value.trimmed ?? ""
        if isOurs ? !looksLikeAddress(email) : !email.isEmpty && !looksLikeAddress(email) { problems.append("form_need_email") }
        if isOurs ? (fields["message"] ?? "").trimmed.isEmpty : given.isEmpty { problems.append("form_need_message") }
        return problems
    }

    static func looksLikeAddress(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.contains { $0 <= 0x20 || $0 == 0x2C || $0 == 0x3B } }
            && text.utf8.count <= 254
    }

    private func keep(_ fields: Fields, of form: PublicForm, _ request: Request, _ visit: Visit) async throws {
        let kept = fields.pairs.filter { $0.name != form.honeypot && !$0.name.hasPrefix("_") }
        let lists = kept.map { JSONValue.array([.string($0.name), .string($0.value)]) }
        let document = JSONValue.object([
            .init("form", .string(form.name)), .init("fields", .array(lists)), .init("at", .number("\(store.time.now().microseconds)")),
            .init("remote", visit.remote.map(JSONValue.string) ?? .null),
        ])
        let given = HTTPField.Name("Idempotency-Key").flatMap { request.headers[$0]?.trimmed } ?? ""
        let id = given.isEmpty || given.utf8.count > 200 ? randomHex(16) : "key:\(given)"
        let item = RawItem(externalID: id, kind: .form, bytes: Array(document.json.utf8), meta: ["format": "public-form"])
        let account = "form:\(form.name)"
        _ = try await store.write { try $0.spool.add(account, [item]) }
    }

    private func accepted(_ form: PublicForm, _ request: Request, _ visit: Visit) -> Response {
        if request.wantsJSON { return shared(.json("{\"ok\":true}", status: .accepted)) }
        return .seeOther(form.redirect ?? "/forms/\(percentEncoded(form.name))?sent=1")
    }
}
