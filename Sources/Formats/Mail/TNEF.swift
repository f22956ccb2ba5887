/// winmail.dat ([MS-OXTNEF]): Outlook's own envelope, with the attachments and the formatted text of a mail inside.
struct TNEF {
    static let attributesMax = 10_000
    static let propertiesMax = 10_000
    static let attachmentsMax = 1000
    static let depthMax = 8
    /// Named in the stream, so that a small one cannot ask for much.
    static let valuesMax = 10_000

    struct Attachment {
        var name: String?
        var type: String?
        var contentID: String?
        var bytes: [UInt8] = []
        /// A message in it, in the same form.
        var message: TNEF?
    }

    var subject: String?
    var text: String?
    var html: [UInt8]?
    var htmlCharset: String?
    /// Decompressed.
    var rtf: [UInt8]?
    var attachments: [Attachment] = []
    private var codepage: UInt32 = 1252
    private var depth = 0

    static func isTNEF(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.starts(with: [0x78, 0x9F, 0x3E, 0x22]) }

    /// Nil when the bytes are no TNEF. What can be read of a broken stream is read.
    init?(_ bytes: ArraySlice<UInt8>) { self.init(bytes, depth: 0) }

    private init?(_ bytes: ArraySlice<UInt8>, depth: Int) {
        guard Self.isTNEF(bytes), depth < Self.depthMax else { return nil }
        self.depth = depth
        var reader = ByteReader(bytes)
        _ = reader.skip(6)  // the signature and a key that nothing uses
        var count = 0
        while count < Self.attributesMax, let level = reader.u8(), level == 1 || level == 2, let id = reader.u32(),
            let length = reader.u32()
        {
            count += 1
            let data = reader.takeUp(to: Int(length))
            read(id, data)
            if data.count < Int(length) { break }
            _ = reader.u16()  // checksum: wrong in the wild, and the transfer has its own
        }
        attachments.removeAll { $0.name == nil && $0.bytes.isEmpty && $0.message == nil }
    }

    private mutating func read(_ id: UInt32, _ data: ArraySlice<UInt8>) {
        switch id {
        case 0x0006_9007:  // attOemCodepage
            var reader = ByteReader(data)
            if let page = reader.u32(), page > 0 { codepage = page }
        case 0x0001_8004: subject = subject ?? string8(data)
        case 0x0002_800C: text = text ?? string8(data)
        case 0x0006_9003: readMessage(data)
        case 0x0006_9002:  // attAttachRenddata opens an attachment
            if attachments.count < Self.attachmentsMax { attachments.append(Attachment()) }
        case 0x0001_8010:
            let name = string8(data)
            change { $0.name = $0.name ?? name }
        case 0x0006_800F: change { $0.bytes = Array(data) }
        case 0x0006_9005: readAttachment(data)
        default: break
        }
    }

    /// A stream may begin its attachment without the attribute that opens one.
    private mutating func change(_ edit: (inout Attachment) -> Void) {
        if attachments.isEmpty { attachments.append(Attachment()) }
        edit(&attachments[attachments.count - 1])
    }

    private mutating func readMessage(_ data: ArraySlice<UInt8>) {
        for property in Self.properties(data) {
            switch property.id {
            case 0x3FDE: if let page = property.number { htmlCharset = "cp\(page)" }
            case 0x3FFD: if let page = property.number { codepage = page }
            default: break
            }
        }
        for property in Self.properties(data) {
            guard let value = property.values.first else { continue }
            switch property.id {
            case 0x0037: subject = string(property) ?? subject
            case 0x1000: text = string(property) ?? text
            case 0x1009: rtf = CompressedRTF.decompress(value)
            case 0x1013:
                if property.type == 0x1F {
                    html = Array(Charset.text(Array(value), label: "utf-16le").utf8)
                    htmlCharset = Charset.utf8
                } else {
                    html = Array(value)
                    while html?.last == 0 { html?.removeLast() }
                }
            default: break
            }
        }
    }

    private mutating func readAttachment(_ data: ArraySlice<UInt8>) {
        var long: String?
        var short: String?
        var display: String?
        for property in Self.properties(data) {
            switch property.id {
            case 0x3707: long = string(property)
            case 0x3704: short = string(property)
            case 0x3001: display = string(property)
            case 0x370E: if let type = string(property), !type.isEmpty { change { $0.type = ASCII.lowercased(type) } }
            case 0x3712: if let id = string(property), !id.isEmpty { change { $0.contentID = id } }
            case 0x3701:
                guard let value = property.values.first else { continue }
                // An object carries the identifier of its interface first.
                let content = property.type == 0x0D ? value.dropFirst(16) : value
                let inner = property.type == 0x0D ? TNEF(content, depth: depth + 1) : nil
                change {
                    $0.message = inner
                    $0.bytes = Array(content)
                }
            default: break
            }
        }
        let best = [long, short].compactMap { $0 }.first { !$0.isEmpty }
        change { $0.name = best ?? $0.name ?? display }
    }

    // MARK: texts

    private func string(_ property: Property) -> String? {
        guard let value = property.values.first else { return nil }
        if property.type == 0x1F { return Self.terminated(Charset.text(Array(value), label: "utf-16le")) }
        return property.type == 0x1E ? string8(value) : nil
    }

    private func string8(_ bytes: ArraySlice<UInt8>) -> String? {
        let bytes = bytes.prefix { $0 != 0 }
        return bytes.isEmpty ? nil : Charset.text(Array(bytes), label: "cp\(codepage)")
    }

    private static func terminated(_ text: String) -> String? { text.isEmpty ? nil : text }

    // MARK: properties

    struct Property {
        var id: UInt16
        var type: UInt16
        var values: [ArraySlice<UInt8>]
        var number: UInt32? {
            var reader = ByteReader(values.first ?? [])
            return reader.u32()
        }
    }

    /// [MS-OXTNEF] §2.1.3.3: every value is padded to four bytes.
    private static func properties(_ data: ArraySlice<UInt8>) -> [Property] {
        var found: [Property] = []
        var reader = ByteReader(data)
        guard let count = reader.u32() else { return [] }
        for _ in 0..<min(Int(count), propertiesMax) {
            guard let type = reader.u16(), let id = reader.u16() else { break }
            if id >= 0x8000, !skipName(&reader) { break }
            guard let values = values(&reader, type: type) else { break }
            found.append(Property(id: id, type: type & 0x0FFF, values: values))
        }
        return found
    }

    private static func skipName(_ reader: inout ByteReader) -> Bool {
        guard reader.skip(16), let kind = reader.u32(), let number = reader.u32() else { return false }
        if kind != 1 { return true }
        return reader.skip((Int(number) + 3) / 4 * 4)
    }

    private static func values(_ reader: inout ByteReader, type: UInt16) -> [ArraySlice<UInt8>]? {
        let isMany = type & 0x1000 != 0
        let base = type & 0x0FFF
        let size: Int
        switch base {
        case 0x01: size = 0
        case 0x02, 0x03, 0x04, 0x0A, 0x0B: size = 4
        case 0x05, 0x06, 0x07, 0x14, 0x40: size = 8
        case 0x48: size = 16
        case 0x0D, 0x1E, 0x1F, 0x102: size = -1
        default: return nil
        }
        var count = 1
        if isMany || size < 0 {
            guard let stated = reader.u32() else { return nil }
            count = min(Int(stated), valuesMax)
        }
        var out: [ArraySlice<UInt8>] = []
        for _ in 0..<count {
            if size >= 0 {
                guard let value = reader.take(size) else { return nil }
                out.append(value)
            } else {
                guard let length = reader.u32() else { return nil }
                let value = reader.takeUp(to: Int(length))
                out.append(value)
                if value.count < Int(length) { break }
                _ = reader.takeUp(to: (4 - Int(length) % 4) % 4)
            }
        }
        return out
    }
}

/// [MS-OXRTFCP]: the LZ77 that Outlook packs RTF with.
enum CompressedRTF {
    static let bytesMax = 64 << 20

    private static let dictionary = Array(
        ("{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbol"
            + "ArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx").utf8)

    /// Nil when it is neither packed nor plain RTF, or larger than the limit. A pair of bytes gives at most 17, so size is bounded anyhow.
    static func decompress(_ packed: ArraySlice<UInt8>) -> [UInt8]? {
        var reader = ByteReader(packed)
        guard reader.u32() != nil, let size = reader.u32(), let kind = reader.u32(), reader.u32() != nil, size <= bytesMax else {
            return nil
        }
        if kind == 0x414C_454D { return Array(reader.takeUp(to: Int(size))) }  // "MELA": not packed
        guard kind == 0x7546_5A4C else { return nil }  // "LZFu"
        var window = [UInt8](repeating: ASCII.space, count: 4096)
        for (index, byte) in dictionary.enumerated() { window[index] = byte }
        var write = dictionary.count
        var out: [UInt8] = []
        out.reserveCapacity(min(Int(size), packed.count * 9))
        func put(_ byte: UInt8) {
            out.append(byte)
            window[write] = byte
            write = (write + 1) & 4095
        }
        reading: while out.count < Int(size), let control = reader.u8() {
            for bit in 0..<8 where out.count < Int(size) {
                if control >> UInt8(bit) & 1 == 0 {
                    guard let byte = reader.u8() else { break reading }
                    put(byte)
                    continue
                }
                guard let high = reader.u8(), let low = reader.u8() else { break reading }
                let token = Int(high) << 8 | Int(low)
                let from = token >> 4
                if from == write { break reading }  // the end mark
                for step in 0..<((token & 15) + 2) where out.count < Int(size) { put(window[(from + step) & 4095]) }
            }
        }
        return out
    }
}
