internal import CCurl

/// A URL taken apart by libcurl, so that what we check is what it will connect to.
struct WebAddress {
    let scheme: String
    let host: String
    let port: Int
    let user: String?
    let password: String?
    /// Without user, password and fragment.
    let url: String
    /// Without the query too: fit for errors and logs.
    let redacted: String

    /// What a cookie or a password belongs to.
    var origin: String { "\(scheme)://\(host):\(port)" }

    init(_ text: String, schemes: [String]) throws(TransportError) {
        guard let parts = curl_url() else { throw .invalid("libcurl could not allocate a URL; memory is short.") }
        defer { curl_url_cleanup(parts) }
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME)
        guard !text.utf8.contains(where: { $0 < 0x21 || $0 == 0x7f }), curl_url_set(parts, CURLUPART_URL, text, flags) == CURLUE_OK,
            let scheme = Self.get(parts, CURLUPART_SCHEME)
        else {
            throw .invalid("\(Self.redact(text)) is not a URL; write \(schemes.map { "\($0)://" }.joined(separator: ", ")) and a host.")
        }
        guard schemes.contains(scheme) else {
            throw .invalid("\(Self.redact(text)) has the scheme \(scheme); only \(schemes.joined(separator: ", ")) can be used here.")
        }
        let host = Self.get(parts, CURLUPART_HOST) ?? ""
        guard !host.isEmpty || scheme == "file" else {
            throw .invalid("\(Self.redact(text)) names no host; write \(scheme)://host/.")
        }
        self.scheme = scheme
        self.host = host.lowercased()
        port = Self.get(parts, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap { Int($0) } ?? 0
        user = Self.get(parts, CURLUPART_USER, UInt32(CURLU_URLDECODE))
        password = Self.get(parts, CURLUPART_PASSWORD, UInt32(CURLU_URLDECODE))
        for part in [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_FRAGMENT] { curl_url_set(parts, part, nil, 0) }
        url = Self.get(parts, CURLUPART_URL) ?? text
        curl_url_set(parts, CURLUPART_QUERY, nil, 0)
        redacted = Self.get(parts, CURLUPART_URL) ?? scheme
    }

    /// For texts that are no URL: cuts off what may be a secret, without understanding the rest.
    static func redact(_ text: String) -> String {
        let plain = text.unicodeScalars.prefix { $0 != "?" && $0 != "#" }.map { $0.value < 0x20 ? "?" : Character($0) }
        let cut = String(plain)
        guard let at = cut.lastIndex(of: "@") else { return cut }
        let rest = cut[cut.index(after: at)...]
        guard let slashes = cut.range(ofSlashes: 2), slashes < at else { return String(rest) }
        return String(cut[..<slashes] + rest)
    }

    private static func get(_ parts: OpaquePointer, _ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
        var value: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parts, part, &value, flags) == CURLUE_OK, let value else { return nil }
        defer { curl_free(value) }
        return String(cString: value)
    }
}

extension String {
    /// The index after `://`.
    fileprivate func range(ofSlashes count: Int) -> Index? {
        guard let colon = firstIndex(of: ":") else { return nil }
        let after = index(after: colon)
        return self[after...].hasPrefix("//") ? index(after, offsetBy: count) : nil
    }
}
