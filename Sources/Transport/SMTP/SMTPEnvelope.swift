import Glibc

/// The commands that announce a message, checked so that no address can smuggle in one of its own.
struct SMTPEnvelope {
    /// Why no server that is like this one will take the message; nothing was sent.
    struct Refusal: Error, Equatable {
        let reason: String
    }

    let mail: String
    let addresses: [String]
    let recipients: [String]

    init(from: String, to: [String], bytes: [UInt8], extensions: SMTPExtensions) throws(Refusal) {
        guard !to.isEmpty, to.count <= SMTPClient.recipientsMax else {
            throw Refusal(reason: "the message has \(to.count) recipients; write 1 to \(SMTPClient.recipientsMax)")
        }
        for address in to + (from.isEmpty ? [] : [from]) { try Self.check(address) }
        if let limit = extensions.sizeBytesMax, bytes.count > limit {
            throw Refusal(reason: "the message has \(bytes.count) bytes and the server takes at most \(limit)")
        }
        var parameters = ""
        if extensions.contains("SIZE") { parameters += " SIZE=\(bytes.count)" }
        if bytes.contains(where: { $0 >= 0x80 }), extensions.contains("8BITMIME") { parameters += " BODY=8BITMIME" }
        if let other = ([from] + to).first(where: { !$0.utf8.allSatisfy { $0 < 0x80 } }) {
            guard extensions.contains("SMTPUTF8") else {
                throw Refusal(reason: "the server takes no address such as \(other), because it does not know SMTPUTF8")
            }
            parameters += " SMTPUTF8"
        }
        mail = "MAIL FROM:<\(from)>\(parameters)\r\n"
        addresses = to
        recipients = to.map { "RCPT TO:<\($0)>\r\n" }
    }

    private static func check(_ address: String) throws(Refusal) {
        let isClean = address.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"<>".utf8.contains($0) }
        guard isClean, address.utf8.count <= 320, address.dropFirst().dropLast().contains("@") else {
            let shown = String(address.prefix(80).unicodeScalars.map { $0.value < 0x20 ? "?" : Character($0) })
            throw Refusal(reason: "\(shown) is not a mail address; write one such as name@example.com")
        }
    }
}

/// What this machine calls itself, for EHLO.
func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty || !name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } ? "localhost" : name
}
