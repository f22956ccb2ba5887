import Formats

/// Takes out of a recording what nobody else may read: secrets, sessions, mail addresses, telephone numbers. The same value always
/// becomes the same placeholder, so that ids and names which join two answers still join them.
struct Redaction {
    enum Kind: String, CaseIterable { case secret, token, email, phone }

    /// How many different values of each kind were replaced.
    private(set) var counts: [Kind: Int] = [:]
    /// Secret → placeholder, in every form it may stand in.
    private var secrets: [(text: String, placeholder: String)] = []
    private var known: [Kind: [String: Int]] = [:]

    private static let secretBytesMin = 4
    private static let tokenBytesMin = 8
    private static let tokenWords = [
        "token", "secret", "password", "passwd", "apikey", "api_key", "jwt", "cookie", "signature", "authorization", "sessionid",
        "session_id",
    ]
    /// Tokens that only turn pages are no secrets.
    private static let pagingWords = ["page", "next", "prev", "cursor", "continu", "sync"]
    private static let phoneWords = ["phone", "mobile", "msisdn", "wa_id", "whatsapp", "telephone", "手机", "电话"]

    /// - Parameter name: what the placeholder is called.
    mutating func hide(_ secret: String, as name: String) {
        guard secret.utf8.count >= Self.secretBytesMin, !secrets.contains(where: { $0.text == secret }) else { return }
        counts[.secret, default: 0] += 1
        let placeholder = "redacted-\(name)"
        for form in Set([secret, CallBuilder.pathPart(secret), String(JSONValue.string(secret).json.dropFirst().dropLast())]) {
            secrets.append((form, placeholder))
        }
        // A long secret may hold a short one.
        secrets.sort { $0.text.utf8.count > $1.text.utf8.count }
    }

    // MARK: Values

    mutating func value(_ value: JSONValue, key: String = "") -> JSONValue {
        switch value {
        case .object(let members): .object(members.map { .init($0.name, self.value($0.value, key: $0.name)) })
        case .array(let items): .array(items.map { self.value($0, key: key) })
        case .string(let text): .string(string(text, key: key))
        case .number(let digits) where Self.holds(key, Self.phoneWords) && digits.count >= 5:
            .number(String(phone(digits).drop { $0 == "+" }))
        default: value
        }
    }

    private mutating func string(_ text: String, key: String) -> String {
        if Self.holds(key, Self.tokenWords), !Self.holds(key, Self.pagingWords), text.utf8.count >= Self.tokenBytesMin {
            return secrets.first { $0.text == text }?.placeholder ?? "token-\(number(.token, text))"
        }
        if Self.holds(key, Self.phoneWords), (5...20).contains(text.count { $0.isNumber }), !text.contains("@") { return phone(text) }
        if let inner = Self.decoded(text) {
            let clean = self.text(inner)
            return clean == inner ? text : base64(clean)
        }
        return self.text(text)
    }

    /// Any text: a body that is no JSON, an address, a header.
    mutating func text(_ text: String) -> String {
        var text = text
        for (secret, placeholder) in secrets where text.contains(secret) { text = text.replacing(secret, with: placeholder) }
        // Addresses with a login, and with a key among their parameters.
        text.replace(/:\/\/[^\/@\s"<>]+@/) { _ in "://redacted@" }
        text.replace(/([?&](?i:access_token|token|api_?key|key|sig|signature|password|secret|auth)=)([^&#"\s<>]{8,})/) { match in
            match.2.hasPrefix("redacted") ? String(match.0) : String(match.1) + "token-\(number(.token, String(match.2)))"
        }
        text.replace(/[A-Za-z0-9._+\-]+(@|%40)[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)+/) { match in
            email(String(match.0), at: String(match.1))
        }
        text.replace(/\+[1-9][0-9 ().\-]{6,17}[0-9]/) { match in Self.isZone(match.0) ? String(match.0) : phone(String(match.0)) }
        text.replace(/(?:^|[^0-9A-Za-z])1[3-9][0-9]{9}(?![0-9A-Za-z])/) { match in
            let digits = match.0.suffix(11)
            return String(match.0.dropLast(11)) + phone(String(digits))
        }
        return text
    }

    // MARK: Placeholders

    private mutating func number(_ kind: Kind, _ value: String) -> Int {
        if let number = known[kind]?[value] { return number }
        let number = (known[kind]?.count ?? 0) + 1
        known[kind, default: [:]][value] = number
        counts[kind] = number
        return number
    }

    private mutating func email(_ text: String, at: String) -> String {
        let plain = text.replacing("%40", with: "@").lowercased()
        guard !plain.hasSuffix("@example.com") else { return text }
        return "person\(number(.email, plain))\(at)example.com"
    }

    /// Of the form it had, in a range that belongs to nobody.
    private mutating func phone(_ text: String) -> String {
        let digits = text.filter { $0.isASCII && $0.isNumber }
        let last = String(number(.phone, digits))
        let four = String(repeating: "0", count: max(0, 4 - last.count)) + last
        if text.hasPrefix("+86") || digits.count == 11 && digits.hasPrefix("1") && !text.hasPrefix("+") {
            return (text.hasPrefix("+") ? "+86" : "") + "1380000\(four)"
        }
        return (text.hasPrefix("+") ? "+" : "") + "1555010\(four)"
    }

    // MARK: Telling them

    private static func holds(_ key: String, _ words: [String]) -> Bool {
        let key = key.lowercased()
        return words.contains { key.contains($0) }
    }

    /// `+0800 2026`, as some write dates.
    private static func isZone(_ text: some StringProtocol) -> Bool {
        text.count == 10 && text.dropFirst(5).first == " " && text.count { $0.isNumber } == 8
    }

    /// A document inside a member, as some services pack it.
    private static func decoded(_ text: String) -> String? {
        guard text.utf8.count >= 40, text.utf8.count % 4 == 0,
            text.utf8.allSatisfy({
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2B || $0 == 0x2F
                    || $0 == 0x3D
            })
        else { return nil }
        var decoder = TransferDecoder()
        let bytes = decoder.base64(Array(text.utf8)[...])
        guard let inner = String(validating: bytes, as: UTF8.self),
            !inner.unicodeScalars.contains(where: { $0.value < 0x20 && !"\r\n\t".unicodeScalars.contains($0) })
        else { return nil }
        return inner
    }
}
