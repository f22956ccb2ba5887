/// A `Content-Type` or `Content-Disposition` value with its parameters (RFC 2045, RFC 2231) as senders really write them.
struct MediaType {
    static let parametersMax = 100

    /// Lower-cased `type/subtype`, or the disposition.
    var value = ""
    private(set) var parameters: [(name: String, value: String)] = []

    func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    init() {}

    init(_ raw: [UInt8], hint: String?) {
        let line = HeaderText.utf8(raw, hint: hint)
        var pieces = Self.split(line)
        guard !pieces.isEmpty else { return }
        let head = ASCII.trim(pieces.removeFirst())
        value = String(decoding: head.prefix { !ASCII.isSpace($0) && $0 != 0x2C }.map(ASCII.lower), as: UTF8.self)
        var continued: [(name: String, index: Int, isEncoded: Bool, bytes: [UInt8])] = []
        for piece in pieces.prefix(Self.parametersMax) {
            guard let equals = piece.firstIndex(of: 0x3D) else { continue }
            var name = ASCII.trim(piece[piece.startIndex..<equals]).map(ASCII.lower)
            let text = Self.unquoted(ASCII.trim(piece[(equals + 1)...]))
            let isEncoded = name.last == 0x2A
            if isEncoded { name.removeLast() }
            if let star = name.lastIndex(of: 0x2A), let index = Int(String(decoding: name[(star + 1)...], as: UTF8.self)), index >= 0 {
                continued.append((String(decoding: name[..<star], as: UTF8.self), index, isEncoded, text))
            } else if isEncoded {
                continued.append((String(decoding: name, as: UTF8.self), 0, true, text))
            } else {
                parameters.append((String(decoding: name, as: UTF8.self), Charset.string(HeaderText.decodeWords(text))))
            }
        }
        join(continued)
    }

    /// RFC 2231 wins over a plain parameter of the same name.
    private mutating func join(_ continued: [(name: String, index: Int, isEncoded: Bool, bytes: [UInt8])]) {
        var names: [String] = []
        for piece in continued where !names.contains(piece.name) { names.append(piece.name) }
        for name in names {
            let pieces = continued.filter { $0.name == name }.sorted { $0.index < $1.index }
            var charset: String?
            var bytes: [UInt8] = []
            for (position, piece) in pieces.enumerated() {
                var text = piece.bytes[...]
                if position == 0, piece.isEncoded, let first = text.firstIndex(of: 0x27),
                    let second = text[(first + 1)...].firstIndex(of: 0x27)
                {
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

    /// At semicolons outside quotes and comments.
    private static func split(_ line: [UInt8]) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        var isQuoted = false
        var i = 0
        while i < line.count {
            switch line[i] {
            case 0x5C where isQuoted: i += 1
            case 0x22: isQuoted.toggle()
            case 0x3B where !isQuoted:
                pieces.append(line[start..<i])
                start = i + 1
            default: break
            }
            i += 1
        }
        if start < line.count { pieces.append(line[start...]) }
        return pieces
    }

    private static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        guard text.first == 0x22 else {
            // `name=a.txt (comment)` is rare, file names with brackets are not: only types' comments after a blank are cut.
            return Array(text)
        }
        var out: [UInt8] = []
        var i = text.startIndex + 1
        while i < text.endIndex, text[i] != 0x22 {
            // A backslash before anything but a quote is a Windows path, not an escape.
            if text[i] == 0x5C, i + 1 < text.endIndex, text[i + 1] == 0x22 || text[i + 1] == 0x5C { i += 1 }
            out.append(text[i])
            i += 1
        }
        return out
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
}
