/// Address lists (RFC 5322 §3.4) as senders really write them: groups are flattened, comments serve as names.
enum MailAddresses {
    static let addressesMax = 2000

    static func parse(_ raw: [UInt8], hint: String? = nil) -> [MailAddress] {
        var scanner = Scanner(line: HeaderText.utf8(raw, hint: hint))
        return scanner.list()
    }

    private struct Scanner {
        let line: [UInt8]
        var i = 0
        var found: [MailAddress] = []
        /// Words before an angle address, or the address itself.
        var phrase: [UInt8] = []
        var comment: [UInt8] = []
        var angle: [UInt8]?
        var hasQuote = false
        /// Where in `phrase` a quoted local part begins, which may hold blanks.
        var localStart: Int?

        init(line: [UInt8]) { self.line = line }

        mutating func list() -> [MailAddress] {
            while i < line.count, found.count < MailAddresses.addressesMax {
                switch line[i] {
                case 0x22: quoted()
                case 0x28: comments()
                case 0x3C: angleAddress()
                case 0x2C, 0x3B:
                    finish()
                    i += 1
                case 0x3A where angle == nil && !phrase.contains(0x40):  // the name of a group
                    phrase = []
                    comment = []
                    i += 1
                case 0x3D:
                    let end = HeaderText.endOfWord(in: line, at: i) ?? i + 1
                    phrase += line[i..<end]
                    i = end
                default:
                    phrase.append(line[i])
                    i += 1
                }
            }
            finish()
            return found
        }

        private mutating func quoted() {
            let start = i
            var text: [UInt8] = []
            i += 1
            while i < line.count, line[i] != 0x22 {
                if line[i] == 0x5C, i + 1 < line.count { i += 1 }
                text.append(line[i])
                i += 1
            }
            if i >= line.count {  // never closed: the quote is a character like others
                phrase.append(0x22)
                i = start + 1
                return
            }
            i += 1
            hasQuote = true
            if i < line.count, line[i] == 0x40 {  // a quoted local part
                localStart = phrase.count
                phrase += isAtom(text) ? text : [0x22] + text + [0x22]
            } else {
                phrase += text
            }
        }

        private func isAtom(_ text: [UInt8]) -> Bool {
            !text.isEmpty && text.allSatisfy { $0 > 0x20 && !Array("()<>[]:;@\\,\"".utf8).contains($0) }
        }

        private mutating func comments() {
            var depth = 0
            var text: [UInt8] = []
            let start = i
            while i < line.count {
                if line[i] == 0x5C, i + 1 < line.count {
                    text.append(line[i + 1])
                    i += 2
                    continue
                }
                if line[i] == 0x28 {
                    depth += 1
                    if depth > 1 { text.append(line[i]) }
                } else if line[i] == 0x29 {
                    depth -= 1
                    if depth > 0 { text.append(line[i]) }
                } else {
                    text.append(line[i])
                }
                i += 1
                if depth == 0 {
                    if comment.isEmpty { comment = text }
                    return
                }
            }
            phrase.append(0x28)
            i = start + 1
        }

        private mutating func angleAddress() {
            i += 1
            var text: [UInt8] = []
            while i < line.count, line[i] != 0x3E {
                if line[i] == 0x3C {  // `<<a@b>>`, or a new try after a stray one
                    text = []
                } else if line[i] == 0x2C, text.contains(0x40), text.first != 0x40 {  // `<a@b, Next <c@d>`: never closed
                    break
                } else {
                    text.append(line[i])
                }
                i += 1
            }
            while i < line.count, line[i] == 0x3E { i += 1 }
            angle = text
        }

        private mutating func finish() {
            defer {
                phrase = []
                comment = []
                angle = nil
                hasQuote = false
                localStart = nil
            }
            if let angle {
                let address = clean(angle[...])
                let name = decoded(phrase.isEmpty || ASCII.trim(phrase[...]).isEmpty ? comment : phrase)
                if !address.isEmpty { found.append(MailAddress(name: name, address: address)) } else { bare() }
            } else {
                bare()
            }
        }

        /// Without angle brackets: `a@b`, `a@b (Name)`, `Name a@b`, `MAILER-DAEMON`.
        private mutating func bare() {
            let text = ASCII.trim(phrase[...])
            guard !text.isEmpty else { return }
            guard let at = text.lastIndex(of: 0x40) else {
                let isWord = text.allSatisfy { $0 > 0x20 && $0 < 0x7F } && ASCII.find("=?", in: Array(text)) == nil
                if isWord, !hasQuote { found.append(MailAddress(name: decoded(comment), address: clean(text))) }
                return
            }
            var start = localStart ?? at
            if localStart == nil {
                while start > text.startIndex, text[start - 1] == ASCII.space { start -= 1 }
                while start > text.startIndex, text[start - 1] != ASCII.space { start -= 1 }
            }
            var end = at + 1
            while end < text.endIndex, text[end] == ASCII.space { end += 1 }
            while end < text.endIndex, text[end] != ASCII.space { end += 1 }
            let name = ASCII.trim(text[..<start])
            found.append(MailAddress(name: decoded(name.isEmpty ? comment : Array(name)), address: clean(text[start..<end])))
        }

        /// Without blanks, source routes, `mailto:` and a dot at the end; lower-cased.
        private func clean(_ text: ArraySlice<UInt8>) -> String {
            var bytes: [UInt8] = []
            var depth = 0
            var isQuoted = false
            for byte in text {
                if byte == 0x22, depth == 0 { isQuoted.toggle() }
                if byte == 0x28, !isQuoted { depth += 1 }
                if depth == 0, byte > 0x20 || isQuoted { bytes.append(byte) }
                if byte == 0x29, depth > 0 { depth -= 1 }
            }
            if ASCII.find("=?", in: bytes) == 0 { bytes = HeaderText.decodeWords(bytes).filter { $0 > 0x20 } }
            if bytes.first == 0x40, let colon = bytes.firstIndex(of: 0x3A) { bytes.removeFirst(colon + 1) }
            if bytes.count > 7, ASCII.equalsIgnoringCase(bytes[..<7], "mailto:".utf8) { bytes.removeFirst(7) }
            while let last = bytes.last, last == 0x2E || last == 0x27 || last == 0x3E { bytes.removeLast() }
            while let first = bytes.first, first == 0x27 { bytes.removeFirst() }
            if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes.map(ASCII.lower), as: UTF8.self) }
            return Charset.string(bytes).lowercased()
        }

        private func decoded(_ name: [UInt8]) -> String {
            var bytes = Array(ASCII.trim(HeaderText.decodeWords(Array(ASCII.trim(name[...])))[...]))
            while bytes.count >= 2, let first = bytes.first, first == bytes.last, first == 0x22 || first == 0x27 {
                bytes = Array(ASCII.trim(bytes.dropFirst().dropLast()))
            }
            return Charset.string(bytes)
        }
    }
}
