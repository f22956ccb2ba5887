/// One value of IMAP's grammar (RFC 3501 §4).
indirect enum IMAPValue: Equatable {
    case atom(String)
    /// Quoted or literal.
    case string([UInt8])
    case list([IMAPValue])
    case missing

    var number: UInt64? {
        guard case .atom(let text) = self else { return nil }
        return UInt64(text)
    }

    var words: [String] {
        guard case .list(let values) = self else { return [] }
        return values.compactMap { value in
            switch value {
            case .atom(let text): text
            case .string(let bytes): String(decoding: bytes, as: UTF8.self)
            case .list, .missing: nil
            }
        }
    }
}

/// One response of the server, taken apart.
enum IMAPResponse: Equatable {
    static let statusWords: Set<String> = ["OK", "NO", "BAD", "BYE", "PREAUTH"]

    /// `+ idling`
    case continuation(String)
    /// `h1 OK [READ-ONLY] done`; the tag is nil when it is `*`.
    case status(tag: String?, word: String, code: [IMAPValue], text: String)
    /// `* 3 EXISTS`, `* SEARCH 1 2`, `* 7 FETCH (…)`
    case data(number: UInt32?, name: String, values: [IMAPValue])

    init(_ parts: [IMAPFramer.Part]) throws(IMAPSyntaxError) {
        var reader = IMAPReader(parts)
        guard let first = reader.word() else { throw IMAPSyntaxError("an empty line") }
        if first == "+" {
            self = .continuation(reader.rest())
            return
        }
        guard let second = reader.word() else { throw IMAPSyntaxError("the line \(first.prefix(80)) is cut short") }
        let word = second.uppercased()
        if Self.statusWords.contains(word) {
            let code = try reader.code()
            self = .status(tag: first == "*" ? nil : first, word: word, code: code, text: reader.rest())
        } else if first != "*" {
            throw IMAPSyntaxError("it said \(first.prefix(40)) \(second.prefix(40))")
        } else if let number = UInt32(second) {
            guard let name = reader.word() else { throw IMAPSyntaxError("the line * \(second) is cut short") }
            self = .data(number: number, name: name.uppercased(), values: try reader.all())
        } else {
            self = .data(number: nil, name: word, values: try reader.all())
        }
    }

    /// What a FETCH response says about one mail: `UID`, `FLAGS`, `BODY[]` … to their values.
    var fetched: [String: IMAPValue]? {
        guard case .data(.some, "FETCH", let values) = self, case .list(let pairs)? = values.first else { return nil }
        var items: [String: IMAPValue] = [:]
        for index in stride(from: 0, to: pairs.count - 1, by: 2) {
            guard case .atom(let name) = pairs[index] else { return nil }
            items[name.uppercased()] = pairs[index + 1]
        }
        return items
    }
}

/// Walks over the parts of a response.
private struct IMAPReader {
    static let depthMax = 32

    private var parts: ArraySlice<IMAPFramer.Part>
    private var text: ArraySlice<UInt8> = []

    init(_ parts: [IMAPFramer.Part]) {
        self.parts = parts[...]
        nextText()
    }

    private mutating func nextText() {
        if case .text(let bytes)? = parts.first {
            text = bytes[...]
            parts.removeFirst()
        }
    }

    /// Up to the next space.
    mutating func word() -> String? {
        skipSpaces()
        let word = text.prefix { $0 != UInt8(ascii: " ") }
        text = text.dropFirst(word.count)
        return word.isEmpty ? nil : String(decoding: word, as: UTF8.self)
    }

    mutating func rest() -> String {
        skipSpaces()
        defer { text = [] }
        return String(decoding: text, as: UTF8.self)
    }

    /// `[UIDVALIDITY 7]` of a status response.
    mutating func code() throws(IMAPSyntaxError) -> [IMAPValue] {
        skipSpaces()
        guard text.first == UInt8(ascii: "["), let close = text.firstIndex(of: UInt8(ascii: "]")) else { return [] }
        var inner = IMAPReader([.text(Array(text[(text.startIndex + 1)..<close]))])
        text = text[(close + 1)...]
        // Some servers put free text in there; then there is no code to read.
        do { return try inner.all() } catch { return [] }
    }

    mutating func all() throws(IMAPSyntaxError) -> [IMAPValue] {
        let values = try values(depth: 0)
        guard text.isEmpty else { throw IMAPSyntaxError("a closing parenthesis too many") }
        return values
    }

    private mutating func values(depth: Int) throws(IMAPSyntaxError) -> [IMAPValue] {
        guard depth <= Self.depthMax else { throw IMAPSyntaxError("lists are nested deeper than \(Self.depthMax)") }
        var values: [IMAPValue] = []
        while true {
            skipSpaces()
            guard let byte = text.first else {
                guard case .literal(let bytes)? = parts.first else { return values }
                parts.removeFirst()
                nextText()
                values.append(.string(bytes))
                continue
            }
            switch byte {
            case UInt8(ascii: "("):
                text.removeFirst()
                let inner = try self.values(depth: depth + 1)
                guard text.popFirst() == UInt8(ascii: ")") else { throw IMAPSyntaxError("a list is not closed") }
                values.append(.list(inner))
            case UInt8(ascii: ")"): return values
            case UInt8(ascii: "\""): values.append(.string(try quoted()))
            default: values.append(atom())
            }
        }
    }

    private mutating func quoted() throws(IMAPSyntaxError) -> [UInt8] {
        text.removeFirst()
        var bytes: [UInt8] = []
        while let byte = text.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return bytes
            case UInt8(ascii: "\\"): if let escaped = text.popFirst() { bytes.append(escaped) }
            default: bytes.append(byte)
            }
        }
        throw IMAPSyntaxError("a quoted string is not closed")
    }

    /// `BODY[HEADER.FIELDS (To)]<0>` is one atom: within brackets nothing ends it.
    private mutating func atom() -> IMAPValue {
        var brackets = 0
        let bytes = text.prefix { byte in
            switch byte {
            case UInt8(ascii: "["): brackets += 1
            case UInt8(ascii: "]"): brackets -= 1
            case UInt8(ascii: " "), UInt8(ascii: "("), UInt8(ascii: ")"): return brackets > 0
            default: break
            }
            return true
        }
        text = text.dropFirst(bytes.count)
        let atom = String(decoding: bytes, as: UTF8.self)
        return atom.uppercased() == "NIL" ? .missing : .atom(atom)
    }

    private mutating func skipSpaces() { text = text.drop { $0 == UInt8(ascii: " ") } }
}
