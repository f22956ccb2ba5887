import Domain
import Formats
import Store

/// The fields beyond RFC 5322's own that a send carries.
struct MailHeaders {
    let signer: Signer
    let publicURL: String
    /// Where mail that unsubscribes is read.
    var unsubscribe: String?

    /// Marks mail of this very instance, so that a loop through somebody's forwarding is seen.
    static let loopField = "X-Hongyan-Loop"

    func fields(for send: Send, fromDomain: String) -> [(name: String, value: String)] {
        var fields = [(name: Self.loopField, value: String(signer.digest("loop").prefix(16)))]
        if send.details.isAutomatic {
            fields.append(("Auto-Submitted", "auto-replied"))  // RFC 3834 §5.1
            fields.append(("X-Auto-Response-Suppress", "All"))
        } else if send.kind != .reply {
            fields.append(("Auto-Submitted", "auto-generated"))  // RFC 3834 §5; no Precedence, which §3.1.8 calls non-standard
            fields.append(("X-Auto-Response-Suppress", "All"))
        }
        guard send.kind == .journey else { return fields }
        fields.append(("Feedback-ID", feedbackID(of: send, fromDomain: fromDomain)))
        guard let link = unsubscribeURL(for: send) else { return fields }
        fields.append(("List-Id", "<\(Self.label(send.topic ?? "news")).\(fromDomain)>"))  // RFC 2919
        // RFC 2369; https comes first because Gmail takes the first.
        let mail = unsubscribeMail(for: send).map { ", <\($0)>" } ?? ""
        fields.append(("List-Unsubscribe", "<\(link)>\(mail)"))
        if link.hasPrefix("https://") { fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")) }  // RFC 8058 wants https
        return fields
    }

    /// Marketing mail only: nobody can unsubscribe from an answer or a receipt.
    func unsubscribeURL(for send: Send) -> String? {
        unsubscribeToken(for: send).map { publicURL + "/u/" + $0 }
    }

    /// For mail programs that cannot post: the token stands in the subject, where no system changes its letters.
    func unsubscribeMail(for send: Send) -> String? {
        guard let unsubscribe, let address = MailDomain.asciiAddress(unsubscribe) else { return nil }
        return unsubscribeToken(for: send).map { "mailto:\(address)?subject=\(UnsubscribeMail.word)%20\($0)" }
    }

    private func unsubscribeToken(for send: Send) -> String? {
        guard send.kind == .journey, send.purpose == .marketing else { return nil }
        return signer.token(UnsubscribeMail.tokenKind, [send.customer?.description ?? "", send.topic ?? "", send.id.description])
    }

    /// Three ids and our own, which must stay the same for all mail and have 5 to 15 characters; no id may stand twice.
    private func feedbackID(of send: Send, fromDomain: String) -> String {
        var seen: Set<String> = []
        let ids = [send.step, send.journey, send.purpose.rawValue].map { id in
            let label = id.map(Self.label) ?? ""
            return seen.insert(label).inserted ? label : ""
        }
        return ids.joined(separator: ":") + ":hy" + signer.digest("feedback/" + fromDomain).prefix(10)
    }

    /// Letters, digits and hyphens, as a host name's part allows.
    static func label(_ text: String) -> String {
        let bytes = text.utf8.prefix(63).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            default: UInt8(ascii: "-")
            }
        }
        let label = String(decoding: bytes, as: UTF8.self)
        return label.allSatisfy { $0 == "-" } ? "list" : String(label.drop { $0 == "-" })
    }
}
