/// The free text of a bounce: what the machine says, parted from the mail it quotes.
struct Notice {
    static let linesMax = 4000
    /// Lines of the machine's own that are looked at; a mail longer than that is quoted, marked or not.
    static let ownLinesMax = 300

    /// A mark alone is shorter than this.
    static let markLineMax = 140

    /// Trimmed at the end, in order.
    private(set) var lines: [String] = []
    /// From the first line of its header; empty when nothing is quoted.
    private(set) var original: [String] = []

    init(_ text: String) {
        let all = text.split(separator: "\n", maxSplits: Self.linesMax, omittingEmptySubsequences: false).map { Self.withoutEnd($0) }
        guard let (cut, begin) = Self.cut(all) else {
            lines = Array(all.prefix(Self.ownLinesMax))
            return
        }
        lines = Array(all[..<min(cut, Self.ownLinesMax)])
        original = Array(all[begin...])
    }

    var text: String { lines.joined(separator: "\n") }

    private static func withoutEnd(_ line: Substring) -> String {
        var line = line
        while line.utf8.last.map(ASCII.isSpace) == true { line.removeLast() }
        return String(line)
    }

    /// Where the notice ends and where the quoted header begins.
    private static func cut(_ lines: [String]) -> (cut: Int, begin: Int)? {
        var hasWords = false
        for (index, line) in lines.enumerated() {
            let bare = stripped(line)
            if bare.isEmpty { continue }
            if hasWords || index == 0, isMark(bare) {
                let begin = lines[(index + 1)...].firstIndex { !stripped($0).isEmpty } ?? lines.count
                // A long line is a paragraph that ends in the mark: it is the machine's own.
                return (bare.utf8.count > Self.markLineMax ? index + 1 : index, begin)
            }
            if hasWords, isHeaderStart(lines, index) { return (index, index) }
            hasWords = true
        }
        return nil
    }

    /// Small letters, without the rules drawn around it.
    private static func stripped(_ line: String) -> String {
        var bytes = Array(line.utf8.prefix(400)).map(ASCII.lower)[...]
        let drawn = Set("-=*_#~|:.> \t[]".utf8)
        while let first = bytes.first, drawn.contains(first) { bytes.removeFirst() }
        while let last = bytes.last, drawn.contains(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isMark(_ bare: String) -> Bool {
        let bytes = Array(bare.utf8)
        return marks.contains { Phrases.find($0, in: bytes) != nil } || whole.contains(bare)
    }

    /// A received line or a return path at the left margin begins a mail's header.
    private static func isHeaderStart(_ lines: [String], _ index: Int) -> Bool {
        let line = ASCII.lowercased(String(lines[index].prefix(20)))
        guard
            line.hasPrefix("received: ") || line.hasPrefix("return-path: ") || line.hasPrefix(">received: ")
                || line.hasPrefix("delivered-to: ")
        else { return false }
        return index + 1 < lines.count
    }

    /// Anywhere in the line.
    private static let marks: [[UInt8]] = [
        "is a copy of the message", "is a copy of your message", "is a copy of the original message", "original message follows",
        "header of the original message",
        "copy of the message header", "copy of the original message below", "message headers follow", "message header follows",
        "unsent message follows", "unsent message below",
        "start of returned message", "returned mail follows", "original message headers", "original mail info", "message text follows",
        "copy of the first part of the message",
        "original message as received", "your message reads (in part)", "lines of your original message follow",
        "lines of the message follow", "undelivered message you sent follows",
        "message content follows", "original message attached", "original message follows", "the original message was attached",
        "message body follows", "original message is attached",
        "the original message below", "message headers:", "原邮件", "原信件", "原始邮件", "原始郵件", "邮件原文", "mensaje original adjunto",
        "копия сообщения", "message header", "ursprüngliche nachricht",
        "the non-delivered message is attached", "original message details",
    ].map { Array($0.utf8) }
    /// The whole line.
    private static let whole: Set<String> = [
        "original message", "original message header", "returned message", "returned mail", "forwarded message", "unsent message",
        "message headers", "original mail", "original-message", "old message",
        "message headers", "undelivered message", "original message text",
    ]

    /// The quoted mail, as bytes a header reader takes.
    var originalBytes: [UInt8] {
        var bytes: [UInt8] = []
        for line in original.prefix(400) {
            let bare = line.hasPrefix(">") ? String(line.dropFirst(line.hasPrefix("> ") ? 2 : 1)) : line
            bytes += Array(bare.utf8) + [ASCII.lf]
        }
        return bytes
    }
}
