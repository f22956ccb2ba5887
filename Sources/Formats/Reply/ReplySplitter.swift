/// A message taken apart: what its author wrote this time, what it repeats, and what stands below.
public struct SplitText: Sendable, Hashable {
    /// `footer` is what a program, a company or a mailing list added; `signature` is the author's own.
    public enum Part: String, Sendable, Hashable, CaseIterable { case newWords = "new", quoted, signature, footer }

    public struct Piece: Sendable, Hashable {
        public var part: Part
        /// As written, lines parted by `\n`.
        public var text: String
        public init(part: Part, text: String) {
            self.part = part
            self.text = text
        }
    }

    /// In the order of the message; joined by line ends they are the message.
    public var pieces: [Piece]
    /// What cut, a sentence each; empty when nothing was split off.
    public var reasons: [String]

    public init(pieces: [Piece], reasons: [String]) {
        self.pieces = pieces
        self.reasons = reasons
    }

    /// Whether nothing was split off.
    public var isWhole: Bool { !pieces.contains { $0.part != .newWords } }

    /// What the author wrote this time. Verbatim when nothing was split off, else without blanks at the ends of lines and without empty
    /// lines at both ends.
    public var newWords: String { isWhole ? pieces.map(\.text).joined(separator: "\n") : Self.tidied(joined([.newWords])) }

    public var quoted: String { Self.trimmed(joined([.quoted])) }

    /// The author's own and what was added to it, in their order.
    public var signature: String { Self.trimmed(joined([.signature, .footer])) }

    /// Everything but history and what programs added: the new words with the author's signature.
    public var signed: String { isWhole ? newWords : Self.trimmed(joined([.newWords, .signature])) }

    private func joined(_ parts: Set<Part>) -> String {
        pieces.filter { parts.contains($0.part) }.map(\.text).joined(separator: "\n")
    }

    /// Without empty lines at both ends.
    private static func trimmed(_ text: String) -> String {
        let lines = text.utf8.split(separator: ASCII.lf, omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(where: { !$0.allSatisfy(ASCII.isSpace) }),
            let last = lines.lastIndex(where: { !$0.allSatisfy(ASCII.isSpace) })
        else { return "" }
        return String(decoding: Array(lines[first...last].joined(separator: [ASCII.lf])), as: UTF8.self)
    }

    private static func tidied(_ text: String) -> String {
        var out: [UInt8] = []
        for line in trimmed(text).utf8.split(separator: ASCII.lf, omittingEmptySubsequences: false) {
            var line = line
            while let last = line.last, ASCII.isSpace(last) { line.removeLast() }
            if !out.isEmpty { out.append(ASCII.lf) }
            out += line
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// Tells the new words of a message from the history and the signature that come with them. Pure; linear in the message's length.
///
/// Top posting, bottom posting and answers between the quoted lines; the headers and attributions of some forty languages; a forward's
/// content is never taken away, and if nothing new would remain, nothing is.
public enum ReplySplitter {
    /// A longer message is left whole.
    public static let bytesMax = 8 << 20

    /// - Parameter isForward: whether the subject says so (`isForwardSubject`); the copied mail is then the message.
    public static func split(text: String, isForward: Bool = false) -> SplitText {
        guard text.utf8.count <= bytesMax, let lines = ReplyLines(text) else {
            return SplitText(pieces: [.init(part: .newWords, text: text)], reasons: [])
        }
        var pass = ReplyPass(lines, isForward: isForward)
        pass.run()
        var signature = ReplySignature(pass)
        signature.run()
        return signature.pass.result(of: text)
    }

    /// The split of a mail that may have both: its text, or its HTML where the text shows no history but the HTML does.
    /// - Parameter text: the text part, or the HTML reduced to text.
    public static func split(text: String, html: String?, isForward: Bool = false) -> SplitText {
        let own = split(text: text, isForward: isForward)
        guard let html, !own.pieces.contains(where: { $0.part == .quoted }), HTMLWords.mayHoldHistory(html, beside: text) else {
            return own
        }
        let drawn = split(html: html, isForward: isForward)
        // The sender's program may write the history into the HTML only; otherwise the two say the same.
        guard drawn.text.pieces.contains(where: { $0.part == .quoted }), !drawn.text.newWords.isEmpty else { return own }
        return drawn.text
    }

    /// Whether a subject's outermost mark is a forward's: `Fwd: …`, `转发：…`.
    public static func isForwardSubject(_ subject: String) -> Bool { ReplyHeaders.isForwardSubject(subject) }
}

extension ReplyPass.Part {
    var shown: SplitText.Part {
        switch self {
        case .new: .newWords
        case .quoted: .quoted
        case .signature: .signature
        case .footer: .footer
        }
    }
}

extension ReplyPass {
    /// - Parameter text: given back as it is when nothing was split off.
    func result(of text: String) -> SplitText {
        guard parts.contains(where: { $0 != .new }) else {
            return SplitText(pieces: [.init(part: .newWords, text: text)], reasons: [])
        }
        var pieces: [SplitText.Piece] = []
        var from = 0
        while from < lines.count {
            var to = from + 1
            while to < lines.count, parts[to] == parts[from] { to += 1 }
            pieces.append(.init(part: parts[from].shown, text: written(from..<to)))
            from = to
        }
        return SplitText(pieces: pieces, reasons: reasons)
    }

    private func written(_ range: Range<Int>) -> String {
        var out: [UInt8] = []
        for index in range {
            if index > range.lowerBound, !lines[index].isRest { out.append(ASCII.lf) }
            out += lines.bytes[lines[index].range]
        }
        return Charset.string(out)
    }
}
