import Crypto
import Domain
import Store
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a form's page carries: who made it and when, so that pressing the button twice is one message and a robot's haste is seen.
struct FormTicket: Sendable, Equatable {
    static let kind: Character = "f"
    /// A page that was open longer is shown again, with all that was written.
    static let ageMax = Duration.seconds(7 * 86_400)

    var form: String
    var at: Timestamp
    var nonce: String

    init(form: String, at: Timestamp) {
        self.form = form
        self.at = at
        nonce = randomHex(12)
    }

    func text(_ signer: Signer) -> String { signer.token(Self.kind, [form, "\(at.microseconds)", nonce]) }

    /// Nil unless we made it for this form.
    init?(_ text: String, form: String, signer: Signer) {
        guard let parts = signer.verifyToken(Self.kind, text), parts.count == 3, parts[0] == form, let at = Int64(parts[1]) else {
            return nil
        }
        self.form = form
        self.at = Timestamp(microseconds: at)
        nonce = parts[2]
    }

    /// Whether `answer` makes the hash of ticket and answer begin with so many zero bits: work for a browser, and for us one hash.
    static func isSolved(_ ticket: String, answer: String, bits: Int) -> Bool {
        guard !answer.isEmpty, answer.utf8.count <= 20 else { return false }
        var zeros = 0
        for byte in SHA256.hash(data: Array("\(ticket):\(answer)".utf8)) {
            zeros += byte.leadingZeroBitCount
            if byte != 0 { break }
        }
        return zeros >= bits
    }
}

extension ReceivedFile {
    static let kind: Character = "g"

    /// For the page that is shown again: the file is here already, and need not be sent twice.
    func token(_ form: String, _ signer: Signer) -> String { signer.token(Self.kind, [form, field, name, type, "\(sizeBytes)", hash]) }

    init?(token: String, form: String, signer: Signer) {
        guard let parts = signer.verifyToken(Self.kind, token), parts.count == 6, parts[0] == form, let size = Int(parts[4]) else {
            return nil
        }
        self.init(field: parts[1], name: parts[2], type: parts[3], sizeBytes: size, hash: parts[5])
    }
}

/// The forms in force; replaced when the configuration is read again.
final class FormShelf: Sendable {
    private let forms: Mutex<([PublicForm], [String: FormPage])>

    init(_ forms: [PublicForm], _ pages: [String: FormPage]) { self.forms = Mutex((forms, pages)) }
    func put(_ forms: [PublicForm], _ pages: [String: FormPage]) { self.forms.withLock { $0 = (forms, pages) } }
    func form(_ name: String) -> PublicForm? { forms.withLock { $0.0.first { $0.name == name } } }
    func page(_ name: String) -> FormPage? { forms.withLock { $0.1[name] } }
}

/// The network an address belongs to: the first three bytes of an IPv4 address, the first six of an IPv6 one.
func network(of address: String) -> String {
    var four = in_addr()
    if inet_pton(AF_INET, address, &four) == 1 { return address.split(separator: ".").prefix(3).joined(separator: ".") }
    var six = in6_addr()
    guard inet_pton(AF_INET6, address, &six) == 1 else { return address }
    return withUnsafeBytes(of: &six) { hex($0.prefix(6)) }
}
