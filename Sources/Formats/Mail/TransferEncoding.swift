/// Content-Transfer-Encoding (RFC 2045 §6) and the older ones that are still in the wild.
enum TransferEncoding: Sendable {
    /// 7bit, 8bit, binary, and what nobody knows: bytes as they are.
    case identity, base64, quotedPrintable, uuencode

    /// `"base64"`, `(comment) quoted-printable` and `base64; charset=x` are all in the wild.
    init(_ value: ArraySlice<UInt8>) {
        let value = value.prefix(200).map(ASCII.lower)
        self =
            if ASCII.find("base64", in: value) != nil {
                .base64
            } else if ASCII.find("quoted", in: value) != nil {
                .quotedPrintable
            } else if ASCII.find("uue", in: value) != nil {
                .uuencode
            } else {
                .identity
            }
    }

    func decode(_ bytes: ArraySlice<UInt8>, isText: Bool) -> [UInt8] {
        switch self {
        case .identity: Array(bytes)
        case .base64: Self.base64(bytes, isText: isText)
        case .quotedPrintable: QuotedPrintable.decode(bytes)
        case .uuencode: UUCode.firstFile(in: bytes)?.bytes ?? Array(bytes)
        }
    }

    /// What stands behind the padding is data only when it looks like it (some mailers encode piece by piece); else it is a footer that a
    /// mailing list wrote below. Text that is no base64 at all comes as it is: some mailers only claim to encode.
    private static func base64(_ bytes: ArraySlice<UInt8>, isText: Bool) -> [UInt8] {
        let end = footer(bytes)
        let data = bytes[..<end]
        if isText, !data.isEmpty {
            var wrong = 0
            for byte in data.prefix(mislabelledSample) where !Base64.isDigit(byte) && byte != 0x3D && byte != ASCII.cr && byte != ASCII.lf {
                wrong += 1
            }
            if wrong * 8 >= min(data.count, mislabelledSample) { return Array(bytes) }
        }
        let decoded = Base64.decode(data)
        return isText && end < bytes.endIndex ? decoded + bytes[end...] : decoded
    }
    private static let mislabelledSample = 2000

    /// Where a line begins, or goes on behind padding, that holds anything but digits. The end when none does.
    private static func footer(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.withUnsafeBufferPointer { b in
            guard let padding = ByteScan.find(0x3D, in: b, from: 0, to: b.count) else { return bytes.endIndex }
            var i = padding
            while i < b.count, b[i] == 0x3D { i += 1 }
            var blanks = i
            while blanks < b.count, ASCII.isSpace(b[blanks]) { blanks += 1 }
            let rest = b[blanks..<b.count]
            if rest.isEmpty { return bytes.endIndex }
            let isSameLine = !b[i..<blanks].contains(ASCII.lf)
            let isData = rest.allSatisfy { Base64.isDigit($0) || $0 == 0x3D || $0 == ASCII.lf || $0 == ASCII.cr }
            return isData && !(isSameLine && blanks > i) ? bytes.endIndex : bytes.startIndex + i
        }
    }
}

extension QuotedPrintable {
    /// RFC 2045 §6.7. Blanks before a line end go; what is no right escape stays as it is.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: text.count) { out, count in
            text.withUnsafeBufferPointer { b in
                var o = 0
                var i = 0
                while i < b.count {
                    let byte = b[i]
                    if byte == 0x3D {
                        if i + 2 < b.count, let high = ASCII.hexValue(b[i + 1]), let low = ASCII.hexValue(b[i + 2]) {
                            out[o] = high << 4 | low
                            o += 1
                            i += 3
                        } else if let next = softBreak(b, at: i + 1) {
                            i = next
                        } else {
                            out[o] = byte
                            o += 1
                            i += 1
                        }
                    } else if byte == ASCII.space || byte == ASCII.tab {
                        var end = i
                        while end < b.count, b[end] == ASCII.space || b[end] == ASCII.tab { end += 1 }
                        let isLineEnd =
                            end >= b.count || b[end] == ASCII.lf || b[end] == ASCII.cr && end + 1 < b.count && b[end + 1] == ASCII.lf
                        if isLineEnd, end < b.count {
                            i = end
                        } else {
                            while i < end {
                                out[o] = b[i]
                                o += 1
                                i += 1
                            }
                        }
                    } else {
                        out[o] = byte
                        o += 1
                        i += 1
                    }
                }
                count = o
            }
        }
    }

    /// Where the text goes on behind `=`, blanks and a line end, or the end of all.
    private static func softBreak(_ b: UnsafeBufferPointer<UInt8>, at start: Int) -> Int? {
        var i = start
        while i < b.count, b[i] == ASCII.space || b[i] == ASCII.tab { i += 1 }
        if i >= b.count { return i }
        if b[i] == ASCII.lf { return i + 1 }
        if b[i] == ASCII.cr { return i + 1 < b.count && b[i + 1] == ASCII.lf ? i + 2 : i + 1 }
        return nil
    }
}
