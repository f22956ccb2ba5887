import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// Who is asking, from where, in which language.
struct Visit: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The visitor's address: the connection's, or what our proxy says. Nil when nobody can tell.
    var remote: String?
    var session: Session?
    var tongue: Tongue = .en
    /// `light` or `dark` when the visitor chose one.
    var theme: String?
    /// Path and query of this page, to come back to after a form.
    var path = "/"

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remote = source.channel.remoteAddress?.ipAddress
    }

    /// Whether the request came from this machine itself.
    var isLoopback: Bool { remote == "127.0.0.1" || remote == "::1" || remote?.hasPrefix("127.") == true }

    struct Session: Sendable {
        var agent: Agent
        var csrf: String
        var tokenHash: String
    }

    /// The session of a page that only agents reach.
    func agentSession() throws(Refusal) -> Session {
        guard let session else { throw Refusal(.unauthorized, "login") }
        return session
    }
}

/// A request we do not serve, with the word of the page that says what to do instead (`error_<key>`).
struct Refusal: Error, Equatable {
    var status: HTTPResponse.Status
    var key: String
    /// Seconds until it may be tried again.
    var retryAfter: Int64?

    init(_ status: HTTPResponse.Status, _ key: String, retryAfter: Int64? = nil) {
        self.status = status
        self.key = key
        self.retryAfter = retryAfter
    }
}

/// A language of ours.
enum Tongue: String, Sendable, CaseIterable {
    case en, zh

    /// For `lang=`.
    var tag: String { self == .zh ? "zh-CN" : "en" }

    /// The first of ours that `Accept-Language` (RFC 9110 §12.5.4) names with the highest weight.
    init(accepting header: String?) {
        self = Self.accepted(header).lazy.compactMap { $0.hasPrefix("zh") ? .zh : $0.hasPrefix("en") ? .en : nil }.first ?? .en
    }

    /// The tags of `Accept-Language` (RFC 9110 §12.5.4) in lower case, the most wanted first; refused ones are left out.
    static func accepted(_ header: String?) -> [String] {
        let ranges = (header ?? "").split(separator: ",").prefix(20).enumerated().compactMap { place, range in
            let parts = range.split(separator: ";")
            let weight =
                parts.dropFirst().compactMap { part -> Double? in
                    let pair = part.split(separator: "=")
                    return pair.count == 2 && pair[0].trimmed == "q" ? Double(pair[1].trimmed) : nil
                }.first ?? 1
            return weight > 0 ? (tag: (parts.first ?? "").trimmed.lowercased(), weight: weight, place: place) : nil
        }
        return ranges.sorted { $0.weight == $1.weight ? $0.place < $1.place : $0.weight > $1.weight }.map(\.tag)
    }
}

extension StringProtocol {
    /// Without ASCII white space at both ends.
    var trimmed: String {
        let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        return String(decoding: utf8.drop(while: isBlank).reversed().drop(while: isBlank).reversed(), as: UTF8.self)
    }
}
