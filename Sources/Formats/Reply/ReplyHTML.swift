/// The HTML of a message taken apart, and its text taken apart the same way.
public struct SplitHTML: Sendable, Hashable {
    /// As the sender wrote it where nothing was split off; else written anew, each part a well-formed document piece. Never shown before
    /// `HTMLText.sanitised`.
    public var newWords: String
    public var quoted: String
    public var signature: String
    /// The words of the three.
    public var text: SplitText

    public var isWhole: Bool { text.isWhole }
}

extension ReplySplitter {
    /// A longer document is left whole.
    public static let htmlBytesMax = 4 << 20

    public static func split(html: String, isForward: Bool = false) -> SplitHTML {
        guard html.utf8.count <= htmlBytesMax else {
            return SplitHTML(
                newWords: html, quoted: "", signature: "",
                text: SplitText(pieces: [.init(part: .newWords, text: HTMLText.text(html))], reasons: []))
        }
        let sink = ReplyHTMLSink()
        HTMLEvents.walk(html, into: sink)
        let drawn = sink.drawn()
        guard !sink.isTooLarge, let lines = ReplyLines(drawn) else {
            return SplitHTML(
                newWords: html, quoted: "", signature: "", text: SplitText(pieces: [.init(part: .newWords, text: drawn)], reasons: []))
        }
        var pass = ReplyPass(lines, hints: sink.hints(count: lines.count), isForward: isForward)
        pass.run()
        var signature = ReplySignature(pass)
        signature.run()
        let parts = signature.pass.parts
        var text = signature.pass.result(of: drawn)
        // The author's own indents are no marks of a quotation to whoever reads these words next.
        text.pieces = text.pieces.map { $0.part == .newWords && sink.hasIndents ? .init(part: .newWords, text: unmarked($0.text)) : $0 }
        guard !text.isWhole else { return SplitHTML(newWords: html, quoted: "", signature: "", text: text) }
        return SplitHTML(
            newWords: sink.written { $0 < parts.count ? parts[$0] == .new : true },
            quoted: sink.written { $0 < parts.count && parts[$0] == .quoted },
            signature: sink.written { $0 < parts.count && (parts[$0] == .signature || parts[$0] == .footer) }, text: text)
    }

    private static func unmarked(_ text: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        var isStart = true
        for byte in text.utf8 {
            if isStart, byte == 0x3E || byte == ASCII.space { continue }
            isStart = byte == ASCII.lf
            out.append(byte)
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// Keeps the elements of a document in a row, each with the line of text it is drawn on, to write parts of it again.
final class ReplyHTMLSink: HTMLSink {
    static let tokensMax = 400_000
    /// Elements whose contents are no words.
    private static let unseen: Set<String> = ["script", "style", "head", "title", "noscript", "template"]
    private static let void: Set<String> = ["br", "hr", "img", "col", "wbr", "input"]

    private enum Kind { case start, end, text }
    private struct Token {
        var kind: Kind
        /// In `written`.
        var bytes: Range<Int>
        var line: Int
        var isVoid = false
        /// Of a start: the place of its end; of an end: of its start.
        var partner = 0
        var hasText = false
    }
    private struct Open {
        var token: Int
        var name: String
        var mark: ReplyHTMLMark?
        /// Of a holder: whether there is a quotation in it, so that answers may stand between.
        var hasQuotation = false
    }
    /// What stands around a piece of text.
    private struct Words {
        var line: Int
        var mark: ReplyHTMLMark?
        /// The holder it is in, outside of any quotation.
        var holder: Int?
    }

    private let text = TextSink()
    private var arena: [UInt8] = []
    private var tokens: [Token] = []
    private var open: [Open] = []
    private var words: [Words] = []
    private var holdersWithQuotation: Set<Int> = []
    private var isOnwards = false
    private var unseenDepth = 0
    private(set) var isTooLarge = false
    private(set) var hasIndents = false

    func drawn() -> String { text.finished() }

    override func start(_ tag: HTMLTag, _ attributes: HTMLAttributes) {
        let name = tag == .unknown ? String(decoding: attributes.tag.map(ASCII.lower), as: UTF8.self) : tag.name
        text.start(tag, attributes)
        if unseenDepth > 0 || Self.unseen.contains(name) {
            unseenDepth += 1
            return
        }
        let isInside = open.contains { $0.mark == .holder }
        let mark = ReplyHTMLMark.of(name, attributes, isInside: isInside)
        if mark == .onwards { isOnwards = true }
        if name == "blockquote" {
            hasIndents = true
            if let holder = open.last(where: { $0.mark == .holder }) { holdersWithQuotation.insert(holder.token) }
        }
        open.append(Open(token: tokens.count, name: name, mark: mark))
        let from = arena.count
        arena.append(0x3C)
        arena += name.utf8
        attributes.forEachBytes { key, value in
            arena.append(ASCII.space)
            arena += key
            arena += "=\"".utf8
            HTMLText.escape(value, into: &arena)
            arena.append(0x22)
        }
        arena.append(0x3E)
        add(Token(kind: .start, bytes: from..<arena.count, line: text.line, isVoid: Self.void.contains(name)))
        if name == "img" || name == "hr" { note(isSeen: name == "hr") }
    }

    override func end(_ tag: HTMLTag) {
        text.end(tag)
        if unseenDepth > 0 {
            unseenDepth -= 1
            return
        }
        guard let last = open.popLast() else { return }
        let from = arena.count
        let name = last.name
        if !Self.void.contains(name) { arena += "</\(name)>".utf8 }
        let isDeep = last.token < tokens.count
        if isDeep { tokens[last.token].partner = tokens.count }
        add(Token(kind: .end, bytes: from..<arena.count, line: text.line, isVoid: Self.void.contains(name), partner: last.token))
    }

    override func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        // Preformatted text has several lines in one piece.
        var from = 0
        while from < bytes.count {
            let end = bytes[from...].firstIndex(of: ASCII.lf).map { $0 + 1 } ?? bytes.count
            piece(UnsafeBufferPointer(rebasing: bytes[from..<end]))
            from = end
        }
    }

    private func piece(_ bytes: UnsafeBufferPointer<UInt8>) {
        text.text(bytes)
        guard unseenDepth == 0 else { return }
        let from = arena.count
        HTMLText.escape(bytes, into: &arena)
        let isSeen = bytes.contains { !ASCII.isSpace($0) }
        add(Token(kind: .text, bytes: from..<arena.count, line: text.line))
        if isSeen { note(isSeen: true) }
    }

    private func add(_ token: Token) {
        guard tokens.count < Self.tokensMax else {
            isTooLarge = true
            return
        }
        tokens.append(token)
    }

    /// Remembers what stands around the text just drawn, and that its elements are not empty.
    private func note(isSeen: Bool) {
        for at in open.indices.reversed() where open[at].token < tokens.count {
            if tokens[open[at].token].hasText { break }
            tokens[open[at].token].hasText = true
        }
        guard isSeen else { return }
        var words = Words(line: text.line, mark: isOnwards ? .quoted : nil)
        if !isOnwards, let inner = open.last(where: { $0.mark != nil }) {
            words.mark = open.contains { $0.mark == .quoted } ? .quoted : inner.mark
            if words.mark == .holder { words.holder = inner.token }
        }
        self.words.append(words)
    }

    /// What the HTML says about each line: only where all its words agree.
    func hints(count: Int) -> [ReplyPass.Hint] {
        var hints = [ReplyPass.Hint?](repeating: nil, count: count)
        for word in words where word.line < count {
            let hint: ReplyPass.Hint =
                switch word.mark {
                case .quoted, .onwards: .quoted
                case .holder: word.holder.map(holdersWithQuotation.contains) == true ? .none : .quoted
                case .soft: .soft
                case .authored: .authored
                case .signature: .signature
                case nil: .none
                }
            if let before = hints[word.line], before != hint { hints[word.line] = ReplyPass.Hint.none } else { hints[word.line] = hint }
        }
        return hints.map { $0 ?? .none }
    }

    /// The document with only the words of some lines, and the elements around them.
    func written(_ isWanted: (Int) -> Bool) -> String {
        // How many wanted tokens stand before each place, to know which elements hold one.
        var before = [Int](repeating: 0, count: tokens.count + 1)
        for (at, token) in tokens.enumerated() {
            let isContent = token.kind == .text || (token.kind == .start && (token.isVoid || !token.hasText && token.partner == at + 1))
            before[at + 1] = before[at] + (isContent && isWanted(token.line) ? 1 : 0)
        }
        var out: [UInt8] = []
        for (at, token) in tokens.enumerated() {
            let isKept: Bool
            switch token.kind {
            case .text: isKept = isWanted(token.line)
            case .start: isKept = token.partner > at && before[token.partner] > before[at]
            case .end:
                let start = token.partner
                isKept = start < at && before[at] > before[start]
            }
            if isKept { out += arena[token.bytes] }
        }
        return Charset.string(out)
    }
}
