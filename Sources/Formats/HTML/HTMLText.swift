/// HTML of strangers: reduced to text, or made safe to show.
public enum HTMLText {
    /// Lines end in `\n`, paragraphs are parted by one empty line, links read `text (url)`, quotations begin with `> `.
    public static func text(_ html: String) -> String {
        var html = html
        return html.withUTF8 { text($0) }
    }

    static func text(_ html: UnsafeBufferPointer<UInt8>) -> String {
        let sink = TextSink()
        HTMLEvents.walk(html, into: sink)
        return sink.finished()
    }

    /// The words alone, on one line: what a title says.
    static func words(_ html: UnsafeBufferPointer<UInt8>) -> String {
        let sink = TextSink(showsLinks: false)
        HTMLEvents.walk(html, into: sink)
        return TextTrim.oneLine(sink.finished())
    }

    /// Keeps an allow-list of elements, attributes, styles and URL schemes. Remote images lose their `src` (kept as `data-remote-src`)
    /// unless `remoteImages`; `cid:` images stay; links open elsewhere without a referrer.
    public static func sanitised(_ html: String, remoteImages: Bool) -> String {
        let sink = SafeSink(remoteImages: remoteImages)
        HTMLEvents.walk(html, into: sink)
        return sink.finished()
    }

    /// Plain text as HTML that looks the same.
    static func escaped(_ text: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count + 16)
        escape(text.utf8, into: &out)
        return Charset.string(out)
    }

    static func escape(_ bytes: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        let special = isSpecial
        var from = 0
        for i in bytes.indices where special[Int(bytes[i])] {
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[from..<i]))
            escape(bytes[i], into: &out)
            from = i + 1
        }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[from...]))
    }

    static func escape(_ bytes: some Sequence<UInt8>, into out: inout [UInt8]) {
        for byte in bytes { escape(byte, into: &out) }
    }

    private static let isSpecial: [Bool] = (0..<256).map { byte in
        [0x26, 0x3C, 0x3E, 0x22, 0x27, 0x60, 127].contains(byte) || byte < 32 && byte != 9 && byte != 10 && byte != 13
    }

    private static func escape(_ byte: UInt8, into out: inout [UInt8]) {
        switch byte {
        case 0x26: out += "&amp;".utf8
        case 0x3C: out += "&lt;".utf8
        case 0x3E: out += "&gt;".utf8
        case 0x22: out += "&quot;".utf8
        case 0x27: out += "&#39;".utf8
        case 0x60: out += "&#96;".utf8
        case 0..<9, 11, 12, 14..<32, 127: break
        default: out.append(byte)
        }
    }
}
