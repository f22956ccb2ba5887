import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Store

/// Around every request: who asks, security headers, and an answer in words when something is refused or fails.
struct Manners: RouterMiddleware {
    let site: Site

    static let contentSecurity =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    func handle(_ request: Request, context: Visit, next: (Request, Visit) async throws -> Response) async throws -> Response {
        var visit = context
        visit.remote = remote(request, visit)
        visit.tongue = Tongue(accepting: request.headers[.acceptLanguage])
        let theme = request.cookies["theme"]?.value
        visit.theme = theme == "dark" || theme == "light" ? theme : nil
        if request.method == .get { visit.path = localPath(request.uri.string) }
        var response: Response
        do {
            response = try await next(request, visit)
        } catch {
            response = try site.refused(error, request, visit)
        }
        protect(&response)
        return response
    }

    /// The last address of X-Forwarded-For is the one our own proxy saw. A proxy on this machine is believed without being named.
    private func remote(_ request: Request, _ visit: Visit) -> String? {
        guard site.settings.behindProxy || visit.isLoopback, let name = HTTPField.Name("X-Forwarded-For"),
            let last = request.headers[name]?.split(separator: ",").last?.trimmed, !last.isEmpty, last.utf8.count <= 64
        else { return visit.remote }
        return last
    }

    private func protect(_ response: inout Response) {
        if response.headers[.contentSecurityPolicy] == nil { response.headers[.contentSecurityPolicy] = Self.contentSecurity }
        response.headers[.xContentTypeOptions] = "nosniff"
        if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "same-origin" }
        if let name = HTTPField.Name("Cross-Origin-Opener-Policy") { response.headers[name] = "same-origin" }
        if site.settings.publicURL.hasPrefix("https://") { response.headers[.strictTransportSecurity] = "max-age=31536000" }
    }
}

extension Site {
    /// The answer to a request that failed, in the visitor's words and in the form that was asked for.
    func refused(_ error: any Error, _ request: Request, _ visit: Visit) throws -> Response {
        switch error {
        case let refusal as Refusal: return refused(refusal, request, visit)
        case let error as any HTTPResponseError: return refused(Refusal(error.status, "\(error.status.code)"), request, visit)
        case is CancellationError: throw error
        default:
            let isTemporary = (error as? StoreError)?.isTemporary == true
            logger.error("Request failed.", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return refused(Refusal(isTemporary ? .serviceUnavailable : .internalServerError, isTemporary ? "503" : "500"), request, visit)
        }
    }

    private func refused(_ refusal: Refusal, _ request: Request, _ visit: Visit) -> Response {
        let words = words(visit)
        let code = "\(refusal.status.code)"
        let title = words["error_title_\(words.has("error_title_\(code)") ? code : "500")"]
        let text = words["error_\(words.has("error_\(refusal.key)") ? refusal.key : "500")"]
        var response: Response
        if request.wantsJSON {
            response = .json("{\"error\":\(jsonString(text))}", status: refusal.status)
        } else if request.wantsHTML {
            let model: Model = ["code": code, "text": text, "isLogin": refusal.status == .unauthorized]
            response = page("error", visit, status: refusal.status, title: title, model)
        } else {
            response = .text("\(code) \(title). \(text)\n", status: refusal.status)
        }
        if let seconds = refusal.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        return response
    }
}

extension Request {
    var wantsHTML: Bool { headers[.accept].map { $0.contains("text/html") } ?? false }
    var wantsJSON: Bool {
        headers[.accept].map { $0.contains("application/json") && !$0.contains("text/html") }
            ?? (headers[.contentType]?.hasPrefix("application/json") == true)
    }

    /// The value of a query parameter, decoded; nil when it is missing or empty.
    func query(_ name: String) -> String? {
        let value = Fields.urlencoded(Array((uri.query ?? "").utf8))[name]
        return value?.isEmpty == false ? value : nil
    }
}

/// A JSON string with its quotes.
func jsonString(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\r": out += "\\r"
        case "\t": out += "\\t"
        default:
            if scalar.value < 0x20 {
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
    }
    return out + "\""
}
