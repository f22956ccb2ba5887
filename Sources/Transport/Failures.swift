internal import CCurl
import Domain

extension String {
    var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
    /// Without white space and a full stop at the end.
    var bare: String { trimmed.hasSuffix(".") ? String(trimmed.dropLast()) : trimmed }
}

/// Puts libcurl's codes into words, as far as they are the same for all protocols.
func connectionError(_ code: CURLcode, _ easy: borrowing EasyHandle, host: String, port: Int, tls: TLS) -> TransportError? {
    let message = easy.lastMessage.bare
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST: return .hostNotFound(host: host)
    case CURLE_COULDNT_RESOLVE_PROXY: return .notReachable(host: host, reason: "the proxy's name could not be resolved")
    case CURLE_COULDNT_CONNECT:
        if easy.long(CURLINFO_OS_ERRNO) == Int(ECONNREFUSED) { return .refused(host: host, port: port) }
        return .notReachable(host: host, reason: message.lowercasedFirst)
    case CURLE_PEER_FAILED_VERIFICATION: return .certificate(host: host, reason: certificateReason(message))
    case CURLE_SSL_CACERT_BADFILE: return .caFile(path: tls.caFile ?? "of the system")
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_CERTPROBLEM, CURLE_SSL_ENGINE_INITFAILED:
        return .tlsFailed(host: host, reason: message.isEmpty ? "no common protocol" : message)
    case CURLE_USE_SSL_FAILED: return .noEncryption(host: host)
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_HTTP3:
        return .connectionLost(host: host, reason: message.isEmpty ? "it was closed in the middle" : message.lowercasedFirst)
    default: return nil
    }
}

/// `SSL certificate problem: certificate has expired` → `certificate has expired`.
private func certificateReason(_ message: String) -> String {
    let known = "SSL certificate problem: "
    return message.hasPrefix(known) ? String(message.dropFirst(known.count)) : message.lowercasedFirst
}

/// Why a mail connection did not come about.
struct LineFailure {
    let plan: LinePlan
    let login: [UInt8]
    let startedAt: Int64

    func error(_ code: CURLcode, _ easy: borrowing EasyHandle) -> TransportError {
        if code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING {
            let reason = login.isEmpty ? "it hung up without a greeting" : "it hung up during the login"
            return .connectionLost(host: plan.host, reason: reason)
        }
        if let error = connectionError(code, easy, host: plan.host, port: plan.port, tls: plan.endpoint.tls) { return error }
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return .timedOut(host: plan.host, doing: "connecting to", after: plan.endpoint.connectTimeout)
        case CURLE_LOGIN_DENIED, CURLE_AUTH_ERROR, CURLE_REMOTE_ACCESS_DENIED:
            if let reply = refusal { return .loginRefused(host: plan.host, user: plan.endpoint.user ?? "nobody", reply: reply) }
            return .loginNotOffered(host: plan.host)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_WRITE_ERROR:
            return .unexpectedAnswer(host: plan.host, reason: "it said \(lines.last ?? "nothing")")
        default:
            let message = easy.lastMessage.bare
            let words = message.isEmpty ? String(cString: curl_easy_strerror(code)) : message
            return .notReachable(host: plan.host, reason: words.lowercasedFirst)
        }
    }

    private var lines: [String] {
        login.split(whereSeparator: { $0 == 10 || $0 == 13 }).map { String(decoding: $0.prefix(200), as: UTF8.self) }
    }

    /// What the server answered to the last login: `A002 NO [AUTHENTICATIONFAILED] …`, `535 5.7.8 …`, `-ERR …`.
    private var refusal: String? {
        for line in lines.reversed() {
            let words = line.split(separator: " ", maxSplits: 1)
            guard let first = words.first else { continue }
            if plan.scheme.hasPrefix("smtp"), let code = Int(first.prefix(3)), code >= 400 { return line }
            if plan.scheme.hasPrefix("pop3"), first == "-ERR" { return String(words.last ?? "") }
            guard plan.scheme.hasPrefix("imap"), words.count == 2 else { continue }
            for answer in ["NO ", "BAD ", "BYE "] where words[1].uppercased().hasPrefix(answer) {
                return String(words[1].dropFirst(answer.count))
            }
        }
        return nil
    }
}

extension String {
    /// Without white space at the ends.
    var trimmed: String {
        var scalars = unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}
