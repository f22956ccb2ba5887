import Domain

/// One hop of a request: checked, and with the rules for the next hop. Pure, so that every redirect rule is tested without a network.
struct HTTPPlan: Sendable {
    let request: HTTPRequest
    private(set) var address: WebAddress
    private(set) var method: String
    private(set) var headers: [(String, String)]
    private(set) var body: [UInt8]?
    private(set) var user: String?
    private(set) var password: String?
    private(set) var refusesPrivate: Bool
    private var redirects = 0
    var timeLeft: Duration

    /// What may go to any host. Everything else, known or not, may hold a secret.
    private static let harmless: Set<String> = [
        "accept", "accept-language", "accept-encoding", "user-agent", "content-type", "if-none-match", "if-modified-since", "cache-control",
    ]
    private static let bodiless: Set<String> = ["content-type", "content-length", "content-encoding"]

    init(_ request: HTTPRequest) throws(TransportError) {
        self.request = request
        address = try WebAddress(request.url, schemes: request.allowFile ? ["http", "https", "file"] : ["http", "https"])
        guard Self.isToken(request.method) else { throw .invalid("\(request.method) is not an HTTP method; write GET, POST, ….") }
        for (name, value) in request.headers {
            guard Self.isToken(name) else {
                throw .invalid("a header for \(address.host) has a name that is none; use letters, digits and -.")
            }
            guard !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }) else {
                throw .invalid("the header \(name) for \(address.host) holds a line break; check the secret or setting it comes from.")
            }
        }
        method = request.method
        headers = request.headers
        body = request.body
        user = address.user
        password = address.password
        refusesPrivate = !request.allowPrivate
        timeLeft = request.totalTimeout
    }

    var hasCredentials: Bool { user != nil || headers.contains { !Self.harmless.contains($0.0.lowercased()) } }

    /// Turns this into the next hop, or says why not.
    mutating func follow(_ target: String, status: Int, from answer: HTTPAnswer) throws(TransportError) {
        let here = address.redacted
        redirects += 1
        guard redirects <= request.redirectsMax else { throw .redirect(url: here, reason: "more than \(request.redirectsMax) in a row") }
        let next: WebAddress
        do { next = try WebAddress(target, schemes: ["http", "https"]) } catch {
            throw .redirect(url: here, reason: "it leads to \(WebAddress.redact(target)), and only http and https are followed")
        }
        if address.scheme == "https", next.scheme == "http", hasCredentials {
            throw .redirect(url: here, reason: "it leads from https to http and would show the login to everyone on the way")
        }
        if next.origin != address.origin {
            headers.removeAll { !Self.harmless.contains($0.0.lowercased()) }
            (user, password) = (next.user, next.password)
            if !request.allowPrivateRedirects { refusesPrivate = true }
        }
        if status == 303 && method != "HEAD" || [301, 302].contains(status) && method == "POST" {
            method = "GET"
            body = nil
            headers.removeAll { Self.bodiless.contains($0.0.lowercased()) }
        }
        if answer.cameFromPublic { refusesPrivate = true }
        address = next
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}
