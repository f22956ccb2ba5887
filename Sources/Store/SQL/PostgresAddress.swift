/// A `postgres://` URL: what libpq gets, what may be shown, and the schema to work in.
struct PostgresAddress: Sendable {
    /// For libpq; holds the password.
    let url: String
    /// For people: no password, no parameters.
    let place: String
    let schema: String?
    private let password: String?

    /// - Parameter text: a libpq URL; `schema=name` among its parameters is ours.
    init(_ text: String) throws(StoreError) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let base = String(parts[0])
        var kept: [Substring] = []
        var schema: String?
        for parameter in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            if parameter.hasPrefix("schema=") { schema = String(parameter.dropFirst("schema=".count)) } else { kept.append(parameter) }
        }
        if let schema, !Self.isName(schema) {
            throw StoreError(
                .cannotOpen, "the database URL's schema is not a name of a-z, 0-9 and _ that starts with a letter; write schema=hongyan")
        }
        self.schema = schema
        url = kept.isEmpty ? base : base + "?" + kept.joined(separator: "&")

        let afterScheme = base.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false).last ?? ""
        if let at = afterScheme.lastIndex(of: "@") {
            let login = afterScheme[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            password = login.count > 1 && !login[1].isEmpty ? String(login[1]) : nil
            place = "postgres://\(login[0])@\(afterScheme[afterScheme.index(after: at)...])"
        } else {
            password = nil
            place = "postgres://\(afterScheme)"
        }
    }

    /// On one line, without a final stop. libpq quotes what it was given when it cannot read it, password and all.
    func redacted(_ message: String) -> String {
        var message = message
        for secret in [url, password].compactMap({ $0 }) where !secret.isEmpty {
            message = message.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "•••")
        }
        message = message.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return message.hasSuffix(".") ? String(message.dropLast()) : message
    }

    private static func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.first.map { (97...122).contains($0) } == true
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }
}
