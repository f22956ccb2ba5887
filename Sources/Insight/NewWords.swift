/// The words the author wrote this time: without quoted lines, the thread below, and the signature.
///
/// Line rules only, in one pass; a full quotation parser lives with the mail formats. When everything looks quoted the result is empty.
enum NewWords {
    /// An attribution may be folded over this many lines ("On Monday …\n… wrote:").
    private static let attributionLinesMax = 3
    /// Longer lines are prose, not an attribution or a header.
    private static let markerBytesMax = 400

    static func of(_ body: String) -> [UInt8] {
        of(Array(body.utf8))
    }

    static func of(_ body: [UInt8]) -> [UInt8] {
        let lines = body.split(separator: 0x0A, omittingEmptySubsequences: false)
        var kept: [UInt8] = []
        kept.reserveCapacity(body.count)
        var index = 0
        while index < lines.count {
            let line = trimmed(lines[index])
            if line.first == 0x3E {  // ">"
                index += 1
            } else if let count = attributionLength(lines, at: index) {
                // Answers below or between quoted lines are still new words.
                guard nextIsQuoted(lines, after: index + count) else { break }
                index += count
            } else if startsThread(lines, at: index, line) {
                break
            } else {
                if !isSentFrom(line) {
                    kept += lines[index]
                    kept.append(0x0A)
                }
                index += 1
            }
        }
        return kept
    }

    /// How many lines the attribution at `index` takes ("On … wrote:", "在…写道："), or nil.
    private static func attributionLength(_ lines: [ArraySlice<UInt8>], at index: Int) -> Int? {
        let first = trimmed(lines[index])
        guard !first.isEmpty, first.count <= markerBytesMax else { return nil }
        let opens = attributionStarts.contains { starts(first, with: $0) }
        for count in 1...(opens ? attributionLinesMax : 1) where index + count <= lines.count {
            let last = trimmed(lines[index + count - 1])
            guard attributionEnds.contains(where: { ends(last, with: $0) }) else { continue }
            // "She wrote:" is prose; an attribution names a date or an address.
            let whole = lines[index..<(index + count)].joined()
            if whole.contains(where: { $0 == 0x40 || (0x30...0x39).contains($0) }) { return count }
        }
        return nil
    }

    private static func nextIsQuoted(_ lines: [ArraySlice<UInt8>], after index: Int) -> Bool {
        lines.dropFirst(index).lazy.map(trimmed).first { !$0.isEmpty }?.first == 0x3E
    }

    private static func startsThread(_ lines: [ArraySlice<UInt8>], at index: Int, _ line: ArraySlice<UInt8>) -> Bool {
        guard !line.isEmpty, line.count <= markerBytesMax else { return false }
        if line.elementsEqual([0x2D, 0x2D]) { return true }  // "-- ", the signature mark (RFC 3676 §4.3)
        if line.count >= 20, line.allSatisfy({ $0 == 0x5F }) { return true }
        if line.starts(with: [0x2D, 0x2D, 0x2D]), threadTitles.contains(where: { contains(line, $0) }) { return true }
        guard headerStarts.contains(where: { starts(line, with: $0) }) else { return false }
        return lines.dropFirst(index + 1).prefix(4).contains { next in headerFollows.contains { starts(trimmed(next), with: $0) } }
    }

    private static func isSentFrom(_ line: ArraySlice<UInt8>) -> Bool {
        line.count <= 80 && sentFrom.contains { starts(line, with: $0) }
    }

    private static let attributionStarts = bytes(["on ", "am ", "le ", "el ", "il ", "em ", "在 ", "在", "于"])
    private static let attributionEnds = bytes([
        "wrote:", "writes:", "schrieb:", "a écrit :", "a écrit:", "escribió:", "ha scritto:", "escreveu:", "schreef:",
        "写道：", "写道:", "寫道：", "寫道:",
    ])
    private static let threadTitles = bytes(["original message", "forwarded message", "原始邮件", "原始郵件", "原邮件", "转发的邮件", "轉寄的郵件"])
    private static let headerStarts = bytes(["from:", "发件人:", "发件人：", "寄件者:", "寄件者：", "寄件人:", "寄件人：", "von:", "de :", "de:"])
    private static let headerFollows = bytes([
        "sent:", "date:", "to:", "subject:", "发送时间", "日期", "收件人", "主题", "寄件日期", "收件者", "主旨", "gesendet:", "envoyé", "enviado",
    ])
    private static let sentFrom = bytes(["sent from my ", "get outlook for ", "发自我的", "來自我的", "从我的", "發自我的"])

    private static func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x2A }  // "*From:*": bold in plain text
        var line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    private static func starts(_ line: ArraySlice<UInt8>, with mark: [UInt8]) -> Bool {
        line.count >= mark.count && zip(line, mark).allSatisfy { lower($0) == $1 }
    }

    private static func ends(_ line: ArraySlice<UInt8>, with mark: [UInt8]) -> Bool {
        line.count >= mark.count && zip(line.suffix(mark.count), mark).allSatisfy { lower($0) == $1 }
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ mark: [UInt8]) -> Bool {
        guard line.count >= mark.count else { return false }
        return (line.startIndex...(line.endIndex - mark.count)).contains { starts(line[$0...], with: mark) }
    }
}
