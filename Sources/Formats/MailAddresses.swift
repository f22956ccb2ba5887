/// Address lists (RFC 5322 §3.4, groups of RFC 6854, unquoted UTF-8 of RFC 6532) as senders really write them: groups are flattened, source
/// routes dropped, the obsolete forms of §4.4 read, and what has no angle brackets or no end is read as far as it goes.
enum MailAddresses {
    static let addressesMax = 2000

    static func parse(_ raw: [UInt8], hint: String? = nil) -> [MailAddress] {
        var scanner = AddressScanner(line: HeaderText.utf8(raw, hint: hint), isDecoded: false)
        return scanner.list()
    }
}

/// Reads one list from left to right. The words of the address in hand lie behind each other in one buffer.
private struct AddressScanner {
    private struct Word {
        var bytes: Range<Int>
        var isQuoted: Bool
        var spaceBefore: Bool
    }

    private let line: [UInt8]
    /// No encoded-words are looked for any more.
    private let isDecoded: Bool
    private var i = 0
    private var found: [MailAddress] = []
    /// What stands outside angle brackets and comments: the name, or the address itself.
    private var text: [UInt8] = []
    private var words: [Word] = []
    private var comments: [[UInt8]] = []
    private var angle: [UInt8]?
    /// How many words stood before the angle brackets.
    private var nameEnd = 0
    private var hasSpace = false

    /// - Parameter line: unfolded UTF-8.
    init(line: [UInt8], isDecoded: Bool) {
        self.line = line
        self.isDecoded = isDecoded
    }

    mutating func list() -> [MailAddress] {
        while i < line.count, found.count < MailAddresses.addressesMax {
            switch line[i] {
            case ASCII.space, ASCII.tab:
                hasSpace = true
                i += 1
            case 0x22: quoted()
            case 0x28: comment()
            case 0x3C: angleAddress()
            case 0x2C, 0x3B:  // senders part their lists by semicolons too
                finish()
                i += 1
            case 0x3A where angle == nil && !text.contains(0x40):  // what came before is the name of a group
                forget()
                i += 1
            default: atom()
            }
        }
        finish()
        return found
    }

    // MARK: pieces

    private mutating func append(_ bytes: some Collection<UInt8>, isQuoted: Bool) {
        let start = text.count
        text += bytes
        words.append(Word(bytes: start..<text.count, isQuoted: isQuoted, spaceBefore: hasSpace))
        hasSpace = false
    }

    /// Up to the next character with a meaning. The first is taken whatever it is, so that the scan goes on.
    private mutating func atom() {
        let start = i
        while i < line.count {
            let byte = line[i]
            if byte == 0x3D, let end = HeaderText.endOfWord(in: line, at: i) {  // commas and brackets in an encoded-word are text
                i = end
                continue
            }
            if i > start,
                byte == ASCII.space || byte == ASCII.tab || byte == 0x22 || byte == 0x28 || byte == 0x3C || byte == 0x2C
                    || byte == 0x3B || byte == 0x3A && angle == nil && !isAddress(start..<i)
            {
                break
            }
            i += 1
        }
        append(line[start..<i], isQuoted: false)
    }

    /// `user@[IPv6:2001:db8::1]` has colons that begin no group.
    private func isAddress(_ range: Range<Int>) -> Bool { line[range].contains(0x40) || text.contains(0x40) }

    private mutating func quoted() {
        let start = i
        var content: [UInt8] = []
        i += 1
        while i < line.count, line[i] != 0x22 {
            if line[i] == 0x5C, i + 1 < line.count { i += 1 }
            content.append(line[i])
            i += 1
        }
        if i >= line.count {  // never closed: the quote is a character like others
            i = start
            atom()
            return
        }
        i += 1
        append(content, isQuoted: true)
    }

    private mutating func comment() {
        if let (content, end) = Self.comment(in: line, at: i) {
            comments.append(content)
            i = end
            return
        }
        // Never closed: a comment to the end, unless an address is in it.
        let rest = line[(i + 1)...]
        if rest.contains(0x40) {
            atom()
        } else {
            comments.append(Array(rest))
            i = line.count
        }
    }

    /// The text of the comment at `start` without its own brackets, and where it ends; nil when it does not.
    private static func comment(in line: [UInt8], at start: Int) -> (content: [UInt8], end: Int)? {
        var depth = 0
        var content: [UInt8] = []
        var i = start
        while i < line.count {
            let byte = line[i]
            i += 1
            if byte == 0x5C, i < line.count {
                content.append(line[i])
                i += 1
                continue
            }
            if byte == 0x28 {
                depth += 1
                if depth == 1 { continue }
            } else if byte == 0x29 {
                depth -= 1
                if depth == 0 { return (content, i) }
            }
            content.append(byte)
        }
        return nil
    }

    private mutating func angleAddress() {
        if let earlier = angle {
            if earlier.contains(0x40) {  // `A <a@b> C <c@d>`: the comma is missing
                let next = words[nameEnd...]
                words.removeLast(next.count)
                let kept = text
                finish()
                text = kept
                words = Array(next)
            } else {  // `Tom <work> <a@b>`: the first brackets belong to the name
                angle = nil
                if !earlier.isEmpty { append(earlier, isQuoted: true) }
            }
        }
        i += 1
        var content: [UInt8] = []
        while i < line.count, line[i] != 0x3E {
            let byte = line[i]
            if byte == 0x3C {  // `<<a@b>>`, or a new try after a stray one
                content = []
            } else if byte == 0x2C, content.contains(0x40), content.first != 0x40 {  // `<a@b, Next <c@d>`: never closed
                break
            } else if byte == 0x28, let (comment, end) = Self.comment(in: line, at: i) {
                comments.append(comment)
                i = end
                continue
            } else if byte == 0x22, let end = Self.endOfQuote(in: line, at: i) {
                content += line[i..<end]
                i = end
                continue
            } else {
                content.append(byte)
            }
            i += 1
        }
        while i < line.count, line[i] == 0x3E { i += 1 }
        angle = content
        nameEnd = words.count
        hasSpace = true
    }

    private static func endOfQuote(in line: [UInt8], at start: Int) -> Int? {
        var i = start + 1
        while i < line.count, line[i] != 0x22 { i += line[i] == 0x5C ? 2 : 1 }
        return i < line.count ? i + 1 : nil
    }

    // MARK: one address

    private mutating func forget() {
        text.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        comments = []
        angle = nil
        hasSpace = false
    }

    private mutating func finish() {
        if let angle {
            let written = Self.written(angle[...])
            if written.isEmpty { bare() } else { add(name: words[...], written: written) }
        } else if !words.isEmpty {
            bare()
        }
        forget()
    }

    private mutating func add(name: ArraySlice<Word>, written: String) {
        found.append(MailAddress(name: self.name(name), address: MailAddress.identity(written), written: written))
    }

    /// Without angle brackets: `a@b`, `a@b (Name)`, `Name a@b`, `MAILER-DAEMON`.
    private mutating func bare() {
        let addresses = words.indices.filter { isAddress(words[$0]) }
        if addresses.count == words.count, words.count > 1 {  // `a@b c@d`: the commas are missing
            for word in words where found.count < MailAddresses.addressesMax {
                add(name: [], written: Self.written(text[word.bytes]))
            }
            return
        }
        guard let at = words.indices.last(where: { hasAt(words[$0]) }) else {
            if !isDecoded, ASCII.find("=?", in: text) != nil { return encoded() }
            guard words.count == 1, let only = words.first, !only.isQuoted else { return }
            let word = text[only.bytes]
            if word.allSatisfy({ $0 < 0x80 }), MailboxSyntax.isDotAtom(word) { add(name: [], written: Self.written(word)) }
            return
        }
        let (start, end) = extent(of: at)
        let written = start == at && end == at + 1 ? Self.written(text[words[at].bytes]) : joined(start..<end)
        guard !written.isEmpty, written != "@" else { return }
        add(name: start > 0 ? words[..<start] : words[end...], written: written)
    }

    /// Some programs encode whole addresses, even lists of them (RFC 2047 §5 forbids it): what the words say counts when nothing else is
    /// there.
    private mutating func encoded() {
        let decoded = HeaderText.decodeWords(text)
        guard decoded.contains(0x40) else { return }
        var inner = AddressScanner(line: decoded, isDecoded: true)
        found += inner.list().prefix(MailAddresses.addressesMax - found.count)
    }

    private func hasAt(_ word: Word) -> Bool {
        let bytes = text[word.bytes]
        return !word.isQuoted && bytes.contains(0x40) && !(bytes.first == 0x3D && bytes.starts(with: [0x3D, 0x3F]))
    }

    private func isAddress(_ word: Word) -> Bool {
        hasAt(word) && text[word.bytes.lowerBound] != 0x40 && text[word.bytes.upperBound - 1] != 0x40
    }

    /// Which words belong to the address whose `@` stands in word `at`.
    private func extent(of at: Int) -> (start: Int, end: Int) {
        var start = at
        var end = at + 1
        // RFC 5322 §4.4 allowed blanks around dots. A dot that stands alone says so; one at the end of a word ends an abbreviation.
        let isObsolete = words.contains { $0.bytes.count == 1 && text[$0.bytes.lowerBound] == 0x2E }
        func ends(_ index: Int, with byte: UInt8) -> Bool { text[words[index].bytes].last == byte }
        func begins(_ index: Int, with byte: UInt8) -> Bool { text[words[index].bytes].first == byte }
        if begins(at, with: 0x40), words[at].spaceBefore {
            start = 0  // `two words @example.com`: a blank parts the address at its @, so what is before is the local part
        } else {
            while start > 0 {
                let isGlued = !words[start].spaceBefore
                let isDotted = isObsolete && (ends(start - 1, with: 0x2E) || begins(start, with: 0x2E))
                guard isGlued || isDotted else { break }
                start -= 1
            }
        }
        if ends(at, with: 0x40), end < words.count { end += 1 }
        while end < words.count, isObsolete, ends(end - 1, with: 0x2E) || begins(end, with: 0x2E) { end += 1 }
        return (start, end)
    }

    /// The words as one address: blanks around dots go, other blanks and specials make a quoted local part.
    private func joined(_ range: Range<Int>) -> String {
        var whole: [UInt8] = []
        var at: Int?
        for index in range {
            let bytes = text[words[index].bytes]
            let isDot = bytes.first == 0x2E || whole.last == 0x2E
            if words[index].spaceBefore, index > range.lowerBound, at == nil, !isDot, bytes.first != 0x40 { whole.append(ASCII.space) }
            if !words[index].isQuoted, at == nil, let position = bytes.lastIndex(of: 0x40) {
                at = whole.count + position - bytes.startIndex
            }
            whole += bytes
        }
        guard let at else { return Self.written(whole[...]) }
        return Charset.string(Self.local(whole[..<at]) + Self.domain(whole[at...]))
    }

    /// Without blanks and source routes; quotes only where they are needed (RFC 5321 §4.1.2: `"a"@b` is `a@b`).
    private static func written(_ content: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var isQuoted = false
        for byte in content {
            if byte == 0x22 { isQuoted.toggle() }
            if byte > 0x20 || isQuoted { bytes.append(byte) }
        }
        if ASCII.find("=?", in: bytes) == 0 { bytes = HeaderText.decodeWords(bytes).filter { $0 > 0x20 } }
        if bytes.first == 0x40, let colon = bytes.firstIndex(of: 0x3A) { bytes.removeFirst(colon + 1) }
        if bytes.last == 0x27 || bytes.last == 0x3E {  // `'a@b'` of old Outlooks
            while let last = bytes.last, last == 0x27 || last == 0x3E { bytes.removeLast() }
            while bytes.first == 0x27 { bytes.removeFirst() }
        }
        if bytes.first == 0x22, let at = bytes.lastIndex(of: 0x40), at > 1, bytes[at - 1] == 0x22 {
            var inner: [UInt8] = []
            var k = 1
            while k < at - 1 {
                if bytes[k] == 0x5C, k + 1 < at - 1 { k += 1 }
                inner.append(bytes[k])
                k += 1
            }
            return Charset.string(local(inner[...]) + domain(bytes[at...]))
        }
        while bytes.last == 0x2E { bytes.removeLast() }
        return Charset.string(bytes)
    }

    private static func domain(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var domain = bytes.filter { $0 > 0x20 }
        while domain.last == 0x2E { domain.removeLast() }
        return domain
    }

    /// As a dot-atom where that is possible, else quoted with its escapes.
    private static func local(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        if !bytes.isEmpty, MailboxSyntax.isDotAtom(bytes) { return Array(bytes) }
        var out: [UInt8] = [0x22]
        for byte in bytes {
            if byte == 0x22 || byte == 0x5C { out.append(0x5C) }
            out.append(byte)
        }
        return out + [0x22]
    }

    // MARK: names

    /// The phrase, and comments behind it in brackets; comments alone are the name (the form before RFC 822's phrases).
    private func name(_ words: ArraySlice<Word>) -> String {
        var phrase: [UInt8] = []
        for word in words {
            if word.spaceBefore, !phrase.isEmpty { phrase.append(ASCII.space) }
            phrase += text[word.bytes]
        }
        var name = Self.decoded(phrase)
        guard !comments.isEmpty else { return name }
        let said = comments.map(Self.decoded).filter { !$0.isEmpty }.joined(separator: " ")
        if said.isEmpty { return name }
        if name.isEmpty { return said }
        name += " (\(said))"
        return name
    }

    private static func decoded(_ name: [UInt8]) -> String {
        var bytes = ASCII.trim(name[...])
        if bytes.isEmpty { return "" }
        if ASCII.find("=?", in: name) != nil { bytes = ASCII.trim(HeaderText.decodeWords(Array(bytes))[...]) }
        while bytes.count >= 2, let first = bytes.first, first == bytes.last, first == 0x22 || first == 0x27 {
            bytes = ASCII.trim(bytes.dropFirst().dropLast())
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension MailAddress {
    /// What two spellings of one address have in common: lower case, no `mailto:` before it.
    static func identity(_ written: String) -> String {
        var bytes = Array(written.utf8)
        if bytes.count > 7, ASCII.equalsIgnoringCase(bytes[..<7], "mailto:".utf8) {
            bytes.removeFirst(7)
            if let query = bytes.firstIndex(of: 0x3F), query > 0 { bytes.removeSubrange(query...) }
        }
        if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes.map(ASCII.lower), as: UTF8.self) }
        return Charset.string(bytes).lowercased()
    }
}
