import Crypto
import Domain
import FoundationEssentials
import Synchronization

/// Signs a finished mail (RFC 6376), once with each key. Pure: the same mail at the same time gives the same signatures.
struct DKIMSigner: Sendable {
    /// How long a signature holds: longer than we and the relay after us may keep a mail (five days each), with days to spare.
    static let life: Duration = .seconds(14 * 86_400)
    static let lineMax = 76

    /// Signed once more than they stand in the mail, also when they do not stand there at all: a second From, or a Reply-To that somebody
    /// adds, then breaks the signature (RFC 6376 §5.4.2, §8.15).
    static let oversigned = [
        "from", "subject", "to", "cc", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version", "content-type",
    ]
    /// The same, but only where they stand: a mailing list that passes the mail on rightly adds its own (RFC 6376 §5.4.1).
    static let oversignedIfThere = [
        "list-unsubscribe", "list-unsubscribe-post", "list-id", "list-post", "list-help", "list-subscribe", "list-owner", "list-archive",
        "feedback-id", "auto-submitted", "sender",
    ]
    static let signedIfThere = ["content-transfer-encoding"]

    let keys: [DKIMKey]

    /// - Returns: the mail with one `DKIM-Signature` for each key before it.
    func signed(_ mail: [UInt8], at time: Timestamp) throws -> [UInt8] {
        guard !keys.isEmpty else { return mail }
        let (fields, body) = DKIMCanonical.split(mail)
        let bodyHash = Data(SHA256.hash(data: DKIMCanonical.body(body))).base64EncodedString()
        let names = Self.names(fields)
        let covered = Self.covered(fields, names)
        var out: [UInt8] = []
        for key in keys {
            let tags = Self.tags(key, names: names, bodyHash: bodyHash, time: time)
            let field = "DKIM-Signature: \(tags)"
            let digest = SHA256.hash(data: covered + DKIMCanonical.header(Array(field.utf8)))
            let signature = Data(try key.signature(of: digest)).base64EncodedString()
            out += Array("\(field)\(Self.folded(signature))\r\n".utf8)
        }
        return out + mail
    }

    /// The `h=` list.
    static func names(_ fields: [DKIMCanonical.Field]) -> [String] {
        func count(_ name: String) -> Int { fields.reduce(0) { $0 + ($1.name == name ? 1 : 0) } }
        var names = oversigned.flatMap { Array(repeating: $0, count: count($0) + 1) }
        for name in oversignedIfThere where count(name) > 0 { names += Array(repeating: name, count: count(name) + 1) }
        for name in signedIfThere { names += Array(repeating: name, count: count(name)) }
        return names
    }

    /// Of several fields with one name the last is signed first; a name beyond those that are there adds nothing (RFC 6376 §5.4.2).
    static func covered(_ fields: [DKIMCanonical.Field], _ names: [String]) -> [UInt8] {
        var left: [String: [DKIMCanonical.Field]] = Dictionary(grouping: fields, by: \.name)
        var out: [UInt8] = []
        for name in names {
            guard let field = left[name]?.popLast() else { continue }
            out += DKIMCanonical.header(field.bytes) + [0x0D, 0x0A]
        }
        return out
    }

    /// Everything up to `b=`, folded. No `l=`: text could be added below what was signed (RFC 6376 §8.2).
    private static func tags(_ key: DKIMKey, names: [String], bodyHash: String, time: Timestamp) -> String {
        let seconds = time.microseconds / 1_000_000
        var out = "v=1; a=\(key.algorithm.rawValue); c=relaxed/relaxed;\r\n d=\(key.domain); s=\(key.selector);"
        out += "\r\n t=\(seconds); x=\(seconds + life.components.seconds);\r\n h="
        var column = 3
        for (index, name) in names.enumerated() {
            let piece = name + (index == names.count - 1 ? ";" : ":")
            if column + piece.utf8.count > lineMax {
                out += "\r\n "
                column = 1
            }
            out += piece
            column += piece.utf8.count
        }
        return out + "\r\n bh=\(bodyHash);\r\n b="
    }

    private static func folded(_ signature: String) -> String {
        var out = ""
        var rest = Substring(signature)
        var room = lineMax - 3
        while !rest.isEmpty {
            out += rest.prefix(room)
            rest = rest.dropFirst(room)
            if !rest.isEmpty { out += "\r\n " }
            room = lineMax - 1
        }
        return out
    }
}

/// Keys read once: an RSA key costs more to read than a mail to write.
final class DKIMKeyring: Sendable {
    static let identitiesMax = 256
    private let known = Mutex<[DKIMIdentity: Result<DKIMKey, DKIMKeyError>]>([:])

    func signer(for sender: Sender) throws(DKIMKeyError) -> DKIMSigner {
        var keys: [DKIMKey] = []
        for identity in sender.dkim {
            let result = known.withLock { known in
                if let found = known[identity] { return found }
                if known.count >= Self.identitiesMax { known = [:] }
                let made: Result<DKIMKey, DKIMKeyError>
                do throws(DKIMKeyError) { made = .success(try DKIMKey(identity)) } catch { made = .failure(error) }
                known[identity] = made
                return made
            }
            keys.append(try result.get())
        }
        return DKIMSigner(keys: keys)
    }
}
