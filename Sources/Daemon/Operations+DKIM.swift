import Delivery
import Domain
import FoundationEssentials
import Formats
import Glibc

extension Operations {
    /// Makes a key and says what to publish.
    public static func newDKIMKey(domain: String, selector: String, isEd25519: Bool, file: String?) throws -> String {
        guard let domain = MailDomain.ascii(domain), domain.contains(".") else {
            throw CommandError("`\(domain)` is no domain; write the one behind the @ of your senders, such as example.com")
        }
        guard let name = MailDomain.ascii(selector), name == selector.lowercased() else {
            throw CommandError("`\(selector)` is no selector; write letters, digits and hyphens, such as hy1")
        }
        let path = file ?? "\(name).\(domain).pem"
        let (key, pem) = try DKIMKey.make(isEd25519 ? .ed25519 : .rsa, domain: domain, selector: name)
        try write(pem.reveal(), to: path)
        return """
            The private key is in \(path); only its owner may read it. Give it to the daemon's user: chown hongyan \(path)

            Publish this record (type TXT):
              name   \(key.recordName)
              value  \(key.record)

            The same for a zone file:
            \(zoneLine(key.recordName, key.record))

            Then add to the sender in hongyan.yaml, and ask `hongyan doctor mail \(domain)` whether the record can be seen:
                dkim:
                  - {domain: \(domain), selector: \(name), key: \(path)}
            """
    }

    /// A TXT record as a zone file has it: strings of at most 255 bytes (RFC 1035 §3.3.14), a line each.
    static func zoneLine(_ name: String, _ value: String) -> String {
        var strings: [String] = []
        var rest = Substring(value)
        while !rest.isEmpty {
            strings.append("\"\(rest.prefix(250))\"")
            rest = rest.dropFirst(250)
        }
        guard strings.count > 1 else { return "\(name). IN TXT \(strings.first ?? "\"\"")" }
        return "\(name). IN TXT (\n" + strings.map { "  \($0)" }.joined(separator: "\n") + " )"
    }

    /// Made by nobody else at the same moment, and never over another file: a key that is lost cannot be had again.
    private static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let fix =
                errno == EEXIST ? "choose another selector or --file; a key is never written over" : "choose another place with --file"
            throw CommandError("cannot create \(path): \(String(cString: strerror(errno))). Please \(fix).")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw CommandError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
