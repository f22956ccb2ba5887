import Testing

@testable import Formats

@Suite struct TNEFTests {
    // MARK: writing streams

    private static func u16(_ value: Int) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8 & 255)] }
    private static func u32(_ value: Int) -> [UInt8] { u16(value & 0xFFFF) + u16(value >> 16 & 0xFFFF) }
    private static func attribute(_ level: UInt8, _ id: Int, _ data: [UInt8]) -> [UInt8] {
        [level] + u32(id) + u32(data.count) + data + [0, 0]
    }
    private static func variable(_ type: Int, _ id: Int, _ data: [UInt8]) -> [UInt8] {
        u16(type) + u16(id) + u32(1) + u32(data.count) + data + [UInt8](repeating: 0, count: (4 - data.count % 4) % 4)
    }
    private static func wide(_ text: String) -> [UInt8] { text.utf16.flatMap { u16(Int($0)) } + [0, 0] }
    private static func stream(_ attributes: [UInt8]...) -> [UInt8] { [0x78, 0x9F, 0x3E, 0x22, 0, 0] + attributes.flatMap { $0 } }
    private static func attachment(_ data: [UInt8], properties: [UInt8]...) -> [UInt8] {
        attribute(2, 0x69002, [1, 0]) + attribute(2, 0x6800F, data)
            + (properties.isEmpty ? [] : attribute(2, 0x69005, u32(properties.count) + properties.flatMap { $0 }))
    }

    private static func mail(_ tnef: [UInt8], text: String = "") -> [UInt8] {
        Array(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\(text)\n--b\nContent-Type: application/ms-tnef; name=winmail.dat\n".utf8)
            + Array("Content-Transfer-Encoding: base64\n\n".utf8) + Base64.encode(tnef, lineLength: 76) + Array("--b--\n".utf8)
    }

    // MARK: -

    @Test func `the files of a winmail dat are attachments, with their long names and ids, and the file itself is none`() throws {
        let tnef = Self.stream(
            Self.attachment(Array("%PDF-1".utf8), properties: Self.variable(0x1F, 0x3707, Self.wide("报价单.pdf"))),
            Self.attachment(
                Array("GIF89a".utf8), properties: Self.variable(0x1E, 0x3704, Array("A~1.GIF\0".utf8)),
                Self.variable(0x1E, 0x3712, Array("pic@x\0".utf8))))
        let mail = try MailParser.parse(Self.mail(tnef, text: "words"))
        #expect(mail.text == "words")
        #expect(mail.attachments.map(\.name) == ["报价单.pdf", "A~1.GIF"])
        #expect(mail.attachments.map(\.type) == ["application/pdf", "image/gif"])
        #expect(mail.attachments.map(\.contentID) == [nil, "pic@x"])
    }

    @Test func `the formatted text of a winmail dat is the mail's looks, and its words when it has no other`() throws {
        let html = Self.stream(
            Self.attribute(
                1, 0x69003,
                Self.u32(2) + Self.variable(0x102, 0x1013, Array("<b>gr\u{FC}n</b>".unicodeScalars.map { UInt8($0.value) }))
                    + Self.u16(3) + Self.u16(0x3FDE) + Self.u32(1252)))
        let alone = try MailParser.parse(Self.mail(html))
        #expect((alone.text, alone.html) == ("grün", "<b>grün</b>"))
        let beside = try MailParser.parse(Self.mail(html, text: "green"))
        #expect((beside.text, beside.html) == ("green", "<b>grün</b>"))
    }

    @Test func `a message inside a winmail dat gives its words and its files`() throws {
        let inner = Self.stream(
            Self.attribute(
                1, 0x69003,
                Self.u32(2) + Self.variable(0x1F, 0x0037, Self.wide("Lost parcel")) + Self.variable(0x1F, 0x1000, Self.wide("where is it"))),
            Self.attribute(2, 0x69002, [1, 0]), Self.attribute(2, 0x18010, Array("slip.txt\0".utf8)),
            Self.attribute(2, 0x6800F, Array("12".utf8)))
        let iid: [UInt8] = [7, 3, 2, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46]
        let tnef = Self.stream(Self.attachment([], properties: Self.variable(0x0D, 0x3701, iid + inner)))
        let mail = try MailParser.parse(Self.mail(tnef, text: "see below"))
        #expect(mail.attachments.map(\.name) == ["Lost parcel.txt", "slip.txt"])
        #expect(mail.attachments.first?.bytes == Array("where is it".utf8))
    }

    @Test func `packed RTF of the specification's own example is unpacked`() {
        // [MS-OXRTFCP] §4.1.1
        let packed: [UInt8] = [
            0x2D, 0x00, 0x00, 0x00, 0x2B, 0x00, 0x00, 0x00, 0x4C, 0x5A, 0x46, 0x75, 0xF1, 0xC5, 0xC7, 0xA7, 0x03, 0x00, 0x0A, 0x00, 0x72,
            0x63,
            0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0A, 0xF3, 0x20, 0x68, 0x65, 0x6C, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xB0, 0x6C,
            0x64,
            0x7D, 0x0A, 0x80, 0x0F, 0xA0,
        ]
        let text = CompressedRTF.decompress(packed[...]).map(Charset.string)
        #expect(text == "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n")
    }

    struct RTF: Sendable {
        var rtf: String
        var gives: String
        var isHTML = false
    }

    @Test(
        "RTF is read as text, or as the HTML in it",
        arguments: [
            RTF(
                rtf: #"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator X;}Hello\par\b World\b0\tab x\'e9\u8364?}"#,
                gives: "Hello\nWorld\txé€"),
            RTF(rtf: #"{\rtf1\ansi\ansicpg936\'c4\'e3\'ba\'c3}"#, gives: "你好"),
            RTF(rtf: #"{\rtf1{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset134 B;}}\f1\'c4\'e3\f0 ok}"#, gives: "你ok"),
            RTF(rtf: #"{\rtf1\u-10179?\u-8704?{\pict 0102}!}"#, gives: "😀!"),
            RTF(
                rtf:
                    #"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hi &{\*\htmltag84 <b>}there{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0}"#,
                gives: "<p>Hi &<b>there</b>", isHTML: true),
            RTF(rtf: #"{\rtf1 cut {\b off"#, gives: "cut off"),
        ])
    func rtf(test: RTF) {
        switch RTFReader.read(Array(test.rtf.utf8)) {
        case .html(let html): #expect(test.isHTML && html == test.gives, "\(html)")
        case .text(let text): #expect(!test.isHTML && text == test.gives, "\(text)")
        case nil: Issue.record("no RTF")
        }
    }

    // MARK: hostile streams

    @Test func `every beginning of a stream can be read`() {
        let whole = Self.stream(
            Self.attribute(1, 0x69003, Self.u32(1) + Self.variable(0x1F, 0x1000, Self.wide("text"))),
            Self.attachment(Array("x".utf8), properties: Self.variable(0x1F, 0x3707, Self.wide("name"))))
        for length in 0..<whole.count { _ = TNEF(whole[..<length]) }
        for place in 6..<whole.count {
            var broken = whole
            broken[place] ^= 0xFF
            _ = TNEF(broken[...])
        }
    }

    @Test func `a stream that promises millions of properties, values and bytes gets no memory for them`() throws {
        let promise = Self.u32(0xFFFF_FFFF) + Self.u16(0x101F) + Self.u16(0x3707) + Self.u32(0xFFFF_FFFF) + Self.u32(0xFFFF_FFFF)
        let tnef = Self.stream(Self.attachment([1], properties: promise), Self.attribute(1, 0x69003, promise))
        let mail = try MailParser.parse(Self.mail(tnef))
        #expect(mail.attachments.count == 1)
    }

    @Test func `streams inside streams end at a depth`() throws {
        let iid = [UInt8](repeating: 0, count: 16)
        var tnef = Self.stream(Self.attachment(Array("core".utf8)))
        for _ in 0..<200 { tnef = Self.stream(Self.attachment([], properties: Self.variable(0x0D, 0x3701, iid + tnef))) }
        let mail = try MailParser.parse(Self.mail(tnef))
        #expect(mail.attachments.count == 1, "what lies too deep stays packed")
    }

    @Test func `packed RTF that says it is four gigabytes is not believed`() {
        let head = Self.u32(20) + Self.u32(0xFFFF_FFF0) + Array("LZFu".utf8) + Self.u32(0)
        #expect(CompressedRTF.decompress((head + [0xFF, 0x00, 0x0F])[...]) == nil)
        let bomb = Self.u32(20) + Self.u32(60 << 20) + Array("LZFu".utf8) + Self.u32(0) + [UInt8](repeating: 0x0F, count: 10_000)
        #expect((CompressedRTF.decompress(bomb[...])?.count ?? 0) <= 10_000 * 9)
    }

    @Test func `braces without end are no recursion`() {
        let rtf = Array("{\\rtf1 ".utf8) + [UInt8](repeating: 0x7B, count: 1 << 20) + Array("x".utf8)
        #expect(RTFReader.read(rtf) != nil)
    }
}
