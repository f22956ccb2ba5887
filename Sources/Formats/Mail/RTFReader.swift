/// RTF as text, or as the HTML that Outlook hid in it ([MS-OXRTFEX] §2.1.3). Pictures, fonts and fields are left out.
struct RTFReader {
    static let depthMax = 500
    static let bytesMax = 16 << 20

    enum Result {
        case html(String)
        case text(String)
    }

    private struct State {
        /// A destination that nobody reads.
        var isHidden = false
        /// Inside `\*\htmltag`: raw HTML.
        var isTag = false
        /// Between `\htmlrtf` and `\htmlrtf0`: RTF that repeats the HTML.
        var isRepeat = false
        var isFontTable = false
        var unicodeSkip = 1
        var codepage = ""
    }

    private let bytes: [UInt8]
    private var state = State()
    private var stack: [State] = []
    private var out: [UInt8] = []
    /// Bytes of `codepage` that wait for the rest of a character.
    private var pending: [UInt8] = []
    private var fonts: [Int: String] = [:]
    private var font = 0
    private var documentCodepage = "cp1252"
    private var isHTML = false
    /// Characters behind `\u` that are its stand-in.
    private var toSkip = 0
    private var highSurrogate: UInt32?
    /// A group that begins with `\*` is a destination to ignore unless known.
    private var isStarred = false

    /// Nil when the bytes are no RTF.
    static func read(_ bytes: [UInt8]) -> Result? {
        guard bytes.starts(with: "{\\rtf".utf8) else { return nil }
        var reader = RTFReader(bytes)
        reader.run()
        let text = Charset.string(Charset.cleaned(reader.out))
        return reader.isHTML ? .html(text) : .text(text)
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
        state.codepage = documentCodepage
    }

    private mutating func run() {
        var i = 0
        while i < bytes.count, out.count < Self.bytesMax {
            switch bytes[i] {
            case 0x7B:
                if stack.count < Self.depthMax { stack.append(state) }
                isStarred = false
                i += 1
            case 0x7D:
                flush()
                if let outer = stack.popLast() { state = outer }
                i += 1
            case 0x5C: i = control(at: i + 1)
            case ASCII.cr, ASCII.lf: i += 1
            default:
                put(bytes[i])
                i += 1
            }
        }
        flush()
    }

    /// A control word or symbol behind a backslash; returns the place behind it.
    private mutating func control(at start: Int) -> Int {
        guard start < bytes.count else { return start }
        var i = start
        guard ASCII.isLetter(bytes[i]) else {
            switch bytes[i] {
            case 0x27:
                guard i + 2 < bytes.count, let high = ASCII.hexValue(bytes[i + 1]), let low = ASCII.hexValue(bytes[i + 2]) else {
                    return i + 1
                }
                put(high << 4 | low)
                return i + 3
            case 0x2A: isStarred = true
            case 0x7E: put(unicode: 0xA0)
            case 0x5F: put(unicode: 0x2D)
            case 0x2D: break
            case ASCII.lf, ASCII.cr: newLine()
            default: put(bytes[i])
            }
            return i + 1
        }
        while i < bytes.count, ASCII.isLetter(bytes[i]), i - start < 40 { i += 1 }
        let word = String(decoding: bytes[start..<i], as: UTF8.self)
        var number: Int?
        let digits = i
        if i < bytes.count, bytes[i] == 0x2D { i += 1 }
        while i < bytes.count, ASCII.isDigit(bytes[i]), i - digits < 11 { i += 1 }
        if i > digits { number = Int(String(decoding: bytes[digits..<i], as: UTF8.self)) }
        if i < bytes.count, bytes[i] == ASCII.space { i += 1 }
        if word == "bin" { return min(bytes.count, i + max(0, number ?? 0)) }
        apply(word, number)
        return i
    }

    private static let hidden: Set<String> = [
        "colortbl", "stylesheet", "info", "pict", "object", "header", "headerf", "headerl", "headerr", "footer", "footerf", "footerl",
        "footerr", "fldinst", "themedata", "datastore", "listtable", "listoverridetable", "rsidtbl", "generator", "xmlnstbl", "mmathPr",
        "latentstyles", "objdata", "nonshppict", "pntext", "bkmkstart", "bkmkend",
    ]
    private static let characters: [String: UInt32] = [
        "emdash": 0x2014, "endash": 0x2013, "lquote": 0x2018, "rquote": 0x2019, "ldblquote": 0x201C, "rdblquote": 0x201D, "bullet": 0x2022,
        "emspace": 0x2003, "enspace": 0x2002, "zwj": 0x200D, "zwnj": 0x200C,
    ]

    private mutating func apply(_ word: String, _ number: Int?) {
        let starred = isStarred
        isStarred = false
        switch word {
        case "fromhtml": isHTML = (number ?? 1) != 0
        case "htmltag":
            flush()
            state.isTag = isHTML
            state.isHidden = !isHTML
        case "mhtmltag": state.isHidden = true
        case "htmlrtf":
            flush()
            state.isRepeat = (number ?? 1) != 0
        case "ansicpg":
            if let number, number > 0 {
                documentCodepage = "cp\(number)"
                state.codepage = documentCodepage
            }
        case "fonttbl": state.isFontTable = true
        case "f":
            flush()
            font = number ?? 0
            if !state.isFontTable { state.codepage = fonts[font] ?? documentCodepage }
        case "fcharset": if state.isFontTable, let page = Self.codepage(number ?? 0) { fonts[font] = page }
        case "uc": state.unicodeSkip = min(max(0, number ?? 1), 10)
        case "u":
            if let number { put(unit: UInt32(truncatingIfNeeded: number) & 0xFFFF) }
            toSkip = state.unicodeSkip
        case "par", "line", "row", "sect", "page": newLine()
        case "tab", "cell": put(unicode: 9)
        default:
            if let character = Self.characters[word] {
                put(unicode: character)
            } else if starred || Self.hidden.contains(word) {
                flush()
                state.isHidden = true
            }
        }
    }

    private var isSilent: Bool { state.isHidden || state.isFontTable || isHTML && state.isRepeat && !state.isTag }

    private mutating func put(_ byte: UInt8) {
        if toSkip > 0 {
            toSkip -= 1
            return
        }
        if !isSilent { pending.append(byte) }
    }

    /// A UTF-16 unit; pairs come as two.
    private mutating func put(unit: UInt32) {
        if unit & 0xFC00 == 0xD800 {
            highSurrogate = unit
        } else if unit & 0xFC00 == 0xDC00, let high = highSurrogate {
            put(unicode: 0x10000 + (high & 0x3FF) << 10 + (unit & 0x3FF))
            highSurrogate = nil
        } else {
            put(unicode: unit)
        }
    }

    private mutating func put(unicode: UInt32) {
        flush()
        if !isSilent, let scalar = Unicode.Scalar(unicode) { out += Array(String(Character(scalar)).utf8) }
    }

    private mutating func newLine() {
        flush()
        if !isSilent { out.append(ASCII.lf) }
    }

    private mutating func flush() {
        guard !pending.isEmpty else { return }
        out += ByteScan.isASCII(pending) ? pending : Charset.decode(pending, label: state.codepage)
        pending.removeAll(keepingCapacity: true)
    }

    /// Windows' numbers of character sets.
    private static func codepage(_ charset: Int) -> String? {
        let pages = [
            0: 1252, 77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257,
            204: 1251, 222: 874, 238: 1250,
        ]
        return pages[charset].map { "cp\($0)" }
    }
}
