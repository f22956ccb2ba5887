/// A `Content-Type` or `Content-Disposition` value with its parameters (RFC 2045 §5, RFC 2183, RFC 2231) as senders really write them.
struct MediaType {
    static let parametersMax = 100

    /// Lower-cased `type/subtype`, or the disposition; without blanks and comments, otherwise as it was written.
    var value = ""
    /// In the order they were written; those of RFC 2231 last. Empty values are of parameters without `=`.
    private(set) var parameters: [(name: String, value: String)] = []

    /// The first of that lower-cased name that says something.
    func parameter(_ name: String) -> String? { parameters.first { $0.name == name && !$0.value.isEmpty }?.value }

    /// What the value means as a type: a broken one is `text/plain` (RFC 2045 §5.2). Nil when there is none, so that the type counts
    /// which the place has by default (RFC 2046 §5.1.5).
    var contentType: String? {
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        guard let type = parts.first, !type.isEmpty else { return nil }
        let isType = parts.count == 2 && !parts[1].isEmpty && parts.allSatisfy { $0.utf8.allSatisfy(Self.isToken) }
        return isType ? value : "text/plain"
    }

    /// What the value means as a disposition: the word it begins with.
    var disposition: String? {
        let word = value.utf8.prefix(while: Self.isToken)
        return word.isEmpty ? nil : String(decoding: Array(word), as: UTF8.self)
    }

    init() {}

    init(_ raw: [UInt8], hint: String?) {
        var reader = MediaTypeReader(HeaderText.utf8(raw, hint: hint, keepsBlanks: true))
        value = reader.value()
        var sections: [MediaTypeReader.Section] = []
        while let next = reader.parameter() {
            guard parameters.count + sections.count < Self.parametersMax else { break }
            switch next {
            case .plain(let name, let text): parameters.append((name, Charset.string(HeaderText.decodeWords(text))))
            case .section(let section): sections.append(section)
            }
        }
        if !sections.isEmpty { join(sections) }
    }

    /// RFC 2231 wins over a plain parameter of the same name.
    private mutating func join(_ sections: [MediaTypeReader.Section]) {
        var names: [String] = []
        for section in sections where !names.contains(section.name) { names.append(section.name) }
        for name in names {
            let pieces = sections.filter { $0.name == name }.sorted { $0.index < $1.index }
            var charset: String?
            var bytes: [UInt8] = []
            for (position, piece) in pieces.enumerated() {
                var text = piece.bytes[...]
                // The star of the first section may be forgotten when later ones have theirs; a quoted one means what it says.
                let isFirst = position == 0 && (piece.isEncoded || !piece.isQuoted && pieces.contains { $0.isEncoded })
                if isFirst, let first = text.firstIndex(of: 0x27), let second = text[(first + 1)...].firstIndex(of: 0x27) {
                    charset = String(decoding: text[..<first], as: UTF8.self)
                    text = text[(second + 1)...]
                }
                bytes += piece.isEncoded ? Self.percentDecoded(text) : Array(text)
            }
            let isPlainUTF8 = charset == nil && Charset.isUTF8(bytes)
            let decoded = isPlainUTF8 ? HeaderText.decodeWords(bytes) : Charset.decode(bytes, label: charset)
            parameters.removeAll { $0.name == name }
            parameters.append((name, Charset.string(decoded)))
        }
    }

    static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        var i = text.startIndex
        while i < text.endIndex {
            if text[i] == 0x25, i + 2 < text.endIndex, let high = ASCII.hexValue(text[i + 1]), let low = ASCII.hexValue(text[i + 2]) {
                out.append(high << 4 | low)
                i += 3
            } else {
                out.append(text[i])
                i += 1
            }
        }
        return out
    }

    /// What may stand in a token (RFC 2045 §5.1), and all beyond ASCII.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x21, 0x7F, 0x22, 0x28, 0x29, 0x2C, 0x2F, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x5B, 0x5C, 0x5D: false
        default: true
        }
    }
}

/// Takes the value apart, from left to right.
struct MediaTypeReader {
    /// A part of a parameter that is spread over several (RFC 2231 §3) or percent-encoded (§4).
    struct Section {
        var name: String
        var index: Int
        var isEncoded: Bool
        var isQuoted: Bool
        var bytes: [UInt8]
    }

    enum Parameter {
        case plain(name: String, bytes: [UInt8])
        case section(Section)
    }

    private let line: [UInt8]
    private var i = 0

    init(_ line: [UInt8]) { self.line = line }

    /// What stands before the parameters.
    mutating func value() -> String {
        var out: [UInt8] = []
        while i < line.count, line[i] != 0x3B, line[i] != 0x2C {
            if Self.isBlank(line[i]) || line[i] == 0x28 {
                let before = i
                skipBlanks()
                if i == before {  // a bracket that is no comment
                    i += 1
                    continue
                }
                if i >= line.count || line[i] == 0x2F || out.last == 0x2F || out.isEmpty { continue }
                if startsParameter(at: i) { break }  // the semicolon is missing
                while i < line.count, line[i] != 0x3B { i += 1 }  // words behind the type
                break
            }
            out.append(ASCII.lower(line[i]))
            i += 1
        }
        return String(decoding: out, as: UTF8.self)
    }

    mutating func parameter() -> Parameter? {
        while i < line.count {
            skipBlanks()
            if i < line.count, line[i] == 0x3B || line[i] == 0x2C {
                i += 1
                continue
            }
            let start = i
            while i < line.count, line[i] != 0x3D, line[i] != 0x3B { i += 1 }
            let name = line[start..<i].filter { !Self.isBlank($0) }.map(ASCII.lower)
            guard i < line.count, line[i] == 0x3D else {
                if !name.isEmpty, name.allSatisfy(MediaType.isToken) {
                    return .plain(name: String(decoding: name, as: UTF8.self), bytes: [])
                }
                continue
            }
            i += 1
            if let parameter = self.parameter(name: name) { return parameter }
        }
        return nil
    }

    private mutating func parameter(name: [UInt8]) -> Parameter? {
        var name = name
        let isEncoded = name.last == 0x2A
        if isEncoded { name.removeLast() }
        var index: Int?
        if let star = name.lastIndex(of: 0x2A), let number = Int(String(decoding: name[(star + 1)...], as: UTF8.self)), number >= 0 {
            index = number
            name.removeSubrange(star...)
        }
        let isFile = name.elementsEqual("name".utf8) || name.elementsEqual("filename".utf8)
        while i < line.count, Self.isBlank(line[i]) { i += 1 }
        let isQuoted = i < line.count && line[i] == 0x22
        let bytes = isQuoted ? quoted() : unquoted(isFile: isFile)
        if name.isEmpty || bytes.isEmpty && !isQuoted { return nil }
        let text = String(decoding: name, as: UTF8.self)
        guard isEncoded || index != nil else { return .plain(name: text, bytes: bytes) }
        return .section(Section(name: text, index: index ?? 0, isEncoded: isEncoded, isQuoted: isQuoted, bytes: bytes))
    }

    /// Up to the quote that ends the value: one before a semicolon, the end or another parameter. File names hold bare quotes.
    private mutating func quoted() -> [UInt8] {
        let start = i + 1
        var firstEnd: Int?
        var end = start
        while end < line.count {
            if line[end] == 0x5C, end + 1 < line.count, line[end + 1] == 0x22 || line[end + 1] == 0x5C {
                end += 2
                continue
            }
            if line[end] == 0x22 {
                if firstEnd == nil { firstEnd = end }
                i = end + 1
                skipBlanks()
                if i >= line.count || line[i] == 0x3B || line[i] == 0x2C || startsParameter(at: i) { return unescaped(start..<end) }
            }
            end += 1
        }
        if let firstEnd {
            i = firstEnd + 1
            while i < line.count, line[i] != 0x3B { i += 1 }
            return unescaped(start..<firstEnd)
        }
        i = line.count
        return unescaped(start..<line.count)
    }

    /// A backslash before anything but a quote or another one is a Windows path, not an escape.
    private func unescaped(_ range: Range<Int>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(range.count)
        var k = range.lowerBound
        while k < range.upperBound {
            if line[k] == 0x5C, k + 1 < range.upperBound, line[k + 1] == 0x22 || line[k + 1] == 0x5C { k += 1 }
            out.append(line[k])
            k += 1
        }
        return out
    }

    /// Up to the semicolon, or to a blank and another parameter when it is missing. Comments go, but not the brackets of file names.
    private mutating func unquoted(isFile: Bool) -> [UInt8] {
        let start = i
        while i < line.count, line[i] != 0x3B {
            if Self.isBlank(line[i]) {
                var next = i
                while next < line.count, Self.isBlank(line[next]) { next += 1 }
                if startsParameter(at: next) { break }
                if !isFile, next < line.count, line[next] == 0x28 {
                    let value = line[start..<i]
                    while i < line.count, line[i] != 0x3B { i += 1 }
                    return Array(value)
                }
            }
            i += 1
        }
        return Array(ASCII.trim(line[start..<i]))
    }

    /// Whether `name=` stands there.
    private func startsParameter(at start: Int) -> Bool {
        var k = start
        while k < line.count, MediaType.isToken(line[k]) { k += 1 }
        return k > start && k < line.count && line[k] == 0x3D
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }

    /// Blanks and comments (RFC 5322 §3.2.2).
    private mutating func skipBlanks() {
        while i < line.count {
            if Self.isBlank(line[i]) {
                i += 1
            } else if line[i] == 0x28, let end = endOfComment() {
                i = end
            } else {
                return
            }
        }
    }

    private func endOfComment() -> Int? {
        var depth = 0
        var k = i
        while k < line.count {
            switch line[k] {
            case 0x5C: k += 1
            case 0x28: depth += 1
            case 0x29:
                depth -= 1
                if depth == 0 { return k + 1 }
            default: break
            }
            k += 1
        }
        return nil
    }
}
