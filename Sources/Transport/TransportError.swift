/// Why a transfer failed, in a sentence that says what, where and what to do. Holds no secret: URLs come without user and query.
public enum TransportError: Error, Equatable, CustomStringConvertible {
    /// The request itself is wrong; nothing was sent.
    case invalid(String)
    case hostNotFound(host: String)
    case refused(host: String, port: Int)
    case notReachable(host: String, reason: String)
    case certificate(host: String, reason: String)
    case tlsFailed(host: String, reason: String)
    case caFile(path: String)
    case noEncryption(host: String)
    case privateAddress(host: String)
    case timedOut(host: String, doing: String, after: Duration)
    case tooLarge(url: String, limitBytes: Int)
    case redirect(url: String, reason: String)
    case loginRefused(host: String, user: String, reply: String)
    case loginNotOffered(host: String)
    /// There is no token and none can be had without a person.
    case authorization(account: String, reason: String)
    /// The other side answered a command with NO, BAD, 4xx or 5xx.
    case commandRefused(host: String, command: String, reply: String)
    case connectionLost(host: String, reason: String)
    case unexpectedAnswer(host: String, reason: String)
    case file(path: String, reason: String)
    case shutDown

    /// Whether the same attempt may succeed later without anyone changing anything.
    public var isTemporary: Bool {
        switch self {
        case .hostNotFound, .refused, .notReachable, .timedOut, .connectionLost, .tlsFailed, .shutDown: true
        case .invalid, .certificate, .caFile, .noEncryption, .privateAddress, .tooLarge, .redirect, .loginNotOffered, .unexpectedAnswer,
            .file, .authorization:
            false
        case .loginRefused(_, _, let reply), .commandRefused(_, _, let reply): Self.saysLater(reply)
        }
    }

    public var isAuthorization: Bool { if case .authorization = self { true } else { false } }

    /// RFC 5530 UNAVAILABLE, INUSE, LIMIT; Exchange Online's throttling words; SMTP's 4xx.
    private static func saysLater(_ reply: String) -> Bool {
        let upper = reply.uppercased()
        return ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "BACKOFFTIME", "NOT CONNECTED"].contains { upper.contains($0) }
            || (reply.utf8.count >= 3 && reply.utf8.first == UInt8(ascii: "4") && Int(reply.prefix(3)) != nil)
    }

    public var description: String {
        switch self {
        case .invalid(let reason): reason
        case .hostNotFound(let host): "could not resolve host \(host); check its spelling and this machine's DNS."
        case .refused(let host, let port): "nothing listens at \(host):\(port); check the port and that the server runs."
        case .notReachable(let host, let reason): "\(host) is not reachable: \(reason); check the network and the firewall."
        case .certificate(let host, let reason):
            "the certificate of \(host) is not trusted: \(reason.bare); renew it, or name its authority's PEM file as caFile."
        case .tlsFailed(let host, let reason): "TLS with \(host) failed: \(reason.bare)."
        case .caFile(let path): "cannot use the CA file \(path); check that it exists, is readable and holds PEM certificates."
        case .noEncryption(let host):
            "\(host) offers no STARTTLS, so the login would travel in the clear; use the TLS port, or set allowPlain for a local server."
        case .privateAddress(let host): "\(host) has an address inside a private network, which is not allowed here."
        case .timedOut(let host, let doing, let after): "\(doing) \(host) took longer than \(Self.seconds(after)) s."
        case .tooLarge(let url, let limit): "\(url) is larger than \(limit) bytes; raise the size limit if that is expected."
        case .redirect(let url, let reason): "the redirect of \(url) was not followed: \(reason)."
        case .loginRefused(let host, let user, let reply):
            "\(host) refused the login of \(user): \(reply.isEmpty ? "no reason given" : reply.bare). Check user and password or token."
        case .loginNotOffered(let host): "\(host) offers no way to log in that we know; remove the user name or use the submission port."
        case .authorization(let account, let reason): "\(account) has no permission to log in: \(reason.bare). Run: hongyan auth \(account)"
        case .commandRefused(let host, let command, let reply): "\(host) refused \(command): \(reply)"
        case .connectionLost(let host, let reason): "the connection to \(host) was lost: \(reason.bare)."
        case .unexpectedAnswer(let host, let reason): "\(host) answered against the protocol: \(reason.bare)."
        case .file(let path, let reason): "cannot read \(path): \(reason)."
        case .shutDown: "the daemon is shutting down."
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = Int((duration / .milliseconds(1)).rounded())
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)" : "\(Double(milliseconds) / 1000)"
    }
}
