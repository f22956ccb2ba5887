/// Writes header fields (RFC 5322 §2.2, RFC 2047): folded at 78 columns where possible, and each name only once.
struct HeaderWriter {
    static let columnsMax = 78
    static let wordBytesMax = 900
    static let encodedWordMax = 75

    private(set) var bytes: [UInt8] = []
    private var names: Set<String> = []
    private var column = 0

    mutating func text(_ name: String, _ value: String) throws(OutgoingMailError) {
        try begin(name, value)
        let value = Array(value.utf8.map { $0 == ASCII.tab ? ASCII.space : $0 })
        if value.allSatisfy({ $0 < 0x80 }), ASCII.find("=?", in: value) == nil {
            try fold(value, of: name)
        } else {
            encode(String(decoding: value, as: UTF8.self))
        }
        endLine()
    }

    /// A field of the caller's own name; those we write ourselves are refused.
    mutating func extra(_ name: String, _ value: String) throws(OutgoingMailError) {
        let lowered = ASCII.lowercased(name)
        let isOurs = lowered == "mime-version" || lowered.hasPrefix("content-") || lowered == "bcc"
        if isOurs { throw .duplicate(header: name) }
        try text(name, value)
    }

    /// Domains are written in A-labels.
    /// - Parameter allowsUTF8: whether a local part may hold other characters than ASCII (RFC 6532).
    mutating func addresses(_ name: String, _ list: [MailAddress], allowsUTF8: Bool = false) throws(OutgoingMailError) {
        try begin(name, list.map(\.name).joined())
        for (index, person) in list.enumerated() {
            // An ASCII address stays as it was written; a literal such as [192.0.2.1] is no name to be looked at.
            let isLiteral = person.address.utf8.last == 0x5D
            let isASCII = person.address.utf8.allSatisfy { $0 < 0x80 }
            let named = isLiteral ? person.address : MailDomain.asciiAddress(person.address)
            guard let named, case let written = isASCII ? person.address : named, Self.isAddress(written, allowsUTF8: allowsUTF8) else {
                throw .badAddress(header: name, address: person.address)
            }
            let comma = index < list.count - 1 ? "," : ""
            let words = try phrase(person.name, of: name)
            let address = words ? "<\(written)>\(comma)" : "\(written)\(comma)"
            word(Array(address.utf8))
        }
        endLine()
    }

    mutating func messageIDs(_ name: String, _ ids: [String]) throws(OutgoingMailError) {
        try begin(name, "")
        for id in ids {
            let isGood =
                id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3C && $0 != 0x3E } && id.utf8.contains(0x40)
                && id.utf8.count < Self.wordBytesMax
            guard isGood else { throw .badMessageID(header: name, id: id) }
            word(Array("<\(id)>".utf8))
        }
        endLine()
    }

    // MARK: lines

    private mutating func begin(_ name: String, _ value: String) throws(OutgoingMailError) {
        let isName = !name.isEmpty && name.utf8.count <= 76 && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
        guard isName else { throw .badName(header: name) }
        guard names.insert(ASCII.lowercased(name)).inserted else { throw .duplicate(header: name) }
        if value.utf8.contains(where: { ($0 < 0x20 && $0 != ASCII.tab) || $0 == 0x7F }) { throw .lineBreak(header: name) }
        bytes += name.utf8
        bytes.append(0x3A)
        column = name.utf8.count + 1
    }

    private mutating func endLine() {
        bytes += [ASCII.cr, ASCII.lf]
        column = 0
    }

    /// Puts a word after one blank, on a new line when this one is full.
    private mutating func word(_ text: [UInt8]) {
        if column + 1 + text.count > Self.columnsMax, bytes.last != 0x3A { newLine() }
        bytes.append(ASCII.space)
        bytes += text
        column += 1 + text.count
    }

    private mutating func newLine() {
        bytes += [ASCII.cr, ASCII.lf]
        column = 0
    }

    /// ASCII text; runs of blanks are kept, a line never holds blanks alone.
    private mutating func fold(_ text: [UInt8], of name: String) throws(OutgoingMailError) {
        var i = 0
        while i < text.count {
            var end = i
            while end < text.count, text[end] == ASCII.space { end += 1 }
            let blanks = i == 0 ? 0 : end - i - 1  // one blank comes with the word
            while end < text.count, text[end] != ASCII.space { end += 1 }
            let start = i == 0 ? text[i..<end].firstIndex { $0 != ASCII.space } ?? end : i + 1 + blanks
            if end - start > Self.wordBytesMax { throw .tooLong(header: name) }
            if start == end { break }  // blanks at the end
            let spaces = min(blanks, 60)
            word([UInt8](repeating: ASCII.space, count: spaces) + text[start..<end])
            i = end
        }
    }

    // MARK: names

    /// A display name as atoms, a quoted string or encoded-words. False when there is none.
    private mutating func phrase(_ name: String, of header: String) throws(OutgoingMailError) -> Bool {
        let name = ASCII.trim(name)
        if name.isEmpty { return false }
        let text = Array(name.utf8)
        guard text.allSatisfy({ $0 < 0x80 }), ASCII.find("=?", in: text) == nil else {
            encode(name)
            return true
        }
        let isAtoms = text.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.space || $0 == 0x2D || $0 == 0x5F || $0 == 0x27
        }
        if isAtoms {
            try fold(text, of: header)
        } else {
            var quoted: [UInt8] = [0x22]
            for byte in text {
                if byte == 0x22 || byte == 0x5C { quoted.append(0x5C) }
                quoted.append(byte == ASCII.tab ? ASCII.space : byte)
            }
            try fold(quoted + [0x22], of: header)
        }
        return true
    }

    static func isAddress(_ text: String, allowsUTF8: Bool = false) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count <= 254, let at = bytes.lastIndex(of: 0x40), at > 0, at < bytes.count - 1 else { return false }
        let special = Array("<>(),;:\\\"[]@".utf8)
        func isPlain(_ part: ArraySlice<UInt8>, _ allowsUTF8: Bool = false) -> Bool {
            part.allSatisfy { $0 > 0x20 && ($0 < 0x7F || allowsUTF8 && $0 >= 0x80) && !special.contains($0) }
        }
        let local = bytes[..<at]
        let isQuoted =
            local.count > 2 && local.first == 0x22 && local.last == 0x22
            && local.dropFirst().dropLast().allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
        var domain = bytes[(at + 1)...]
        if domain.first == 0x5B, domain.last == 0x5D, domain.count > 2 {
            domain = domain.dropFirst().dropLast()
            return (isPlain(local, allowsUTF8) || isQuoted)
                && domain.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x5B && $0 != 0x5D && $0 != 0x5C }
        }
        return (isPlain(local, allowsUTF8) || isQuoted) && isPlain(domain)
    }

    // MARK: encoded-words

    /// UTF-8 in Q where most is ASCII, else in B; a word never ends inside a character.
    private mutating func encode(_ text: String) {
        let high = text.utf8.reduce(0) { $0 + ($1 >= 0x80 ? 1 : 0) }
        let isB = high * 3 > text.utf8.count
        var current: [UInt8] = []
        for character in text {
            let whole = Array(String(character).utf8)
            if fits(current + whole, isB) {
                current += whole
                continue
            }
            if !current.isEmpty { write(current, isB) }
            current = []
            if Self.length(whole, isB) <= Self.encodedWordMax {
                current = whole
                continue
            }
            for scalar in character.unicodeScalars {  // one character longer than a word
                let piece = Array(String(Character(scalar)).utf8)
                if Self.length(current + piece, isB) > Self.encodedWordMax {
                    write(current, isB)
                    current = []
                }
                current += piece
            }
        }
        if !current.isEmpty { write(current, isB) }
    }

    /// In an encoded-word that still has its place on this line, or on a line of its own when this one has words already.
    private func fits(_ text: [UInt8], _ isB: Bool) -> Bool {
        let room = Self.columnsMax - 1 - column
        let isFirst = bytes.last == 0x3A
        return Self.length(text, isB) <= (isFirst ? min(room, Self.encodedWordMax) : Self.encodedWordMax)
    }

    private mutating func write(_ text: [UInt8], _ isB: Bool) {
        word(Array("=?UTF-8?\(isB ? "B" : "Q")?".utf8) + (isB ? Base64.encode(text) : Self.q(text)) + Array("?=".utf8))
    }

    private static func length(_ text: [UInt8], _ isB: Bool) -> Int {
        12 + (isB ? (text.count + 2) / 3 * 4 : text.reduce(0) { $0 + (isBare($1) || $1 == ASCII.space ? 1 : 3) })
    }

    /// What a phrase may hold unencoded (RFC 2047 §5.3).
    private static func isBare(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x21 || byte == 0x2A || byte == 0x2B || byte == 0x2D || byte == 0x2F
    }

    private static func q(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in text {
            if isBare(byte) {
                out.append(byte)
            } else if byte == ASCII.space {
                out.append(0x5F)
            } else {
                out += QuotedPrintable.escape(byte)
            }
        }
        return out
    }
}
