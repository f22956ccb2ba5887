/// A file as a part of a mail, always in base64.
enum FilePart {
    static let fieldColumnsMax = 76
    static let nameBytesMax = 600

    static func part(_ file: OutgoingMail.File, isInline: Bool) -> BodyPart {
        let type = mediaType(file.type)
        let name = name(file)
        var head = "Content-Type: \(type)\(parameter("name", name))\r\nContent-Transfer-Encoding: base64\r\n"
        head += "Content-Disposition: \(isInline ? "inline" : "attachment")\(parameter("filename", name))\r\n"
        if let id = file.contentID, isContentID(id) { head += "Content-ID: <\(id)>\r\n" }
        return BodyPart(bytes: Array("\(head)\r\n".utf8) + Base64.encode(file.bytes, lineLength: 76))
    }

    /// Whether it can stand between angle brackets and in a `cid:` URL (RFC 2392).
    static func isContentID(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= 250 && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3C && $0 != 0x3E && $0 != 0x22 }
    }

    /// `message/*` and `multipart/*` may not be base64 (RFC 2045 §6.4), and a line end changed in one would break what was signed in it:
    /// such a file goes as bytes, and its name says what it is.
    private static func mediaType(_ text: String) -> String {
        let lowered = ASCII.lowercased(text)
        let halves = lowered.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isType = halves.count == 2 && lowered.utf8.count <= 100 && halves.allSatisfy { !$0.isEmpty && $0.allSatisfy(isToken) }
        guard isType, !lowered.hasPrefix("message/"), !lowered.hasPrefix("multipart/") else { return "application/octet-stream" }
        return lowered
    }

    /// No path, no control character, none of the marks that turn `exe.txt` around.
    private static func name(_ file: OutgoingMail.File) -> String {
        var name = FileName.safe(file.name, type: ASCII.lowercased(file.type), number: 1)
        while name.utf8.count > nameBytesMax { name.removeLast() }
        return name
    }

    /// `; name="a b.txt"`, or RFC 2231's extended form where ASCII does not do, in as many pieces as its lines need.
    static func parameter(_ name: String, _ value: String) -> String {
        let bytes = Array(value.utf8)
        if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), bytes.count + name.utf8.count + 6 <= fieldColumnsMax {
            let escaped = bytes.flatMap { $0 == 0x22 || $0 == 0x5C ? [0x5C, $0] : [$0] }
            return ";\r\n \(name)=\"\(String(decoding: escaped, as: UTF8.self))\""
        }
        let encoded = bytes.map { isAttributeCharacter($0) ? [$0] : [0x25] + QuotedPrintable.escape($0).dropFirst() }
        let whole = " \(name)*=UTF-8''"
        let length = encoded.reduce(0) { $0 + $1.count }
        if whole.utf8.count + length < fieldColumnsMax { return ";\r\n\(whole)\(String(decoding: encoded.joined(), as: UTF8.self))" }
        var out = ""
        var number = 0
        var line: [UInt8] = []
        func start() -> [UInt8] { Array(" \(name)*\(number)*=\(number == 0 ? "UTF-8''" : "")".utf8) }
        line = start()
        for piece in encoded {  // a piece is one byte: RFC 2231 allows a character to be split over two
            if line.count + piece.count >= fieldColumnsMax {
                out += ";\r\n" + String(decoding: line, as: UTF8.self)
                number += 1
                line = start()
            }
            line += piece
        }
        return out + ";\r\n" + String(decoding: line, as: UTF8.self)
    }

    /// RFC 2045 §5.1.
    private static func isToken(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && !"()<>@,;:\\\"/[]?=".utf8.contains(byte) }

    /// RFC 5987 §3.2.1, the stricter grammar of the two.
    private static func isAttributeCharacter(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "!#$&+-.^_`|~".utf8.contains(byte)
    }
}
