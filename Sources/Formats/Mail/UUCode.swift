/// Files that old mailers and newsreaders wrote straight into the text: uuencode (POSIX) and yEnc.
enum UUCode {
    static let filesMax = 200
    static let nameBytesMax = 300

    struct File {
        /// As written behind `begin` or `name=`; empty when nothing was.
        var name: String
        var bytes: [UInt8]
        /// Where it stood, with its first and last line.
        var range: Range<Int>
    }

    /// The first file, for a part whose transfer encoding is uuencode.
    static func firstFile(in text: ArraySlice<UInt8>) -> File? { files(in: text, max: 1).first }

    /// All files in a text, in order. A line that begins with "begin" and is followed by no data is text.
    static func files(in text: ArraySlice<UInt8>, max: Int = filesMax) -> [File] {
        guard ASCII.find("begin ", in: text) != nil || ASCII.find("=ybegin ", in: text) != nil else { return [] }
        var found: [File] = []
        var i = text.startIndex
        while i < text.endIndex, found.count < max {
            let line = TextLine(text, at: i)
            if let name = beginName(line.text), let file = uu(text, from: line.next, start: i, name: name) {
                found.append(file)
                i = file.range.upperBound
            } else if line.text.starts(with: "=ybegin ".utf8), let file = YEnc.file(text, header: line, start: i) {
                found.append(file)
                i = file.range.upperBound
            } else {
                i = line.next
            }
        }
        return found
    }

    /// `begin 644 name`: three or four octal digits, then the name.
    private static func beginName(_ line: ArraySlice<UInt8>) -> String? {
        guard line.starts(with: "begin ".utf8), line.count <= nameBytesMax else { return nil }
        let words = line.split(separator: ASCII.space, maxSplits: 2)
        guard words.count >= 2, (3...4).contains(words[1].count), words[1].allSatisfy({ $0 >= 0x30 && $0 <= 0x37 }) else { return nil }
        return words.count == 3 ? Charset.text(Array(ASCII.trim(words[2])), label: nil) : ""
    }

    private static func uu(_ text: ArraySlice<UInt8>, from data: Int, start: Int, name: String) -> File? {
        var out: [UInt8] = []
        var i = data
        var lines = 0
        while i < text.endIndex {
            let line = TextLine(text, at: i)
            if line.text.elementsEqual("end".utf8) {
                i = line.next
                break
            }
            guard let length = decodeLine(line.text, into: &out) else { break }  // cut off: what came is kept
            lines += 1
            i = line.next
            if length == 0 {
                let last = TextLine(text, at: i)
                if i < text.endIndex, ASCII.trim(last.text).elementsEqual("end".utf8) { i = last.next }
                break
            }
        }
        return lines > 0 ? File(name: name, bytes: out, range: start..<i) : nil
    }

    /// Appends a line's bytes. Nil when it is no line of uuencode; blanks at its end may be lost.
    private static func decodeLine(_ line: ArraySlice<UInt8>, into out: inout [UInt8]) -> Int? {
        guard let first = line.first else { return 0 }
        guard first >= 0x20, first <= 0x60 else { return nil }
        let length = Int((first - 0x20) & 0x3F)
        let digits = line.dropFirst()
        let needed = (length * 8 + 5) / 6
        guard digits.count <= (length + 2) / 3 * 4 + 2, digits.allSatisfy({ $0 >= 0x20 && $0 <= 0x60 }) else { return nil }
        guard digits.count >= needed || digits.count >= needed * 3 / 4 && digits.count > 0 || length == 0 else { return nil }
        var bits: UInt32 = 0
        var held = 0
        var left = length
        for index in 0..<max(needed, 0) {
            let at = digits.startIndex + index
            let byte = at < digits.endIndex ? digits[at] : ASCII.space
            bits = bits << 6 | UInt32((byte - 0x20) & 0x3F)
            held += 6
            if held >= 8, left > 0 {
                held -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
                left -= 1
            }
        }
        return length
    }
}

/// yEnc 1.3: bytes plus 42, with `=` before the four that a line may not hold.
enum YEnc {
    static func file(_ text: ArraySlice<UInt8>, header: TextLine, start: Int) -> UUCode.File? {
        guard ASCII.find(" size=", in: header.text) != nil, header.text.count <= 1000 else { return nil }
        var name = ""
        if let at = ASCII.find(" name=", in: header.text) {
            name = Charset.text(Array(ASCII.trim(header.text[(at + 6)...]).prefix(UUCode.nameBytesMax)), label: nil)
        }
        var out: [UInt8] = []
        var i = header.next
        while i < text.endIndex {
            let line = TextLine(text, at: i)
            i = line.next
            if line.text.starts(with: "=yend".utf8) { break }
            if line.text.starts(with: "=ypart ".utf8) { continue }
            var isEscaped = false
            for byte in line.text {
                if byte == 0x3D, !isEscaped {
                    isEscaped = true
                } else {
                    out.append(byte &- (isEscaped ? 106 : 42))
                    isEscaped = false
                }
            }
        }
        return out.isEmpty ? nil : UUCode.File(name: name, bytes: out, range: start..<i)
    }
}

/// One line of a slice, without its line end.
struct TextLine {
    let text: ArraySlice<UInt8>
    let next: Int

    init(_ bytes: ArraySlice<UInt8>, at start: Int) {
        let found = bytes.withUnsafeBufferPointer {
            ByteScan.find(ASCII.lf, in: $0, from: start - bytes.startIndex, to: $0.count)
        }
        let end = found.map { $0 + bytes.startIndex } ?? bytes.endIndex
        text = bytes[start..<(end > start && bytes[end - 1] == ASCII.cr ? end - 1 : end)]
        next = found == nil ? end : end + 1
    }
}
